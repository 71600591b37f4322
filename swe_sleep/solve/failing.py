"""Which tests show an issue: named, known to fail, found by a run, or written from its text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from swe_sleep.errors import TestsError, UsageError
from swe_sleep.notes.evidence import Failing
from swe_sleep.records import Coverage, Issue, TestRun
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.solve.foreseen import foreseen
from swe_sleep.solve.knowledge import Knowledge
from swe_sleep.solve.matching import matches
from swe_sleep.solve.outcome import Limits
from swe_sleep.solve.reproduction.reproduce import (
    AT_SLEEP_TIME,
    Attempt,
    Reproduction,
    reproduce,
)
from swe_sleep.testing.tests import Tests


@dataclass
class Shown:
    """What shows an issue. Without a failing test, `why` says in one line what was missing."""

    failing: tuple[Failing, ...] = ()
    why: str = ""
    suite: TestRun | None = None
    """The run of everything, where one had to be made."""
    reproduction: Reproduction | None = None
    """The test that was written, now or at sleep time, where no other shows the issue."""
    runs: int = 0


class Finding:
    """Looks for what fails, the cheapest first."""

    def __init__(
        self,
        snapshot: Snapshot,
        tests: Tests,
        knowledge: Knowledge,
        limits: Limits,
        progress: Callable[[str], None],
    ) -> None:
        self._snapshot = snapshot
        self._tests = tests
        self._knowledge = knowledge
        self._limits = limits
        self._progress = progress
        self._shown = Shown()

    def find(self, issue: Issue) -> Shown:
        """Raises UnknownTest, UsageError where named tests pass, TestsError, and what the sandbox
        raises."""
        shown = self._shown = Shown()
        known = list(self._knowledge.failing())
        named = [] if issue.test_ids else _matching(issue, known)
        if not named and (made := self._foreseen(issue)):
            shown.reproduction, shown.failing = made, made.failing
            return shown
        if issue.test_ids:
            shown.failing = tuple(self._named(issue.test_ids, known))
            return shown
        if named:
            shown.failing = tuple(named)
            return shown
        attempt = self._reproduce(issue)
        made = attempt.reproduction
        if self._knowledge.complete():
            failing = known
        elif made is not None and not made.weak:
            failing = []  # no need to run everything for a test that there is
        else:
            failing = self._run_everything()
            if found := _matching(issue, failing):
                shown.failing = tuple(found)
                return shown
        if made is not None:
            shown.reproduction, shown.failing = made, made.failing
        else:
            shown.why = _missing(len(failing), attempt)
        return shown

    def _foreseen(self, issue: Issue) -> Reproduction | None:
        """The test that sleep wrote for this very issue, if it still fails."""
        seen = foreseen(issue, self._knowledge.issues())
        written = seen.issue.written if seen is not None else None
        if written is None:
            return None
        self._progress("running the test that was written at sleep time")
        sandbox = self._tests.sandbox
        sandbox.put(written.files)
        try:
            run = self._run(written.tests, strict=False)
        finally:
            sandbox.reset()
        failing = _bad(run, written.passed_with)
        if not failing:
            return None
        return Reproduction(written.path, written.content, tuple(failing), by=AT_SLEEP_TIME)

    def _reproduce(self, issue: Issue) -> Attempt:
        if not issue.text.strip() or self._limits.stop():
            return Attempt()
        try:
            attempt = reproduce(
                issue.text,
                self._snapshot,
                self._tests,
                test_s=self._limits.test_s,
                progress=self._progress,
                stop=self._limits.stop,
            )
        except TestsError as error:
            return Attempt(why=str(error))
        self._shown.runs += attempt.runs
        return attempt

    def _run_everything(self) -> list[Failing]:
        self._progress("running the whole suite to see what fails")
        suite = self._shown.suite = self._run(None)
        return _bad(suite)

    def _named(self, ids: Sequence[str], known: Sequence[Failing]) -> list[Failing]:
        by_id = {test.id: test for test in known}
        problem = ""
        missing = [test for test in ids if test not in by_id]
        if missing:
            self._progress("running the named tests")
            run = self._run(missing)
            problem = run.problem
            by_id |= {test.id: test for test in _bad(run)}
            # A parametrised test is named by its function, a class or a file by its tests.
            ids = [*ids, *(r.test_id for r in run.results if r.test_id not in ids)]
        found = [by_id[test] for test in ids if test in by_id]
        if not found and problem:
            raise TestsError(f"the named tests could not be run: {problem}.")
        if not found:
            raise UsageError("the named tests pass as the code is; there is nothing to mend.")
        return found

    def _run(self, ids: Sequence[str] | None, *, strict: bool = True) -> TestRun:
        self._shown.runs += 1
        return self._tests.run(
            ids,
            coverage=True,
            strict=strict,
            timeout_s=self._limits.suite_s,
            test_timeout_s=self._limits.test_s,
            stop=self._limits.stop,
        )


def _bad(run: TestRun, passed_with: Mapping[str, str] | None = None) -> list[Failing]:
    lines = (run.coverage or Coverage()).lines
    bad = [result for result in run.results if result.outcome.bad]
    return [Failing(r, lines.get(r.test_id, {}), passed_with or None) for r in bad]


def _matching(issue: Issue, failing: Sequence[Failing]) -> list[Failing]:
    wanted = {m.result.test_id for m in matches(issue.text, [f.result for f in failing])}
    return [test for test in failing if test.id in wanted]


def _missing(failing: int, attempt: Attempt) -> str:
    """Why there is no failing test, in one line."""
    if failing:
        tests = (
            "1 test fails, but it does" if failing == 1 else f"{failing} tests fail, but they do"
        )
        return f"{tests} not seem to be about this issue. Name one with --test if it is."
    none = "no failing test shows this issue"
    why = f", and {attempt.why}" if attempt.why else ""
    return f"{none}{why}. Name one with --test, or set a key."
