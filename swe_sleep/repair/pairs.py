"""Pairs of candidates, for faults that one edit does not mend.

One of the two has shown something alone: it mended some of the failing tests, or all of them while
it broke another. Its partner may be any that was tried, the likeliest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from swe_sleep.repair.candidates import Candidate
from swe_sleep.repair.ranking import Ranked

MOST_PARTIAL, MOST_PARTNERS = 12, 150


def pairs(partial: Sequence[Ranked], others: Sequence[Ranked]) -> Iterator[Ranked]:
    """Each partial candidate with each partner that it does not overlap, likeliest first; two
    that are partial both come before all others."""
    chosen = sorted(partial, key=lambda r: -r.score)[:MOST_PARTIAL]
    showing = {id(ranked.candidate) for ranked in chosen}
    rest = [r for r in others if id(r.candidate) not in showing]
    rest = sorted(rest, key=lambda r: -r.score)[:MOST_PARTNERS]
    both = [(a, b) for i, a in enumerate(chosen) for b in chosen[i + 1 :]]
    single = [(a, b) for a in chosen for b in rest]
    for group in (both, single):
        for a, b in sorted(group, key=lambda pair: -pair[0].score * pair[1].score):
            if not overlap(a.candidate, b.candidate):
                yield Ranked(_joined(a.candidate, b.candidate), a.score * b.score)


def overlap(one: Candidate, other: Candidate) -> bool:
    """Whether two candidates touch the same bytes, or insert at the same place."""
    return any(
        a.path == b.path and a.start <= b.end and b.start <= a.end
        for a in one.edits
        for b in other.edits
    )


def _joined(one: Candidate, other: Candidate) -> Candidate:
    return Candidate(
        edits=one.edits + other.edits,
        template=f"{one.template} + {other.template}",
        place=one.place,
        prior=one.prior * other.prior,
        summary=f"{one.summary}; {other.summary}",
    )
