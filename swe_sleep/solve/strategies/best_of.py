"""The strategy `best_of`: several candidates, of whose patches tests and then the model choose one.

Each candidate writes tests with its patch. Patches that break something are pruned; the tests of
all vote on the rest, and the shorter diff wins where they are even; the first of them come before
the model once more, which writes tests that tell them apart and chooses (CodeMonkeys 2025, R2E-Gym
2025, Trae Agent 2025). No test is used here that the person did not give or the model not write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from swe_sleep.errors import SweSleepError
from swe_sleep.records import Patch
from swe_sleep.repo.diff import apply_in_memory
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.solve.own_tests import Split, split
from swe_sleep.solve.strategies.candidates import Candidate, Candidates, Means, best
from swe_sleep.solve.strategies.votes import votes
from swe_sleep.testing.tests import Tests

MOST_FINALISTS = 3

Select = Callable[[Sequence[Patch]], int | None]
"""Chooses among patches: its place in the sequence, or None where it did not come to an end."""


@dataclass(frozen=True, slots=True)
class Entrant:
    candidate: Candidate
    parts: Split

    @property
    def rest(self) -> tuple[int, int]:
        """What decides between equals, the less the better."""
        return len(self.candidate.patch.diff), self.candidate.number


def best_of(
    means: Means, count: int, snapshot: Snapshot, select: Select
) -> tuple[Candidate, list[Candidate]]:
    """The candidate whose patch was chosen, or the best there is where something ended the choice;
    and all of them."""
    with Candidates(means, count) as candidates:
        for _ in candidates:
            pass
    everyone = candidates.all
    try:
        chosen = None if means.stop() else _choose(means, everyone, snapshot, select)
    except SweSleepError as error:  # what the candidates say of themselves is left
        means.progress(f"the patches could not be compared: {error}")
        chosen = None
    return chosen or best(everyone), everyone


def _choose(
    means: Means, everyone: Sequence[Candidate], snapshot: Snapshot, select: Select
) -> Candidate | None:
    entrants = [
        Entrant(candidate, split(apply_in_memory(candidate.patch, snapshot), snapshot))
        for candidate in everyone
        if candidate.patch
    ]
    left = _distinct(_pruned([entrant for entrant in entrants if entrant.parts.source]))
    if len(left) < 2:
        return left[0].candidate if left else None
    with means.open_sandbox() as sandbox:
        counted = votes(
            Tests(sandbox),
            [entrant.parts for entrant in entrants],
            [entrant.parts.source for entrant in left],
            stop=means.stop,
            progress=means.progress,
        )
    ranked = sorted(zip(counted, left, strict=True), key=lambda pair: (-pair[0], pair[1].rest))
    told = ", ".join(f"candidate {each.candidate.number} {votes:.2f}" for votes, each in ranked)
    means.progress(f"votes: {told}")
    finalists = [entrant.candidate for _, entrant in ranked[:MOST_FINALISTS]]
    if means.stop():
        return finalists[0]
    place = select([candidate.patch for candidate in finalists])
    return finalists[place or 0]


def _pruned(entrants: Sequence[Entrant]) -> list[Entrant]:
    """Those that nothing speaks against; where something does against all, those that break least
    of what passed before."""
    holding = [entrant for entrant in entrants if entrant.candidate.holds]
    if holding:
        return holding

    def broken(entrant: Entrant) -> tuple[bool, int]:
        proof = entrant.candidate.proof
        return proof is None, 0 if proof is None else len(proof.broken)

    least = min(map(broken, entrants), default=(False, 0))
    return [entrant for entrant in entrants if broken(entrant) == least]


def _distinct(entrants: Sequence[Entrant]) -> list[Entrant]:
    """One of those whose sources come to the same."""
    found: dict[str, Entrant] = {}
    for entrant in sorted(entrants, key=lambda entrant: entrant.candidate.rank):
        found.setdefault(repr(sorted(entrant.parts.source.items())), entrant)
    return list(found.values())
