"""All figures of one or more runs: what a report says, before it is put into words or drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.figures.cells import Cell, cells
from swe_sleep.evaluate.figures.comparisons import Comparison, compared
from swe_sleep.evaluate.figures.costs import Costs
from swe_sleep.evaluate.figures.grid import Grid, Key, grid
from swe_sleep.evaluate.figures.loaded import Group, Run, grouped
from swe_sleep.evaluate.figures.predictability import Predictability, predictability
from swe_sleep.evaluate.figures.statistics import CONFIDENCE, RESAMPLES, Chance
from swe_sleep.evaluate.figures.units import Unit, told
from swe_sleep.evaluate.runs.records import Arm, Manifest, Result, Trial


@dataclass(frozen=True, slots=True)
class Entry:
    """One trial in the matrix of tasks and arms."""

    trial: Trial
    state: str
    """"resolved", "not resolved", "lost" or "not run"."""
    why: str = ""
    result: Result | None = None
    home: Path | None = None
    """The run's folder."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    task: str
    repo: str
    entries: dict[Key, tuple[Entry, ...]]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of runs that are put together."""

    name: str
    manifests: tuple[tuple[str, Manifest], ...]
    """With the name of each run's folder."""
    unit: Unit
    """What costs are counted in."""
    units: tuple[Unit, ...]
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...]
    predictability: tuple[Predictability, ...]
    rows: tuple[TaskRow, ...]
    remarks: tuple[str, ...]

    def cell(self, key: Key) -> Cell | None:
        return next((each for each in self.cells if each.key == key), None)


@dataclass(frozen=True, slots=True)
class Report:
    groups: tuple[Figures, ...]
    seed: int
    """Of the resampling."""
    confidence: float = CONFIDENCE
    resamples: int = RESAMPLES


def report(runs: Sequence[Run], *, unit: Unit | None = None, seed: int = 0) -> Report:
    """Raises UsageError where scipy is missing, or `unit` says nothing of the runs."""
    return Report(tuple(_figures(group, unit, seed) for group in grouped(runs)), seed)


def _figures(group: Group, wanted: Unit | None, seed: int) -> Figures:
    works = [result.usage for result in group.results.values()]
    works += [slept.usage for slept in group.sleeps.values()]
    units = told(works)
    if wanted is not None and wanted not in units:
        asked = any(each.tokens for each in works)
        if not (asked and wanted is Unit.USD):
            names = ", ".join(units)
            raise UsageError(f"{group.name} has nothing in {wanted}.", f"It has {names}.")
    if wanted is not None:
        units = (wanted, *(each for each in units if each is not wanted))
    table = grid(group)
    chance = Chance(seed)
    costs = Costs(table, group.sleeps, chance)
    foreseen = predictability(table, units[0], chance)
    return Figures(
        name=group.name,
        manifests=tuple((run.name, run.manifest) for run in group.runs),
        unit=units[0],
        units=units,
        cells=tuple(cells(group, table, costs, units)),
        comparisons=compared(group, table, costs, units, chance),
        predictability=foreseen,
        rows=tuple(_rows(group)),
        remarks=(*group.remarks, *_remarks(group), *([] if foreseen else _unexpected(table))),
    )


def _remarks(group: Group) -> list[str]:
    said = []
    unknown = {r.slept for r in group.results.values() if r.slept} - group.sleeps.keys()
    if unknown:
        said.append(
            f"{len(unknown)} sleeps that trials used are not recorded; their cost is unknown"
        )
    unpriced = sum(each.usage.cost_usd is None for each in group.results.values())
    unpriced += sum(each.usage.cost_usd is None for each in group.sleeps.values())
    if unpriced:
        said.append(f"of {unpriced} trials and sleeps no price is known")
    missing = [trial for trial in group.planned if trial not in group.results]
    not_run = len(missing) - sum(trial in group.lost for trial in missing)
    if not_run:
        said.append(f"{not_run} planned trials have not been run")
    return said


def _unexpected(table: Grid) -> list[str]:
    if not any(key.arm is Arm.ON and table.tasks(key) and table.off(key) for key in table.cells):
        return []
    said = "no gain by predictability: no sleep of these trials said what it expected; of texts, "
    return [f"{said}`eval texts --foresee N` does, and figures.json has it by what memory covers"]


def _rows(group: Group) -> list[TaskRow]:
    rows: dict[str, dict[Key, list[Entry]]] = {}
    repositories: dict[str, str] = {}
    for trial in group.planned:
        result, lost = group.results.get(trial), group.lost.get(trial)
        if result is not None:
            state = "resolved" if result.resolved else "not resolved"
            why = result.grade_problem or result.why
            entry = Entry(trial, state, why, result, group.homes[trial])
            repositories[trial.task] = result.repo
        else:
            entry = Entry(trial, "lost" if lost else "not run", lost.reason if lost else "")
        key = Key(trial.arm, trial.budget, trial.sleep)
        rows.setdefault(trial.task, {}).setdefault(key, []).append(entry)
    return [
        TaskRow(
            task,
            repositories.get(task, ""),
            {key: tuple(sorted(each, key=lambda e: e.trial.seed)) for key, each in row.items()},
        )
        for task, row in rows.items()
    ]
