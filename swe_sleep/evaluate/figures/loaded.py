"""Run folders as they are read, and which of them are put together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import msgspec

from swe_sleep.evaluate.runs.folder import RunFolder
from swe_sleep.evaluate.runs.records import Arm, Lost, Manifest, Result, Slept, Trial

DECIDING = ("swe-sleep", "commit", "python", "sandbox")
"""The versions that have to be the same for runs to be put together."""


@dataclass(frozen=True, slots=True)
class Run:
    """One folder, by key what it has."""

    folder: Path
    manifest: Manifest
    results: Mapping[str, Result]
    sleeps: Mapping[str, Slept]
    lost: Mapping[str, Lost]

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    def planned(self) -> Iterable[Trial]:
        """Every trial that the manifest names."""
        given = self.manifest
        for arm, task, budget, seed in product(given.arms, given.tasks, given.budgets, given.seeds):
            for sleep in ("",) if arm is Arm.OFF else given.sleeps:
                yield Trial(task, arm, budget, sleep, seed)


@dataclass(frozen=True, slots=True)
class Group:
    """Runs of the same tasks under the same settings, put together."""

    name: str
    runs: tuple[Run, ...]
    results: Mapping[Trial, Result]
    homes: Mapping[Trial, Path]
    """The run's folder of every result."""
    planned: tuple[Trial, ...]
    lost: Mapping[Trial, Lost]
    """Trials that have no result, and why."""
    sleeps: Mapping[str, Slept]
    remarks: tuple[str, ...] = ()


def read_run(path: Path) -> Run:
    """Raises UsageError where it is no run's folder, or cannot be read."""
    folder = RunFolder.open(path)
    return Run(path, folder.manifest(), folder.results(), folder.sleeps(), folder.lost())


def grouped(runs: Sequence[Run]) -> list[Group]:
    """Runs of the same suite by the same solver, model, settings and versions as one group, the
    rest side by side."""
    alike: dict[bytes, list[Run]] = {}
    for run in runs:
        alike.setdefault(_identity(run.manifest), []).append(run)
    groups = [_together(each) for each in alike.values()]
    names = [group.name for group in groups]
    return [group if names.count(group.name) == 1 else _renamed(group, groups) for group in groups]


def _identity(manifest: Manifest) -> bytes:
    facts = (
        manifest.suite_digest,
        manifest.solver,
        manifest.model,
        manifest.settings,
        [manifest.versions.get(name, "") for name in DECIDING],
    )
    return msgspec.json.encode(facts, order="deterministic")


def _renamed(group: Group, groups: Sequence[Group]) -> Group:
    folders = ", ".join(run.name for run in group.runs)
    same = sum(each.name == group.name for each in groups)
    said = f"{same} groups are of {group.name}: their tasks, settings or versions differ"
    return dataclasses.replace(
        group, name=f"{group.name} ({folders})", remarks=(*group.remarks, said)
    )


def _together(runs: Sequence[Run]) -> Group:
    results: dict[Trial, Result] = {}
    homes: dict[Trial, Path] = {}
    lost: dict[Trial, Lost] = {}
    sleeps: dict[str, Slept] = {}
    remarks = []
    twice = 0
    for run in runs:
        for result in run.results.values():
            twice += result.trial in results
            results[result.trial] = result
            homes[result.trial] = run.folder
        sleeps |= run.sleeps
        names = {f"{trial.task} {trial.name}": trial for trial in run.planned()}
        for each in run.lost.values():
            trial = each.trial or names.get(each.what)
            if trial is None:
                remarks.append(f"lost: {each.what}: {each.reason}")
            else:
                lost[trial] = each
    if twice:
        remarks.append(f"{twice} results are of a trial that has another; the last one counts")
    manifest = runs[0].manifest
    planned = dict.fromkeys(trial for run in runs for trial in run.planned())
    return Group(
        " · ".join(part for part in (manifest.suite, manifest.model or manifest.solver) if part),
        tuple(runs),
        results,
        homes,
        tuple(planned | dict.fromkeys(results) | dict.fromkeys(lost)),
        {trial: each for trial, each in lost.items() if trial not in results},
        sleeps,
        tuple(remarks),
    )
