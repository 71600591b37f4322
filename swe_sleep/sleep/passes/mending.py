"""One proven issue under repair: what shows it, and which patches are kept."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property

from swe_sleep.notes import kinds
from swe_sleep.notes.evidence import Failing, passing_ids
from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import (
    Coverage,
    Note,
    Patch,
    Proof,
    State,
    TestResult,
    Usage,
    WrittenTest,
)
from swe_sleep.sleep.situation import Situation
from swe_sleep.sleep.units import Unit
from swe_sleep.testing.discovery import find_test_files
from swe_sleep.testing.verify import Bounds, Files, verify

KEPT = 2
"""Verified patches that are kept with an issue: the best, and another view of it."""
SUITE_S = 60.0
"""A suite that takes no longer than this is run as a whole already now."""
WRITTEN_S = 120.0
"""For a run of the test that a pass wrote."""
TRIED = "\n\nTried at"
"""Where a note's body goes on with what was tried."""


@dataclass
class Mending:
    """The work on one proven issue: the tests that show it, and patches for it that hold."""

    work: Situation
    seen: SeenIssue
    failing: list[Failing] = field(default_factory=list)
    kept: list[Patch] = field(default_factory=list)
    proof: Proof | None = None
    tried: str = ""
    """What was tried, in words."""
    usage: Usage = Usage()

    @classmethod
    def of(cls, unit: Unit, work: Situation) -> Mending | None:
        """The issue that a unit is about, as it is now; None where it is mended or gone."""
        issues = work.view.issues(State.REPRODUCED)
        seen = next((each for each in issues if each.note.subject == unit.subject), None)
        return None if seen is None else cls(work, seen)

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
    def added(self) -> Files:
        """The test that a pass wrote, if it takes one."""
        written = self.seen.issue.written
        return {} if written is None else written.files

    @cached_property
    def known(self) -> tuple[Coverage, list[TestResult]]:
        """Coverage and results of the tests known to run the same files."""
        paths = {path for test in self.failing for path in test.covered}
        return self.work.evidence.coverage_of(paths)

    def verify(self, patch: Patch, files: Files) -> None:
        """Keep the patch if its proof holds."""
        work = self.work
        quick = self._suite_is_quick()
        left_s = max(1.0, work.budget.left_s)
        proof = verify(
            work.tests,
            files,
            reproducing=[test.id for test in self.failing],
            impacted=() if quick else passing_ids(self.known[1]),  # the suite has them all
            known_bad={test.id for test in work.evidence.failing()},
            whole_suite=quick,
            added=self.added,
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
        """The issue with the patches that were kept, and what was tried."""
        issue = dataclasses.replace(
            self.seen.issue,
            state=State.PATCHED if self.kept else State.REPRODUCED,
            patches=tuple(self.kept),
            proof=self.proof,
        )
        said = f"\n\nTried at sleep time: {self.tried}."
        return dataclasses.replace(
            self.seen.note,
            body=self.seen.note.body.partition(TRIED)[0] + said,
            data=kinds.encode(issue),
            producer=unit.producer,
            usage=self.usage,
            created=0.0,
        )
