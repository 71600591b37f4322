"""Which candidates are tried together."""

from __future__ import annotations

from swe_sleep.records import Place
from swe_sleep.repair.candidates import Candidate, Edit
from swe_sleep.repair.pairs import MOST_PARTIAL, overlap, pairs
from swe_sleep.repair.ranking import Ranked


def ranked(start: int, score: float, size: int = 2) -> Ranked:
    edit = Edit("m.py", start, start + size, b"x")
    return Ranked(Candidate((edit,), f"t{start}", Place("m.py", 1), score, f"edit {start}"), score)


def test_those_that_mended_something_come_together_first() -> None:
    partial = [ranked(0, 0.2), ranked(10, 0.9)]
    found = list(pairs(partial, [ranked(20, 0.5), ranked(30, 0.8), partial[0]]))
    templates = [pair.candidate.template for pair in found]
    assert templates == ["t10 + t0", "t10 + t30", "t10 + t20", "t0 + t30", "t0 + t20"]
    assert found[0].candidate.summary == "edit 10; edit 0"
    assert len(found[0].candidate.edits) == 2


def test_edits_of_the_same_place_are_no_pair() -> None:
    assert overlap(ranked(0, 1.0).candidate, ranked(1, 1.0).candidate)
    assert overlap(ranked(0, 1.0, 0).candidate, ranked(0, 1.0, 0).candidate)
    assert not overlap(ranked(0, 1.0).candidate, ranked(5, 1.0).candidate)
    assert list(pairs([ranked(0, 1.0)], [ranked(1, 1.0)])) == []


def test_without_one_that_mended_something_there_are_none() -> None:
    assert list(pairs([], [ranked(0, 1.0), ranked(9, 1.0)])) == []


def test_of_many_only_the_likeliest_lead() -> None:
    many = [ranked(10 * n, 1 / (1 + n)) for n in range(40)]
    leaders = {pair.candidate.edits[0].start for pair in pairs(many, [])}
    assert leaders <= {10 * n for n in range(MOST_PARTIAL)}
