"""Candidate patches for proven issues, tested before anyone asks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from swe_sleep.notes import kinds
from swe_sleep.notes.evidence import Failing, passing_ids
from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import AnticipatedIssue, Note, Patch, Proof, State, Usage
from swe_sleep.repair.found import Budget, Found
from swe_sleep.repair.lessons import recalled
from swe_sleep.repair.noted import search_noted
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation
from swe_sleep.testing.discovery import find_test_files
from swe_sleep.testing.verify import Bounds, verify

KEPT = 2
"""Verified patches that are kept with an issue: the best, and another view of it."""
SUITE_S = 60.0
"""A suite that takes no longer than this is run as a whole already now."""


class SpeculatePass:
    name = "speculate"
    version = 1
    reads = ("diagnose",)

    def plan(self, work: Situation) -> Iterator[Unit]:
        for each in work.view.issues(State.REPRODUCED):
            if each.issue.tests:
                yield schedule.PATCH.unit(
                    f"{self.name}@{self.version}",
                    each.note.subject,
                    {**each.note.inputs, "<failing>": "\n".join(each.issue.tests)},
                    cost_s=work.settings.sleep.speculate_s / 4,
                )

    def run(self, unit: Unit, work: Situation) -> Made:
        issues = work.view.issues(State.REPRODUCED)
        seen = next((each for each in issues if each.note.subject == unit.subject), None)
        wanted = set(seen.issue.tests) if seen else set()
        failing = [test for test in work.evidence.failing() if test.id in wanted]
        if seen is None or not failing:
            return Made()
        found, results = self._search(work, failing)
        work.budget.checkpoint()
        usage = found.usage
        kept: list[Patch] = []
        proof: Proof | None = None
        quick = self._suite_is_quick(work)
        for plausible in found.plausible:
            tried = verify(
                work.tests,
                plausible.files,
                reproducing=[test.id for test in failing],
                impacted=() if quick else results,  # the suite has them all
                known_bad={test.id for test in work.evidence.failing()},
                whole_suite=quick,
                bounds=Bounds(
                    run_s=max(1.0, work.budget.left_s), suite_s=max(1.0, work.budget.left_s)
                ),
                progress=work.progress,
                stop=work.budget.exhausted,
            )
            work.budget.checkpoint()
            usage += Usage(test_runs=2 + (tried.impacted is not None) + (tried.suite is not None))
            if tried.holds:
                kept.append(plausible.patch)
                proof = proof or tried
            if len(kept) == KEPT:
                break
        if not kept and work.budget.exhausted():
            return Made(usage=usage, done=False)  # nothing was found in half the time: try again
        return Made((self._note(unit, seen, found, kept, proof, usage),), usage=usage)

    @staticmethod
    def _search(work: Situation, failing: list[Failing]) -> tuple[Found, list[str]]:
        known = work.evidence.coverage_of({path for test in failing for path in test.covered})
        seconds = min(work.settings.sleep.speculate_s, max(work.budget.left_s, 1.0))
        found = search_noted(
            work.tests,
            work.snapshot,
            work.sources,
            failing,
            known,
            recent=work.evidence.old_texts(failing),
            learn=lambda paths: recalled(
                work.store, work.repository.git, work.snapshot.head, paths
            ),
            budget=Budget(seconds=seconds),
            stop=work.budget.exhausted,
            progress=work.progress,
        )
        return found, passing_ids(known[1])

    @staticmethod
    def _suite_is_quick(work: Situation) -> bool:
        seconds = work.evidence.seconds_of(find_test_files(work.snapshot))
        return seconds is not None and seconds <= min(SUITE_S, work.budget.left_s / 2)

    @staticmethod
    def _note(
        unit: Unit,
        seen: SeenIssue,
        found: Found,
        patches: list[Patch],
        proof: Proof | None,
        usage: Usage,
    ) -> Note:
        issue: AnticipatedIssue = dataclasses.replace(
            seen.issue,
            state=State.PATCHED if patches else State.REPRODUCED,
            patches=tuple(patches),
            proof=proof,
        )
        said = f"\n\nTried at sleep time: {found.summary}."
        return dataclasses.replace(
            seen.note,
            body=seen.note.body.partition("\n\nTried at")[0] + said,
            data=kinds.encode(issue),
            producer=unit.producer,
            usage=usage,
            created=0.0,
        )
