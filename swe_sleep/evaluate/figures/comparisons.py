"""Arms against each other, task by task, at the same budget and seed.

A pair is a task that both arms have a result of with the same seed; a task's seeds are averaged
first, and the task is what is resampled. A pair that a lost trial has broken is left out and
counted; whether tasks are resolved is also said with every lost trial counted as unresolved.

A difference is held for shown where its interval leaves 0 out and its p-value is at most 0.05,
corrected by Holm for all arms and budgets that are compared with `off`, or with `on`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from swe_sleep.evaluate.figures.costs import WEIGHTS, Costs
from swe_sleep.evaluate.figures.grid import Grid, Key
from swe_sleep.evaluate.figures.loaded import Group
from swe_sleep.evaluate.figures.statistics import (
    FEWEST,
    FEWEST_REPOSITORIES,
    Chance,
    Interval,
    holm,
    mcnemar,
    shown,
)
from swe_sleep.evaluate.figures.units import F1, RESOLVED, TURNS, Measure, Unit, of_unit
from swe_sleep.evaluate.runs.records import Arm

OTHER_NOTES = (Arm.BEHIND, Arm.STALE, Arm.SHUFFLED)
WITH_LOST = "resolved-with-lost"
MORE_IS_BETTER = (RESOLVED.name, WITH_LOST, F1.name)


class Verdict(StrEnum):
    MORE = "more"
    LESS = "less"
    NOT_SHOWN = "no difference shown"
    TOO_FEW = "too few pairs"


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one measure: the arm's mean less the other's."""

    measure: str
    title: str
    more_is_better: bool
    pairs: int
    left_out: int
    """Tasks that only one of the two has, or whose cost is not known."""
    mean: float
    against: float
    difference: float
    interval: Interval | None
    """Tasks resampled."""
    repositories: int
    by_repository: Interval | None
    """Repositories resampled, where there are at least five."""
    higher: int
    """Tasks where the arm has more; of yes and no, the discordant ones one way."""
    lower: int
    test: str
    p: float | None
    p_holm: float | None
    verdict: Verdict

    @property
    def shown(self) -> bool:
        return self.verdict in (Verdict.MORE, Verdict.LESS)

    @property
    def one_repository_only(self) -> bool:
        """Whether the difference is not shown where repositories are what is drawn."""
        return self.shown and self.by_repository is not None and self.by_repository.holds(0)


@dataclass(frozen=True, slots=True)
class Comparison:
    arm: Key
    against: Key
    differences: tuple[Difference, ...]

    @property
    def name(self) -> str:
        parts = (
            f"{self.arm.arm} - {self.against.arm}",
            self.arm.budget,
            self.arm.sleep and f"sleep {self.arm.sleep}",
        )
        return " · ".join(part for part in parts if part)

    def of(self, measure: str) -> Difference | None:
        return next((each for each in self.differences if each.measure == measure), None)


Shares = Mapping[str, Mapping[int, float | None]]
"""Of every task, by seed, what was measured."""


def compared(
    group: Group, grid: Grid, costs: Costs, units: Sequence[Unit], chance: Chance
) -> tuple[Comparison, ...]:
    """Every arm against `off`, and `on` against those that have other notes."""
    found = []
    for key, against in _pairs(grid):
        measures = _measures(grid, key, against, units)
        differences = [
            _difference(
                measure.name,
                measure.title,
                _values(grid, key, measure.of),
                _values(grid, against, measure.of),
                grid,
                chance,
            )
            for measure in measures
        ]
        with_lost = _with_lost(group, grid, key), _with_lost(group, grid, against)
        if any(trial in group.lost for each in (key, against) for trial in grid.planned[each]):
            title = "resolved, lost as unresolved"
            found_too = _difference(WITH_LOST, title, *with_lost, grid, chance)
            differences.insert(1, found_too)
        for t in WEIGHTS:
            title = f"cost an issue at t = {t}, {units[0].plural}"
            mine, other = (_costs(costs, grid, each, units[0], t) for each in (key, against))
            differences.append(_difference(f"cost-{t}", title, mine, other, grid, chance))
        kept = tuple(each for each in differences if each is not None)
        if kept:
            found.append(Comparison(key, against, kept))
    return tuple(_corrected(found))


def _pairs(grid: Grid) -> list[tuple[Key, Key]]:
    pairs = []
    for key in grid.cells:
        off = grid.off(key)
        if key.arm is not Arm.OFF and off is not None:
            pairs.append((key, off))
    for key in grid.cells:
        if key.arm is Arm.ON:
            others = (Key(arm, key.budget, key.sleep) for arm in OTHER_NOTES)
            pairs += [(key, other) for other in others if grid.tasks(other)]
    return sorted(pairs, key=lambda pair: (pair[1].arm is not Arm.OFF, pair[1].arm))


