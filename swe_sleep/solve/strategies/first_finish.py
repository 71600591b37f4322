"""The strategy `first_finish`: several runs at once; the first verified patch ends the others.

With one run it is the strategy `single`.
"""

from __future__ import annotations

from swe_sleep.solve.strategies.candidates import Candidate, Candidates, Means, best


def first_finish(means: Means, count: int) -> tuple[Candidate, list[Candidate]]:
    """The first candidate whose patch is proven, or else the best there is; and all of them."""
    with Candidates(means, count) as candidates:
        for candidate in candidates:
            if candidate.proven:
                if len(candidates.all) < count:
                    means.progress(f"candidate {candidate.number} is verified: ending the others")
                break
        else:
            candidate = best(candidates.all)
    return candidate, candidates.all
