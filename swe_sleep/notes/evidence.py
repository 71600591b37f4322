"""What the test notes say together: which tests fail, since when, and which tests run there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from swe_sleep.notes import kinds
from swe_sleep.notes.contents import Contents
from swe_sleep.notes.kinds import TestsOfFile
from swe_sleep.notes.view import View
from swe_sleep.records import Coverage, Outcome, Place, TestResult
from swe_sleep.repo.lines import line_change
from swe_sleep.repo.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Failing:
    """One failing test with what is known of it."""

    result: TestResult
    covered: Mapping[str, tuple[int, ...]]
    passed_with: Mapping[str, str] | None
    """Of what changed since it last passed, the content then; None where it was never seen to
    pass."""

    @property
    def id(self) -> str:
        return self.result.test_id


class Evidence:
    """The test notes of one snapshot, read together. Only fresh notes count, and of these only
    tests that no later edit touched."""

    def __init__(self, view: View, snapshot: Snapshot, contents: Contents) -> None:
        self._view = view
        self._snapshot = snapshot
        self._contents = contents

    def failing(self) -> list[Failing]:
        """Every test that is known to fail as the code is."""
        found: list[Failing] = []
        for seen in self._view.fresh(kinds.TESTS):
            data = seen.data(TestsOfFile)
            bad = [r for r in data.settled if r.outcome.bad]
            if bad:
                lines = kinds.unpack_coverage(data.coverage).lines
                found += [
                    Failing(r, lines.get(r.test_id, {}), data.passed_with.get(r.test_id))
                    for r in bad
                ]
        return found

    def flaky(self) -> frozenset[str]:
        """The tests seen to pass and to fail on the same content."""
        notes = self._view.fresh(kinds.TESTS)
        return frozenset(test for seen in notes for test in seen.data(TestsOfFile).flaky)

    def seconds_of(self, test_files: Iterable[str]) -> float | None:
        """What all the tests of these files took together; None where some are not known."""
        seconds = 0.0
        known = {seen.note.subject: seen for seen in self._view.fresh(kinds.TESTS)}
        for path in test_files:
            data = known[path].data(TestsOfFile) if path in known else None
            if data is None or data.pending or data.problem:
                return None
            seconds += sum(result.duration_s for result in data.results)
        return seconds

    def estimate_of(self, test_files: Sequence[str]) -> float | None:
        """What all the tests of these files would take, judged by those that are known; None
        where none is."""
        known = {seen.note.subject: seen for seen in self._view.fresh(kinds.TESTS)}
        found = [known[path].data(TestsOfFile) for path in test_files if path in known]
        ran = [result.duration_s for data in found for result in data.results]
        if not ran:
            return None
        waiting = sum(len(data.pending) for data in found)
        return sum(ran) * (1 + waiting / len(ran)) * len(test_files) / len(found)

    def coverage_of(self, paths: Iterable[str]) -> tuple[Coverage, list[TestResult]]:
        """The coverage and results of every test known to run any of these files."""
        coverage = Coverage()
        results: list[TestResult] = []
        for seen in self._view.made_from(kinds.TESTS, list(paths)):
            if seen.fresh:
                data = seen.data(TestsOfFile)
                coverage = coverage.merged(kinds.unpack_coverage(data.coverage))
                results += data.settled
        return coverage, results

    def old_texts(self, tests: Iterable[Failing]) -> dict[str, bytes]:
        """Of each file that changed since one of the tests passed: its content then."""
        found: dict[str, bytes] = {}
        for test in tests:
            for path, blob in (test.passed_with or {}).items():
                if path not in found and self._snapshot.blob(path) not in ("", blob):
                    before = self._contents.get(path, blob)
                    if before is not None:
                        found[path] = before
        return found

    def changed_lines(self, recent: Mapping[str, bytes]) -> dict[str, frozenset[int]]:
        """The lines of now that differ from the old contents."""
        return {
            path: line_change(before, self._snapshot.read(path)).touched_after
            for path, before in recent.items()
        }


class SourceTexts(Mapping[str, bytes]):
    """The contents of some files of a snapshot, read when they are asked for."""

    def __init__(self, snapshot: Snapshot, paths: Iterable[str]) -> None:
        self._snapshot = snapshot
        self._paths = dict.fromkeys(paths)
        self._read: dict[str, bytes] = {}

    def __getitem__(self, path: str) -> bytes:
        if path not in self._paths:
            raise KeyError(path)
        if path not in self._read:
            self._read[path] = self._snapshot.read(path)
        return self._read[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def ranges(path: str, lines: Iterable[int]) -> tuple[Place, ...]:
    """Lines as places, neighbours together."""
    places: list[Place] = []
    for line in sorted(lines):
        if places and (places[-1].end_line or places[-1].line or 0) + 1 == line:
            places[-1] = Place(path, places[-1].line, line)
        else:
            places.append(Place(path, line))
    return tuple(places)


def passing_ids(results: Iterable[TestResult]) -> list[str]:
    """The tests that passed."""
    return [r.test_id for r in results if r.outcome is Outcome.PASSED]
