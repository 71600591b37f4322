"""What sleep had foreseen of an issue, and how far up it had the function that the fix touches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swe_sleep.evaluate.foresight import UNKNOWN, Foresight, foresight
from swe_sleep.evaluate.gold import Gold
from swe_sleep.index.outline import Outline, outline
from swe_sleep.notes import kinds
from swe_sleep.notes.store import Store
from swe_sleep.notes.view import View
from swe_sleep.records import AnticipatedIssue, Note, Place, State, Suspicion

PATH = "shelf.py"
SOURCE = b"""\
class Shelf:
    def __init__(self, options):
        self.options = options

    def build(self):
        def one():
            return 1
        return one()


def last(words):
    return words[-1]


def first(words):
    return words[0]
"""
TEST = "test_shelf.py::TestShelf::test_a_new_shelf_is_empty[1]"
ALWAYS = "shelf.py::Shelf.__init__"
NOTES: list[tuple[str, str, State, int, str]] = [
    # subject, lead, state, line, title
    (f"{ALWAYS} (behaviour)", "behaviour", State.REPRODUCED, 3, "Shelf: TypeError: no options"),
    (TEST, "", State.REPRODUCED, 7, "a new shelf is empty: assert 1 == 0"),
    ("shelf.py::last (guard)", "guard", State.SUSPECTED, 12, "last: `if words` was removed"),
]
RISKY = ("first", "last", "Shelf.build")


class Content:
    def blob(self, path: str) -> str:
        return "1"


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Callable[..., Foresight]]:
    """What three anticipated issues and a risk note say of a text."""
    store = Store(tmp_path / "notes.db")
    for subject, lead, state, line, title in NOTES:
        place = Place(PATH, line)
        issue = AnticipatedIssue(
            title=title,
            state=state,
            symptom=title,
            suspicions=(Suspicion(place, 0.9, "changed here"),),
            lead=lead,
        )
        data = kinds.encode(issue)
        confidence = 0.9 - line / 100
        note = Note(kinds.ISSUE, subject, title, "p@1", {PATH: "1"}, data, confidence=confidence)
        store.record(notes=[note])
    items = tuple(kinds.RiskItem(PATH, name, 0.5, 3) for name in RISKY)
    data = kinds.encode(kinds.RiskData((), items))
    store.record(notes=[Note(kinds.RISK, "", "risk", "risk@1", {PATH: "1"}, data)])

    def outline_of(path: str) -> Outline | None:
        return outline(SOURCE, "python") if path == PATH else None

    yield lambda text: foresight(View(store, Content()), outline_of, text)
    store.close()


def gold(*names: str) -> Gold:
    return Gold((PATH,), tuple(f"{PATH}::{name}" for name in names))


def test_functions_of_anticipated_issues_come_before_those_of_the_risk_note(
    look: Callable[..., Foresight],
) -> None:
    found = look("")
    assert found.issues == 3
    assert [each.partition("::")[2] for each in found.expected] == [
        "Shelf.__init__", "Shelf.build", "last", "first",
    ]  # fmt: skip
    assert found.place(gold("first", "last")) == 3
    assert found.place(gold("gone")) is None and found.place(gold()) is None
    assert UNKNOWN.place(gold("first")) is None


def test_an_issue_is_foreseen_where_the_fix_is_too(look: Callable[..., Foresight]) -> None:
    text = "`Shelf` shares its options\n\nA second Shelf gets what I told the first: no TypeError."
    found = look(text)
    assert found.rank == 1 and found.score > 0
    assert found.foreseen(gold("Shelf.__init__")) == 1
    assert found.foreseen(gold("Shelf.build")) is None, "another fault of the same class"
    assert found.foreseen(gold()) == 1, "the fix is in no function, but in the file"


def test_who_names_the_test_that_fails_speaks_of_what_it_shows(
    look: Callable[..., Foresight],
) -> None:
    found = look("# test_a_new_shelf_is_empty fails on main")
    assert found.foreseen(gold("Shelf.build")) == 2
