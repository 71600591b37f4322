"""Gain by predictability: whether notes help more where sleep had foreseen the issue.

The paper ranks queries by how likely a language model holds them given the context (Lin et al.,
2025, section 5.4). Here sleep ranks functions in which it expects an issue, before any text is
known, and a task's rank is the place of the first one that the fix touches; of a text, it is that
of the expected question which is like the one asked. Tasks are put into fifths by this rank, best
expected first; equal ranks stay together, so there may be fewer groups; what was not expected at
all is one group, in the place of as many fifths as it fills.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low

from swe_sleep.evaluate.figures.fifths import GROUPS, divided, trend
from swe_sleep.evaluate.figures.grid import Grid, Key, Seeds
from swe_sleep.evaluate.figures.statistics import Chance, Interval, mean_of
from swe_sleep.evaluate.figures.units import Unit
from swe_sleep.evaluate.runs.records import Arm, Result

_LAST = 2**53


@dataclass(frozen=True, slots=True)
class Fifth:
    """Tasks that were about as well expected."""

    ranks: tuple[int, int] | None
    """From, to; None: not expected."""
    tasks: tuple[str, ...]
    on: float
    """The share resolved with notes."""
    off: float
    gain: float
    interval: Interval | None
    cost_on: float | None
    """At test time, a task, in the unit of the figures."""
    cost_off: float | None

    @property
    def name(self) -> str:
        if self.ranks is None:
            return "not expected"
        low, high = self.ranks
        return f"rank {low}" if low == high else f"ranks {low} to {high}"


@dataclass(frozen=True, slots=True)
class Predictability:
    key: Key
    unit: Unit
    fifths: tuple[Fifth, ...]
    by_function: bool
    """Whether functions were ranked; else what was anticipated."""
    expected: int
    """Tasks that have a rank."""
    foreseen: int
    """Tasks of which an anticipated issue was about the same."""
    tasks: int
    trend: float | None
    """Over the tasks, above 0 where the better expected gain more."""
    trend_p: float | None


def predictability(grid: Grid, unit: Unit, chance: Chance) -> tuple[Predictability, ...]:
    """Of the arm `on`, with every budget at which `off` was run too, where sleep said what it
    expected."""
    found = []
    for key in grid.cells:
        off = grid.off(key)
        if key.arm is not Arm.ON or off is None:
            continue
        others = grid.tasks(off)
        mine = {
            task: seeds
            for task, seeds in grid.tasks(key).items()
            if seeds.keys() & others.get(task, {}).keys()
        }
        results = [result for seeds in mine.values() for result in seeds.values()]
        by_function = any(result.expected_of for result in results)
        if not by_function and not any(result.foreseen_of for result in results):
            continue
        foreseen = {
            task: _middle(seeds, lambda each: each.foreseen) for task, seeds in mine.items()
        }
        ranks = foreseen
        if by_function:
            ranks = {
                task: _middle(seeds, lambda each: each.expected) for task, seeds in mine.items()
            }
        places = [-float(_LAST if rank is None else rank) for rank in ranks.values()]
        shares = [_shares(grid, key, off, task) for task in ranks]
        over = trend(places, [with_notes - without for with_notes, without in shares])
        found.append(
            Predictability(
                key,
                unit,
                tuple(_fifth(each, ranks, grid, key, off, unit, chance) for each in groups(ranks)),
                by_function,
                _known(ranks),
                _known(foreseen),
                len(ranks),
                *over,
            )
        )
    return tuple(found)


def _known(ranks: Mapping[str, int | None]) -> int:
    return sum(rank is not None for rank in ranks.values())


def groups(ranks: Mapping[str, int | None]) -> list[list[str]]:
    """The tasks in at most five groups, best expected first, about equally large."""
    expected = {task: float(rank) for task, rank in ranks.items() if rank is not None}
    missed = sorted(ranks.keys() - expected.keys())
    if not missed:
        return divided(expected)
    parts = max(1, min(GROUPS - 1, GROUPS - round(GROUPS * len(missed) / len(ranks))))
    return [*divided(expected, parts), missed]


def _shares(grid: Grid, key: Key, off: Key, task: str) -> tuple[float, float]:
    """Of the common seeds, how many were resolved with notes, and how many without."""
    mine, others = grid.tasks(key)[task], grid.tasks(off)[task]
    both = mine.keys() & others.keys()
    return (
        sum(mine[each].resolved for each in both) / len(both),
        sum(others[each].resolved for each in both) / len(both),
    )


def _middle(seeds: Seeds, rank_of: Callable[[Result], int | None]) -> int | None:
    """The lower median over the seeds; one without a rank counts as last."""
    ranks = (rank_of(result) for result in seeds.values())
    rank = median_low(_LAST if each is None else each for each in ranks)
    return None if rank == _LAST else rank


def _fifth(
    tasks: Sequence[str],
    ranks: Mapping[str, int | None],
    grid: Grid,
    key: Key,
    off: Key,
    unit: Unit,
    chance: Chance,
) -> Fifth:
    on_costs, off_costs = [], []
    for task in tasks:
        mine, others = grid.tasks(key)[task], grid.tasks(off)[task]
        both = sorted(mine.keys() & others.keys())
        on_costs += [unit.of(mine[each].usage) for each in both]
        off_costs += [unit.of(others[each].usage) for each in both]
    shares = [_shares(grid, key, off, task) for task in tasks]
    gains = [with_notes - without for with_notes, without in shares]
    held = [rank for task in tasks if (rank := ranks[task]) is not None]
    return Fifth(
        ranks=(min(held), max(held)) if held else None,
        tasks=tuple(tasks),
        on=sum(with_notes for with_notes, _ in shares) / len(tasks),
        off=sum(without for _, without in shares) / len(tasks),
        gain=sum(gains) / len(tasks),
        interval=chance.gain_interval(gains),
        cost_on=_mean(on_costs),
        cost_off=_mean(off_costs),
    )


def _mean(costs: Sequence[float | None]) -> float | None:
    known = [each for each in costs if each is not None]
    return mean_of(known) if len(known) == len(costs) else None
