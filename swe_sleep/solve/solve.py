"""From an issue to a verified patch: find what fails, take the prepared answer, else look for one.

The order is by cost: a patch that sleep prepared is verified again and offered; else the built-in
search looks for one; else the model is asked, where there is one. Every patch passes the same
verification, and the report says what stands behind it. Whatever ends a run, what was found until
then is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from swe_sleep.errors import (
    RepositoryError,
    SandboxError,
    StoreError,
    SweSleepError,
    TestsError,
    UsageError,
)
from swe_sleep.notes.evidence import SourceTexts
from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import (
    ContextLine,
    Coverage,
    Issue,
    Patch,
    Place,
    Proof,
    Suspicion,
    Usage,
)
from swe_sleep.repair.found import Budget as SearchBudget
from swe_sleep.repair.noted import search_noted
from swe_sleep.repo.snapshot import REGULAR_FILES, Snapshot
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve.failing import Finding, Shown
from swe_sleep.solve.knowledge import Knowledge, context, failing_anyway
from swe_sleep.solve.outcome import Answer, Solver
from swe_sleep.solve.outcome import Asks as Asks
from swe_sleep.solve.outcome import Limits as Limits
from swe_sleep.solve.outcome import Prove as Prove
from swe_sleep.solve.outcome import Solved as Solved
from swe_sleep.solve.proving import Proving, editable
from swe_sleep.solve.reproduction.overlay import with_files
from swe_sleep.testing.discovery import is_test_path
from swe_sleep.testing.tests import Tests


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
        closed: Collection[str] = (),
    ) -> None:
        """The search never edits `protected` files. A patch of `closed` ones could not be put
        where it is wanted: where no other place is left, the run is refused before the search."""
        self._snapshot = snapshot
        self._tests = Tests(sandbox)
        self._knowledge = knowledge
        self._asks = asks
        self._limits = limits or Limits()
        self._progress = progress
        self._protected = tuple(protected)
        self._closed = frozenset(closed)

    def run(self, issue: Issue) -> Solved:
        """Raises UnknownTest, UsageError, TestsError, and what the sandbox raises, as long as
        there is no patch that it would be a pity to lose."""
        began = time.monotonic()
        self._solved = solved = Solved(issue)
        finding = Finding(
            self._snapshot, self._tests, self._knowledge, self._limits, self._progress
        )
        self._shown = shown = finding.find(issue)
        solved.usage += Usage(test_runs=shown.runs)
        solved.failing = tuple(test.result for test in shown.failing)
        solved.reproduction, solved.why = shown.reproduction, shown.why
        self._check_places(shown)
        self._proving = Proving(
            issue, shown, self._snapshot, self._knowledge, self._limits, self._progress
        )
        try:
            self._answer(issue, shown)
        except (SandboxError, TestsError, StoreError) as error:
            if not solved.answers:
                raise
            solved.why = str(error)
        solved.choose()
        if solved.patch is not None:
            cut = solved.proof.suite.problem if solved.proof and solved.proof.suite else ""
            solved.remark = self._proving.remark or (cut and f"the whole suite was cut: {cut}")
        solved.usage += Usage(wall_s=time.monotonic() - began - solved.usage.wall_s)
        return solved

    def _answer(self, issue: Issue, shown: Shown) -> None:
        if shown.failing:
            related = self._related(shown)
            if not self._take_prepared(related) and self._limits.search_s > 0:
                self._search(shown, related)
        # A patch that only a weak test speaks for is no reason not to ask who can read the text.
        sure = any(answer.holds for answer in self._solved.answers) and not (
            shown.reproduction and shown.reproduction.weak
        )
        if self._asks is not None and not sure and not self._limits.stop():
            self._ask(issue, shown)

    def _check_places(self, shown: Shown) -> None:
        places = editable(shown.failing, is_test_path) & self._snapshot.files.keys()
        if places and places <= self._closed:
            named = ", ".join(sorted(places)[:3])
            raise UsageError(
                f"all that the failing tests run has uncommitted changes ({named}), so a patch "
                "could not be committed.",
                "Commit or stash them; or put the patch on top of them with --apply.",
            )

    # -- answers ---------------------------------------------------------------------------------

    def _related(self, shown: Shown) -> list[SeenIssue]:
        wanted = {test.id for test in shown.failing}
        return [each for each in self._knowledge.issues() if wanted.intersection(each.issue.tests)]

    def _take_prepared(self, related: Sequence[SeenIssue]) -> bool:
        for each in related:
            for number, patch in enumerate(each.issue.patches):
                self._progress(f"verifying the prepared patch: {patch.summary}")
                self._solved.notes += (each.note.subject,)
                self._solved.suspicions = each.issue.suspicions
                if self._offer(patch, "prepared"):
                    rest = each.issue.patches[number + 1 :]
                    self._solved.answers += [Answer(other, "prepared") for other in rest]
                    self._solved.plausible = len(each.issue.patches)
                    return True
        return False

    def _search(self, shown: Shown, related: Sequence[SeenIssue]) -> None:
        failing = shown.failing
        known = self._knowledge.coverage_of({path for test in failing for path in test.covered})
        if shown.suite is not None:
            known = shown.suite.coverage or Coverage(), list(shown.suite.results)
        elif known[0].lines:
            self._solved.notes += tuple(each.note.subject for each in related)
        files = self._snapshot.files.items()
        python = [path for path, e in files if path.endswith(".py") and e.mode in REGULAR_FILES]
        made = shown.reproduction
        found = search_noted(
            self._tests,
            self._snapshot,
            SourceTexts(self._snapshot, python),
            failing,
            known,
            others=lambda: self._others(shown),
            recent=self._knowledge.old_texts(failing),
            told=self._told(shown),
            learn=self._knowledge.lessons,
            protected=self._protected,
            added=made.files if made else None,
            budget=SearchBudget(self._limits.search_s, self._limits.candidates),
            stop=self._limits.stop,
            progress=self._progress,
        )
        self._solved.usage += found.usage
        self._solved.suspicions = found.suspicions[:10]
        self._solved.plausible = len(found.plausible)
        patches = [plausible.patch for plausible in found.plausible]
        if not patches:
            self._solved.why = found.summary
        # What merely hides an exception comes last; else the search's own order stands.
        patches.sort(key=self._proving.swallows)
        for number, patch in enumerate(patches):
            if self._limits.stop():
                break
            self._progress(f"verifying: {patch.summary}")
            if self._offer(patch, "search"):
                number += 1
                break
        else:
            number = len(patches)
        self._solved.answers += [self._unverified(patch) for patch in patches[number:]]

    def _told(self, shown: Shown) -> list[Suspicion]:
        """The places that the issue's own words point at."""
        if not self._solved.issue.text.strip():
            return []
        suspected, located = self._places(self._solved.issue, shown)
        lines = [*suspected, *located]
        return [Suspicion(line.place, 1.0, "the issue points here") for line in lines]

    def _others(self, shown: Shown) -> list[str]:
        """Every other test, where nobody knows yet which pass: the search measures it."""
        bad = {test.id for test in shown.failing}
        collected = self._tests.collect(timeout_s=self._limits.suite_s)
        return [test for test in collected.test_ids if test not in bad]

    def _ask(self, issue: Issue, shown: Shown) -> None:
        assert self._asks is not None
        related = self._related(shown)
        about_it = {test for each in related for test in each.issue.tests}
        about_it.update(issue.test_ids, (test.id for test in shown.failing))
        known_bad = self._proving.known_bad()
        anyway = failing_anyway(known_bad - about_it)
        suspected, located = self._places(issue, shown)
        self._solved.notes += tuple(str(line.place) for line in suspected)
        known = [*context(related), *anyway, *suspected, *located]
        made, snapshot = shown.reproduction, self._snapshot
        if made is not None:
            snapshot = with_files(snapshot, made.files)
            said = f"{made.by}, fails now{made.weak and f'; weak: {made.weak}'}"
            known.insert(0, ContextLine(Place(made.path), said, "proven"))
            if not made.weak:
                issue = replace(issue, test_ids=made.test_ids)
        proofs: dict[str, Proof] = {}

        def prove(patch: Patch, sandbox: Sandbox) -> Proof:
            patch = self._proving.without_the_test(patch, snapshot)
            proof = proofs[patch.diff] = self._proving.prove(patch, Tests(sandbox))
            return proof

        self._progress("asking the model")
        patch, why, usage = self._asks(issue, known, snapshot, prove, known_bad)
        self._solved.usage += usage
        self._solved.why = why
        if patch := self._proving.without_the_test(patch, snapshot):
            self._offer(patch, "agent", proofs.get(patch.diff))

    def _places(
        self, issue: Issue, shown: Shown
    ) -> tuple[Sequence[ContextLine], Sequence[ContextLine]]:
        """What sleep suspected of the issue; and likely places by its words, or without any by what
        the failing tests say."""
        results = [test.result for test in shown.failing]
        told = "\n\n".join(f"{result.message}\n\n{result.detail}" for result in results)
        text = issue.text.strip() or told
        try:
            return self._knowledge.suspected(text), self._knowledge.located(text)
        except (RepositoryError, StoreError) as error:  # the model can look for itself
            self._progress(f"the place of the issue could not be looked for: {error}")
            return (), ()

    def _unverified(self, patch: Patch, solver: Solver = "search") -> Answer:
        return Answer(patch, solver, swallows=self._proving.swallows(patch))

    def _offer(self, patch: Patch, solver: Solver, proof: Proof | None = None) -> bool:
        """Verify a patch, unless its proof is given, and keep it with what came of it. Whether the
        proof holds."""
        answer = self._unverified(patch, solver)
        try:
            proof = proof or self._proving.prove(patch, self._tests)
        except RepositoryError as error:
            self._solved.why = f"a patch does not apply: {error}"
            return False
        except SweSleepError:
            self._solved.answers.append(answer)
            raise
        runs = (proof.before, proof.after, proof.impacted, proof.suite)
        self._solved.usage += Usage(test_runs=sum(bool(run and run.results) for run in runs))
        if self._limits.stop() and not proof.holds and not proof.broken:
            proof = None  # it was not judged to its end
        self._solved.answers.append(replace(answer, proof=proof))
        self._solved.why = proof.refused if proof else "it was stopped"
        return proof is not None and proof.holds
