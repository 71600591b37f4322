"""Validation of candidates in a sandbox, through the testing room."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as resources
from typing import Literal, Protocol

from swe_sleep.records import TestRun
from swe_sleep.repair.candidates import Edit
from swe_sleep.testing.served import Server
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.warm import WarmTests

PROGRAMS = ("screen", "exchange", "values")
FORKS = 2
"""Candidates that run at the same time."""

Stop = Callable[[], bool]

Verdict = Literal["passed", "failed", "broke", "idle", "same", "unknown"]
"""All tests passed; a failing test still fails; another test fails now; by the values that were
seen it changes nothing in the failing tests; it means what stands there; not to be judged in a
screening."""


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    mended: int = 0
    """How many of the failing tests passed before one that did not."""
    broke: str = ""
    """The first other test that fails now."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate's edits, and the tests beside the failing ones that can reach them."""

    edits: tuple[Edit, ...]
    reaching: tuple[str, ...]


class Screening(Protocol):
    """Judges candidates quickly. A `passed` is still to be validated."""

    @property
    def alive(self) -> bool:
        """Whether it can still judge."""
        ...

    def judge(
        self,
        trials: Sequence[Trial],
        *,
        timeout_s: float,
        test_timeout_s: float,
        most_passed: int,
        values: bool = True,
    ) -> Sequence[Judgement]:
        """For a first part of the trials, at best for all; maybe for none within the time.
        `values`: whether what is seen in the failing tests may rule candidates out."""
        ...

    def close(self) -> None: ...


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

    def screening(
        self, failing: Sequence[str], others: Sequence[str], *, timeout_s: float
    ) -> Screening | None:
        """A session in which these tests are collected, to judge many candidates in. None where
        the failing tests can't be collected that way."""
        ...


class SandboxValidator:
    """Validation in an open sandbox whose copy holds the text that is to be mended."""

    def __init__(self, warm: WarmTests) -> None:
        self._warm, self._tests = warm, warm.tests

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

    def screening(
        self, failing: Sequence[str], others: Sequence[str], *, timeout_s: float
    ) -> Screening | None:
        screening = SandboxScreening(self._tests, failing, others)
        return screening if screening.start(timeout_s=timeout_s) else None


class SandboxScreening:
    """A session of pytest in the sandbox that forks for each candidate."""

    def __init__(self, tests: Tests, failing: Sequence[str], others: Sequence[str]) -> None:
        self._tests = tests
        self._ids = list(dict.fromkeys([*failing, *others]))
        self._index = {test: at for at, test in enumerate(self._ids)}
        self._failing = len(failing)
        self._results = ""
        self._server: Server | None = None

    @property
    def alive(self) -> bool:
        return self._server is not None and self._server.up

    def start(self, *, timeout_s: float) -> bool:
        tests = self._tests
        sandbox = tests.sandbox
        job = tests.job(self._ids, timeout_s=timeout_s, test_timeout_s=timeout_s)
        job |= {"strict": False, "failing": self._failing, "forks": FORKS}
        self._server = Server(sandbox, job["folder"])
        self._results = posixpath.join(job["folder"], "results")
        inside = resources("swe_sleep.repair.inside")
        sandbox.put(
            {
                posixpath.join(tests.folder, f"{name}.py"): (inside / f"{name}.py").read_bytes()
                for name in PROGRAMS
            }
        )
        program = posixpath.join(tests.folder, "screen.py")
        argv = [sandbox.environment.python, program, job["folder"]]
        return self._server.start(argv, timeout_s=timeout_s, stdin=json.dumps(job).encode())

    def judge(
        self,
        trials: Sequence[Trial],
        *,
        timeout_s: float,
        test_timeout_s: float,
        most_passed: int,
        values: bool = True,
    ) -> Sequence[Judgement]:
        if self._server is None or not self._server.up:
            return ()
        groups: dict[tuple[str, ...], int] = {}
        candidates = []
        for trial in trials:
            edits = [(e.path, e.start, e.end, e.replacement.decode()) for e in trial.edits]
            candidates.append((edits, groups.setdefault(trial.reaching, len(groups))))
        batch = {
            "candidates": candidates,
            "groups": [[self._index[t] for t in group if t in self._index] for group in groups],
            "most_passed": most_passed,
            "values": values,
            "timeout_s": timeout_s,
            "test_timeout_s": test_timeout_s,
            "results": self._results,
        }
        if not self._server.ask(batch, timeout_s=timeout_s):
            return ()
        lines = self._tests.sandbox.get(self._results).splitlines()
        self._tests.sandbox.put({self._results: None})
        return [self._judgement(*json.loads(line)) for line in lines]

    def _judgement(self, verdict: Verdict, mended: int, broke: int) -> Judgement:
        return Judgement(verdict, mended, self._ids[broke] if broke >= 0 else "")

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
