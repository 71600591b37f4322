"""Validation of candidates in a sandbox, through the testing room."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files as resources
from typing import Literal, Protocol

from swe_sleep.records import TestRun
from swe_sleep.testing.tests import BACKSTOP_S, ENVIRONMENT
from swe_sleep.testing.warm import WarmTests

Stop = Callable[[], bool]

Verdict = Literal["passed", "failed", "unknown"]


class Validator(Protocol):
    """Runs tests on the snapshot with some files replaced."""

    def validate(
        self,
        files: Mapping[str, bytes],
        test_ids: Sequence[str],
        *,
        timeout_s: float,
        test_timeout_s: float,
        coverage: bool = False,
        stop: Stop | None = None,
    ) -> TestRun:
        """Run the tests as if only `files` differed from the snapshot: what an earlier call
        replaced is back. The run may end at the first bad result unless `coverage` is asked for.
        `timeout_s` is for the whole run, `test_timeout_s` for each test."""
        ...

    def screen(
        self,
        candidates: Sequence[Mapping[str, bytes]],
        test_ids: Sequence[str],
        *,
        timeout_s: float,
        test_timeout_s: float,
        stop: Stop | None = None,
    ) -> Sequence[Verdict]:
        """Judge candidates quickly: whether all these failing tests would pass. May answer
        `unknown`, and for fewer than were given, in order. A `passed` is still to be validated."""
        ...


class SandboxValidator:
    """Validation in an open sandbox whose copy holds the text that is to be mended."""

    def __init__(self, warm: WarmTests) -> None:
        self._warm, self._tests, self._sandbox = warm, warm.tests, warm.tests.sandbox

    def validate(
        self,
        files: Mapping[str, bytes],
        test_ids: Sequence[str],
        *,
        timeout_s: float,
        test_timeout_s: float,
        coverage: bool = False,
        stop: Stop | None = None,
    ) -> TestRun:
        if coverage and not files:  # a long run, which can be stopped
            return self._tests.run(
                test_ids,
                timeout_s=timeout_s,
                test_timeout_s=test_timeout_s,
                coverage=True,
                strict=False,
                stop=stop,
            )
        return self._warm.run(
            test_ids,
            files=files,
            timeout_s=timeout_s,
            test_timeout_s=test_timeout_s,
            coverage=coverage,
            fail_fast=not coverage,
        )

    def screen(
        self,
        candidates: Sequence[Mapping[str, bytes]],
        test_ids: Sequence[str],
        *,
        timeout_s: float,
        test_timeout_s: float,
        stop: Stop | None = None,
    ) -> Sequence[Verdict]:
        job = self._tests.job(test_ids, timeout_s=timeout_s, test_timeout_s=test_timeout_s)
        results = posixpath.join(job["folder"], "results")
        program = posixpath.join(self._tests.folder, "screen.py")
        job |= {
            "candidates": [{p: t.decode() for p, t in c.items()} for c in candidates],
            "most_passed": 4,
            "results": results,
        }
        text = (resources("swe_sleep.repair.inside") / "screen.py").read_bytes()
        self._sandbox.put({program: text})
        self._sandbox.run(
            [self._sandbox.environment.python, program],
            timeout_s=timeout_s + BACKSTOP_S,
            env=ENVIRONMENT,
            stdin=json.dumps(job).encode(),
            stop=stop,
        )
        try:
            words = self._sandbox.get(results).decode().split()
        except FileNotFoundError:
            return ()
        finally:
            self._sandbox.put({results: None})
        return [_VERDICTS[word] for word in words]


_VERDICTS: Mapping[str, Verdict] = {
    "passed": "passed",
    "failed": "failed",
    "unknown": "unknown",
}
