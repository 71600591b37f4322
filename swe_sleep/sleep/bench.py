"""A sandbox with the tests that lasts from one change to the next.

A watcher's next change alters a file or two. So what one pass opened is brought to the next
snapshot, and between two passes it is got ready: whatever tests left running is ended, and a fresh
server waits that has imported pytest, and no line of the repository.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from swe_sleep.errors import SweSleepError
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.protocol import Backend, Environment, Limits, Sandbox
from swe_sleep.testing.discovery import find_test_files
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.warm import WarmTests

MOST_PASSES = 30
"""Passes in one sandbox: what tests leave behind in its temporary folder fills it."""
ENDING_S = 10.0
MOVING_S = 20.0
MOST_BYTES = 100_000_000
"""Of compiled code that a new sandbox takes over from the one before."""

Progress = Callable[[str], None]


class Bench:
    """One sandbox at a time. For one thread. Whoever makes it closes it."""

    def __init__(self, backend: Backend, limits: Limits) -> None:
        self._backend, self._limits = backend, limits
        self._environment: Environment | None = None
        self._sandbox: Sandbox | None = None
        self._tests: Tests | None = None
        self._warm: WarmTests | None = None
        self._passes = 0
        self._used = False

    def take(self, snapshot: Snapshot, progress: Progress) -> None:
        """Have the sandbox hold this snapshot, in the environment that it needs."""
        environment = self._backend.prepare(snapshot, progress=progress)
        if environment.problem:
            progress(environment.problem)
        if not self._follow(snapshot, environment):
            self._open(snapshot, environment)
        self._used = True
        self._passes += 1

    @property
    def sandbox(self) -> Sandbox:
        assert self._sandbox is not None
        return self._sandbox

    @property
    def tests(self) -> Tests:
        """Each run in a process that begins with nothing."""
        if self._tests is None:
            self._tests = Tests(self.sandbox)
        return self._tests

    @property
    def warm(self) -> WarmTests:
        """Quicker runs, by a server that is started at the first of them."""
        if self._warm is None:
            self._warm = WarmTests(self.tests)
        return self._warm

    def rest(self, snapshot: Snapshot, progress: Progress) -> None:
        """Between two passes: be ready for the next one. What can't be had is not missed."""
        if not find_test_files(snapshot):
            return
        try:
            environment = self._backend.prepare(snapshot, progress=progress)
            if not self._follow(snapshot, environment):
                kept = self._compiled()
                self._open(snapshot, environment)
                self._give(kept)
            self.warm.start()
        except SweSleepError:
            self.close()

    def close(self) -> None:
        """End everything."""
        sandbox, self._sandbox = self._sandbox, None
        self._tests = self._warm = self._environment = None
        self._used = False
        self._passes = 0
        if sandbox is not None:
            sandbox.close()

    def _follow(self, snapshot: Snapshot, environment: Environment) -> bool:
        """Bring what is open to a snapshot; False where that can't be."""
        worn = self._passes >= MOST_PASSES
        if self._sandbox is None or worn or environment != self._environment:
            return False
        try:
            if self._used:
                # With the shell everything ends that tests left running, the server too.
                self._sandbox.shell().run("exit", timeout_s=ENDING_S)
                self._warm = None
                self.tests.install(anew=True)
                self._used = False
            return self._sandbox.move_to(snapshot)
        except SweSleepError:  # it was lost
            return False

    def _open(self, snapshot: Snapshot, environment: Environment) -> None:
        self.close()
        self._sandbox = self._backend.open(snapshot, environment, limits=self._limits)
        self._environment = environment

    # -- compiled code ---------------------------------------------------------------------------

    def _compiled(self) -> bytes:
        """The compiled code of the repository, and what its tests import besides."""
        if self._sandbox is None or self._tests is None:
            return b""
        folder, python = self._tests.folder, self._sandbox.environment.python
        archive = posixpath.join(self._sandbox.scratch, "kept.tar")
        try:
            argv = [python, "-m", "tarfile", "-c", archive, "code", "modules"]
            self._sandbox.run(argv, timeout_s=MOVING_S, cwd=folder)
            return self._sandbox.get(archive, limit_bytes=MOST_BYTES)
        except (SweSleepError, FileNotFoundError):
            return b""

    def _give(self, kept: bytes) -> None:
        if kept:
            archive = posixpath.join(self.sandbox.scratch, "kept.tar")
            self.tests.install()
            self.sandbox.put({archive: kept})
            argv = [self.sandbox.environment.python, "-m", "tarfile", "-e", archive]
            self.sandbox.run([*argv, self.tests.folder], timeout_s=MOVING_S)
            self.sandbox.put({archive: None})
