"""Results by arm and budgets, then by task, then by seed: the order in which all is compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from swe_sleep.evaluate.figures.loaded import Group
from swe_sleep.evaluate.figures.statistics import by_task
from swe_sleep.evaluate.runs.records import Arm, Result, Trial


class Key(NamedTuple):
    """What is compared: an arm with its two budgets."""

    arm: Arm
    budget: str
    sleep: str

    @property
    def name(self) -> str:
        return " · ".join(
            part
            for part in (self.arm.value, self.budget, self.sleep and f"sleep {self.sleep}")
            if part
        )


Seeds = Mapping[int, Result]


@dataclass(frozen=True, slots=True)
class Grid:
    """`cells` has every arm and budgets that were planned, in the manifests' order."""

    cells: Mapping[Key, Mapping[str, Seeds]]
    planned: Mapping[Key, Sequence[Trial]]
    repositories: Mapping[str, str]
    """Of each task."""

    def tasks(self, key: Key) -> Mapping[str, Seeds]:
        return self.cells.get(key, {})

    def measured(
        self, key: Key, of: Callable[[Result], float | None]
    ) -> dict[str, list[float | None]]:
        """Of every task, what its seeds gave."""
        return {
            task: [of(result) for result in seeds.values()]
            for task, seeds in self.tasks(key).items()
        }

    def means(self, key: Key, of: Callable[[Result], float | None]) -> dict[str, float]:
        return by_task(self.measured(key, of))

    def off(self, key: Key) -> Key | None:
        """The same budget without notes, where it was run."""
        off = Key(Arm.OFF, key.budget, "")
        return off if self.tasks(off) else None


def grid(group: Group) -> Grid:
    cells: dict[Key, dict[str, dict[int, Result]]] = {}
    planned: dict[Key, list[Trial]] = {}
    order = {arm: number for number, arm in enumerate(Arm)}
    for trial in sorted(group.planned, key=lambda each: order[each.arm]):
        key = Key(trial.arm, trial.budget, trial.sleep)
        planned.setdefault(key, []).append(trial)
        tasks = cells.setdefault(key, {})
        if trial in group.results:
            tasks.setdefault(trial.task, {})[trial.seed] = group.results[trial]
    repositories = {trial.task: result.repo for trial, result in group.results.items()}
    return Grid(cells, planned, repositories)
