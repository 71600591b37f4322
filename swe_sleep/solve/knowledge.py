"""What is known when the question comes: from the notes, and what is found without any.

`solve` asks through this one Protocol. Without notes is a store that is empty: what needs no sleep
is still found, and the difference is what sleep gave.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from swe_sleep.notes.evidence import Evidence, Failing
from swe_sleep.notes.view import Seen, SeenIssue, View
from swe_sleep.records import ContextLine, Coverage, Place, State, TestResult, file_of
from swe_sleep.repair.lessons import Lesson
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.solve.predicted import anticipated, suspected
from swe_sleep.testing.discovery import find_test_files


class Knowledge(Protocol):
    """What may be known of the repository as it is. Everything in it is fresh."""

    def answers(self) -> bool:
        """Whether there are notes to ask for: where there are none, no model hears of any."""
        ...

    def issues(self) -> Sequence[SeenIssue]:
        """Anticipated issues that a failing test proves."""
        ...

    def failing(self) -> Sequence[Failing]:
        """Tests known to fail."""
        ...

    def flaky(self) -> frozenset[str]:
        """Tests known to pass and to fail on the same content."""
        ...

    def complete(self) -> bool:
        """Whether every test's outcome is known."""
        ...

    def suite_s(self) -> float | None:
        """Seconds that all tests take together, judged by those that ran; None if none did."""
        ...

    def coverage_of(self, paths: Iterable[str]) -> tuple[Coverage, list[TestResult]]:
        """Coverage and results of the tests known to run any of the files."""
        ...

    def old_texts(self, tests: Iterable[Failing]) -> Mapping[str, bytes]:
        """Old contents of files that changed since the tests passed; where nobody saw them pass, of
        what they run, before it was last changed."""
        ...

    def lessons(self, paths: Sequence[str]) -> Sequence[Lesson]:
        """What past fixes of these files, and of others, replaced by what."""
        ...

    def search(self, text: str, limit: int) -> Sequence[ContextLine]: ...

    def about(self, subject: str, limit: int) -> Sequence[ContextLine]: ...

    def suspected(self, text: str) -> Sequence[ContextLine]:
        """What sleep suspected of the very issue."""
        ...

    def located(self, text: str) -> Sequence[ContextLine]:
        """The places that fixing an issue is likely to touch, by its words; none where nothing is
        likely. It needs no notes."""
        ...


class Nothing:
    """Nothing is known."""

    def answers(self) -> bool:
        return False

    def issues(self) -> Sequence[SeenIssue]:
        return ()

    def failing(self) -> Sequence[Failing]:
        return ()

    def flaky(self) -> frozenset[str]:
        return frozenset()

    def complete(self) -> bool:
        return False

    def suite_s(self) -> float | None:
        return None

    def coverage_of(self, paths: Iterable[str]) -> tuple[Coverage, list[TestResult]]:
        return Coverage(), []

    def old_texts(self, tests: Iterable[Failing]) -> Mapping[str, bytes]:
        return {}

    def lessons(self, paths: Sequence[str]) -> Sequence[Lesson]:
        return ()

    def search(self, text: str, limit: int) -> Sequence[ContextLine]:
        return ()

    def about(self, subject: str, limit: int) -> Sequence[ContextLine]:
        return ()

    def suspected(self, text: str) -> Sequence[ContextLine]:
        return ()

    def located(self, text: str) -> Sequence[ContextLine]:
        return ()


