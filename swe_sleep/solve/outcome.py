"""What a run of `solve` is given, and what it gives: limits, answers, and the one on offer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from swe_sleep.records import (
    ContextLine,
    Issue,
    Patch,
    Proof,
    Suspicion,
    TestResult,
    Usage,
)
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve.reproduction.reproduce import Reproduction

Solver = Literal["prepared", "search", "agent"]

Prove = Callable[[Patch, Sandbox], Proof]
"""Verifies a patch in a sandbox with the same snapshot, and leaves it reset. May be called from
several threads. Raises RepositoryError where the patch does not apply, and what the sandbox
raises."""


class Asks(Protocol):
    """Asks a model for a patch, in sandboxes of its own."""

    def __call__(
        self,
        issue: Issue,
        known: Sequence[ContextLine],
        snapshot: Snapshot,
        prove: Prove,
        known_bad: Collection[str],
    ) -> tuple[Patch, str, Usage]:
        """The best patch there was (it may be empty), why the run ended, and what it took. The
        patch is one on the snapshot given, which may have a new test beside the repository's.

        `prove` says of a patch what the caller will hold against it. `known_bad` are tests that
        fail without one."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for the parts of a run."""

    search_s: float = 60.0
    """For the built-in search; 0: it does not run."""
    candidates: int = 50_000
    """That the built-in search may try."""
    suite_s: float = 180.0
    """For the whole suite, before and after. One that takes longer is said to be cut."""
    test_s: float = 60.0
    stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Answer:
    """One patch that there was to choose from. Without a proof nothing was verified of it."""

    patch: Patch
    solver: Solver
    proof: Proof | None = None
    swallows: bool = False
    """It only hides an exception, and the test asks for no more."""

    @property
    def holds(self) -> bool:
        return self.proof is not None and self.proof.holds

    @property
    def standing(self) -> str:
        """What is to be said of it, in a few words."""
        if self.proof is None:
            return "not verified"
        return self.proof.refused or "verified"


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
    reproduction: Reproduction | None = None
    """The test that was written, from the issue's text or at sleep time, where no other showed
    the issue."""
    suspicions: tuple[Suspicion, ...] = ()
    notes: tuple[str, ...] = ()
    """Subjects of the notes that were used."""
    plausible: int = 0
    """Plausible patches that there were to choose from."""
    answers: list[Answer] = field(default_factory=list)
    """Every patch that there was, in the order of their makers' own ranking."""
    usage: Usage = field(default_factory=Usage)

    @property
    def solved(self) -> bool:
        return self.patch is not None and self.proof is not None and self.proof.holds

    @property
    def weak(self) -> str:
        """Why a patch that passed may still be wrong, or ""."""
        if self.reproduction is None or not self.reproduction.weak:
            return ""
        chosen = next((a for a in self.answers if a.patch is self.patch), None)
        hides = "; it may merely hide the exception" if chosen and chosen.swallows else ""
        return self.reproduction.weak + hides

    @property
    def others(self) -> list[Answer]:
        """The runners-up."""
        return [answer for answer in self.answers if answer.patch is not self.patch]

    def choose(self) -> None:
        """Offer the best answer: one that is verified; else one that nobody got to verify, or the
        model's, which a person may build on. A refused one of the search is no answer."""
        weak = self.reproduction is not None and bool(self.reproduction.weak)

        def rank(answer: Answer) -> tuple[bool, bool, bool, bool]:
            # Under a weak test a patch counts for more that was made by someone who read the text.
            by_test_alone = weak and answer.solver != "agent"
            return (not answer.holds, answer.proof is not None, answer.swallows, by_test_alone)

        open_ones = [a for a in self.answers if a.holds or a.proof is None or a.solver == "agent"]
        if not open_ones:
            return
        best = min(open_ones, key=rank)
        self.patch, self.proof, self.solver = best.patch, best.proof, best.solver
        if best.holds:
            self.why = ""
        elif best.proof is None:
            self.why = "the patch was found, but not verified before the run ended"
