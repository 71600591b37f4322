"""The last word on a fault: its test on both versions, each in a fresh run of pytest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from swe_sleep.anticipate.proving.judge import Verdict
from swe_sleep.anticipate.proving.replaying import Outcome
from swe_sleep.records import Outcome as TestOutcome
from swe_sleep.records import Place, TestRun, WrittenTest
from swe_sleep.testing.tests import Tests

TEST_S = 20.0


@dataclass(frozen=True, slots=True)
class Proven:
    """A fault, with the test that shows it: it fails on the code as it is, twice, and passes on
    the version before."""

    path: str
    qualname: str
    verdict: Verdict
    what: str
    """The input that shows it."""
    old: Outcome
    new: Outcome
    cause: tuple[Place, ...]
    test: WrittenTest
    message: str
    """The test's own failure."""
    frames: tuple[Place, ...] = ()
    covered: tuple[str, ...] = ()
    """The files that the test runs."""


def run_written(
    tests: Tests,
    test: WrittenTest,
    stop: Callable[[], bool] | None = None,
    *,
    coverage: bool = False,
) -> TestRun:
    """Put a written test into the sandbox, run it, and take it away again."""
    tests.sandbox.put({test.path: test.content.encode()})
    try:
        return tests.run(
            test.tests,
            timeout_s=3 * TEST_S,
            test_timeout_s=TEST_S,
            coverage=coverage,
            strict=False,
            stop=stop,
        )
    finally:
        tests.sandbox.put({test.path: None})


def as_said(outcome: TestOutcome, message: str, new: Outcome) -> bool:
    """Whether the test fails for the reason that it was written for."""
    if new.state == "raised":
        return outcome is TestOutcome.FAILED and message.startswith(new.type)
    if new.state == "passed":  # an assertion was looked at, and did not hold
        return outcome is TestOutcome.FAILED and "Error" in message.partition(":")[0]
    if new.state in ("slow", "died"):
        return outcome in (TestOutcome.TIMEOUT, TestOutcome.ERROR)
    return outcome is TestOutcome.FAILED and message.startswith(("AssertionError", "assert"))
