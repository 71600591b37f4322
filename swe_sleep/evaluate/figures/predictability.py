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

from swe_sleep.evaluate.extras import need
from swe_sleep.evaluate.figures.grid import Grid, Key, Seeds
from swe_sleep.evaluate.figures.statistics import FEWEST, Chance, Interval
from swe_sleep.evaluate.figures.units import Unit
from swe_sleep.evaluate.runs.records import Arm

GROUPS = 5
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
    """Kendall's tau-b of gain and rank over the tasks, above 0 where the better foreseen gain more;
    None where all gain alike or are foreseen alike."""
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
                _fifth(tasks, ranks, grid, key, off, unit, chance) for tasks in divided(ranks)
            )
            foreseen = sum(rank is not None for rank in ranks.values())
            trend = _trend(ranks, grid, key, off)
            found.append(Predictability(key, unit, fifths, foreseen, len(ranks), *trend))
    return tuple(found)


def divided(ranks: Mapping[str, int | None]) -> list[list[str]]:
    """The tasks in at most five groups, best foreseen first, about equally large."""
    foreseen = sorted((rank, task) for task, rank in ranks.items() if rank is not None)
    missed = sorted(task for task, rank in ranks.items() if rank is None)
    parts = GROUPS
    if missed:
        parts = max(1, min(GROUPS - 1, GROUPS - round(GROUPS * len(missed) / len(ranks))))
    groups: dict[int, list[str]] = {}
    first: dict[int, int] = {}
    for number, (rank, task) in enumerate(foreseen):
        # Equal ranks go where the middle of them falls.
        first.setdefault(rank, number)
        size = sum(other == rank for other, _ in foreseen)
        middle = first[rank] + (size - 1) / 2
        groups.setdefault(int(parts * (middle + 0.5) / len(foreseen)), []).append(task)
    return [groups[number] for number in sorted(groups)] + ([missed] if missed else [])


def _trend(
    ranks: Mapping[str, int | None], grid: Grid, key: Key, off: Key
) -> tuple[float, float] | tuple[None, None]:
    gains = [sum(_gain(grid, key, off, task)) for task in ranks]
    places = [-float(_LAST if rank is None else rank) for rank in ranks.values()]
    if len(ranks) < FEWEST or len(set(gains)) == 1 or len(set(places)) == 1:
        return None, None
    found = need("scipy.stats", extra="eval").kendalltau(places, gains)
    return float(found.statistic), float(found.pvalue)


def _gain(grid: Grid, key: Key, off: Key, task: str) -> tuple[float, float]:
    """The share of the common seeds resolved with notes, and less that without."""
    mine, others = grid.tasks(key)[task], grid.tasks(off)[task]
    both = mine.keys() & others.keys()
    on = sum(mine[each].resolved for each in both) / len(both)
    return on, -sum(others[each].resolved for each in both) / len(both)


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
    shares = [_gain(grid, key, off, task) for task in tasks]
    gains = [on + off_ for on, off_ in shares]
    held = [rank for task in tasks if (rank := ranks[task]) is not None]
    return Fifth(
        ranks=(min(held), max(held)) if held else None,
        tasks=tuple(tasks),
        on=sum(on for on, _ in shares) / len(tasks),
        off=abs(sum(off_ for _, off_ in shares)) / len(tasks),  # no -0.0
        gain=sum(gains) / len(tasks),
        interval=chance.mean_interval(gains),
        cost_on=_known(on_costs),
        cost_off=_known(off_costs),
    )


def _known(costs: Sequence[float | None]) -> float | None:
    known = [each for each in costs if each is not None]
    return sum(known) / len(known) if known and len(known) == len(costs) else None
