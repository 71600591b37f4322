"""One sleep of an evaluation: passes over a commit, after those over the commits before it.

The commits are followed one after another as a watcher would have met them, so that what compares
a change with what was before has something to compare. Nothing younger than the last one has a
name where this works.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from swe_sleep.config import SleepSettings
from swe_sleep.errors import SweSleepError
from swe_sleep.evaluate.images import backend_for
from swe_sleep.evaluate.mirrors import at_commit
from swe_sleep.evaluate.runs.budgets import budget
from swe_sleep.evaluate.runs.conditions import Conditions
from swe_sleep.evaluate.runs.records import Slept
from swe_sleep.notes.store import Store
from swe_sleep.notes.view import View
from swe_sleep.records import State, Usage
from swe_sleep.repo.repository import Repository
from swe_sleep.sandbox.owners import scratch
from swe_sleep.wiring.sleeping import sleeper

STORE = "notes.db"
NEEDED = ("outline", "tests")
"""Passes without which the notes of a commit say next to nothing of it."""


@dataclass(frozen=True, slots=True)
class Nap:
    """What is asked for: the notes of one commit, by one budget."""

    key: str
    repo: str
    commit: str
    sources: tuple[Path, ...]
    sleep: str
    seed: int
    conditions: Conditions
    day: str = ""
    image: str = ""

    @property
    def group(self) -> str:
        return self.repo

    @property
    def files(self) -> tuple[Path, ...]:
        return self.sources

    def moved(self, places: Mapping[Path, Path]) -> Self:
        return replace(self, sources=tuple(places[each] for each in self.sources))


@dataclass(frozen=True, slots=True)
class Woke:
    """What came of it: the record, and by name the files that belong to it."""

    slept: Slept
    files: dict[str, bytes]


def sleep(nap: Nap, say: Callable[[str], None]) -> Woke:
    """Make the notes. Raises RepositoryError where no source has the commit, and what a sandbox
    raises that cannot be had."""
    began = time.monotonic()
    wanted = budget("sleep", nap.sleep)
    log: list[str] = []
    usage, cpu_s, spent_s = Usage(), 0.0, 0.0
    problems: list[str] = []

    def tell(line: str) -> None:
        log.append(f"{time.monotonic() - began:8.1f} {line}")
        say(line)

    with scratch() as folder:
        place = folder / STORE
        with at_commit(nap.sources, nap.commit, folder / "last") as last:
            commits = ancestors(last, wanted.followed)[::-1]
        settings = nap.conditions.settings(wanted.flags(), day=nap.day)
        chosen = backend_for(nap.image, settings, tell, pull=nap.conditions.pull)
        for number, commit in enumerate(commits):
            follow = len(commits) - 1 - number
            seconds = share(settings.sleep.budget_s, spent_s, follow)
            flags = wanted.flags() | _shares(settings.sleep, usage, cpu_s, follow)
            store = Store(place)
            try:
                with (
                    at_commit(nap.sources, commit, folder / str(number)) as repository,
                    sleeper(
                        repository,
                        store,
                        nap.conditions.settings(flags, day=nap.day),
                        backend=chosen,
                        progress=tell,
                    ) as made,
                ):
                    snapshot = repository.snapshot()
                    with suppress(SweSleepError):  # then the passes say so
                        # No trial pays for its environment, so neither does sleep.
                        chosen.prepare(snapshot, progress=tell)
                    tell(f"{nap.repo} {commit[:10]}: {seconds:.0f} s")
                    slept_from = time.monotonic()
                    report = made.sleep(snapshot, seconds=seconds)
                    spent_s += time.monotonic() - slept_from
                    usage += report.usage
                    cpu_s += report.cpu_s
                    problems += report.problems
                    for name, count in sorted(report.units.items()):
                        took = report.seconds_by_pass.get(name, 0.0)
                        left_over = report.left_by_pass.get(name, 0)
                        more = f", {left_over} left" if left_over else ""
                        log.append(f"         {name}: {count} done{more}, {took:.1f} s")
                    proven = View(store, snapshot).issues(State.PATCHED, State.REPRODUCED)
                    notes = len(store.select())
            finally:
                store.close()
        lacking = [name for name in NEEDED if report.left_by_pass.get(name)]
        if lacking:
            problems.append(f"the budget ended before all of {' and '.join(lacking)} was done")
        log += [f"proven: {each.issue.title}" for each in proven]
        files = {STORE: place.read_bytes(), "log.txt": "\n".join([*log, *problems, ""]).encode()}
    slept = Slept(
        key=nap.key,
        repo=nap.repo,
        commit=nap.commit,
        sleep=nap.sleep,
        seed=nap.seed,
        usage=replace(usage, wall_s=spent_s),
        wall_s=time.monotonic() - began,
        notes=notes,
        issues=len(proven),
        problems=tuple(problems),
    )
    return Woke(slept, files)


def share(budget: float, spent: float, follow: int) -> float:
    """Of any budget, what a commit may spend that so many others follow. Half of it is the last
    one's, which the tasks are about, whatever the others took; these share the other half."""
    if follow:
        return max(0.0, budget / 2 - spent) / follow
    return max(budget / 2, budget - spent)


def _shares(wanted: SleepSettings, usage: Usage, cpu_s: float, follow: int) -> dict[str, Any]:
    return {
        "sleep.budget_usd": share(wanted.budget_usd, usage.cost_usd or 0.0, follow),
        "sleep.budget_tokens": int(share(wanted.budget_tokens, usage.tokens, follow)),
        "sleep.budget_cpu_s": max(1.0, share(wanted.budget_cpu_s, cpu_s, follow)),
    }


def ancestors(repository: Repository, most: int) -> list[str]:
    """HEAD, and as many commits as that before it, newest first, along first parents."""
    listed = repository.git.run("rev-list", "--first-parent", f"--max-count={most + 1}", "HEAD")
    return listed.decode().split()
