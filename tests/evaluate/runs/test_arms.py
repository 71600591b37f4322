"""What each arm may know: what needs no notes in all of them, and only the notes are swapped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.config import Settings
from swe_sleep.evaluate.runs.arms import Notes, Watched, knowledge_of, known_of, told_of
from swe_sleep.evaluate.tasks.task import Suite, Task
from swe_sleep.notes import kinds
from swe_sleep.notes.evidence import Failing
from swe_sleep.notes.store import Store
from swe_sleep.records import (
    AnticipatedIssue,
    Note,
    Outcome,
    Place,
    State,
    Suspicion,
    TestResult,
)
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot

TEXT = "Wrong total\n\nA voucher raises the total of a basket."
FAILING = Failing(
    TestResult("tests/test_basket.py::test_it", Outcome.FAILED),
    {"basket.py": (2,)},
    None,
)


@pytest.fixture
def tasks(make_suite: Callable[..., Suite]) -> dict[str, Task]:
    return {case.id: case.task for case in make_suite("basket", "clock").cases}


def notes_of(task: Task, place: Path, **options: object) -> Notes:
    """One suspicion for each function of the task's repository, as sleep would write them."""
    commit = task.base_commit
    with Repository.at_commit(task.sources[0], commit, place.with_suffix(".git")) as repository:
        snapshot = repository.snapshot()
        store = Store(place)
        if task.repo == "basket":
            a_suspicion(store, snapshot, "basket.py", "total", "A voucher raises the total")
            a_suspicion(store, snapshot, "basket.py", "cheapest", "The cheapest is the dearest")
        else:
            a_suspicion(store, snapshot, "clock.py", "minutes", "A voucher raises the total")
        store.close()
    return Notes(place, task.sources, commit, **options)  # type: ignore[arg-type]


def a_suspicion(store: Store, snapshot: Snapshot, path: str, name: str, title: str) -> None:
    issue = AnticipatedIssue(
        title=title,
        state=State.SUSPECTED,
        symptom=f"{title}.",
        suspicions=(Suspicion(Place(path, 2), 0.8, name),),
        lead="model",
        text=title,
    )
    note = Note(
        kind=kinds.ISSUE,
        subject=kinds.issue_subject(path, name, "model"),
        body=title,
        producer="model",
        inputs={path: snapshot.blob(path)},
        confidence=0.8,
        data=kinds.encode(issue),
    )
    store.record(notes=[note])


def told(task: Task, notes: Notes | None, folder: Path) -> Watched:
    """What the arm's solver finds out when it asks all that it may."""
    folder.mkdir()
    source, commit = task.sources[0], task.base_commit
    with (
        Repository.at_commit(source, commit, folder / "base") as repository,
        known_of(repository, notes) as known,
        told_of(known, notes, folder) as noted,
    ):
        watched = Watched(knowledge_of(known, noted, notes, Settings()))
        assert [line.place.path for line in watched.located(TEXT)][:1] == ["basket.py"]
        assert b"- voucher" in watched.old_texts([FAILING])["basket.py"]
        assert not watched.complete()
        assert watched.placed == ["basket.py"] and not watched.shown
        watched.suspected(TEXT)
        return watched


def test_without_notes_it_is_as_where_nothing_ever_slept(
    tasks: dict[str, Task], tmp_path: Path
) -> None:
    assert told(tasks["basket-total"], None, tmp_path / "off").shown == []


def test_with_its_own_notes(tasks: dict[str, Task], tmp_path: Path) -> None:
    task = tasks["basket-total"]
    own = told(task, notes_of(task, tmp_path / "notes.db"), tmp_path / "on")
    assert [str(line.place) for line in own.shown] == ["basket.py:2"]


def test_anothers_notes_stand_in_for_the_notes_alone(
    tasks: dict[str, Task], tmp_path: Path
) -> None:
    notes = notes_of(tasks["clock-rest"], tmp_path / "notes.db", trusted=True)
    other = told(tasks["basket-total"], notes, tmp_path / "shuffled")
    assert [line.place.path for line in other.shown] == ["clock.py"]
    assert other.placed == ["basket.py", "clock.py"]


def test_what_is_noted_of_another_issue(tasks: dict[str, Task], tmp_path: Path) -> None:
    task, text = tasks["basket-total"], "The cheapest price is the dearest one"
    notes = notes_of(task, tmp_path / "notes.db", trusted=True, text=text)
    other = told(task, notes, tmp_path / "shuffled")
    assert ["cheapest" in line.text for line in other.shown] == [True]