def _measures(grid: Grid, key: Key, against: Key, units: Sequence[Unit]) -> list[Measure]:
    results = [
        result
        for each in (key, against)
        for seeds in grid.tasks(each).values()
        for result in seeds.values()
    ]
    measures = [RESOLVED]
    if any(result.f1 is not None for result in results):
        measures.append(F1)
    if any(result.usage.turns for result in results):
        measures.append(TURNS)
    return measures + [of_unit(unit) for unit in units]


def _values(grid: Grid, key: Key, of: Callable[..., float | None]) -> Shares:
    return {
        task: {seed: of(result) for seed, result in seeds.items()}
        for task, seeds in grid.tasks(key).items()
    }


def _costs(costs: Costs, grid: Grid, key: Key, unit: Unit, t: int) -> Shares:
    found = costs.issue(key, unit, t)
    return {
        task: dict(zip(seeds, found[task], strict=True)) for task, seeds in grid.tasks(key).items()
    }


def _with_lost(group: Group, grid: Grid, key: Key) -> Shares:
    shares: dict[str, dict[int, float | None]] = {}
    for trial in grid.planned[key]:
        if trial in group.results or trial in group.lost:
            result = group.results.get(trial)
            right = result is not None and result.resolved
            shares.setdefault(trial.task, {})[trial.seed] = float(right)
    return shares


def _difference(
    measure: str, title: str, mine: Shares, others: Shares, grid: Grid, chance: Chance
) -> Difference | None:
    """None where there is no pair at all."""
    pairs: dict[str, tuple[float, float]] = {}
    for task in mine:
        both = [
            (value, other)
            for seed in sorted(mine[task].keys() & others.get(task, {}).keys())
            if (value := mine[task][seed]) is not None and (other := others[task][seed]) is not None
        ]
        if both:
            size = len(both)
            pairs[task] = sum(a for a, _ in both) / size, sum(b for _, b in both) / size
    if not pairs:
        return None
    differences = [a - b for a, b in pairs.values()]
    repositories = [grid.repositories.get(task, task) for task in pairs]
    higher, lower = sum(each > 0 for each in differences), sum(each < 0 for each in differences)
    enough = len(pairs) >= FEWEST
    binary = measure in (RESOLVED.name, WITH_LOST)
    several = any(len(seeds) > 1 for seeds in mine.values())
    if binary:
        test = "exact sign test over the tasks" if several else "exact McNemar"
        p = mcnemar(higher, lower)
        interval = chance.gain_interval(differences)
    else:
        test = "sign flips"
        p = chance.sign_flips(differences)
        interval = chance.mean_interval(differences)
    spread = len(set(repositories)) >= FEWEST_REPOSITORIES
    return Difference(
        measure=measure,
        title=title,
        more_is_better=measure in MORE_IS_BETTER,
        pairs=len(pairs),
        left_out=len((mine.keys() | others.keys()) - pairs.keys()),
        mean=sum(a for a, _ in pairs.values()) / len(pairs),
        against=sum(b for _, b in pairs.values()) / len(pairs),
        difference=sum(differences) / len(pairs),
        interval=interval,
        repositories=len(set(repositories)),
        by_repository=chance.mean_interval(differences, repositories) if spread else None,
        higher=higher,
        lower=lower,
        test=test,
        p=p if enough else None,
        p_holm=None,
        verdict=Verdict.NOT_SHOWN if enough else Verdict.TOO_FEW,
    )


def _corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """With Holm's correction over all that are compared with `off`, and over all with `on`."""

    def family(comparison: Comparison) -> bool:
        return comparison.against.arm is Arm.OFF

    judged: dict[tuple[str, str], float] = {}
    for _, members in groupby(sorted(comparisons, key=family), key=family):
        held = list(members)
        for measure in {each.measure for member in held for each in member.differences}:
            p_values = {
                f"{member.arm} {member.against}": found.p
                for member in held
                if (found := member.of(measure)) is not None and found.p is not None
            }
            judged |= {(name, measure): p for name, p in holm(p_values).items()}
    return [
        dataclasses.replace(
            each,
            differences=tuple(
                _judged(found, judged.get((f"{each.arm} {each.against}", found.measure)))
                for found in each.differences
            ),
        )
        for each in comparisons
    ]


def _judged(found: Difference, p: float | None) -> Difference:
    if p is None:
        return found
    verdict = Verdict.NOT_SHOWN
    if shown(found.interval, p):
        verdict = Verdict.MORE if found.difference > 0 else Verdict.LESS
    return dataclasses.replace(found, p_holm=p, verdict=verdict)
