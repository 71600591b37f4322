"""The one place that names concrete parts and puts them together."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from swe_sleep.cli.asking import Asking, has_key
from swe_sleep.cli.display import Display
from swe_sleep.config import Settings, load
from swe_sleep.integrations import queue
from swe_sleep.notes.contents import Contents
from swe_sleep.notes.evidence import Evidence
from swe_sleep.notes.outlines import Outlines
from swe_sleep.notes.store import Spent, Store
from swe_sleep.notes.view import View
from swe_sleep.records import Issue
from swe_sleep.repo.paths import from_os
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.choose import choose
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.protocol import Backend, Limits, Sandbox
from swe_sleep.sleep.engine import Pass
from swe_sleep.sleep.passes.diagnose import DiagnosePass
from swe_sleep.sleep.passes.graph import GraphPass
from swe_sleep.sleep.passes.history import HistoryPass
from swe_sleep.sleep.passes.impact import ImpactPass
from swe_sleep.sleep.passes.outline import OutlinePass
from swe_sleep.sleep.passes.speculate import SpeculatePass
from swe_sleep.sleep.passes.tests import TestsPass
from swe_sleep.sleep.sleeper import Sleeper
from swe_sleep.solve.knowledge import FromNotes, Knowledge, Nothing
from swe_sleep.solve.solve import Limits as SolveLimits
from swe_sleep.solve.solve import Solve, Solved

NOTES_FILE = "notes.db"


@dataclass(frozen=True)
class Known:
    """A repository with its notes, for commands that read."""

    repository: Repository
    snapshot: Snapshot
    store: Store
    view: View
    outlines: Outlines


@contextmanager
def reading(directory: Path | None = None) -> Iterator[Known]:
    """The repository around a directory, as it is now, and its notes."""
    with Repository.open(directory or Path.cwd()) as repository:
        store = Store(repository.state_dir / NOTES_FILE)
        try:
            snapshot = repository.snapshot()
            yield Known(
                repository, snapshot, store, View(store, snapshot), Outlines(store, snapshot)
            )
        finally:
            store.close()


def inside(repository: Repository, name: str) -> str:
    """A path, symbol or test id as a person types it, seen from the repository's root."""
    path, mark, rest = name.partition("::")
    absolute = Path.cwd() / path
    if absolute.is_relative_to(repository.root) and absolute.exists():
        path = from_os(bytes(absolute.relative_to(repository.root)))
    return path + mark + rest


def backend(settings: Settings) -> Backend:
    """The sandbox that the settings ask for. Raises EngineUnavailable."""
    wanted = settings.environment
    options = EnvironmentOptions(wanted.python, wanted.requirements, wanted.extras)
    return choose(settings.sandbox.backend, options=options, image=settings.sandbox.image)


def passes(settings: Settings) -> list[Pass]:
    """The passes that sleep runs, as the settings want them."""
    found: list[Pass] = [
        OutlinePass(),
        GraphPass(),
        HistoryPass(),
        ImpactPass(),
        TestsPass(),
        DiagnosePass(),
    ]
    if settings.sleep.speculate:
        found.append(SpeculatePass())
    return found


@contextmanager
def sleeping(
    flags: Mapping[str, Any], display: Display, directory: Path | None = None
) -> Iterator[Sleeper]:
    """Everything that a pass over the repository around a directory needs."""
    with Repository.open(directory or Path.cwd()) as repository:
        settings = load(repository.root, flags)
        store = Store(repository.state_dir / NOTES_FILE)
        try:
            yield Sleeper(
                repository,
                store,
                settings,
                backend(settings),
                passes(settings),
                display.event,
                display.progress,
            )
        finally:
            display.quiet()
            store.close()


@dataclass(frozen=True)
class Bench:
    """An open sandbox with one snapshot of a repository, and the notes that are about it."""

    repository: Repository
    settings: Settings
    snapshot: Snapshot
    store: Store
    sandbox: Sandbox
    knowledge: Knowledge


@contextmanager
def bench(
    flags: Mapping[str, Any],
    progress: Callable[[str], None],
    *,
    notes: bool = True,
    directory: Path | None = None,
) -> Iterator[Bench]:
    """What a run of `solve` needs; without notes it knows nothing."""
    with reading(directory) as known:
        settings = load(known.repository.root, flags)
        chosen = backend(settings)
        environment = chosen.prepare(known.snapshot, progress=progress)
        evidence = Evidence(known.view, known.snapshot, Contents(known.store, known.repository))
        knowledge = FromNotes(known.view, known.snapshot, evidence) if notes else Nothing()
        with chosen.open(known.snapshot, environment, limits=limits(settings)) as sandbox:
            yield Bench(known.repository, settings, known.snapshot, known.store, sandbox, knowledge)


def limits(settings: Settings) -> Limits:
    """What a sandbox may use."""
    wanted = settings.sandbox
    return Limits(
        memory_mb=wanted.memory_mb,
        processes=wanted.processes,
        cpus=wanted.cpus,
        disk_mb=wanted.disk_mb,
    )


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; a second Ctrl-C ends at once."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    old = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, action in old.items():
            signal.signal(number, action)


def sleep_queued(sleeper: Sleeper) -> None:
    """Take what git hooks queued; another process that is at it already takes it all."""
    repository = sleeper.repository
    with queue.taking(repository.state_dir) as batches, stopping() as stop:
        for _ in batches:
            sleeper.sleep(repository.snapshot(), stop=stop)
            if stop.is_set():
                return


def solve(
    bench: Bench,
    text: str,
    test_ids: tuple[str, ...],
    solver: str,
    progress: Callable[[str], None],
    stop: threading.Event,
) -> Solved:
    """One run of `solve`, written into the ledger."""
    asks = None
    if solver == "agent" or (solver == "auto" and has_key()):
        folder = bench.repository.state_dir / "trajectories"
        asks = Asking(bench.settings, bench.knowledge, folder, progress)
    run = Solve(
        bench.snapshot,
        bench.sandbox,
        bench.knowledge,
        asks=asks,
        limits=SolveLimits(
            search_s=0.0 if solver == "agent" else bench.settings.sleep.speculate_s,
            suite_s=bench.settings.tests.timeout_s,
            test_s=bench.settings.tests.test_timeout_s,
            stop=stop.is_set,
        ),
        progress=progress,
    )
    issue = Issue(text, test_ids)
    solved = run.run(issue)
    model = bench.settings.model.name if solved.usage.tokens else ""
    bench.store.record(spent=Spent(0.0, "solve", issue.title[:200], model, solved.usage))
    return solved
