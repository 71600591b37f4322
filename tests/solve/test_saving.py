"""What notes saved, by what it took to make them."""

from __future__ import annotations

import msgspec
import pytest

from swe_sleep.notes.ledger import Saved
from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import AnticipatedIssue, Issue, Note, Patch, State, Usage, WrittenTest
from swe_sleep.solve.outcome import Solved
from swe_sleep.solve.reproduction.reproduce import Reproduction
from swe_sleep.solve.saving import savings

TOOK = Usage(wall_s=12.5, test_runs=7, candidates=40, cost_usd=0.02)
PATCH = Patch("-a\n+b\n", ("a.py",), "search")
WRITTEN = WrittenTest("tests/test_x.py", "def test_x(): ...\n", ("tests/test_x.py::test_x",))


def seen(**more: object) -> SeenIssue:
    issue = AnticipatedIssue("It breaks", State.PATCHED, "", **more)  # type: ignore[arg-type]
    note = Note("issue", "a.py::f", "", "speculate@2", {}, msgspec.json.encode(issue), usage=TOOK)
    return SeenIssue(note, True, issue)


def test_a_prepared_patch_saved_its_search() -> None:
    solved = Solved(Issue("x"), patch=PATCH, solver="prepared")
    (line,) = savings(solved, [seen(patches=(PATCH,)), seen()])
    assert line == Saved(0.0, "solve", "speculate", "a.py::f", TOOK, line.why)
    assert "as much as it took to find it" in line.why


def test_a_test_that_sleep_wrote_saved_the_writing() -> None:
    made = Reproduction(WRITTEN.path, WRITTEN.content, ())
    (line,) = savings(Solved(Issue("x"), reproduction=made), [seen(written=WRITTEN), seen()])
    assert line.usage == TOOK
    assert "as much as it took to write it" in line.why


@pytest.mark.parametrize(
    "solved",
    [
        Solved(Issue("x")),
        Solved(Issue("x"), patch=PATCH, solver="search"),
        Solved(Issue("x"), reproduction=Reproduction("tests/test_y.py", "def test_y(): ...", ())),
    ],
    ids=["nothing", "found anew", "another test"],
)
def test_what_was_found_anew_saved_nothing(solved: Solved) -> None:
    assert savings(solved, [seen(patches=(PATCH,), written=WRITTEN)]) == []
