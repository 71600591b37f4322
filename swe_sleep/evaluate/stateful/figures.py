"""The figures of a run on texts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swe_sleep.evaluate.figures.fifths import GROUPS, divided, trend
from swe_sleep.evaluate.figures.statistics import Chance, Interval, wilson
from swe_sleep.evaluate.runs.records import Arm, Slept
from swe_sleep.evaluate.stateful.costs import Cost, Measure, cost
from swe_sleep.evaluate.stateful.grid import Grid, Key
from swe_sleep.evaluate.stateful.pass_at import (
    EqualTokens,
    PassAt,
    at_equal_tokens,
    gathered,
    pass_at,
)
from swe_sleep.evaluate.stateful.plan import Options
from swe_sleep.evaluate.stateful.problems import Data
from swe_sleep.evaluate.stateful.records import Answered
from swe_sleep.evaluate.stateful.verdicts import corrected, verdict
from swe_sleep.records import Usage


@dataclass(frozen=True, slots=True)
class Row:
    """One arm with its budgets. Tokens, money and seconds are means of a question."""

    key: Key
    queries: int
    answers: int
    accuracy: float | None
    interval: Interval | None
    unanswered: int
    """Replies without an answer; they count as wrong."""
    bare: int
    """Answers for which nothing had been noted, so that the text itself was given."""
    input_tokens: float | None
    cached_tokens: float | None
    cache_write_tokens: float | None
    output_tokens: float | None
    usd: float | None
    seconds: float | None
    memory_chars: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more often one arm is right than another, on the same questions."""

    key: Key
    against: Key
    pairs: int
    difference: float
    interval: Interval | None
    better: int
    worse: int
    p: float | None
    p_holm: float | None = None

    @property
    def verdict(self) -> str:
        return verdict(self.pairs, self.difference, self.interval, self.p_holm)


@dataclass(frozen=True, slots=True)
class Fifth:
    low: float
    high: float
    queries: int
    on: float
    off: float
    gain: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Predictability:
    """Gain by how well the question was foreseen, least first. Equal values stay together."""

    source: str
    """"data": what the data say; "memory": how much of the question the memory covers;
    "expected": its place in the list of expected questions."""
    key: Key
    fifths: tuple[Fifth, ...]
    trend: float | None
    p: float | None
    """None also where questions share texts: they are not independent of each other."""


@dataclass(frozen=True, slots=True)
class Sleeping:
    """What the sleeps of one arm and budget took, a text."""

    key: Key
    texts: int
    usage: Usage
    """In all."""
    tokens: float
    generated: float
    usd: float | None
    empty: int
    """Sleeps that wrote nothing."""


@dataclass(frozen=True, slots=True)
class Figures:
    rows: tuple[Row, ...]
    sleeps: tuple[Sleeping, ...]
    differences: tuple[Difference, ...]
    costs: tuple[Cost, ...]
    pass_at: tuple[PassAt, ...]
    equal_tokens: tuple[EqualTokens, ...]
    predictability: tuple[Predictability, ...]


def figures(
    data: Data,
    answers: Sequence[Answered],
    sleeps: Mapping[str, Slept],
    options: Options,
    *,
    weights: tuple[float, ...] = (1.0, 10.0),
    seed: int = 0,
) -> Figures:
    """Of what is answered so far. Raises UsageError where the extra `eval` is not installed."""
    chance = Chance(seed)
    grid = Grid.of(answers, _keys(options))
    with_notes = [key for key, cell in grid.cells.items() if key.arm is not Arm.OFF and cell]
    samples = gathered(answers, options.least.name) if options.samples > 1 else {}
    off = Key(Arm.OFF, options.least.name, "")
    return Figures(
        rows=tuple(_row(key, grid, chance) for key, cell in grid.cells.items() if cell),
        sleeps=tuple(_slept(key, grid, sleeps) for key in with_notes if _first(key, options)),
        differences=_differences(grid, chance),
        costs=tuple(
            found
            for measure in Measure
            for key in with_notes
            if (found := cost(grid, sleeps, key, measure, weights, chance)) is not None
        ),
        pass_at=tuple(pass_at(off, samples, grid, chance)) if samples else (),
        equal_tokens=tuple(
            equal
            for measure in (Measure.TOKENS, Measure.GENERATED)
            for equal in at_equal_tokens(with_notes, measure, samples, grid, chance)
        ),
        predictability=tuple(_predictability(data, grid, options, chance)),
    )


def _keys(options: Options) -> list[Key]:
    return [
        Key(arm, budget.name, sleep)
        for arm in options.arms
        for sleep in (("",) if arm is Arm.OFF else [each.name for each in options.sleeps])
        for budget in options.budgets
    ]


def _first(key: Key, options: Options) -> bool:
    """All budgets share the sleeps of an arm."""
    return key.budget == options.budgets[0].name


