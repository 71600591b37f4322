"""What an issue costs: `t * test + sleep / N`, and from which N on sleep pays.

N is how many issues share a sleep. `t` weighs work at test time, for which somebody waits, against
work at sleep time (Lin et al., 2025, section 5.3). Reading the notes again at every issue, and at
every turn of it, is part of what test time costs: they stand in the prompt, from a cache or not. So
nothing is charged twice, and nothing is free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from swe_sleep.evaluate.figures.grid import Grid, Key
from swe_sleep.evaluate.figures.statistics import (
    FEWEST,
    Chance,
    Interval,
    by_task,
    mean_of,
)
from swe_sleep.evaluate.figures.units import Unit
from swe_sleep.evaluate.runs.records import Result, Slept

WEIGHTS = (1, 10)
"""The values of t."""
SHARED = (1, 2, 5, 10, 20, 50, 100)
"""The values of N for which the cost is given."""


@dataclass(frozen=True, slots=True)
class BreakEven:
    """From which N on an issue costs less with the notes than without."""

    t: float
    pairs: int
    saved: float
    """Work at test time that the notes save an issue, not yet times t."""
    n: float | None
    """None where nothing is saved."""
    interval: Interval | None = None
    """None where there are too few pairs, or too few sleeps that took anything. The upper end is
    infinite where saving nothing cannot be ruled out, the lower one too where saving something
    can."""


@dataclass(frozen=True, slots=True)
class Cost:
    """In one unit, of one arm with its budgets. Means over the tasks, seeds averaged first."""

    unit: Unit
    test: float | None
    sleeps: int
    """Sleeps that the arm's trials used."""
    sleep_total: float | None
    sleep_each: float | None
    shared_by: float | None
    """Issues that shared a sleep, on average."""
    unknown: int
    """Trials and sleeps whose cost is not known; they are in no mean."""
    per_issue: Mapping[int, float | None]
    """By t, for the N that really shared each sleep."""
    curve: Mapping[int, Mapping[int, float]]
    """By t, by N: were each sleep shared by N issues."""
    break_even: tuple[BreakEven, ...] = ()


class Costs:
    """The costs of a group's trials."""

    def __init__(self, grid: Grid, sleeps: Mapping[str, Slept], chance: Chance) -> None:
        self._grid = grid
        self._sleeps = sleeps
        self._chance = chance

    def sharers(self, key: Key) -> dict[str, set[str]]:
        """By sleep, the tasks that share it."""
        found: dict[str, set[str]] = {}
        for task, seeds in self._grid.tasks(key).items():
            for result in seeds.values():
                if result.slept:
                    found.setdefault(result.slept, set()).add(task)
        return found

    def slept(self, sleep: str, unit: Unit) -> float | None:
        found = self._sleeps.get(sleep)
        return None if found is None else unit.of(found.usage)

    def issue(self, key: Key, unit: Unit, t: int) -> dict[str, list[float | None]]:
        """Of every task, by seed, `t * test + sleep / N`."""
        sharers = self.sharers(key)

        def cost(result: Result) -> float | None:
            test = unit.of(result.usage)
            if not result.slept or test is None:
                return None if test is None else t * test
            asleep = self.slept(result.slept, unit)
            return None if asleep is None else t * test + asleep / len(sharers[result.slept])

        return self._grid.measured(key, cost)

    def of(self, key: Key, unit: Unit) -> Cost:
        """Everything in one unit."""
        tests = self._grid.measured(key, lambda result: unit.of(result.usage))
        sharers = self.sharers(key)
        slept = {sleep: self.slept(sleep, unit) for sleep in sharers}
        known = [each for each in slept.values() if each is not None]
        whole = len(known) == len(slept)
        test = mean_of(list(by_task(tests).values()))
        each = mean_of(known) if known else (0.0 if not slept else None)
        return Cost(
            unit=unit,
            test=test,
            sleeps=len(slept),
            sleep_total=sum(known) if whole else None,
            sleep_each=each,
            shared_by=mean_of([len(tasks) for tasks in sharers.values()]),
            unknown=sum(value is None for values in tests.values() for value in values)
            + len(slept)
            - len(known),
            per_issue={
                t: mean_of(list(by_task(self.issue(key, unit, t)).values())) for t in WEIGHTS
            },
            curve={
                t: {n: t * test + each / n for n in SHARED}
                for t in WEIGHTS
                if test is not None and each is not None
            },
            break_even=self._break_even(key, unit) if slept else (),
        )

    def _break_even(self, key: Key, unit: Unit) -> tuple[BreakEven, ...]:
        off = self._grid.off(key)
        if off is None:
            return ()
        sharers = self.sharers(key)

        def weight(result: Result) -> float:
            return 1 / len(sharers[result.slept]) if result.slept else 0.0

        mine, others = self._grid.tasks(key), self._grid.tasks(off)
        saved, sleeps, weights = [], [], []
        for task in mine:
            both = mine[task].keys() & others.get(task, {}).keys()
            differences, priced = [], []
            for seed in sorted(both):
                with_notes, without = mine[task][seed], others[task][seed]
                spent, before = unit.of(with_notes.usage), unit.of(without.usage)
                asleep = self.slept(with_notes.slept, unit)
                if spent is None or before is None or asleep is None:
                    continue
                differences.append(before - spent)
                priced.append((asleep, weight(with_notes)))
            if differences:
                saved.append(sum(differences) / len(differences))
                weights.append(sum(part for _, part in priced))
                sleeps.append(sum(part * cost for cost, part in priced) / weights[-1])
        if not saved:
            return ()
        return tuple(break_even(t, saved, sleeps, weights, self._chance) for t in WEIGHTS)


def break_even(
    t: float,
    saved: Sequence[float],
    sleeps: Sequence[float],
    weights: Sequence[float],
    chance: Chance,
    clusters: Sequence[str] | None = None,
) -> BreakEven:
    """Of what each issue saves at test time, what the sleep took that it shares, and which part of
    it is its own. What is resampled is the reciprocal, the share of a sleep that one issue earns:
    it is finite where nothing is saved."""
    average = sum(saved) / len(saved)
    asleep = sum(cost * part for cost, part in zip(sleeps, weights, strict=True)) / sum(weights)
    found = asleep / (t * average) if average > 0 else None
    units = len(saved) if clusters is None else len(set(clusters))
    if units < FEWEST or max(saved) == min(saved):
        return BreakEven(t, len(saved), average, found)
    resampling = chance.resampling(len(saved) if clusters is None else clusters)
    spent = resampling.means(sleeps, weights)
    if not spent.all():  # so many sleeps took nothing that some resamples have no other
        return BreakEven(t, len(saved), average, found)
    earned = resampling.interval(t * resampling.means(saved) / spent)
    low, high = (1 / each if each > 0 else inf for each in (earned.high, earned.low))
    return BreakEven(t, len(saved), average, found, Interval(low, high))
