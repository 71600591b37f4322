"""The hunt as a pass: when it runs, what it leaves behind, and that it gives way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from swe_sleep.notes import kinds
from swe_sleep.records import State
from swe_sleep.sleep.courtesy import Courtesy
from swe_sleep.sleep.engine import Event
from swe_sleep.sleep.passes.graph import GraphPass
from swe_sleep.sleep.passes.hunt import HuntPass
from swe_sleep.sleep.passes.outline import OutlinePass
from swe_sleep.sleep.passes.prove import ProvePass
from swe_sleep.sleep.passes.tests import TestsPass
from swe_sleep.sleep.units import Level

NAMES = """\
def initials(name: str) -> str:
    \"\"\"The first letters of the words.\"\"\"
    letters = [word[0].upper() for word in name.split(" ")]
    return "".join(letters)


def shout(name: str) -> str:
    \"\"\"In capitals.\"\"\"
    loud = name.upper()
    return loud + "!"
"""
FILES = {
    ".gitignore": "__pycache__/\n",
    "lib/__init__.py": "",
    "lib/names.py": NAMES,
    "tests/test_names.py": (
        "from lib.names import initials\n\n\n"
        "def test_initials():\n    assert initials('Ada Lovelace') == 'AL'\n"
    ),
}
BASE = (OutlinePass(), GraphPass(), TestsPass())
SUBJECT = kinds.issue_subject("lib/names.py", "initials", "hunt")

MakeProject = Callable[..., Any]


def passes() -> list[Any]:
    return [*BASE, HuntPass()]


def test_finds_what_no_test_shows(make_project: MakeProject) -> None:
    project = make_project(FILES)
    project.sleep(BASE)

    report = project.sleep(passes())

    assert report.units == {"hunt": 2}
    (seen,) = project.issues()
    issue = seen.issue
    assert seen.note.subject == SUBJECT
    assert issue.state is State.REPRODUCED
    assert issue.lead == "hunt"
    assert issue.symptom == "IndexError: string index out of range"
    assert issue.title.startswith("initials('')") and "IndexError" in issue.title
    assert "```python\nfrom lib.names import initials" in issue.text
    assert issue.suspicions[0].place.path == "lib/names.py"
    assert issue.suspicions[0].place.line == 3
    assert issue.written is not None and "hypothesis" not in issue.written.content
    assert 0.5 < seen.note.confidence < 1
    assert "`name`: as its annotation says." in seen.note.body
    assert "lib/names.py" in seen.note.inputs
    assert "tests/test_names.py" not in project.git("status", "--short")

    assert project.sleep(passes()).units == {}  # nothing is done twice


def test_is_left_out_where_somebody_waits_for_the_tests(make_project: MakeProject) -> None:
    project = make_project(FILES)
    assert "hunt" not in project.sleep(passes()).units
    project.flags["sleep.hunt"] = False
    assert "hunt" not in project.sleep(passes()).units


def test_comes_after_everything_else(make_project: MakeProject) -> None:
    project = make_project(FILES)
    project.sleep(BASE)
    units = project.sleeper(passes()).plan(project.repository.snapshot())
    assert {unit.step for unit in units} == {"hunt"}
    assert {unit.level for unit in units} == {Level.SPARE}


def test_another_change_ends_it_at_once(make_project: MakeProject) -> None:
    project = make_project(FILES)
    project.sleep(BASE)
    stop = threading.Event()

    def listen(event: Event) -> None:
        if event.kind == "begin":
            stop.set()

    project.listener = listen
    report = project.sleep(passes(), stop=stop)

    assert report.stopped and "hunt" not in report.units
    assert project.issues() == []
    project.listener = lambda event: None
    assert project.sleep(passes()).units == {"hunt": 2}  # what was broken off comes again


def test_what_was_mended_is_not_claimed_any_more(make_project: MakeProject) -> None:
    project = make_project(FILES)
    project.sleep(BASE)
    project.sleep(passes())
    assert [seen.issue.state for seen in project.issues()] == [State.REPRODUCED]
    project.edit("lib/names.py", 'name.split(" ")', "name.split()")
    assert project.issues() == []  # at once, before anything ran

    project.sleep([*BASE, ProvePass()])

    (seen,) = project.issues()
    assert seen.issue.state is State.REFUTED


def test_what_the_last_edit_brought_is_told_apart(make_project: MakeProject) -> None:
    project = make_project({**FILES, "lib/names.py": NAMES.replace('split(" ")', "split()")})
    project.sleep(BASE)
    project.edit("lib/names.py", "name.split()", 'name.split(" ")')
    snapshot = project.repository.snapshot()
    sleeper = project.sleeper(passes())
    sleeper.courtesy = Courtesy(waits=True, load=lambda: 0.0)

    sleeper.sleep(snapshot)

    (seen,) = [each for each in project.issues() if each.note.subject == SUBJECT]
    assert seen.issue.written.passed_with
    assert "It passes on the version before" in seen.note.body
    assert seen.note.confidence > 0.9
