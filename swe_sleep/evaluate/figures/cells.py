"""What is said of one arm with its budgets, by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from swe_sleep.evaluate.figures.costs import Cost, Costs
from swe_sleep.evaluate.figures.grid import Grid, Key
from swe_sleep.evaluate.figures.loaded import Group
from swe_sleep.evaluate.figures.statistics import Interval, mean_of, wilson
from swe_sleep.evaluate.figures.units import Unit
from swe_sleep.evaluate.runs.records import Result

CHARS_A_TOKEN = 4
"""A rule of thumb, by which the notes' share of the prompt is said in tokens."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many tasks were resolved. With several seeds a task counts as its share of them."""

    resolved: float
    tasks: int
    interval: Interval | None
    """Of the share."""

    @property
    def share(self) -> float | None:
        return self.resolved / self.tasks if self.tasks else None


@dataclass(frozen=True, slots=True)
class Localisation:
    """Whether the gold patch's places were found."""

    trials: int
    """That have a gold file."""
    hit_files: int
    gold_files: int
    hit_functions: int
    gold_functions: int
    named: int
    """Trials where the notes named a gold file for the issue."""
    named_first: int
    """Of these, as the first place."""
    reciprocal_rank: float
    """The mean of 1 / the rank of the first right place, 0 where none was named."""
    first_right: float | None
    """The median rank of the first right place, of the trials that have one."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Counts are of trials; means are over the tasks, each task's seeds averaged first."""

    key: Key
    planned: int
    trials: int
    lost: int
    not_run: int
    rate: Rate
    rate_with_lost: Rate
    """Lost trials counted as unresolved."""
    proven: int
    """Trials whose patch the solver itself held for verified."""
    weakly_proven: int
    """Of these, the ones by a test that leaves open what is right."""
    wrongly_proven: int
    """Of the proven, the ones that the hidden tests refuted."""
    weakly_wrong: int
    """Both."""
    input_tokens: float | None
    """Not from the cache, and not written to it."""
    cached_tokens: float | None
    """Read from the cache."""
    cache_write_tokens: float | None
    output_tokens: float | None
    turns: float | None
    test_runs: float | None
    candidates: float | None
    seconds: float | None
    """Wall clock, up to the patch or to giving up."""
    patch_s: float | None
    """The median over the trials that have a patch."""
    without_patch: int
    not_begun: int
    """Of these, the ones where the built-in solver had no failing test."""
    f1: float | None
    precision: float | None
    recall: float | None
    shown: float | None
    """Notes, or lines of them, that reached the solver."""
    used: float | None
    note_chars: float | None
    note_tokens: float | None
    """About so many: the notes' characters by `CHARS_A_TOKEN`. They are inside the prompt's."""
    localisation: Localisation | None
    costs: tuple[Cost, ...]

    def cost(self, unit: Unit) -> Cost | None:
        return next((each for each in self.costs if each.unit is unit), None)


def cells(group: Group, grid: Grid, costs: Costs, units: tuple[Unit, ...]) -> list[Cell]:
    return [_cell(key, group, grid, costs, units) for key in grid.cells]


def rate(shares: Mapping[str, float]) -> Rate:
    resolved = sum(shares.values())
    return Rate(resolved, len(shares), wilson(resolved, len(shares)))


def _cell(key: Key, group: Group, grid: Grid, costs: Costs, units: tuple[Unit, ...]) -> Cell:
    results = [result for seeds in grid.tasks(key).values() for result in seeds.values()]
    planned = grid.planned[key]
    lost = [trial for trial in planned if trial in group.lost]
    shares: dict[str, list[float]] = {}
    for trial in [*lost, *(each.trial for each in results)]:
        found = group.results.get(trial)
        shares.setdefault(trial.task, []).append(float(found is not None and found.resolved))
    patched = [result.patch_s for result in results if result.patch_s is not None]

    def average(of: Callable[[Result], float | None]) -> float | None:
        return mean_of(list(grid.means(key, of).values()))

    chars = average(lambda result: result.shown_chars)
    return Cell(
        key=key,
        planned=len(planned),
        trials=len(results),
        lost=len(lost),
        not_run=len(planned) - len(results) - len(lost),
        rate=rate(grid.means(key, lambda result: float(result.resolved))),
        rate_with_lost=rate({task: sum(each) / len(each) for task, each in shares.items()}),
        proven=sum(result.proven for result in results),
        weakly_proven=sum(result.weak for result in results),
        wrongly_proven=sum(result.proven and not result.resolved for result in results),
        weakly_wrong=sum(result.weak and not result.resolved for result in results),
        input_tokens=average(lambda result: result.usage.input_tokens),
        cached_tokens=average(lambda result: result.usage.cache_read_tokens),
        cache_write_tokens=average(lambda result: result.usage.cache_write_tokens),
        output_tokens=average(lambda result: result.usage.output_tokens),
        turns=average(lambda result: result.usage.turns),
        test_runs=average(lambda result: result.usage.test_runs),
        candidates=average(lambda result: result.usage.candidates),
        seconds=average(lambda result: result.usage.wall_s),
        patch_s=median(patched) if patched else None,
        without_patch=len(results) - len(patched),
        not_begun=sum(not result.begun for result in results),
        f1=average(lambda result: result.f1),
        precision=average(lambda result: result.precision),
        recall=average(lambda result: result.recall),
        shown=average(lambda result: result.shown),
        used=average(lambda result: result.used),
        note_chars=chars,
        note_tokens=None if chars is None else chars / CHARS_A_TOKEN,
        localisation=_localisation(results),
        costs=tuple(costs.of(key, unit) for unit in units),
    )


def _localisation(results: list[Result]) -> Localisation | None:
    judged = [result for result in results if result.gold_files]
    if not judged:
        return None
    ranks = [result.first_right for result in judged if result.first_right]
    return Localisation(
        trials=len(judged),
        hit_files=sum(result.hit_files for result in judged),
        gold_files=sum(result.gold_files for result in judged),
        hit_functions=sum(result.hit_functions for result in judged),
        gold_functions=sum(result.gold_functions for result in judged),
        named=len(ranks),
        named_first=ranks.count(1),
        reciprocal_rank=sum(1 / rank for rank in ranks) / len(judged),
        first_right=median(ranks) if ranks else None,
    )
