"""Validators: one on a real sandbox, and one without, for the logic of the search, whose tests are
checks given as functions and run in this process."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from swe_sleep.records import Coverage, Outcome, Place, TestResult, TestRun
from swe_sleep.repair.validation import SandboxValidator
from swe_sleep.repo.repository import Repository
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.warm import WarmTests

Check = Callable[[dict[str, Any]], None]


class InProcess:
    """Runs checks on one module, `m.py`; a check gets the module's names."""

    def __init__(self, text: str, checks: Mapping[str, Check]) -> None:
        self.text, self.checks = text, checks
        self.calls: list[tuple[frozenset[str], tuple[str, ...]]] = []

    def validate(
        self,
        files: Mapping[str, bytes],
        test_ids: Sequence[str],
        *,
        timeout_s: float,
        test_timeout_s: float,
        coverage: bool = False,
        stop: Callable[[], bool] | None = None,
    ) -> TestRun:
        self.calls.append((frozenset(files), tuple(test_ids)))
        results, lines = [], {}
        code = files.get("m.py", self.text.encode())
        for test_id in test_ids:
            error_frames: list[Place] = []
            ran: set[int] = set()
            names: dict[str, Any] = {}
            before = sys.gettrace()
            try:
                exec(compile(code, "m.py", "exec"), names)
                sys.settrace(_tracer(ran))
                self.checks[test_id](names)
                outcome, message = Outcome.PASSED, ""
            except Exception as error:
                outcome, message = Outcome.FAILED, f"{type(error).__name__}: {error}"
                error_frames = _frames(error)
            finally:
                sys.settrace(before)
            places = tuple(error_frames)
            results.append(TestResult(test_id, outcome, 0.001, message, places))
            lines[test_id] = {"m.py": tuple(sorted(ran))}
            if outcome is Outcome.FAILED and not coverage:
                break
        return TestRun(tuple(results), coverage=Coverage(lines) if coverage else None)

    def screening(self, *arguments: object, **more: object) -> None:
        return None


def _tracer(ran: set[int]) -> Callable[[FrameType, str, object], Any]:
    """Notes the lines of m.py; ends what runs too long."""
    left = 20_000

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename != "m.py":
            return None
        left -= 1
        if left < 0:
            raise TimeoutError
        if event == "line":
            ran.add(frame.f_lineno)
        return trace

    return trace


def _frames(error: BaseException) -> list[Place]:
    found, at = [], error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == "m.py":
            found.append(Place("m.py", at.tb_lineno))
        at = at.tb_next
    return found


@pytest.fixture
def in_process() -> type[InProcess]:
    return InProcess


@pytest.fixture(scope="session")
def backend(environments: Path) -> LocalBackend:
    return LocalBackend(EnvironmentOptions(cache_dir=environments), level="plain")


@pytest.fixture
def open_validator(
    make_repository: Callable[..., Path], backend: LocalBackend
) -> Iterator[Callable[[Mapping[str, str]], SandboxValidator]]:
    """`open_validator({path: text})` gives a validator on a real sandbox with these files."""
    with contextlib.ExitStack() as stack:

        def make(files: Mapping[str, str]) -> SandboxValidator:
            snapshot = Repository.open(make_repository(files)).snapshot()
            environment = backend.prepare(snapshot, progress=lambda text: None)
            sandbox = stack.enter_context(backend.open(snapshot, environment))
            return SandboxValidator(stack.enter_context(WarmTests(Tests(sandbox))))

        yield make
