"""The test runs of a search: what the tests do as things are, and how long one may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from swe_sleep.records import Coverage, TestResult, TestRun, file_of
from swe_sleep.repair.candidates import Candidate
from swe_sleep.repair.source import Library
from swe_sleep.repair.validation import Stop, Validator

MOST_REACHING = 200
"""Tests beside the failing ones that judge an edit; all have their word in the verification."""
MEASURING_SHARE = 0.4
"""Of the time may go into the coverage of the passing tests, where nobody knows it."""
GENEROUS_S = 30.0
"""For a test on a candidate that has passed the first ones already."""


class Runs:
    """Runs of tests within the seconds of one search, and what is known of the tests."""

    def __init__(
        self,
        validator: Validator,
        failing: Sequence[TestResult],
        passing: Sequence[str],
        seconds: float,
        stop: Stop,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.failing, self.passing = list(failing), list(passing)
        self.coverage = Coverage()
        self.count = self.measured = 0
        """Runs so far, and tests whose coverage was measured."""
        self.test_limit_s = 60.0
        self.seconds = seconds
        self._run_limit_s = 60.0
        self._validator, self._stop, self._clock = validator, stop, clock
        self._started = clock()
        self._reached: dict[tuple[tuple[str, int, int], ...], tuple[str, ...]] = {}

    def observe(self, coverage: Coverage | None) -> bool:
        """Run the failing tests once as they are: they must fail here too, and their duration
        gives the time limits. Measures the coverage where it is missing."""
        ids = [r.test_id for r in self.failing]
        self.coverage = coverage or Coverage()
        known = any(i in self.coverage.lines for i in ids)
        self._limits(max((r.duration_s for r in self.failing), default=0.0), generous=True)
        before = self.run({}, ids, coverage=not known)
        self.failing = [
            before.result(r.test_id) or r for r in self.failing if r.test_id not in before.passed
        ]
        if not self.failing or self._stop():
            return False
        self.failing.sort(key=lambda r: r.duration_s)
        self._limits(max(r.duration_s for r in self.failing))
        if before.coverage is not None:
            self.coverage = self.coverage.merged(before.coverage)
        known = any(t in self.coverage.lines for t in self.passing)
        if self.passing and not known and not self._stop():
            self._measure()
        return True

    def _measure(self) -> None:
        """Run the passing tests for their coverage, those in the failing ones' files first; what
        is not reached in its share of the time judges no candidate."""
        files = {file_of(r.test_id) for r in self.failing}
        tests = sorted(self.passing, key=lambda t: file_of(t) not in files)
        limit, self._run_limit_s = self._run_limit_s, self.left() * MEASURING_SHARE
        run = self.run({}, tests, coverage=True)
        self._run_limit_s = limit
        if run.coverage is not None:
            self.coverage = self.coverage.merged(run.coverage)
        passed = run.passed
        self.passing = [t for t in self.passing if t in passed]
        self.measured = len(run.results)

    def time_passing(self, undone: Mapping[str, bytes]) -> None:
        """Run the failing tests with the whole change undone: one that fails early says little of
        how long it takes when it passes, and a limit below that would condemn every good
        candidate."""
        self._limits(0.0, generous=True)
        run = self.run(undone, [r.test_id for r in self.failing])
        slowest = max((r.duration_s for r in run.results), default=0.0)
        self._limits(max(slowest / 3, *(r.duration_s for r in self.failing)))

    def reaching(self, candidate: Candidate, library: Library) -> tuple[str, ...]:
        """The passing tests that run the function a candidate edits (all that reach its file, for
        an edit outside functions), and those whose coverage is not known; of many, those that
        run the least beside it."""
        key: list[tuple[str, int, int]] = []
        for edit in candidate.edits:
            source = library[edit.path]
            statement = source.statement_at(source.line_of(edit.start))
            function = source.function_of(statement) if statement is not None else None
            if function is None or statement is function:
                key.append((edit.path, 1, 1 << 30))
            else:
                key.append((edit.path, function.lineno + 1, function.end_lineno or 0))
        ranges = tuple(key)
        if ranges not in self._reached:
            lines = self.coverage.lines
            found = [
                test
                for test in self.passing
                if test not in lines
                or any(
                    low <= line <= high
                    for path, low, high in ranges
                    for line in lines[test].get(path, ())
                )
            ]
            if len(found) > MOST_REACHING:
                found.sort(key=lambda t: sum(map(len, lines.get(t, {}).values())))
            self._reached[ranges] = tuple(found[:MOST_REACHING])
        return self._reached[ranges]

    def _limits(self, slowest_s: float, *, generous: bool = False) -> None:
        """A candidate may loop for ever: ten times the failing test's own time, a second at
        least, ends it."""
        self.test_limit_s = max(30.0 if generous else 1.0, 10 * slowest_s)
        self._run_limit_s = self.test_limit_s * max(1, len(self.failing)) + 5.0

    def spent(self) -> float:
        return self._clock() - self._started

    def left(self) -> float:
        return self.seconds - self.spent()

    def run(
        self,
        files: Mapping[str, bytes],
        ids: Sequence[str],
        coverage: bool = False,
        generous: bool = False,
    ) -> TestRun:
        self.count += 1
        limit = self.left() if generous else max(self._run_limit_s, len(ids) * 0.5)
        return self._validator.validate(
            files,
            ids,
            timeout_s=max(1.0, min(limit, self.left() + 1.0)),
            test_timeout_s=max(GENEROUS_S, self.test_limit_s) if generous else self.test_limit_s,
            coverage=coverage,
            stop=self._stop,
        )
