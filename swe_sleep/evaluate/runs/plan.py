"""Which trials a run is made of, and which sleeps these need."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from swe_sleep.errors import SweSleepError
from swe_sleep.evaluate.mirrors import at_commit
from swe_sleep.evaluate.runs.arms import Notes
from swe_sleep.evaluate.runs.conditions import Conditions
from swe_sleep.evaluate.runs.records import Arm, Lost, Trial, key_of
from swe_sleep.evaluate.runs.sleeping import STORE, Nap, ancestors
from swe_sleep.evaluate.runs.trial import Asked
from swe_sleep.evaluate.tasks.task import Case, Suite, Task
from swe_sleep.sandbox.owners import scratch

OLDER = 10
"""Commits that the notes of the arms `behind` and `stale` are behind; of a short history half."""

_OF_OLDER = (Arm.BEHIND, Arm.STALE)


@dataclass(frozen=True)
class Plan:
    """What is to be done. `naps` come first; whatever of `asked` has notes needs its own."""

    naps: tuple[Nap, ...]
    asked: tuple[Asked, ...]
    lost: tuple[Lost, ...]
    """Trials that something stands in the way of, with the reason."""
    left_out: tuple[Lost, ...] = ()
    """Trials that there is nothing for in such a suite: an arm without the notes that it is about.
    A run is whole without them."""

    def without(self, made: Collection[str], slept: Collection[str]) -> Plan:
        """What is left to do where trials and sleeps of these keys are there."""
        asked = tuple(each for each in self.asked if each.key not in made)
        needed = {each.slept for each in asked}.difference(slept)
        return replace(self, asked=asked, naps=tuple(n for n in self.naps if n.key in needed))

    @property
    def arms(self) -> frozenset[Arm]:
        """Those of which something can be made."""
        return frozenset(each.trial.arm for each in self.asked)


def plan(
    suite: Suite,
    *,
    arms: Sequence[Arm],
    budgets: Sequence[str],
    sleeps: Sequence[str],
    seeds: Sequence[int],
    conditions: Conditions,
    stores: Path,
) -> Plan:
    """Lay out a run. `stores` is where the notes will be, a folder a sleep. Budgets are in their
    canonical text."""
    digest = conditions.digest()
    trials = [
        Trial(case.id, arm, budget, sleep, seed)
        for case in suite.cases
        for arm in arms
        for budget in budgets
        for sleep in (sleeps if arm is not Arm.OFF else ("",))
        for seed in seeds
    ]
    # By lot within a task: what goes first warms what the others find warm.
    random.Random("order").shuffle(trials)
    place = {case.id: number for number, case in enumerate(suite.cases)}
    trials.sort(key=lambda trial: place[trial.task])
    cases = {case.id: case for case in suite.cases}
    older, unknown = _older(suite.cases) if set(arms) & set(_OF_OLDER) else ({}, {})
    here = [case.task for case in suite.cases if case.task.sources]
    others = {seed: _others(here, seed) for seed in seeds}
    naps: dict[str, Nap] = {}
    asked: list[Asked] = []
    lost: list[Lost] = []
    left_out: list[Lost] = []
    for trial in trials:
        case = cases[trial.task]
        task, commit, text = case.task, case.task.base_commit, ""
        if not task.sources:
            reason = f"the repository {task.repo} is not here; see --repos."
            lost.append(_lost(trial, case, digest, reason))
            continue
        if trial.arm in _OF_OLDER:
            if task.id in unknown:
                lost.append(_lost(trial, case, digest, unknown[task.id]))
                continue
            if not older[task.id]:
                reason = f"{task.repo} has no commit before {task.base_commit[:10]}."
                left_out.append(_lost(trial, case, digest, reason))
                continue
            commit = older[task.id]
        elif trial.arm is Arm.SHUFFLED:
            other = others[trial.seed].get(task.id)
            if other is None:
                reason = "there is no other issue whose notes could stand in for its own."
                left_out.append(_lost(trial, case, digest, reason))
                continue
            if other.repo == task.repo:  # its commit may be younger, and hold the fix
                text = other.text
            else:
                task, commit = other, other.base_commit
        notes, slept = None, ""
        if trial.arm is not Arm.OFF:
            nap = _nap(task, commit, trial, conditions, digest)
            naps.setdefault(nap.key, nap)
            slept = nap.key
            trusted = trial.arm in (Arm.STALE, Arm.SHUFFLED)
            notes = Notes(stores / nap.key / STORE, task.sources, commit, trusted, text)
        key = _key(trial, case, slept + text, digest)
        asked.append(Asked(key, trial, case, notes, slept, conditions))
    return Plan(tuple(naps.values()), tuple(asked), tuple(lost), tuple(left_out))


def _lost(trial: Trial, case: Case, digest: str, reason: str) -> Lost:
    key = _key(trial, case, "", digest)
    return Lost(key, f"{trial.task} {trial.name}", reason, trial=trial)


def _key(trial: Trial, case: Case, notes: str, digest: str) -> str:
    return key_of(trial.task, trial.name, Suite("", (case,)).digest(), notes, digest)


def _nap(task: Task, commit: str, trial: Trial, conditions: Conditions, digest: str) -> Nap:
    # Sleep draws no lots, so one serves all seeds; a model's would differ from seed to seed.
    seed = 0 if conditions.solver == "search" else trial.seed
    # An image is of one commit; the older one's environment is built.
    image = task.image if commit == task.base_commit else ""
    key = key_of(task.repo, commit, task.day, image, trial.sleep, str(seed), digest)
    return Nap(key, task.repo, commit, task.sources, trial.sleep, seed, conditions, task.day, image)


def _older(cases: Iterable[Case]) -> tuple[dict[str, str], dict[str, str]]:
    """By task the older commit, empty where the base commit is the first; or why it cannot be
    told."""
    found: dict[str, str] = {}
    unknown: dict[str, str] = {}
    by_commit: dict[tuple[str, str, str], str] = {}
    for case in cases:
        task = case.task
        where = (task.repo, task.base_commit, task.older)
        try:
            if where not in by_commit:
                by_commit[where] = _before(task)
            found[task.id] = by_commit[where]
        except SweSleepError as error:
            unknown[task.id] = str(error)
    return found, unknown


def _before(task: Task) -> str:
    with (
        scratch() as folder,
        at_commit(task.sources, task.base_commit, folder) as repository,
    ):
        if task.older:
            leads = repository.git.ask("merge-base", "--is-ancestor", task.older, "HEAD")
            if leads is None or task.base_commit.startswith(task.older):
                raise SweSleepError(  # a younger one could hold the fix
                    f"{task.older[:10]} is not older than {task.base_commit[:10]}, the base commit "
                    f"of {task.id}."
                )
            return task.older
        commits = ancestors(repository, 2 * OLDER)
    return commits[max(1, len(commits) // 2)] if len(commits) > 1 else ""


def _others(tasks: Sequence[Task], seed: int) -> Mapping[str, Task]:
    """For each task another, drawn by lot: of another repository, or else another issue of its
    own. Tasks of one repository share what is drawn, as they share their notes."""
    lots = random.Random(f"placebo {seed}")
    by_repo: dict[str, list[Task]] = {}
    for task in tasks:
        by_repo.setdefault(task.repo, []).append(task)
    drawn: dict[str, Task] = {}
    if len(by_repo) > 1:
        repos = sorted(by_repo)
        lots.shuffle(repos)
        for place, repo in enumerate(repos):
            other = by_repo[repos[(place + 1) % len(repos)]]
            drawn |= {task.id: other[0] for task in by_repo[repo]}
        return drawn
    ordered = sorted(tasks, key=lambda task: task.id)
    lots.shuffle(ordered)
    if len(ordered) > 1:
        drawn = {t.id: ordered[(place + 1) % len(ordered)] for place, t in enumerate(ordered)}
    return drawn
