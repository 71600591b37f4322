"""One sleep of an evaluation: passes over a commit, after those over the commits before it.

The commits are followed one after another as a watcher would have met them, so that what compares
a change with what was before has something to compare. Nothing younger than the last one has a
name where this works.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from swe_sleep.config import SleepSettings
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
LAST = 3
"""The last commit's share of the time, of which each one before it has one."""


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
    usage, cpu_s, problems = Usage(), 0.0, []

    def tell(line: str) -> None:
        log.append(f"{time.monotonic() - began:8.1f} {line}")
        say(line)

    with scratch() as folder:
        place = folder / STORE
        with at_commit(nap.sources, nap.commit, folder / "last") as last:
            commits = ancestors(last, wanted.followed)[::-1]
        settings = nap.conditions.settings(wanted.flags(), day=nap.day)
        chosen = backend_for(nap.image, settings, tell, pull=nap.conditions.pull)
        shares = [1.0] * (len(commits) - 1) + [float(LAST)]
        for number, commit in enumerate(commits):
            left = settings.sleep.budget_s - (time.monotonic() - began)
            seconds = max(0.0, left) * shares[number] / sum(shares[number:])
            flags = wanted.flags() | _left(settings.sleep, usage, cpu_s)
            tell(f"{nap.repo} {commit[:10]}: {seconds:.0f} s")
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
                    report = made.sleep(snapshot, seconds=seconds)
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
        log += [f"proven: {each.issue.title}" for each in proven]
        files = {STORE: place.read_bytes(), "log.txt": "\n".join([*log, *problems, ""]).encode()}
    slept = Slept(
        key=nap.key,
        repo=nap.repo,
        commit=nap.commit,
        sleep=nap.sleep,
        seed=nap.seed,
        usage=replace(usage, wall_s=time.monotonic() - began),
        wall_s=time.monotonic() - began,
        notes=notes,
        issues=len(proven),
        problems=tuple(problems),
    )
    return Woke(slept, files)


def _left(wanted: SleepSettings, usage: Usage, cpu_s: float) -> dict[str, Any]:
    """What the commits that follow may still spend: a budget is for all of them together."""
    return {
        "sleep.budget_usd": max(0.0, wanted.budget_usd - (usage.cost_usd or 0.0)),
        "sleep.budget_tokens": max(0, wanted.budget_tokens - usage.tokens),
        "sleep.budget_cpu_s": max(1.0, wanted.budget_cpu_s - cpu_s),
    }


def ancestors(repository: Repository, most: int) -> list[str]:
    """HEAD, and as many commits as that before it, newest first, along first parents."""
    listed = repository.git.run("rev-list", "--first-parent", f"--max-count={most + 1}", "HEAD")
    return listed.decode().split()
