"""What was spent, what it saved, what units took; and clocks that jump."""

from __future__ import annotations

import importlib.resources
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from swe_sleep.notes.ledger import RUNS_KEPT, Run, Saved, Spent
from swe_sleep.notes.store import SCHEMA_VERSION, Store
from swe_sleep.notes.view import View
from swe_sleep.records import Note, Usage

DAY_S = 86400.0
NOON = time.mktime((2026, 5, 4, 12, 0, 0, 0, 0, -1))


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


class Content:
    def blob(self, path: str) -> str:
        return "1"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with closing(Store(tmp_path / "notes.db", clock)) as store:
        yield store


def a_note(body: str, blob: str = "1") -> Note:
    return Note("impact", "a.py", body, "test@1", {"a.py": blob}, b"null")


def test_store_of_the_first_version_keeps_its_notes(tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    schema = importlib.resources.files("swe_sleep.notes").joinpath("schema.sql").read_text()
    with closing(sqlite3.connect(file)) as db:
        db.executescript(schema)
        db.execute("PRAGMA user_version = 1")
        db.execute("INSERT INTO units VALUES ('k', 'outline', 'a.py', 'done', 1.0)")
        db.commit()

    with closing(Store(file)) as store:
        assert store.finished(["k"]) == {"k": "done"}
        store.record(saved=[Saved(0.0, "solve", "speculate", "t", Usage(wall_s=60))])
        assert [each.what for each in store.saved()] == ["speculate"]
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def test_what_was_saved_comes_back(store: Store, clock: Clock) -> None:
    old = Saved(NOON - DAY_S, "solve", "tests", "tests/test_a.py", Usage(wall_s=3), "not run again")
    new = Saved(0.0, "solve", "speculate", "t", Usage(wall_s=60, output_tokens=900), "taken")

    store.record(saved=[old, new])

    assert store.saved(since=NOON - 1) == [
        Saved(NOON, "solve", "speculate", "t", Usage(wall_s=60, output_tokens=900), "taken")
    ]
    assert store.saved()[0] == old


def test_journal_keeps_the_last_runs_of_each_product(store: Store) -> None:
    for number in range(RUNS_KEPT + 5):
        store.record(run=Run(str(number), "tests", "outcomes", "done", 1.0, 2.0))
    store.record(run=Run("x", "hunt", "bugs", "failed", 1.0, 0.5))

    store.tidy()

    assert [run.key for run in store.runs(last=2)] == [str(RUNS_KEPT + 3), str(RUNS_KEPT + 4), "x"]
    assert len(store.runs(last=10_000)) == RUNS_KEPT + 1


def test_days_of_the_ledger_are_merged_and_sum_up(store: Store, clock: Clock) -> None:
    for days_ago in (9, 9, 9, 8, 0, 0):
        at = NOON - days_ago * DAY_S
        store.record(spent=Spent(at, "sleep", "tests", "", Usage(test_runs=1, cost_usd=0.25)))
    store.record(spent=Spent(NOON - 9 * DAY_S, "solve", "an issue", "", Usage(turns=1)))

    store.tidy()

    lines = [(line.activity, line.usage.test_runs) for line in store.spent()]
    assert sorted(lines) == [("sleep", 1), ("sleep", 1), ("sleep", 1), ("sleep", 3), ("solve", 0)]
    assert Usage.total(line.usage for line in store.spent()).cost_usd == 1.5


@pytest.mark.parametrize("jump_days", [400, 40_000])
def test_clock_that_jumps_ahead_and_back_forgets_nothing(
    store: Store, clock: Clock, jump_days: int
) -> None:
    store.record(artefacts=[("outline", "k", b"x")], unit=("u", "outline", "a.py", "done"))
    store.tidy()

    clock.now += jump_days * DAY_S
    store.tidy()
    clock.now = NOON + 60
    store.tidy()

    assert store.artefacts("outline", ["k"]) == {"k": b"x"}
    assert store.finished(["u"]) == {"u": "done"}


def test_what_a_clock_stamped_in_the_future_grows_old_once_it_is_back(
    store: Store, clock: Clock
) -> None:
    clock.now += 400 * DAY_S
    store.record(artefacts=[("outline", "k", b"x")])
    store.tidy()
    clock.now = NOON
    store.tidy()

    for _ in range(7):
        clock.now += 10 * DAY_S
        store.tidy()

    assert store.artefacts("outline", ["k"]) == {}


def test_newest_note_is_the_one_written_last(store: Store, clock: Clock) -> None:
    clock.now += 400 * DAY_S
    store.record(notes=[a_note("of the jump", "0")])
    clock.now = NOON
    store.record(notes=[a_note("of now", "2")])

    seen = View(store, Content()).get("impact", "a.py")

    assert seen is not None
    assert (seen.note.body, seen.fresh) == ("of now", False)


def test_today_counts_what_a_clock_put_ahead_stamped(store: Store, clock: Clock) -> None:
    """What was spent a moment ago is not forgotten because the clock was put back since."""
    clock.now += 3600
    store.record(spent=Spent(0.0, "sleep", "summary", "m", Usage(cost_usd=0.5)))
    clock.now = NOON

    midnight = NOON - 12 * 3600

    assert [line.usage.cost_usd for line in store.spent(since=midnight)] == [0.5]
