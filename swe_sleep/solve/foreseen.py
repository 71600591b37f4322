"""Issues that sleep foresaw and showed by a test of its own: which of them is this one?"""

from __future__ import annotations

from collections.abc import Sequence

from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import Issue, Outcome, TestResult
from swe_sleep.solve.matching import matches


def foreseen(issue: Issue, known: Sequence[SeenIssue]) -> SeenIssue | None:
    """The anticipated issue with a written test that is named, or that the text is about."""
    written = {each.issue.written.tests: each for each in known if each.issue.written is not None}
    if issue.test_ids:
        wanted = set(issue.test_ids)
        return next((each for tests, each in written.items() if wanted <= set(tests)), None)
    told = {tests[0]: each for tests, each in written.items() if tests}
    found = matches(issue.text, [_as_result(test, each) for test, each in told.items()])
    return told[found[0].result.test_id] if found else None


def _as_result(test_id: str, seen: SeenIssue) -> TestResult:
    """What a run of its test says, with the issue's own words."""
    issue = seen.issue
    return TestResult(
        test_id,
        Outcome.FAILED,
        message=f"{issue.title} {issue.symptom}",
        frames=tuple(suspicion.place for suspicion in issue.suspicions[:5]),
        detail=f"{issue.text}\n{seen.note.body}",
    )
