"""Validation of candidates in a sandbox, through the testing room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from swe_sleep.records import TestRun
from swe_sleep.sandbox.protocol import Sandbox

Stop = Callable[[], bool]


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


class Runner(Protocol):
    """Runs tests in a sandbox: `testing.tests.Tests`, or its warm sibling."""

    def run(
        self,
        test_ids: Sequence[str] | None,
        *,
        timeout_s: float,
        test_timeout_s: float,
        coverage: bool = False,
        fail_fast: bool = False,
        strict: bool = True,
        stop: Stop | None = None,
    ) -> TestRun: ...


class SandboxValidator:
    """Puts a candidate's files into an open sandbox, runs, and puts the originals back before the
    next. `originals` are the snapshot's contents; the sandbox is to be used by no one else."""

    def __init__(self, sandbox: Sandbox, runner: Runner, originals: Mapping[str, bytes]) -> None:
        self._sandbox, self._runner, self._originals = sandbox, runner, originals
        self._replaced: Mapping[str, bytes] = {}

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
        back = {p: self._originals[p] for p in self._replaced if p not in files}
        if back or files:
            self._replaced = {**self._replaced, **files}  # also if the put ends half-way
            self._sandbox.put({**back, **files})
            self._replaced = dict(files)
        return self._runner.run(
            test_ids,
            timeout_s=timeout_s,
            test_timeout_s=test_timeout_s,
            coverage=coverage,
            fail_fast=not coverage,
            strict=False,
            stop=stop,
        )

    def restore(self) -> None:
        """Make the copy the snapshot again."""
        if self._replaced:
            self._sandbox.put({path: self._originals[path] for path in self._replaced})
            self._replaced = {}
