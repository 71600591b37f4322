"""Many short test runs on small edits: one process stays in the sandbox and forks for each run.

It has pytest imported, and after the first run every module that the tests needed and that is not
the repository's. The repository's own modules are imported after the fork, so each run sees the
files as they are then. What differs from a fresh process is that third-party modules are already
imported; so the last word on a patch has `verify`, which does not use this.
"""

from __future__ import annotations

import json
import posixpath
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from swe_sleep.errors import TestsError
from swe_sleep.records import TestRun
from swe_sleep.testing.tests import BACKSTOP_S, ENVIRONMENT, Execution, Tests

START_S = 60.0

# Waits on the pipe that the server answers on; ends early if the server is gone.
_ASK = "kill -0 $(cat {f}/pid) && echo {job} > {f}/jobs && IFS= read -r line < {f}/answers"


class WarmTests:
    """Quick runs of a few tests in one open sandbox. A context manager.

    Uses the sandbox's shell for short commands in subshells; the shell's folder and variables stay
    as they were. Where the server can't be started, or is lost, runs are cold ones: `warm` and
    `why` say so.
    """

    def __init__(self, tests: Tests) -> None:
        self.tests = tests
        self.warm = False
        self.why = "not started yet"
        self._starts = 0
        self._folder = ""

    def run(
        self,
        test_ids: Sequence[str],
        *,
        files: Mapping[str, bytes | None] | None = None,
        timeout_s: float,
        test_timeout_s: float,
        coverage: bool = False,
        fail_fast: bool = True,
    ) -> TestRun:
        """Run tests in this order with `files` in place (None: deleted), then put back what was
        there. An id that names nothing is an ERROR result."""
        before = self._put(files or {})
        try:
            return self._run(test_ids, timeout_s, test_timeout_s, coverage, fail_fast)
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
    ) -> TestRun:
        if not test_ids:
            return TestRun(problem="no tests were asked for")
        if not self.warm and self._starts < 3:
            self._start()
        if self.warm:
            job = self.tests.job(test_ids, timeout_s=timeout_s, test_timeout_s=test_timeout_s)
            job |= {"coverage": coverage, "fail_fast": fail_fast, "strict": False}
            run = self._ask(job)
            if run is not None:
                return run
        return self.tests.run(
            test_ids,
            timeout_s=timeout_s,
            test_timeout_s=test_timeout_s,
            coverage=coverage,
            fail_fast=fail_fast,
            strict=False,
        )

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
        self._folder = posixpath.join(tests.folder, f"server-{self._starts}")
        tests.sandbox.put({posixpath.join(self._folder, "here"): b""})
        values = " ".join(f"{name}={shlex.quote(text)}" for name, text in ENVIRONMENT.items())
        quoted = shlex.quote(self._folder)
        argv = [
            tests.sandbox.environment.python,
            posixpath.join(tests.folder, "runner.py"),
            "serve",
            self._folder,
            tests.sandbox.workdir,
        ]
        command = (
            f"( cd {shlex.quote(tests.sandbox.workdir)} || exit; "
            f"{values} {shlex.join(argv)} </dev/null >{quoted}/log 2>&1 & server=$!; "
            f"until [ -e {quoted}/pid ] || ! kill -0 $server; do sleep 0.02; done; "
            f"cat {quoted}/pid ) 2>/dev/null"
        )
        done = tests.sandbox.shell().run(command, timeout_s=START_S)
        self.warm = done.exit_code == 0 and done.stdout.strip().isdigit()
        self.why = "" if self.warm else f"the server did not start: {self._log()}"

    def _ask(self, job: dict[str, Any]) -> TestRun | None:
        """One run by the server; None where it is lost."""
        sandbox = self.tests.sandbox
        place = posixpath.join(self._folder, "job.json")
        sandbox.put({place: json.dumps(job).encode()})
        folder = shlex.quote(self._folder)
        command = f"( {_ASK.format(f=folder, job=shlex.quote(place))} ) 2>/dev/null"
        began = time.monotonic()
        done = sandbox.shell().run(command, timeout_s=job["timeout_s"] + BACKSTOP_S)
        if done.exit_code != 0 or done.cut:
            self.warm, self.why = False, f"the server was lost: {self._log()}"
            return None
        execution = Execution()
        execution.reading.take(self.tests.file(job, "events.jsonl"))
        if execution.reading.fatal:
            raise TestsError(f"The tests can not be run: {execution.reading.fatal}.")
        if job["coverage"]:
            execution.read_lines(self.tests.file(job, "lines.jsonl"))
        self.tests.forget(job)
        return replace(execution.run(job), duration_s=time.monotonic() - began)

    def _log(self) -> str:
        try:
            text = self.tests.sandbox.get(posixpath.join(self._folder, "log"))
        except FileNotFoundError:
            return "it said nothing"
        return (text.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]

    def close(self) -> None:
        """End the server."""
        if self.warm:
            self.warm, self.why = False, "closed"
            pid = f"{shlex.quote(self._folder)}/pid"
            self.tests.sandbox.shell().run(f"( kill $(cat {pid}) ) 2>/dev/null", timeout_s=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
