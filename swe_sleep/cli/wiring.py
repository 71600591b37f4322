"""What commands put together: the parts of `swe_sleep.wiring`, for the repository that a person is
in, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from swe_sleep.cli import output
from swe_sleep.cli.display import Display
from swe_sleep.cli.groups import Interrupted
from swe_sleep.cli.known import Known as Known
from swe_sleep.cli.known import inside as inside
from swe_sleep.cli.known import locator as locator
from swe_sleep.cli.known import reading as reading
from swe_sleep.config import load
from swe_sleep.errors import UsageError
from swe_sleep.integrations import queue
from swe_sleep.notes.store import Store
from swe_sleep.repo import underway
from swe_sleep.repo.repository import Repository
from swe_sleep.sleep.sleeper import Sleeper
from swe_sleep.solve.resume import Resumed
from swe_sleep.wiring import kept, solving
from swe_sleep.wiring.known import NOTES_FILE, TRAJECTORIES
from swe_sleep.wiring.sleeping import backend as backend
from swe_sleep.wiring.sleeping import sleeper
from swe_sleep.wiring.solving import Bench as Bench
from swe_sleep.wiring.solving import solve as solve

MOST_SETTLING_S = 30.0
"""A rebase may be left half-way for days; a queued pass waits no longer than this for its end."""


def environment(known: Known) -> str:
    """What the tests of a repository would run in, in one line; nothing is made. Raises
    EnvironmentFailed where the interpreter that the settings ask for is not here."""
    from swe_sleep.sandbox import interpreters
    from swe_sleep.sandbox.project.project import read_project

    wanted = load(known.repository.root).environment
    project = read_project(
        known.snapshot, extras=wanted.extras, requirements=wanted.requirements, build=wanted.build
    )
    choice = interpreters.choose(project, wanted.python)
    count = len({line for group in project.groups for line in group.requirements})
    parts = [f"Python {choice.interpreter.version} ({choice.why or choice.problem})"]
    parts.append(f"{count} requirements")
    parts += [f"to build: {project.build.makes}"] if project.build else []
    parts += [f"tests as in {project.command}"] if project.command else []
    return ", ".join(parts)


@contextmanager
def sleeping(
    flags: Mapping[str, Any], display: Display, directory: Path | None = None
) -> Iterator[Sleeper]:
    """Everything that a pass over the repository around a directory needs."""
    with Repository.open(directory or output.here()) as repository:
        settings = load(repository.root, flags)
        store = Store(repository.state_dir / NOTES_FILE)
        try:
            with sleeper(
                repository,
                store,
                settings,
                backend=backend(settings),
                listener=display.event,
                progress=display.progress,
            ) as made:
                yield made
        finally:
            display.quiet()
            store.close()


@contextmanager
def bench(
    flags: Mapping[str, Any],
    progress: Callable[[str], None],
    *,
    notes: bool = True,
    directory: Path | None = None,
) -> Iterator[Bench]:
    """What a run of `solve` on the repository around a directory needs."""
    with reading(directory) as known:
        settings = load(known.repository.root, flags)
        with solving.bench(known, settings, progress, notes=notes) as made:
            yield made


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
    """Take what git hooks queued, in whichever work tree; another process that is at it already
    takes it all."""
    repository = sleeper.repository

    def settle() -> None:
        until = time.monotonic() + MOST_SETTLING_S
        while underway.operation(repository.git_dir) and time.monotonic() < until:
            if stop.wait(0.2):
                return

    with stopping() as stop, queue.taking(repository.state_dir, settle=settle) as batches:
        for batch in batches:
            for root in queue.roots(batch, repository.root):
                with Repository.open(root) as tree:
                    _sleep_in_turn(replace(sleeper, repository=tree), stop)
                if stop.is_set():
                    raise Interrupted("stopped; what was finished is kept, the rest comes again.")


def _sleep_in_turn(sleeper: Sleeper, stop: threading.Event) -> None:
    """One pass; where a person's own is running, after that, if it ends in its time."""
    until = time.monotonic() + sleeper.settings.sleep.budget_s + MOST_SETTLING_S
    while True:
        try:
            sleeper.sleep(sleeper.repository.snapshot(), stop=stop)
            return
        except UsageError:
            if time.monotonic() > until or stop.wait(1.0):
                raise


def kept_run(wanted: str, model: str | None) -> tuple[str, Resumed]:
    """A run of the agent that can be taken up again on the code as it is, with its id. Raises
    UsageError."""
    with Repository.open(output.here()) as repository:
        run_id, run = kept.find(repository.state_dir / TRAJECTORIES, wanted, model)
        kept.same_code(run_id, run, repository.snapshot())
        return run_id, run
