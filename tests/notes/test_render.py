from __future__ import annotations

import time

from swe_sleep.notes import kinds, render
from swe_sleep.notes.view import Seen
from swe_sleep.records import (
    AnticipatedIssue,
    Note,
    Patch,
    Place,
    State,
    Suspicion,
    WrittenTest,
)


def test_an_issue_note_shows_state_test_places_and_patch() -> None:
    issue = AnticipatedIssue(
        title="Totals are wrong",
        state=State.PATCHED,
        symptom="assert 3 == 4",
        tests=("t.py::t",),
        suspicions=(Suspicion(Place("a.py", 3), 0.7, "ran only when it failed"),),
        patches=(Patch("-```\n+````\n", ("a.py",), "repair", "adds a tick"),),
    )
    note = Note(
        kinds.ISSUE, "t.py::t", "Totals are wrong.", "speculate@1", {}, kinds.encode(issue),
        created=time.time() - 7200,
    )  # fmt: skip
    text = render.note(Seen(note, fresh=True))
    assert text.startswith("## t.py::t — issue, fresh, made 2 h ago")
    assert "reproduced, and a tested patch is ready" in text
    assert "`t.py::t`" in text
    assert "`a.py:3` (0.70; ran only when it failed)" in text
    assert "`````diff\n-```" in text


def shown(issue: AnticipatedIssue) -> str:
    note = Note(kinds.ISSUE, "a.py::f (guard)", "", "prove@1", {}, kinds.encode(issue))
    return render.note(Seen(note, fresh=True))


def test_a_written_test_is_shown_whole() -> None:
    content = 'def test_f():\n    assert f() == """```"""\n'
    written = WrittenTest("tests/test_new.py", content, ("tests/test_new.py::test_f",))
    text = shown(
        AnticipatedIssue(
            "f fails", State.REPRODUCED, "KeyError", written.tests, lead="guard", written=written
        )
    )
    assert "reproduced by a failing test (lead: guard)." in text
    assert "shown by a test written at sleep time, `tests/test_new.py`:" in text
    assert f"````python\n{content}````" in text


def test_a_suspicion_says_that_nothing_has_shown_it_and_how_it_could_be() -> None:
    text = shown(AnticipatedIssue("f", State.SUSPECTED, "s", lead="model", check="call f with 0"))
    assert "only suspected; nothing has shown it yet (lead: model)." in text
    assert "- to test it: call f with 0" in text


def test_a_stale_note_says_so() -> None:
    note = Note("graph", "", "b", "p", {}, created=time.time() - 90)
    assert render.heading(Seen(note, fresh=False)) == (
        "the repository — graph, STALE, made 2 min ago of other content"
    )