class FromNotes:
    """The fresh notes of one snapshot. `locate` gives the likely places of an issue, `learn` what
    past fixes of files taught, `earlier` what files held before they were last changed."""

    def __init__(
        self,
        view: View,
        snapshot: Snapshot,
        evidence: Evidence,
        locate: Callable[[str], Sequence[ContextLine]] = lambda text: (),
        about: Callable[[str, int], Sequence[ContextLine]] | None = None,
        learn: Callable[[Sequence[str]], Sequence[Lesson]] = lambda paths: (),
        earlier: Callable[[Sequence[str]], Mapping[str, bytes]] = lambda paths: {},
    ) -> None:
        self._view = view
        self._snapshot = snapshot
        self._evidence = evidence
        self._locate = locate
        self._about = about
        self._learn = learn
        self._earlier = earlier

    def answers(self) -> bool:
        return not self._view.empty

    def issues(self) -> Sequence[SeenIssue]:
        return self._view.issues(State.PATCHED, State.REPRODUCED)

    def failing(self) -> Sequence[Failing]:
        return self._evidence.failing()

    def flaky(self) -> frozenset[str]:
        return self._evidence.flaky()

    def complete(self) -> bool:
        return self._evidence.seconds_of(find_test_files(self._snapshot)) is not None

    def suite_s(self) -> float | None:
        return self._evidence.estimate_of(find_test_files(self._snapshot))

    def coverage_of(self, paths: Iterable[str]) -> tuple[Coverage, list[TestResult]]:
        return self._evidence.coverage_of(paths)

    def old_texts(self, tests: Iterable[Failing]) -> Mapping[str, bytes]:
        tests = list(tests)
        known = self._evidence.old_texts(tests)
        unseen = {path for test in tests if test.passed_with is None for path in test.covered}
        return {**self._earlier(sorted(unseen - known.keys())), **known}

    def lessons(self, paths: Sequence[str]) -> Sequence[Lesson]:
        return self._learn(paths)

    def search(self, text: str, limit: int) -> Sequence[ContextLine]:
        return _lines(self._view.search(text, limit=limit * 2))[:limit]

    def about(self, subject: str, limit: int) -> Sequence[ContextLine]:
        if self._about is not None:
            return self._about(subject, limit)
        return _lines(self._view.about(file_of(subject)))[:limit]

    def suspected(self, text: str) -> Sequence[ContextLine]:
        return suspected(anticipated(self._view, text))

    def located(self, text: str) -> Sequence[ContextLine]:
        return self._locate(text)


class OneAtATime:
    """Knowledge for several threads: one of them asks at a time."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._lock = threading.RLock()

    def answers(self) -> bool:
        return self._knowledge.answers()

    def issues(self) -> Sequence[SeenIssue]:
        with self._lock:
            return self._knowledge.issues()

    def failing(self) -> Sequence[Failing]:
        with self._lock:
            return self._knowledge.failing()

    def flaky(self) -> frozenset[str]:
        with self._lock:
            return self._knowledge.flaky()

    def complete(self) -> bool:
        with self._lock:
            return self._knowledge.complete()

    def suite_s(self) -> float | None:
        with self._lock:
            return self._knowledge.suite_s()

    def coverage_of(self, paths: Iterable[str]) -> tuple[Coverage, list[TestResult]]:
        with self._lock:
            return self._knowledge.coverage_of(paths)

    def old_texts(self, tests: Iterable[Failing]) -> Mapping[str, bytes]:
        with self._lock:
            return self._knowledge.old_texts(tests)

    def lessons(self, paths: Sequence[str]) -> Sequence[Lesson]:
        with self._lock:
            return self._knowledge.lessons(paths)

    def search(self, text: str, limit: int) -> Sequence[ContextLine]:
        with self._lock:
            return self._knowledge.search(text, limit)

    def about(self, subject: str, limit: int) -> Sequence[ContextLine]:
        with self._lock:
            return self._knowledge.about(subject, limit)

    def suspected(self, text: str) -> Sequence[ContextLine]:
        with self._lock:
            return self._knowledge.suspected(text)

    def located(self, text: str) -> Sequence[ContextLine]:
        with self._lock:
            return self._knowledge.located(text)


def context(issues: Iterable[SeenIssue], *, most: int = 12) -> list[ContextLine]:
    """What proven issues say, as lines with a place, for a prompt."""
    lines: list[ContextLine] = []
    for each in issues:
        issue = each.issue
        for test in issue.tests[:3]:
            place = Place(file_of(test))
            lines.append(ContextLine(place, f"{test} fails: {issue.symptom}", "proven"))
        lines += [
            ContextLine(place, "changed since that test last passed", "proven")
            for place in issue.cause[:3]
        ]
        lines += [
            ContextLine(suspicion.place, f"suspicious: {suspicion.why}", "suspicion")
            for suspicion in issue.suspicions[:4]
        ]
    return lines[:most]


def failing_anyway(tests: Iterable[str], *, most: int = 5) -> list[ContextLine]:
    """What fails whatever is done about the issue, a line a file, for a prompt."""
    by_file: dict[str, list[str]] = {}
    for test in sorted(tests):
        by_file.setdefault(file_of(test), []).append(test)
    return [
        ContextLine(
            Place(path),
            "fails without any change too: "
            + ", ".join(test.removeprefix(path + "::") for test in tests[:3])
            + (f" and {len(tests) - 3} more" if len(tests) > 3 else ""),
        )
        for path, tests in list(by_file.items())[:most]
    ]


def _lines(found: Iterable[Seen]) -> list[ContextLine]:
    """The first line of each fresh note that has a place."""
    return [
        ContextLine(seen.note.evidence[0], seen.note.body.strip().partition("\n")[0])
        for seen in found
        if seen.fresh and seen.note.evidence
    ]
