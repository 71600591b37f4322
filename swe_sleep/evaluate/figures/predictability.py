"""Gain by predictability: whether notes help more where sleep had foreseen the issue.

The paper ranks queries by how likely a language model holds them given the context (Lin et al.,
2025, section 5.4). Here sleep ranks the issues that it anticipates, and a task's rank is that of
the one that matches it best. Tasks are put into fifths by this rank, best foreseen first; equal
ranks stay together, so there may be fewer groups; issues that were not foreseen are one group, in
the place of as many fifths as they fill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low

from swe_sleep.evaluate.figures.fifths import GROUPS, divided, trend
from swe_sleep.evaluate.figures.grid import Grid, Key, Seeds
from swe_sleep.evaluate.figures.statistics import Chance, Interval
from swe_sleep.evaluate.figures.units import Unit
from swe_sleep.evaluate.runs.records import Arm

_LAST = 2**53


@dataclass(frozen=True, slots=True)
class Fifth:
    """Tasks that were about as well foreseen."""

    ranks: tuple[int, int] | None
    """From, to; None: not foreseen."""
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
            return "not foreseen"
        low, high = self.ranks
        return f"rank {low}" if low == high else f"ranks {low} to {high}"


@dataclass(frozen=True, slots=True)
class Predictability:
    key: Key
    unit: Unit
    fifths: tuple[Fifth, ...]
    foreseen: int
    tasks: int
    trend: float | None
    """Over the tasks, above 0 where the better foreseen gain more."""
    trend_p: float | None


def predictability(grid: Grid, unit: Unit, chance: Chance) -> tuple[Predictability, ...]:
    """Of the arm `on`, with every budget at which `off` was run too."""
    found = []
    for key in grid.cells:
        off = grid.off(key)
        if key.arm is not Arm.ON or off is None:
            continue
        ranks = {
            task: _rank(seeds)
            for task, seeds in grid.tasks(key).items()
            if seeds.keys() & grid.tasks(off).get(task, {}).keys()
        }
        if ranks:
            fifths = tuple(
                _fifth(tasks, ranks, grid, key, off, unit, chance) for tasks in groups(ranks)
            )
            foreseen = sum(rank is not None for rank in ranks.values())
            places = [-float(_LAST if rank is None else rank) for rank in ranks.values()]
            shares = [_shares(grid, key, off, task) for task in ranks]
            gains = [with_notes - without for with_notes, without in shares]
            over = trend(places, gains)
            found.append(Predictability(key, unit, fifths, foreseen, len(ranks), *over))
    return tuple(found)


def groups(ranks: Mapping[str, int | None]) -> list[list[str]]:
    """The tasks in at most five groups, best foreseen first, about equally large."""
    foreseen = {task: float(rank) for task, rank in ranks.items() if rank is not None}
    missed = sorted(ranks.keys() - foreseen.keys())
    if not missed:
        return divided(foreseen)
    parts = max(1, min(GROUPS - 1, GROUPS - round(GROUPS * len(missed) / len(ranks))))
    return [*divided(foreseen, parts), missed]


def _shares(grid: Grid, key: Key, off: Key, task: str) -> tuple[float, float]:
    """Of the common seeds, how many were resolved with notes, and how many without."""
    mine, others = grid.tasks(key)[task], grid.tasks(off)[task]
    both = mine.keys() & others.keys()
    return (
        sum(mine[each].resolved for each in both) / len(both),
        sum(others[each].resolved for each in both) / len(both),
    )


def _rank(seeds: Seeds) -> int | None:
    """The lower median over the seeds; one that did not foresee it counts as last."""
    rank = median_low(
        _LAST if result.foreseen is None else result.foreseen for result in seeds.values()
    )
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
        cost_on=_known(on_costs),
        cost_off=_known(off_costs),
    )


def _known(costs: Sequence[float | None]) -> float | None:
    known = [each for each in costs if each is not None]
    return sum(known) / len(known) if known and len(known) == len(costs) else None
