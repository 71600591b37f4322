"""Candidate patches for proven issues, tested before anyone asks.

A patch that was prepared for the same issue on other content comes first: it may still apply. Then
the search looks for one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field

from swe_sleep.errors import RepositoryError
from swe_sleep.notes import kinds
from swe_sleep.notes.evidence import Failing, passing_ids
from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import (
    AnticipatedIssue,
    Coverage,
    Note,
    Patch,
    Proof,
    State,
    TestResult,
    Usage,
    WrittenTest,
)
from swe_sleep.repair.found import Budget, Found
from swe_sleep.repair.lessons import recalled
from swe_sleep.repair.noted import search_noted
from swe_sleep.repo.diff import apply_in_memory
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation
from swe_sleep.testing.discovery import find_test_files
from swe_sleep.testing.verify import Bounds, Files, verify

KEPT = 2
"""Verified patches that are kept with an issue: the best, and another view of it."""
EARLIER = 3
"""Patches of the issue on other content that are tried again."""
SUITE_S = 60.0
"""A suite that takes no longer than this is run as a whole already now."""
WRITTEN_S = 120.0
"""For a run of the test that a pass wrote."""


class SpeculatePass:
    name = "speculate"
    version = 2
    reads = ("diagnose", "prove", "reproduce", "hunt")

    def plan(self, work: Situation) -> Iterator[Unit]:
        for each in work.view.issues(State.REPRODUCED):
            if each.issue.tests or each.issue.written:
                yield schedule.PATCH.unit(
                    f"{self.name}@{self.version}",
                    each.note.subject,
                    {**each.note.inputs, "<failing>": "\n".join(each.issue.tests)},
                    cost_s=work.settings.sleep.speculate_s / 4,
                )

    def run(self, unit: Unit, work: Situation) -> Made:
        issues = work.view.issues(State.REPRODUCED)
        seen = next((each for each in issues if each.note.subject == unit.subject), None)
        if seen is None:
            return Made()
        mending = _Mending(work, seen)
        if not mending.find_failing():
            return Made(usage=mending.usage, done=not work.budget.exhausted())
        mending.try_earlier()
        if not mending.kept:
            mending.search()
        if not mending.kept and work.budget.exhausted():
            # Nothing was found in half the time: try again.
            return Made(usage=mending.usage, done=False)
        return Made((mending.note(unit),), usage=mending.usage)


@dataclass
class _Mending:
    """The work on one issue."""

    work: Situation
    seen: SeenIssue
    failing: list[Failing] = field(default_factory=list)
    kept: list[Patch] = field(default_factory=list)
    proof: Proof | None = None
    tried: str = ""
    """What was tried, in words."""
    usage: Usage = Usage()

    def find_failing(self) -> bool:
        """The tests that show the issue, as they fail now."""
        written = self.seen.issue.written
        if written is not None:
            self.failing = self._run_written(written)
        else:
            wanted = set(self.seen.issue.tests)
            self.failing = [test for test in self.work.evidence.failing() if test.id in wanted]
        return bool(self.failing)

    def _run_written(self, written: WrittenTest) -> list[Failing]:
        work = self.work
        work.sandbox.put(written.files)
        try:
            run = work.tests.run(
                written.tests,
                coverage=True,
                timeout_s=min(WRITTEN_S, max(1.0, work.budget.left_s)),
                test_timeout_s=work.settings.tests.test_timeout_s,
                strict=False,
                stop=work.budget.exhausted,
            )
        finally:
            work.sandbox.reset()
        self.usage += Usage(test_runs=1)
        lines = (run.coverage or Coverage()).lines
        return [
            Failing(result, lines.get(result.test_id, {}), written.passed_with or None)
            for result in run.results
            if result.outcome.bad
        ]

    @property
    def _added(self) -> Files:
        written = self.seen.issue.written
        return {} if written is None else written.files

    def _known(self) -> tuple[Coverage, list[TestResult]]:
        paths = {path for test in self.failing for path in test.covered}
        return self.work.evidence.coverage_of(paths)

    def try_earlier(self) -> None:
        """The patches that were prepared for the issue on other content."""
        earlier: dict[str, Patch] = {}
        for version in self.work.view.versions(kinds.ISSUE, self.seen.note.subject):
            for patch in version.data(AnticipatedIssue).patches:
                earlier.setdefault(patch.diff, patch)
        results = passing_ids(self._known()[1]) if earlier else []
        for patch in list(earlier.values())[:EARLIER]:
            try:
                files = apply_in_memory(patch, self.work.snapshot)
            except RepositoryError:
                continue  # what it changes is not there any more
            self._verify(patch, files, results)
            if self.kept:
                self.tried = "an earlier patch still mends it"
                return

    def search(self) -> None:
        known = self._known()
        work = self.work
        seconds = min(work.settings.sleep.speculate_s, max(work.budget.left_s, 1.0))
        found: Found = search_noted(
            work.tests,
            work.snapshot,
            work.sources,
            self.failing,
            known,
            recent=work.evidence.old_texts(self.failing),
            learn=lambda paths: recalled(
                work.store, work.repository.git, work.snapshot.head, paths
            ),
            added=self._added,
            budget=Budget(seconds=seconds),
            stop=work.budget.exhausted,
            progress=work.progress,
        )
        work.budget.checkpoint()
        self.usage += found.usage
        self.tried = found.summary
        results = passing_ids(known[1])
        for plausible in found.plausible:
            self._verify(plausible.patch, plausible.files, results)
            if len(self.kept) == KEPT:
                break

    def _verify(self, patch: Patch, files: Files, passing: list[str]) -> None:
        """Keep the patch if its proof holds."""
        work = self.work
        quick = self._suite_is_quick()
        left_s = max(1.0, work.budget.left_s)
        proof = verify(
            work.tests,
            files,
            reproducing=[test.id for test in self.failing],
            impacted=() if quick else passing,  # the suite has them all
            known_bad={test.id for test in work.evidence.failing()},
            whole_suite=quick,
            added=self._added,
            bounds=Bounds(run_s=left_s, suite_s=left_s),
            progress=work.progress,
            stop=work.budget.exhausted,
        )
        work.budget.checkpoint()
        self.usage += Usage(test_runs=2 + (proof.impacted is not None) + (proof.suite is not None))
        if proof.holds:
            self.kept.append(patch)
            self.proof = self.proof or proof

    def _suite_is_quick(self) -> bool:
        seconds = self.work.evidence.seconds_of(find_test_files(self.work.snapshot))
        return seconds is not None and seconds <= min(SUITE_S, self.work.budget.left_s / 2)

    def note(self, unit: Unit) -> Note:
        issue = dataclasses.replace(
            self.seen.issue,
            state=State.PATCHED if self.kept else State.REPRODUCED,
            patches=tuple(self.kept),
            proof=self.proof,
        )
        said = f"\n\nTried at sleep time: {self.tried}."
        return dataclasses.replace(
            self.seen.note,
            body=self.seen.note.body.partition("\n\nTried at")[0] + said,
            data=kinds.encode(issue),
            producer=unit.producer,
            usage=self.usage,
            created=0.0,
        )
