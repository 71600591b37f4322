"""Many short test runs on small edits: one process stays in the sandbox and forks for each run.

It has pytest imported, and after the first run every module that the tests needed and that is not
the repository's. The repository's own modules are imported after the fork, so each run sees the
files as they are then. What differs from a fresh process is that third-party modules are already
imported; so the last word on a patch has `verify`, which does not use this.
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from swe_sleep.errors import TestsError
from swe_sleep.records import TestRun
from swe_sleep.testing.served import Server
from swe_sleep.testing.tests import Execution, Stop, Tests

START_S = 60.0
MOST_STARTS = 3
"""In a row, until runs are cold ones."""


class WarmTests:
    """Quick runs of a few tests in one open sandbox. A context manager.

    Where the server can't be started, or is lost, runs are cold ones: `warm` and `why` say so.
    """

    def __init__(self, tests: Tests) -> None:
        self.tests = tests
        self.warm = False
        self.why = "not started yet"
        self._starts = 0
        """In a row, without a run that came to its end."""
        self._server: Server | None = None

    def run(
        self,
        test_ids: Sequence[str],
        *,
        files: Mapping[str, bytes | None] | None = None,
        timeout_s: float,
        test_timeout_s: float,
        coverage: bool = False,
        fail_fast: bool = True,
        stop: Stop | None = None,
    ) -> TestRun:
        """Run tests in this order with `files` in place (None: deleted), then put back what was
        there. An id that names nothing is an ERROR result. Once `stop` is true the run is
        cancelled, with what it has."""
        before = self._put(files or {})
        try:
            return self._run(test_ids, timeout_s, test_timeout_s, coverage, fail_fast, stop)
        finally:
            if before:
                self.tests.sandbox.put(before)

    def _run(
        self,
        test_ids: Sequence[str],
        timeout_s: float,
        test_timeout_s: float,
        coverage: bool,
        fail_fast: bool,
        stop: Stop | None,
    ) -> TestRun:
        if not test_ids:
            return TestRun(problem="no tests were asked for")
        self.start()
        if self.warm:
            job = self.tests.job(test_ids, timeout_s=timeout_s, test_timeout_s=test_timeout_s)
            job |= {"coverage": coverage, "fail_fast": fail_fast, "strict": False}
            run = self._ask(job, stop)
            if run is not None:
                return run
        return self.tests.run(
            test_ids,
            timeout_s=timeout_s,
            test_timeout_s=test_timeout_s,
            coverage=coverage,
            fail_fast=fail_fast,
            strict=False,
            stop=stop,
        )

    def start(self) -> None:
        """Have the server up before it is needed. It imports what the tests of the last run in
        this sandbox, another server's too, imported of what is not the repository's."""
        if not self.warm and self._starts < MOST_STARTS:
            self._start()

    def _put(self, files: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
        """Write the files; what was there before."""
        before: dict[str, bytes | None] = {}
        for path in files:
            try:
                before[path] = self.tests.sandbox.get(path)
            except FileNotFoundError:
                before[path] = None
        if files:
            self.tests.sandbox.put(files)
        return before

    def _start(self) -> None:
        self._starts += 1
        tests = self.tests
        tests.install()
        self._server = Server(tests.sandbox, tests.new_folder("server"))
        argv = [
            tests.sandbox.environment.python,
            posixpath.join(tests.folder, "runner.py"),
            "serve",
            self._server.folder,
            tests.sandbox.workdir,
            tests.folder,
        ]
        self.warm = self._server.start(argv, timeout_s=START_S)
        last = self._server.last_words
        self.why = "" if self.warm else f"the server did not start: {last()}"

    def _ask(self, job: dict[str, Any], stop: Stop | None) -> TestRun | None:
        """One run by the server; None where it is lost."""
        assert self._server is not None
        began = time.monotonic()
        done = self._server.ask(job, timeout_s=job["timeout_s"], stop=stop)
        stopped = not done and stop is not None and stop()
        if not done:
            self.warm, self.why = False, f"the server was lost: {self._server.last_words()}"
            if not stopped:
                return None
        else:
            self._starts = 0
        execution = Execution()
        execution.reading.take(self.tests.file(job, "events.jsonl"))
        if stopped:
            execution.reading.problems.append("the run was cancelled")
        if execution.reading.fatal:
            raise TestsError(f"The tests can not be run: {execution.reading.fatal}.")
        if job["coverage"]:
            execution.read_lines(self.tests.file(job, "lines.jsonl"))
        self.tests.forget(job)
        return replace(execution.run(job), duration_s=time.monotonic() - began)

    def close(self) -> None:
        """End the server."""
        if self.warm and self._server is not None:
            self.warm, self.why = False, "closed"
            self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
