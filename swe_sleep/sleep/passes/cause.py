"""Of a change with several hunks: those that made the tests fail.

`diagnose` blames every changed line that a failing test runs, which stands at once. Here the test
is run on mixtures of old and new hunks until no hunk can be left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from swe_sleep.notes import kinds
from swe_sleep.notes.evidence import Failing
from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import Note, Place, State, Suspicion, Usage
from swe_sleep.repair.culprits import Culprits, culprits
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation
from swe_sleep.testing.discovery import is_test_path
from swe_sleep.testing.warm import WarmTests

LARGE = 4
"""With so many changed places the hunk is what a person wants to know first; with fewer the patch
comes first."""
SECONDS = 30.0
"""For one issue."""


class CausePass:
    name = "cause"
    version = 1
    reads = ("diagnose",)

    def plan(self, work: Situation) -> Iterator[Unit]:
        for seen in work.view.issues(State.PATCHED, State.REPRODUCED):
            places = len(seen.issue.cause)
            if places > 1 and seen.issue.written is None:
                yield schedule.CAUSE.unit(
                    f"{self.name}@{self.version}",
                    seen.note.subject,
                    {**seen.note.inputs, "<failing>": "\n".join(seen.issue.tests)},
                    cost_s=5.0,
                    chance=1.0 if places >= LARGE else 0.2,
                )

    def run(self, unit: Unit, work: Situation) -> Made:
        issues = work.view.issues(State.PATCHED, State.REPRODUCED)
        seen = next((each for each in issues if each.note.subject == unit.subject), None)
        test = _shown_by(work, seen) if seen is not None else None
        if seen is None or test is None:
            return Made()
        found = self._bisect(work, test)
        work.budget.checkpoint()
        usage = Usage(test_runs=found.runs)
        if not found.smallest and work.budget.exhausted():
            return Made(usage=usage, done=False)
        notes = (_note(unit, seen, found, usage),) if found.places else ()
        return Made(notes, usage=usage)

    @staticmethod
    def _bisect(work: Situation, test: Failing) -> Culprits:
        before = {
            path: content
            for path, content in work.evidence.old_texts([test]).items()
            if not is_test_path(path)
        }
        after = {path: work.snapshot.read(path) for path in before}
        raised = _kind(test.result.message)
        limit_s = min(work.settings.tests.test_timeout_s, max(2.0, 5 * test.result.duration_s))
        until_s = work.budget.left_s - SECONDS

        with WarmTests(work.tests) as warm:

            def fails(contents: Mapping[str, bytes]) -> bool:
                changed = {path: text for path, text in contents.items() if text != after[path]}
                run = warm.run(
                    [test.id], files=changed, timeout_s=limit_s + 5, test_timeout_s=limit_s
                )
                result = run.result(test.id)
                return bool(result and result.outcome.bad and _kind(result.message) == raised)

            try:
                return culprits(
                    before,
                    after,
                    fails,
                    ran=test.covered or None,
                    stop=lambda: work.budget.exhausted() or work.budget.left_s < until_s,
                )
            finally:
                work.sandbox.reset()


def _shown_by(work: Situation, seen: SeenIssue) -> Failing | None:
    """The issue's most telling test, as it fails now."""
    failing = {test.id: test for test in work.evidence.failing()}
    found = (failing[test] for test in seen.issue.tests if test in failing)
    return next((test for test in found if test.passed_with), None)


def _kind(message: str) -> str:
    """The exception's type: with half of a change its text may differ."""
    return message.partition(":")[0]


def _note(unit: Unit, seen: SeenIssue, found: Culprits, usage: Usage) -> Note:
    issue = dataclasses.replace(
        seen.issue,
        cause=found.places,
        suspicions=_nearer_first(seen.issue.suspicions, found.places),
    )
    count = "one hunk" if len(found.places) == 1 else f"{len(found.places)} hunks"
    places = ", ".join(f"`{place}`" for place in found.places[:3])
    said = f"Of the {found.hunks} hunks of the change it takes {count} to fail: {places}"
    if not found.smallest:
        said += " (perhaps fewer; the time was over)"
    body, mark, tried = seen.note.body.partition("\n\nTried at")
    return dataclasses.replace(
        seen.note,
        body=f"{body}\n\n{said}.{mark}{tried}",
        data=kinds.encode(issue),
        producer=unit.producer,
        evidence=tuple(dict.fromkeys([*found.places, *seen.note.evidence]))[:10],
        usage=usage,
        created=0.0,
    )


def _nearer_first(
    suspicions: tuple[Suspicion, ...], places: tuple[Place, ...]
) -> tuple[Suspicion, ...]:
    """Suspicious lines of the hunks that it takes, before those of the others."""

    def apart(suspicion: Suspicion) -> bool:
        line = suspicion.place.line or 0
        return not any(
            place.path == suspicion.place.path
            and (place.line or 0) <= line <= (place.end_line or place.line or 0)
            for place in places
        )

    return tuple(sorted(suspicions, key=apart))
