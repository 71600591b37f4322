"""From an issue to a verified patch: find what fails, take the prepared answer, else look for one.

The order is by cost: a patch that sleep prepared is verified again and offered; else the built-in
search looks for one; else the model is asked, where there is one. Every patch passes the same
verification, and the report says what stands behind it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from swe_sleep.errors import RepositoryError, StoreError, TestsError, UsageError
from swe_sleep.notes.evidence import Failing, SourceTexts, passing_ids
from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import (
    ContextLine,
    Coverage,
    Issue,
    Patch,
    Proof,
    Suspicion,
    TestResult,
    TestRun,
    Usage,
)
from swe_sleep.repair.found import Budget as SearchBudget
from swe_sleep.repair.search import Repair
from swe_sleep.repair.validation import SandboxValidator
from swe_sleep.repo.diff import apply_in_memory, files_of
from swe_sleep.repo.snapshot import REGULAR, REGULAR_FILES, Snapshot
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve.knowledge import Knowledge, context
from swe_sleep.solve.matching import matches
from swe_sleep.solve.own_tests import failing_before, split
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.verify import Bounds, Files, verify
from swe_sleep.testing.warm import WarmTests

QUICK_S = 20.0
"""A suite that takes no longer needs no part of it run before."""

Solver = Literal["prepared", "search", "agent"]


Prove = Callable[[Patch, Sandbox], Proof]
"""Verifies a patch in a sandbox with the same snapshot, and leaves it reset. May be called from
several threads. Raises RepositoryError where the patch does not apply, and what the sandbox
raises."""


class Asks(Protocol):
    """Asks a model for a patch, in sandboxes of its own."""

    def __call__(
        self, issue: Issue, known: Sequence[ContextLine], snapshot: Snapshot, prove: Prove
    ) -> tuple[Patch, str, Usage]:
        """The best patch there was (it may be empty), why the run ended, and what it took.

        `prove` says of a patch what the caller will hold against it."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for the parts of a run."""

    search_s: float = 60.0
    suite_s: float = 180.0
    """For the whole suite, before and after. One that takes longer is said to be cut."""
    test_s: float = 60.0
    stop: Callable[[], bool] = lambda: False


@dataclass
class Solved:
    """What a run gave. Without a patch, `why` says in one line what was missing."""

    issue: Issue
    patch: Patch | None = None
    proof: Proof | None = None
    solver: Solver | None = None
    why: str = ""
    remark: str = ""
    """What a reader of the proof should know, in one line; empty if nothing."""
    failing: tuple[TestResult, ...] = ()
    """The tests that show the issue."""
    suspicions: tuple[Suspicion, ...] = ()
    notes: tuple[str, ...] = ()
    """Subjects of the notes that were used."""
    plausible: int = 0
    """Plausible patches that there were to choose from."""
    usage: Usage = field(default_factory=Usage)

    @property
    def solved(self) -> bool:
        return self.patch is not None and self.proof is not None and self.proof.holds


