from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swe_sleep.errors import StoreError, StoreFull, StoreTooNew
from swe_sleep.notes.store import SCHEMA_VERSION, VERSIONS_KEPT, Spent, Store
from swe_sleep.notes.view import View
from swe_sleep.records import ABSENT, HEAD, Note, Place, Usage

WEIRD = '"caf\\351\\n.py"'


class Content(dict[str, str]):
    def blob(self, path: str) -> str:
        return self.get(path, ABSENT)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "state" / "notes.db")
    yield store
    store.close()


MakeNote = Callable[..., Note]


@pytest.fixture
def a_note() -> MakeNote:
    def make(subject: str = "a.py", body: str = "It adds.", **more: object) -> Note:
        fields: dict[str, object] = {
            "kind": "impact",
            "subject": subject,
            "body": body,
            "producer": "test@1",
            "inputs": {subject: "1"},
            **more,
        }
        return Note(**fields)  # type: ignore[arg-type]

    return make


def test_a_note_comes_back_equal(store: Store, a_note: MakeNote) -> None:
    note = a_note(
        WEIRD,
        inputs={WEIRD: "1", "gone.py": ABSENT, HEAD: "c0ffee"},
        data=b'{"x": 1}',
        evidence=(Place("a.py", 3, 4), Place("b.py")),
        usage=Usage(output_tokens=5, cost_usd=None),
        confidence=0.5,
        created=123.0,
    )
    store.record(notes=[note])
    content = Content({WEIRD: "1", HEAD: "c0ffee"})
    seen = View(store, content).get("impact", WEIRD)
    assert seen is not None
    assert seen.note == note
    assert seen.fresh


def test_a_note_is_stale_once_any_input_changed(store: Store, a_note: MakeNote) -> None:
    store.record(notes=[a_note(inputs={"a.py": "1", "b.py": ABSENT})])
    for content, fresh in [
        ({"a.py": "1"}, True),
        ({"a.py": "2"}, False),
        ({}, False),
        ({"a.py": "1", "b.py": "1"}, False),
        ({"a.py": "1", "other.py": "1"}, True),
    ]:
        seen = View(store, Content(content)).get("impact", "a.py")
        assert seen is not None
        assert seen.fresh is fresh
        assert bool(View(store, Content(content)).fresh("impact")) is fresh


def test_going_back_to_a_branch_finds_its_notes(store: Store, a_note: MakeNote) -> None:
    store.record(notes=[a_note(body="one")])
    store.record(notes=[a_note(body="two", inputs={"a.py": "2"})])
    for blob, body in (("1", "one"), ("2", "two")):
        seen = View(store, Content({"a.py": blob})).get("impact", "a.py")
        assert seen is not None
        assert (seen.note.body, seen.fresh) == (body, True)


def test_the_same_content_replaces_its_note(store: Store, a_note: MakeNote) -> None:
    store.record(notes=[a_note(body="first try")])
    store.record(notes=[a_note(body="second try")])
    view = View(store, Content({"a.py": "1"}))
    assert [seen.note.body for seen in view.all("impact")] == ["second try"]
    assert view.search("first") == []


def test_search_knows_the_parts_of_identifiers(store: Store, a_note: MakeNote) -> None:
    store.record(
        notes=[
            a_note("a.py", "parseHttpHeader drops the last line"),
            a_note("b.py", "max_line_length is off by one"),
        ]
    )
    view = View(store, Content({"a.py": "1"}))
    assert [s.note.subject for s in view.search("header of http")] == ["a.py"]
    assert [s.note.subject for s in view.search("length")] == ["b.py"]
    assert not view.search("length")[0].fresh
    assert view.search('" OR * NEAR(') == []
    assert view.search("") == []


def test_about_finds_the_path_its_symbols_and_what_cites_it(store: Store, a_note: MakeNote) -> None:
    store.record(
        notes=[
            a_note("a.py", kind="tests"),
            a_note("a.py::f", kind="impact"),
            a_note("b.py", kind="issue", evidence=(Place("a.py", 2),)),
            a_note("aa.py"),
        ]
    )
    found = View(store, Content({})).about("a.py")
    assert sorted(seen.note.subject for seen in found) == ["a.py", "a.py::f", "b.py"]


def test_made_from_finds_notes_by_input(store: Store, a_note: MakeNote) -> None:
    store.record(notes=[a_note("t.py", inputs={"t.py": "1", "a.py": "1"}), a_note("b.py")])
    view = View(store, Content({}))
    assert [seen.note.subject for seen in view.made_from("impact", ["a.py"])] == ["t.py"]
    assert view.made_from("impact", []) == []