def _row(key: Key, grid: Grid, chance: Chance) -> Row:
    answers = [each for seeds in grid.cells[key].values() for each in seeds]
    right = grid.means(key, lambda each: float(each.right))
    texts = len({grid.texts[query] for query in right})
    total = math.fsum(right.values())
    # where all are right, or none is, resampling says nothing; a text counts once
    interval = grid.interval(right, chance) if texts < len(right) else None
    if interval is None and right:
        interval = wilson(total / len(right) * texts, texts)
    return Row(
        key=key,
        queries=len(right),
        answers=len(answers),
        accuracy=total / len(right) if right else None,
        interval=interval,
        unanswered=sum(bool(each.why) for each in answers),
        bare=sum(each.bare for each in answers),
        input_tokens=grid.mean(key, lambda each: each.usage.input_tokens),
        cached_tokens=grid.mean(key, lambda each: each.usage.cache_read_tokens),
        cache_write_tokens=grid.mean(key, lambda each: each.usage.cache_write_tokens),
        output_tokens=grid.mean(key, lambda each: each.usage.output_tokens),
        usd=grid.mean(key, lambda each: each.usage.cost_usd),
        seconds=grid.mean(key, lambda each: each.usage.wall_s),
        memory_chars=grid.mean(key, lambda each: each.memory_chars),
    )


def _slept(key: Key, grid: Grid, sleeps: Mapping[str, Slept]) -> Sleeping:
    names = dict.fromkeys(each.slept for seeds in grid.cells[key].values() for each in seeds)
    known = [sleeps[name] for name in names if name in sleeps]
    usage = Usage.total(each.usage for each in known)
    count = max(1, len(known))
    cost_usd = None if usage.cost_usd is None else usage.cost_usd / count
    return Sleeping(
        key,
        len(known),
        usage,
        usage.tokens / count,
        usage.output_tokens / count,
        cost_usd,
        sum(not each.notes for each in known),
    )


def _differences(grid: Grid, chance: Chance) -> tuple[Difference, ...]:
    """Each arm against `off` at the same budget, and `on` against the placebos; corrected together,
    by Holm, for there being several against the same arm."""
    pairs: list[tuple[Key, Key]] = []
    for key in grid.cells:
        if key.arm is not Arm.OFF:
            pairs.append((key, Key(Arm.OFF, key.budget, "")))
        if key.arm is Arm.ON:
            pairs += [(key, Key(arm, *key[1:])) for arm in (Arm.SHUFFLED, Arm.STALE)]
    found = [each for pair in pairs if (each := _difference(*pair, grid, chance)) is not None]
    off = [each for each in found if each.against.arm is Arm.OFF]
    others = [each for each in found if each.against.arm is not Arm.OFF]
    return (*corrected(off), *corrected(others))


def _difference(key: Key, against: Key, grid: Grid, chance: Chance) -> Difference | None:
    pairs = grid.pairs(key, against)
    if not pairs:
        return None
    differences = {query: one - other for query, (one, other) in pairs.items()}
    return Difference(
        key,
        against,
        len(pairs),
        math.fsum(differences.values()) / len(pairs),
        grid.gain_interval(differences, chance),
        sum(each > 0 for each in differences.values()),
        sum(each < 0 for each in differences.values()),
        grid.p_value(pairs, chance),
    )


def _predictability(
    data: Data, grid: Grid, options: Options, chance: Chance
) -> list[Predictability]:
    """At the least budget, as in the paper, with the first sleep."""
    if not {Arm.ON, Arm.OFF} <= set(options.arms):
        return []
    key = Key(Arm.ON, options.least.name, options.sleeps[0].name)
    off = Key(Arm.OFF, options.least.name, "")
    pairs = grid.pairs(key, off)
    said = {q.query_id: q.predictability for q in data.queries if q.predictability is not None}
    covered = grid.means(key, lambda each: each.covered)
    sources: dict[str, Mapping[str, float]] = {"data": said, "memory": covered}
    if options.foresee:
        sources["expected"] = grid.means(
            key,
            lambda each: (1 / each.foreseen if each.foreseen else 0) + each.foreseen_score / 1e4,
        )
    found = []
    for source, values in sources.items():
        known = {query: value for query, value in values.items() if query in pairs}
        if len(known) >= GROUPS:
            gains = [pairs[query][0] - pairs[query][1] for query in known]
            over, p = trend([*known.values()], gains)
            fifths = tuple(_fifth(each, known, pairs, grid, chance) for each in divided(known))
            sure = grid.clusters(known) is None
            found.append(Predictability(source, key, fifths, over, p if sure else None))
    return found


def _fifth(
    queries: Sequence[str],
    values: Mapping[str, float],
    pairs: Mapping[str, tuple[float, float]],
    grid: Grid,
    chance: Chance,
) -> Fifth:
    gains = {query: pairs[query][0] - pairs[query][1] for query in queries}
    count = len(queries)
    return Fifth(
        min(values[query] for query in queries),
        max(values[query] for query in queries),
        count,
        math.fsum(pairs[query][0] for query in queries) / count,
        math.fsum(pairs[query][1] for query in queries) / count,
        math.fsum(gains.values()) / count,
        grid.gain_interval(gains, chance),
    )
