"""What a run is made of: readings of texts, and questions in arms, with budgets and seeds."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swe_sleep.config import Effort
from swe_sleep.errors import UsageError
from swe_sleep.evaluate.runs.records import Arm, Trial, key_of
from swe_sleep.evaluate.stateful import answering, reading
from swe_sleep.evaluate.stateful.answering import Budget, Sleep
from swe_sleep.evaluate.stateful.problems import Data, Query, id_of, older

ARMS = (Arm.ON, Arm.OFF, Arm.STALE, Arm.SHUFFLED)
"""`on`: the learned context stands in place of the text. `off`: the text. `stale`: what was learned
before the text's last sentence was there. `shuffled`: what was learned of another text."""


@dataclass(frozen=True, slots=True)
class Options:
    """`model` is everything that decides how the model answers, in a text."""

    arms: tuple[Arm, ...]
    budgets: tuple[Budget, ...]
    sleeps: tuple[Sleep, ...]
    seeds: tuple[int, ...]
    samples: int = 1
    """Of the arm `off` at the least budget, for pass@k."""
    with_context: bool = False
    """The text stands beside what was learned of it, not only in its absence."""
    foresee: int = 0
    """Questions that a model is asked to expect on each text; 0: it is not asked."""
    model: str = ""

    @property
    def least(self) -> Budget:
        return min(self.budgets, key=lambda budget: budget.place)


@dataclass(frozen=True, slots=True)
class Nap:
    """One reading of one text."""

    key: str
    text_id: str
    text: str
    effort: Effort | None
    number: int
    seed: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, to be answered once. `naps` are what its memory is made of."""

    key: str
    trial: Trial
    sample: int
    query: Query
    text: str
    budget: Budget
    naps: tuple[Nap, ...]

    @property
    def slept(self) -> str:
        """The key of the sleep, all its readings together."""
        return key_of(*(nap.key for nap in self.naps)) if self.naps else ""


def plan(data: Data, options: Options) -> list[Asked]:
    """Text by text, so that what is compared is done together. Raises UsageError."""
    if wrong := [arm for arm in options.arms if arm not in ARMS]:
        raise UsageError(f"texts have no arm {wrong[0]}.", f"There are: {', '.join(ARMS)}.")
    if Arm.SHUFFLED in options.arms and len(data.texts) < 2:
        raise UsageError("`shuffled` needs two texts.", "Leave it out of --arms.")
    found: list[Asked] = []
    drawn = {seed: others(list(data.texts), seed) for seed in options.seeds}
    by_text: dict[str, list[Query]] = {}
    for query in data.queries:
        by_text.setdefault(query.text_id, []).append(query)
    for text_id, queries in by_text.items():
        text = data.texts[text_id]
        for seed in options.seeds:
            read = {Arm.ON: text, Arm.STALE: older(text)}
            if Arm.SHUFFLED in options.arms:
                read[Arm.SHUFFLED] = data.texts[drawn[seed][text_id]]
            for query in queries:
                found += _of_query(query, text, read, seed, options)
    return found


def _of_query(
    query: Query, text: str, read: Mapping[Arm, str], seed: int, options: Options
) -> list[Asked]:
    found: list[Asked] = []
    for arm in options.arms:
        for budget in options.budgets:
            if arm is Arm.OFF:
                samples = options.samples if budget == options.least else 1
                for sample in range(samples):
                    found.append(_asked(query, text, arm, budget, None, (), seed, sample, options))
                continue
            for sleep in options.sleeps:
                naps = tuple(
                    nap(read[arm], sleep.effort, number, seed, options)
                    for number in range(1, sleep.readings + 1)
                )
                found.append(_asked(query, text, arm, budget, sleep, naps, seed, 0, options))
    return found


def _asked(
    query: Query,
    text: str,
    arm: Arm,
    budget: Budget,
    sleep: Sleep | None,
    naps: tuple[Nap, ...],
    seed: int,
    sample: int,
    options: Options,
) -> Asked:
    trial = Trial(query.query_id, arm, budget.name, sleep.name if sleep else "", seed)
    key = key_of(
        trial.task,
        trial.name,
        text,
        query.question,
        f"{query.right.value} {query.form}",
        answering.version(budget),
        str(sample),
        str(options.with_context and bool(naps)),
        options.model,
        *(each.key for each in naps),
    )
    return Asked(key, trial, sample, query, text, budget, naps)


def nap(text: str, effort: Effort | None, number: int, seed: int, options: Options) -> Nap:
    key = key_of(text, effort or "", str(number), str(seed), reading.version(), options.model)
    return Nap(key, id_of(text), text, effort, number, seed)


def others(texts: Sequence[str], seed: int) -> dict[str, str]:
    """For each text another, drawn by lot; none that is empty, as nothing is learned of it."""
    ordered = sorted(text for text in texts if text.strip())
    random.Random(f"placebo {seed}").shuffle(ordered)
    drawn = {one: ordered[(place + 1) % len(ordered)] for place, one in enumerate(ordered)}
    return {text: drawn.get(text, ordered[0] if ordered else text) for text in texts}