def test_a_failed_record_writes_nothing(store: Store, a_note: MakeNote) -> None:
    def notes() -> Iterator[Note]:
        yield a_note()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.record(notes=notes(), unit=("k", "pass", "s", "done"))
    assert View(store, Content({})).all("impact") == []
    assert store.finished(["k"]) == {}
    store.record(notes=[a_note()], unit=("k", "pass", "s", "done"))
    assert store.finished(["k", "l"]) == {"k": "done"}


def test_what_is_forgotten_is_made_again(store: Store, a_note: MakeNote) -> None:
    store.record(notes=[a_note(kind="tests"), a_note()], unit=("k", "tests", "", "done"))
    store.record(unit=("l", "graph", "", "done"))
    store.forget(["tests"], ["tests"])
    view = View(store, Content({"a.py": "1"}))
    assert (view.all("tests"), len(view.all("impact"))) == ([], 1)
    assert store.finished(["k", "l"]) == {"l": "done"}


def test_artefacts_are_keyed_by_content(store: Store) -> None:
    keys = [f"{n:040}" for n in range(1200)]
    store.record(artefacts=[("outline", key, key.encode()) for key in keys])
    assert store.artefacts("outline", keys) == {key: key.encode() for key in keys}
    assert store.artefacts("other", keys) == {}
    assert store.has_artefacts("outline", [keys[0], "no"]) == {keys[0]}


def test_the_ledger_and_facts(store: Store) -> None:
    store.record(spent=Spent(5.0, "sleep", "tests", "", Usage(wall_s=2)))
    store.record(spent=Spent(9.0, "solve", "an issue", "claude", Usage(output_tokens=7)))
    assert [s.what for s in store.spent()] == ["tests", "an issue"]
    assert [s.usage.output_tokens for s in store.spent(since=6)] == [7]
    assert store.recall("last") is None
    store.remember("last", b"1")
    store.remember("last", b"2")
    assert store.recall("last") == b"2"


def test_tidy_keeps_the_newest_versions(store: Store, a_note: MakeNote) -> None:
    for n in range(VERSIONS_KEPT + 3):
        store.record(notes=[a_note(inputs={"a.py": str(n)}, created=float(n + 1))])
    store.tidy()
    assert len(store.select()) == VERSIONS_KEPT
    assert store.select()[0].note.inputs == {"a.py": str(VERSIONS_KEPT + 2)}


def test_a_newer_store_is_refused_and_left_whole(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    Store(path).close()
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match="Upgrade swe-sleep") as caught:
        Store(path)
    assert caught.value.exit_code == 2
    assert path.read_bytes() == before


def test_a_damaged_store_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_bytes(b"this is not a database, only text that someone put here by mistake")
    with pytest.raises(StoreError, match="Move that file away"):
        Store(path)


def test_a_full_disk_loses_nothing(store: Store, a_note: MakeNote) -> None:
    store.record(notes=[a_note()])
    # SQLite's own way to play a full device: the same error code comes back as from a real one.
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFull, match="Free some space"):
        store.record(artefacts=[("big", "k", b"x" * 10_000_000)])
    store._db.execute("PRAGMA max_page_count = 100000")
    store.record(artefacts=[("big", "k", b"x" * 10_000_000)])
    assert len(View(store, Content({})).all("impact")) == 1


def test_a_replaced_file_is_noticed(store: Store, a_note: MakeNote) -> None:
    store.record(notes=[a_note()])
    for file in store.path.parent.iterdir():
        file.unlink()
    store.record(notes=[a_note("new.py")])
    other = Store(store.path)
    assert [s.note.subject for s in View(other, Content({})).all("impact")] == ["new.py"]
    other.close()


def _write_for_ever(path: Path, started: object) -> None:
    store = Store(path)
    n = 0
    while True:
        store.record(
            notes=[Note("k", f"{n}-{i}", "body", "p", {"a": str(n)}) for i in range(20)],
            unit=(f"unit-{n}", "p", "", "done"),
        )
        n += 1
        if n == 3:
            started.set()  # type: ignore[attr-defined]


def test_kill_9_leaves_whole_units(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    child = context.Process(target=_write_for_ever, args=(path, started))
    child.start()
    assert started.wait(60)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    store = Store(path)
    units = store.select("kind = 'k'")
    (finished,) = store._db.execute("SELECT count(*) FROM units").fetchone()
    assert finished >= 3
    assert len(units) == 20 * finished
    store.record(notes=[Note("k", "after", "b", "p", {})])
    store.close()