class Solve:
    """One run on one issue, on one snapshot, in one open sandbox that it leaves as it was."""

    def __init__(
        self,
        snapshot: Snapshot,
        sandbox: Sandbox,
        knowledge: Knowledge,
        *,
        asks: Asks | None = None,
        limits: Limits | None = None,
        progress: Callable[[str], None] = lambda line: None,
        protected: Sequence[str] = (),
    ) -> None:
        self._snapshot = snapshot
        self._sandbox = sandbox
        self._tests = Tests(sandbox)
        self._knowledge = knowledge
        self._asks = asks
        self._limits = limits or Limits()
        self._progress = progress
        self._protected = tuple(protected)
        self._suite: TestRun | None = None
        """The run of everything, where one had to be made."""

    def run(self, issue: Issue) -> Solved:
        """Raises UnknownTest, TestsError, and what the sandbox raises."""
        began = time.monotonic()
        self._solved = solved = Solved(issue)
        failing = self._what_fails(issue)
        solved.failing = tuple(test.result for test in failing)
        if failing:
            related = self._related(failing)
            if not self._take_prepared(related, failing):
                self._search(failing, related)
        elif not solved.why:
            solved.why = "no failing test shows this issue. Name one with --test, or set a key."
        if not solved.solved and self._asks is not None:
            self._ask(issue, failing)
        solved.usage += Usage(wall_s=time.monotonic() - began - solved.usage.wall_s)
        return solved

    # -- what fails ------------------------------------------------------------------------------

    def _what_fails(self, issue: Issue) -> list[Failing]:
        known = list(self._knowledge.failing())
        if issue.test_ids:
            return self._named(issue.test_ids, known)
        found = self._matching(issue, known)
        if found or self._knowledge.complete():
            if not found and known:
                self._solved.why = self._unrelated(len(known))
            return found
        self._progress("running the whole suite to see what fails")
        self._suite = self._run(None, coverage=True)
        lines = (self._suite.coverage or Coverage()).lines
        failing = [
            Failing(r, lines.get(r.test_id, {}), None) for r in self._suite.results if r.outcome.bad
        ]
        found = self._matching(issue, failing)
        if failing and not found:
            self._solved.why = self._unrelated(len(failing))
        return found

    @staticmethod
    def _unrelated(count: int) -> str:
        tests = "1 test fails, but it does" if count == 1 else f"{count} tests fail, but they do"
        return f"{tests} not seem to be about this issue. Name one with --test if it is."

    @staticmethod
    def _matching(issue: Issue, failing: Sequence[Failing]) -> list[Failing]:
        wanted = {m.result.test_id for m in matches(issue.text, [f.result for f in failing])}
        return [test for test in failing if test.id in wanted]

    def _named(self, ids: Sequence[str], known: Sequence[Failing]) -> list[Failing]:
        by_id = {test.id: test for test in known}
        problem = ""
        missing = [test for test in ids if test not in by_id]
        if missing:
            self._progress("running the named tests")
            run = self._run(missing, coverage=True)
            problem = run.problem
            lines = (run.coverage or Coverage()).lines
            by_id |= {
                r.test_id: Failing(r, lines.get(r.test_id, {}), None)
                for r in run.results
                if r.outcome.bad
            }
            # A parametrised test is named by its function, a class or a file by its tests.
            ids = [*ids, *(r.test_id for r in run.results if r.test_id not in ids)]
        found = [by_id[test] for test in ids if test in by_id]
        if not found and problem:
            raise TestsError(f"the named tests could not be run: {problem}.")
        if not found:
            raise UsageError("the named tests pass as the code is; there is nothing to mend.")
        return found

    # -- answers ---------------------------------------------------------------------------------

    def _related(self, failing: Sequence[Failing]) -> list[SeenIssue]:
        wanted = {test.id for test in failing}
        return [each for each in self._knowledge.issues() if wanted.intersection(each.issue.tests)]

    def _take_prepared(self, related: Sequence[SeenIssue], failing: Sequence[Failing]) -> bool:
        for each in related:
            for patch in each.issue.patches:
                self._progress(f"verifying the prepared patch: {patch.summary}")
                self._solved.notes += (each.note.subject,)
                self._solved.suspicions = each.issue.suspicions
                if self._offer(patch, failing, "prepared"):
                    self._solved.plausible = len(each.issue.patches)
                    return True
        return False

    def _search(self, failing: Sequence[Failing], related: Sequence[SeenIssue]) -> None:
        files = {path for test in failing for path in test.covered}
        coverage, results = self._knowledge.coverage_of(files)
        if self._suite is not None:
            coverage = self._suite.coverage or Coverage()
            results = list(self._suite.results)
        elif coverage.lines:
            self._solved.notes += tuple(each.note.subject for each in related)
        passing = passing_ids(results)
        if not results:
            passing = self._others(failing)
        own = Coverage({test.id: test.covered for test in failing if test.covered})
        coverage = coverage.merged(own)
        files_of = self._snapshot.files.items()
        python = [path for path, e in files_of if path.endswith(".py") and e.mode in REGULAR_FILES]
        sources = SourceTexts(self._snapshot, python)
        with WarmTests(self._tests) as warm:
            found = Repair(SandboxValidator(warm)).search(
                sources,
                [test.result for test in failing],
                passing,
                coverage=coverage if coverage.lines else None,
                recent=self._knowledge.old_texts(failing),
                protected=self._protected,
                modes={p: e.mode for p, e in files_of if e.mode != REGULAR},
                budget=SearchBudget(seconds=self._limits.search_s),
                stop=self._limits.stop,
                on_event=lambda event: self._progress(f"{event.tried} tried: {event.text}"),
            )
        self._solved.usage += found.usage
        self._solved.suspicions = found.suspicions[:10]
        self._solved.plausible = len(found.plausible)
        for plausible in found.plausible:
            self._progress(f"verifying: {plausible.patch.summary}")
            if self._offer(plausible.patch, failing, "search"):
                return
        if not found.plausible:
            self._solved.why = found.summary

    def _others(self, failing: Sequence[Failing]) -> list[str]:
        """Every other test, where nobody knows yet which pass: the search measures it."""
        bad = {test.id for test in failing}
        collected = self._tests.collect(timeout_s=self._limits.suite_s)
        return [test for test in collected.test_ids if test not in bad]

    def _ask(self, issue: Issue, failing: Sequence[Failing]) -> None:
        assert self._asks is not None
        known = [*context(self._related(failing)), *self._located(issue, failing)]
        proofs: dict[str, Proof] = {}

        def prove(patch: Patch, sandbox: Sandbox) -> Proof:
            proof = self._prove(patch, failing, Tests(sandbox))
            proofs[patch.diff] = proof
            return proof

        self._progress("asking the model")
        patch, why, usage = self._asks(issue, known, self._snapshot, prove)
        self._solved.usage += usage
        self._solved.why = why
        if patch:
            self._offer(patch, failing, "agent", keep=True, proof=proofs.get(patch.diff))

    def _located(self, issue: Issue, failing: Sequence[Failing]) -> Sequence[ContextLine]:
        """Likely places by the issue's words; without any, by what the failing tests say."""
        told = "\n\n".join(f"{test.result.message}\n\n{test.result.detail}" for test in failing)
        try:
            return self._knowledge.located(issue.text.strip() or told)
        except (RepositoryError, StoreError) as error:  # the model can look for itself
            self._progress(f"the place of the issue could not be looked for: {error}")
            return ()

    def _offer(
        self,
        patch: Patch,
        failing: Sequence[Failing],
        solver: Solver,
        *,
        keep: bool = False,
        proof: Proof | None = None,
    ) -> bool:
        """Verify a patch, unless its proof is given; take it as the answer if the proof holds (or
        to be kept anyway)."""
        try:
            proof = proof or self._prove(patch, failing, self._tests)
        except RepositoryError as error:
            self._solved.why = f"a patch does not apply: {error}"
            return False
        suite_s = self._knowledge.suite_s() or 0.0
        short = suite_s <= self._limits.suite_s
        self._solved.remark = "" if short else _too_long(suite_s, self._limits.suite_s)
        runs = (proof.before, proof.after, proof.impacted, proof.suite)
        self._solved.usage += Usage(test_runs=sum(bool(run and run.results) for run in runs))
        if proof.holds or keep:
            self._solved.patch, self._solved.proof = patch, proof
            self._solved.solver = solver
        self._solved.why = proof.refused
        return proof.holds

    def _prove(self, patch: Patch, failing: Sequence[Failing], tests: Tests) -> Proof:
        """Where no test is known to show the issue, those that came with the patch may: they are
        put in before and after. Raises RepositoryError where the patch does not apply."""
        files: Files = apply_in_memory(patch, self._snapshot)
        suite_s = self._knowledge.suite_s() or 0.0
        bounds = Bounds(self._limits.suite_s, self._limits.suite_s, self._limits.test_s)
        reproducing = [test.id for test in failing]
        known_bad = self._known_bad()
        added: Files = {}
        before = None
        if not reproducing:
            own = split(files, self._snapshot)
            stop = self._limits.stop
            shown = failing_before(tests, own, known_bad=known_bad, bounds=bounds, stop=stop)
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
            whole_suite=suite_s <= self._limits.suite_s,
            added=added,
            before=before,
            bounds=bounds,
            progress=self._progress,
            stop=self._limits.stop,
        )

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

    def _known_bad(self) -> set[str]:
        """What failed before any patch, as far as it is known."""
        suite = self._suite.bad if self._suite else frozenset()
        return {test.id for test in self._knowledge.failing()} | suite

    def _run(self, ids: Sequence[str] | None, *, coverage: bool) -> TestRun:
        self._solved.usage += Usage(test_runs=1)
        return self._tests.run(
            ids,
            coverage=coverage,
            timeout_s=self._limits.suite_s,
            test_timeout_s=self._limits.test_s,
            stop=self._limits.stop,
        )


def _too_long(seconds: float, limit_s: float) -> str:
    return (
        f"the whole suite was not run: it would take about {seconds / 60:.0f} min, and the limit "
        f"is {limit_s:.0f} s (tests.suite_s)"
    )
