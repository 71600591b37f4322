"""The verification of a patch as `solve` asks for it: with what is known, within its limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from swe_sleep.notes.evidence import Failing
from swe_sleep.records import Issue, Patch, Proof, TestRun
from swe_sleep.repo.diff import apply_in_memory, diff, files_of
from swe_sleep.repo.snapshot import REGULAR, Snapshot
from swe_sleep.solve.failing import Shown
from swe_sleep.solve.knowledge import Knowledge
from swe_sleep.solve.outcome import Limits
from swe_sleep.solve.own_tests import failing_before, split
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.verify import Bounds, Files, verify

QUICK_S = 20.0
"""A suite that takes no longer needs no part of it run before."""
HOPELESS = 3
"""Times the limit: a suite that is said to take longer is not begun. Sleep measured it with
coverage, maybe on a busy machine; what takes a little longer than the limit is run until then."""


class Proving:
    """Verifies patches of one issue, by the tests that show it. For several threads."""

    def __init__(
        self,
        issue: Issue,
        shown: Shown,
        snapshot: Snapshot,
        knowledge: Knowledge,
        limits: Limits,
        progress: Callable[[str], None],
    ) -> None:
        self._issue = issue
        self._shown = shown
        self._snapshot = snapshot
        self._knowledge = knowledge
        self._limits = limits
        self._progress = progress
        self._bounds = Bounds(limits.suite_s, limits.suite_s, limits.test_s)
        suite_s = knowledge.suite_s() or 0.0
        self.is_short = suite_s <= HOPELESS * limits.suite_s
        self.remark = "" if self.is_short else _too_long(suite_s, limits.suite_s)
        """What a reader of the proof should know, in one line."""

    def prove(self, patch: Patch, tests: Tests) -> Proof:
        """Where no test is known to show the issue, those that came with the patch may: they are
        put in before and after. Raises RepositoryError where the patch does not apply."""
        files: Files = apply_in_memory(patch, self._snapshot)
        reproducing = [test.id for test in self._shown.failing]
        made = self._shown.reproduction
        added: Files = {} if made is None else made.files
        known_bad = self.known_bad()
        before: TestRun | None = None
        if not reproducing:
            own = split(files, self._snapshot)
            shown = failing_before(
                tests, own, known_bad=known_bad, bounds=self._bounds, stop=self._limits.stop
            )
            if own.source and own.runnable:
                files, added = own.source, own.tests
            if added and shown.bad:
                before, reproducing = shown, sorted(shown.bad)
        return verify(
            tests,
            files,
            reproducing=reproducing,
            impacted=self._reaching(patch),
            known_bad=known_bad,
            whole_suite=self.is_short,
            added=added,
            before=before,
            flaky=self._knowledge.flaky(),
            issue=self._issue.text,
            bounds=self._bounds,
            progress=self._progress,
            stop=self._limits.stop,
        )

    def without_the_test(self, patch: Patch, given: Snapshot) -> Patch:
        """A patch on a snapshot that has the written test, without what it does to that test."""
        made = self._shown.reproduction
        if made is None or made.path not in {file.path for file in files_of(patch.diff)}:
            return patch
        after = {p: c for p, c in apply_in_memory(patch, given).items() if p != made.path}
        before = {p: given.read(p) if p in given.files else None for p in after}
        modes = {p: given.files[p].mode for p in after if p in given.files}
        text = diff(before, after, modes={p: m for p, m in modes.items() if m != REGULAR})
        return Patch(text, tuple(sorted(after)), patch.producer, patch.summary)

    def swallows(self, patch: Patch) -> bool:
        """Whether the patch hides an exception, and the written test asks for no more."""
        made = self._shown.reproduction
        return made is not None and made.silences and hides(patch.diff)

    def _reaching(self, patch: Patch) -> list[str]:
        """The tests that are known to run a line that the patch changes; none where the whole
        suite has said as much before anyone could read it."""
        suite_s = self._knowledge.suite_s()
        if suite_s is not None and suite_s < QUICK_S:
            return []
        changed = {file.path: set(file.old_lines) for file in files_of(patch.diff)}
        coverage, _ = self._knowledge.coverage_of(changed)
        return [
            test
            for test, files in coverage.lines.items()
            if test and any(not changed[path].isdisjoint(files.get(path, ())) for path in changed)
        ]

    def known_bad(self) -> set[str]:
        """What failed before any patch, as far as it is known."""
        suite = self._shown.suite.bad if self._shown.suite else frozenset()
        return {test.id for test in self._knowledge.failing()} | suite


_HIDES = re.compile(r"^\+\s*(?:except\b|try:|with (?:contextlib\.)?suppress\()", re.M)


def hides(diff_text: str) -> bool:
    """Whether a diff adds something that catches exceptions."""
    return bool(_HIDES.search(diff_text))


def editable(failing: Sequence[Failing], is_test: Callable[[str], bool]) -> set[str]:
    """The files that the failing tests run and that are no tests."""
    return {path for test in failing for path in test.covered if not is_test(path)}


def _too_long(seconds: float, limit_s: float) -> str:
    return (
        f"the whole suite was not run: it would take about {seconds / 60:.0f} min, and the limit "
        f"is {limit_s:.0f} s (tests.suite_s)"
    )
