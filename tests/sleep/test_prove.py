"""The prove pass on a small project: what becomes a proven issue, and what becomes of it later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from swe_sleep.anticipate.leads.earnings import Earnings
from swe_sleep.anticipate.leads.lead import Lead
from swe_sleep.notes import kinds
from swe_sleep.records import Note, Place, State
from swe_sleep.sleep.engine import Pass
from swe_sleep.sleep.passes.diagnose import DiagnosePass
from swe_sleep.sleep.passes.graph import GraphPass
from swe_sleep.sleep.passes.impact import ImpactPass
from swe_sleep.sleep.passes.outline import OutlinePass
from swe_sleep.sleep.passes.prove import ProvePass
from swe_sleep.sleep.passes.tests import TestsPass

PASSES: Sequence[Pass] = (
    OutlinePass(), GraphPass(), ImpactPass(), TestsPass(), DiagnosePass(), ProvePass(),
)  # fmt: skip
GUARD = '    if not words.strip():\n        return ""\n'
WORDS = {
    ".gitignore": "__pycache__/\n",
    "words.py": (
        '"""Words."""\nimport os\nimport time\n\n\n'
        f"def first(words):\n{GUARD}    return words.split()[0]\n\n\n"
        "def last(words):\n    return words.split()[-1]\n"
    ),
    "test_words.py": (
        "from words import first, last\n\n\n"
        'def test_first():\n    assert first("a b") == "a"\n\n\n'
        'def test_last():\n    assert last("a b") == "b"\n'
    ),
}


@pytest.fixture
def words(make_project: Callable[..., Any]) -> Any:
    """A project that was slept on once."""
    project = make_project(WORDS)
    project.sleep(PASSES)
    assert project.issues() == []
    return project


def proven(project: Any) -> Any:
    (seen,) = [each for each in project.issues() if each.issue.state is State.REPRODUCED]
    return seen


def test_what_a_change_broke_and_no_test_shows_becomes_a_reproduced_issue(words: Any) -> None:
    words.edit("words.py", GUARD, "")
    words.sleep(PASSES)
    seen = proven(words)
    assert seen.note.subject.startswith("words.py::first (")
    assert seen.issue.symptom.startswith("IndexError")
    assert seen.issue.written is not None
    assert seen.issue.tests == seen.issue.written.tests
    assert seen.issue.written.passed_with.keys() == {"words.py"}
    assert seen.issue.cause and seen.issue.cause[0].path == "words.py"
    assert seen.note.inputs.keys() == {"words.py"}
    assert words.git("status", "--short").split() == ["M", "words.py"]
    words.sleep(PASSES)
    assert not [e for e in words.events if e.unit and e.unit.step == "prove"]


def test_the_written_test_runs_again_when_its_files_change(words: Any) -> None:
    words.edit("words.py", GUARD, "")
    words.sleep(PASSES)
    subject = proven(words).note.subject
    words.edit("words.py", '"""Words."""', '"""Words and more."""')
    words.sleep(PASSES)
    assert proven(words).note.subject == subject and proven(words).fresh
    words.edit("words.py", "    return words.split()[0]", f"{GUARD}    return words.split()[0]")
    words.sleep(PASSES)
    assert not words.view.issues(State.REPRODUCED)
    assert [e.note.subject for e in words.view.issues(State.REFUTED)] == [subject]


def test_a_change_that_may_be_meant_is_not_shown(words: Any) -> None:
    words.edit("words.py", "words.split()[-1]", "words.split()[-1].lower()")
    words.sleep(PASSES)
    assert not words.view.issues(State.REPRODUCED)


def test_what_a_test_shows_is_not_shown_again(words: Any) -> None:
    words.edit("words.py", "    return words.split()[0]", "    return words.split()[5]")
    words.sleep(PASSES)
    assert [s.issue.written for s in words.view.issues(State.REPRODUCED)] == [None]


def test_a_lead_that_stands_is_tried_with_the_changes_of_its_own_file_only(words: Any) -> None:
    words.write("more.py", "def more(x):\n    return x + 1\n")
    words.write("test_more.py", "from more import more\n\n\ndef test():\n    assert more(1) == 2\n")
    words.commit()
    words.sleep(PASSES)
    place = Place("words.py", 15)
    lead = Lead("words.py", "last", "value", place, "something was removed", 0.9)
    note = Note(
        kind=kinds.ISSUE,
        subject=lead.subject,
        body=lead.why,
        producer="leads@1",
        inputs={"words.py": words.repository.snapshot().blob("words.py")},
        data=kinds.encode(lead.issue()),
        confidence=lead.weight,
    )
    words.store.record(notes=[note])

    words.edit("more.py", "x + 1", "1 + x")
    words.sleep(PASSES)

    tried = [e.unit.subject for e in words.events if e.unit and e.unit.step == "prove"]
    assert set(tried) == {"more.py::more"}
    assert Earnings(words.store).all() == {}


def test_without_the_setting_nothing_is_tried(words: Any) -> None:
    words.flags = {"sleep.prove": False}
    words.edit("words.py", GUARD, "")
    words.sleep(PASSES)
    assert not words.view.issues(State.REPRODUCED)


@pytest.mark.parametrize(
    "deed", ["time.sleep(1000)", "__import__('shutil').rmtree('.')"], ids=["hangs", "deletes"]
)
def test_code_that_does_harm_is_held_and_the_pass_goes_on(words: Any, deed: str) -> None:
    words.edit("words.py", GUARD, f"    if words != 'a b':\n        {deed}\n")
    report = words.sleep(PASSES)
    assert not report.problems
    assert (words.root / "test_words.py").exists()
    for seen in words.view.issues(State.REPRODUCED):
        assert seen.issue.written is not None
