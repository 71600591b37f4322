"""From failing tests to anticipated issues: what fails, since when, and the suspicious lines.

Tests that fail for what looks like one reason make one issue: those that began to fail with the
same edit and run a line of it, else those that raise at the same place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from swe_sleep.notes import kinds
from swe_sleep.notes.evidence import Evidence, Failing, passing_ids, ranges
from swe_sleep.records import AnticipatedIssue, Note, Place, State, file_of
from swe_sleep.repair.source import Library
from swe_sleep.repair.spectrum import localise
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.passes.inputs import inputs_of
from swe_sleep.sleep.situation import Situation
from swe_sleep.testing.discovery import is_test_path

SUSPICIONS = 10
"""Suspicious places kept with an issue."""


class DiagnosePass:
    name = "diagnose"
    version = 1
    reads = ("tests",)

    def plan(self, work: Situation) -> Iterator[Unit]:
        for tests in grouped(work.evidence, work.evidence.failing()):
            ids = tuple(test.id for test in tests)
            # Which tests fail is part of what is claimed, so it is part of the key.
            inputs = inputs_of(work, tests) | {"<failing>": "\n".join(ids)}
            yield schedule.DIAGNOSIS.unit(
                f"{self.name}@{self.version}", ids[0], inputs, cost_s=0.3, paths=ids
            )

    def run(self, unit: Unit, work: Situation) -> Made:
        wanted = set(unit.paths)
        tests = [test for test in work.evidence.failing() if test.id in wanted]
        if not tests:
            return Made()
        first = min(tests, key=_tellingness)
        recent = work.evidence.old_texts(tests)
        changed = work.evidence.changed_lines(recent)
        files = {path for test in tests for path in test.covered}
        coverage, results = work.evidence.coverage_of(
            [path for path in files if not is_test_path(path)]
        )
        suspicions = localise(
            coverage,
            [test.result for test in tests],
            passing_ids(results),
            Library(work.sources),
            changed,
        )[:SUSPICIONS]
        cause = tuple(
            place
            for path, lines in sorted(changed.items())
            if not is_test_path(path)
            for place in ranges(path, lines & _covered(tests, path) or lines)
        )
        issue = AnticipatedIssue(
            title=_title(first),
            state=State.REPRODUCED,
            symptom=first.result.message,
            tests=tuple(sorted((t.id for t in tests), key=lambda i: i != first.id)),
            suspicions=suspicions,
            cause=cause,
        )
        note = Note(
            kind=kinds.ISSUE,
            subject=first.id,
            body=_body(first, tests, issue),
            producer=unit.producer,
            inputs=inputs_of(work, tests),
            data=kinds.encode(issue),
            evidence=tuple(dict.fromkeys([*cause, *(s.place for s in suspicions)]))[:10],
        )
        return Made((note,))


def grouped(evidence: Evidence, tests: list[Failing]) -> list[list[Failing]]:
    """Failing tests by what looks like one reason; the most telling test of a group first."""
    groups: dict[tuple[str, ...], list[Failing]] = defaultdict(list)
    changed = evidence.changed_lines(evidence.old_texts(tests))
    for test in tests:
        groups[_reason(test, changed)].append(test)
    return [sorted(group, key=_tellingness) for group in groups.values()]


def _reason(test: Failing, changed: Mapping[str, frozenset[int]]) -> tuple[str, ...]:
    if test.passed_with is not None:
        touched = sorted(
            path
            for path, blob_lines in changed.items()
            if path in test.passed_with
            and (blob_lines.intersection(test.covered.get(path, ())) or not test.covered)
        )
        if touched:
            return ("change", *touched)
    inner = [frame for frame in test.result.frames if not is_test_path(frame.path)]
    if inner:
        return ("raised", str(inner[-1]))
    if "::" not in test.id:  # files that cannot be read, for one reason, are one issue
        return ("unreadable", test.result.message)
    return ("file", file_of(test.id), test.result.message.partition(":")[0])


def _covered(tests: list[Failing], path: str) -> frozenset[int]:
    return frozenset(line for test in tests for line in test.covered.get(path, ()))


def _tellingness(test: Failing) -> tuple[int, str]:
    """The test that shows the fault with the least around it comes first."""
    return (sum(map(len, test.covered.values())), test.id)


def _title(test: Failing) -> str:
    _, inner, name = test.id.rpartition("::")
    if inner:
        name = name.partition("[")[0].removeprefix("test_").replace("_", " ")
    return f"{name}: {test.result.message or test.result.outcome}"


def _body(first: Failing, tests: list[Failing], issue: AnticipatedIssue) -> str:
    others = f" and {len(tests) - 1} more tests fail" if len(tests) > 1 else " fails"
    since = _since(first, issue.cause)
    return f"`{first.id}`{others}{since}: {first.result.message or first.result.outcome}"


def _since(test: Failing, cause: tuple[Place, ...]) -> str:
    if test.passed_with is None:
        return " (it was never seen to pass here)"
    return f" since the change at {', '.join(map(str, cause[:3]))}" if cause else ""
