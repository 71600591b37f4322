"""What a person is told of issues over several passes."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from swe_sleep.cli.display import Display
from swe_sleep.notes import kinds
from swe_sleep.records import AnticipatedIssue, Note, Patch, State
from swe_sleep.sleep.engine import Event, SleepReport


@pytest.fixture
def told() -> tuple[Display, io.StringIO]:
    text = io.StringIO()
    return Display(Console(file=text, width=100)), text


def note(state: State, test: str = "t.py::t") -> Note:
    patches = (Patch("+", ("a.py",), "repair", "adds a tick"),) if state is State.PATCHED else ()
    issue = AnticipatedIssue("It breaks", state, "assert 0", (test,), patches=patches)
    return Note(kinds.ISSUE, test, "body", "p", {}, kinds.encode(issue))


def said(told: tuple[Display, io.StringIO]) -> list[str]:
    lines = told[1].getvalue().splitlines()
    told[1].seek(0)
    told[1].truncate()
    return lines


def known(state: State) -> Event:
    return Event("known", None, notes=(note(state),))


def test_an_issue_is_shown_once_in_each_state(told: tuple[Display, io.StringIO]) -> None:
    display = told[0]
    for _ in range(2):
        display.event(known(State.REPRODUCED))
    assert said(told) == ["anticipated issue, reproduced: It breaks", "  fails   t.py::t"]
    for _ in range(2):
        display.event(known(State.PATCHED))
    assert said(told) == ["patch prepared and tested: adds a tick"]


def test_what_an_earlier_pass_found_is_shown_whole(told: tuple[Display, io.StringIO]) -> None:
    told[0].event(known(State.PATCHED))
    assert [line.partition(":")[0] for line in said(told)] == [
        "anticipated issue, reproduced",
        "  fails   t.py",
        "patch prepared and tested",
    ]


def test_a_suspicion_is_not_shown_unasked(told: tuple[Display, io.StringIO]) -> None:
    told[0].event(known(State.SUSPECTED))
    assert said(told) == []


def test_a_mended_issue_is_said_and_shown_again_when_it_comes_back(
    told: tuple[Display, io.StringIO],
) -> None:
    display = told[0]
    display.event(known(State.REPRODUCED))
    display.report(SleepReport(units={"tests": 1}, seconds_by_pass={"tests": 1.0}, stopped=True))
    assert "passes again: It breaks" not in said(told)  # nobody knows yet
    display.report(SleepReport(units={"tests": 1}, seconds_by_pass={"tests": 1.0}))
    assert said(told)[0] == "passes again: It breaks"
    display.event(known(State.REPRODUCED))
    assert said(told)[0] == "anticipated issue, reproduced: It breaks"


def test_an_issue_under_another_name_is_not_called_mended(
    told: tuple[Display, io.StringIO],
) -> None:
    told[0].event(known(State.REPRODUCED))
    other = note(State.REPRODUCED)
    told[0].report(SleepReport(issues=[other]))
    assert not any("passes again" in line for line in said(told))
