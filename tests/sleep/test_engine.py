"""The engine: what runs, in which order, once, whatever comes between."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.errors import SnapshotChanged, StoreError, SweSleepError
from swe_sleep.notes import kinds
from swe_sleep.notes.store import Store
from swe_sleep.records import TREE, Note
from swe_sleep.sleep.budget import Stopped
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation


@dataclass
class Step:
    """A pass whose units are given, and that writes down when each ran."""

    name: str
    units: Callable[[Situation], Iterable[tuple[str, float, float]]]
    """Gives (subject, value, cost)."""
    ran: list[str]
    act: Callable[[str, Situation], Made | None] = lambda subject, work: None
    reads: tuple[str, ...] = ()
    version: int = 1
    inputs: Callable[[Situation], dict[str, str]] = lambda work: {TREE: work.snapshot.id}
    planned: int = field(default=0)

    def plan(self, work: Situation) -> Iterator[Unit]:
        self.planned += 1
        for subject, value, cost in self.units(work):
            yield Unit(f"{self.name}@{self.version}", subject, self.inputs(work), value, cost)

    def run(self, unit: Unit, work: Situation) -> Made:
        self.ran.append(f"{self.name} {unit.subject}")
        return self.act(unit.subject, work) or Made((note(unit, work),))


def note(unit: Unit, work: Situation) -> Note:
    inputs = {TREE: work.snapshot.id}
    return Note(kinds.IMPACT, unit.subject, "said", unit.producer, inputs, b'{"before": ""}')


def fixed(*units: tuple[str, float, float]) -> Callable[[Situation], Iterable[Any]]:
    return lambda work: units


def units_done(path: Path) -> set[tuple[str, str]]:
    with sqlite3.connect(path) as db:
        return set(db.execute("SELECT pass, subject FROM units"))


@pytest.fixture
def ran() -> list[str]:
    return []


def test_most_value_per_second_runs_first(shop: Any, ran: list[str]) -> None:
    shop.sleep([Step("a", fixed(("dear", 100, 50), ("cheap", 10, 1)), ran),
                Step("b", fixed(("best", 50, 2)), ran)])  # fmt: skip

    assert ran == ["b best", "a cheap", "a dear"]


def test_readers_plan_again_after_what_they_read(shop: Any, ran: list[str]) -> None:
    def found(work: Situation) -> list[tuple[str, float, float]]:
        return [
            (seen.note.subject, 1, ord(seen.note.subject)) for seen in work.view.all(kinds.IMPACT)
        ]

    first = Step("first", fixed(("x", 9, 1), ("y", 8, 1)), ran)
    reader = Step("reader", found, ran, act=lambda s, w: Made(), reads=("first",))
    other = Step("other", fixed(), ran)

    shop.sleep([reader, first, other])

    assert ran == ["first x", "first y", "reader x", "reader y"]
    assert (reader.planned, other.planned) == (3, 1)


def test_unit_that_a_new_plan_drops_does_not_run(shop: Any, ran: list[str]) -> None:
    def until_known(work: Situation) -> list[tuple[str, float, float]]:
        return [] if work.view.all(kinds.IMPACT) else [("stop-gap", 1, 1)]

    shop.sleep([Step("a", fixed(("x", 9, 1)), ran),
                Step("b", until_known, ran, reads=("a",))])  # fmt: skip

    assert ran == ["a x"]


def test_finished_unit_is_done_in_no_later_process(shop: Any, ran: list[str]) -> None:
    steps = [Step("a", fixed(("x", 1, 1), ("y", 1, 1)), ran)]
    shop.sleep(steps)
    with_another = Store(shop.store.path)

    report = shop.sleeper(steps, with_another).sleep(shop.repository.snapshot())

    with_another.close()
    assert len(ran) == 2
    assert (report.units, report.left) == ({}, 0)


def test_new_version_of_a_pass_does_its_work_again(shop: Any, ran: list[str]) -> None:
    shop.sleep([Step("a", fixed(("x", 1, 1)), ran)])

    shop.sleep([Step("a", fixed(("x", 1, 1)), ran, version=2)])

    assert ran == ["a x", "a x"]


def test_failed_unit_is_reported_and_tried_once(shop: Any, ran: list[str]) -> None:
    def act(subject: str, work: Situation) -> None:
        if subject == "bad":
            raise SweSleepError("it did not work.")

    steps = [Step("a", fixed(("bad", 9, 1), ("good", 1, 1)), ran, act, reads=("a",))]

    report = shop.sleep(steps)

    assert ran == ["a bad", "a good"]
    assert report.problems == ["a: it did not work."]
    assert [event.kind for event in shop.events] == ["begin", "failed", "begin", "done"]
    shop.sleep(steps)
    assert ran == ["a bad", "a good", "a bad"]


def test_unfinished_unit_keeps_what_it_made_and_comes_again(shop: Any, ran: list[str]) -> None:
    def act(subject: str, work: Situation) -> Made:
        made = note(Unit("a@1", "x", {}, 1, 1), work)
        return Made((made,), done=len(ran) > 1)

    steps = [Step("a", fixed(("x", 1, 1)), ran, act)]

    report = shop.sleep(steps)

    assert report.left_by_pass == {"a": 1}
    assert len(report.notes) == len(shop.view.fresh(kinds.IMPACT)) == 1
    assert shop.sleep(steps).units == {"a": 1}
    assert len(ran) == 2


def test_budget_ends_the_pass_and_the_next_goes_on(shop: Any, ran: list[str]) -> None:
    def act(subject: str, work: Situation) -> None:
        if len(ran) == 2:
            work.budget.seconds = 0

    steps = [Step("a", fixed(*((str(n), 1 + n, 1) for n in range(5))), ran, act)]

    report = shop.sleep(steps)

    assert (report.units, report.left, report.stopped) == ({"a": 2}, 3, False)
    assert shop.sleep(steps).units == {"a": 3}
    assert sorted(ran) == [f"a {n}" for n in range(5)]


def test_stop_keeps_what_was_finished(shop: Any, ran: list[str]) -> None:
    stop = threading.Event()

    def act(subject: str, work: Situation) -> None:
        if subject == "second":
            stop.set()
            work.budget.checkpoint()

    steps = [Step("a", fixed(("first", 3, 1), ("second", 2, 1), ("third", 1, 1)), ran, act)]

    report = shop.sleep(steps, stop=stop)

    assert report.stopped
    assert (report.units, report.left) == ({"a": 1}, 2)
    assert units_done(shop.store.path) == {("a", "first")}
    assert shop.sleep(steps).units == {"a": 2}


def test_stop_before_anything_does_nothing(shop: Any, ran: list[str]) -> None:
    stop = threading.Event()
    stop.set()

    report = shop.sleep([Step("a", fixed(("x", 1, 1)), ran)], stop=stop)

    assert report.stopped and not ran


def test_store_error_ends_the_pass(shop: Any, ran: list[str]) -> None:
    def act(subject: str, work: Situation) -> None:
        raise StoreError("the disk is on fire.")

    with pytest.raises(StoreError):
        shop.sleep([Step("a", fixed(("x", 2, 1), ("y", 1, 1)), ran, act)])

    assert ran == ["a x"]


def test_content_that_is_gone_ends_the_pass_wherever_it_is_missed(
    shop: Any, ran: list[str]
) -> None:
    def gone(subject: str, work: Situation) -> None:
        raise SnapshotChanged("it moved on.")

    def gone_in_plan(work: Situation) -> list[tuple[str, float, float]]:
        raise SnapshotChanged("it moved on.")

    for step in (Step("a", fixed(("x", 1, 1)), ran, gone), Step("b", gone_in_plan, ran)):
        report = shop.sleep([step])
        assert report.moved
        assert report.problems == ["the work tree keeps changing; what was finished is kept."]
    assert len(ran) == 5


def test_stopped_says_that_it_was_interrupted() -> None:
    assert Stopped("").exit_code == 130


# -- with the real passes -----------------------------------------------------------------------


def test_second_pass_does_nothing(shop: Any) -> None:
    first = shop.sleep()

    second = shop.sleep()

    assert set(first.units) == {"outline", "graph", "history", "tests"}
    assert (second.units, second.left, shop.events) == ({}, 0, [])


def test_branch_switch_and_back_does_nothing_twice(shop: Any) -> None:
    shop.sleep()
    shop.git("switch", "-q", "-c", "other")
    shop.edit("shop/money.py", "VAT = 10", "VAT = 20")
    shop.commit()
    assert "tests" in shop.sleep().units
    assert shop.bad() == {"tests/test_basket.py::test_total", "tests/test_money.py::test_vat"}

    shop.git("switch", "-q", "main")
    report = shop.sleep()
    assert set(report.units) <= {"impact"}
    assert not shop.bad()

    shop.git("switch", "-q", "other")
    assert set(shop.sleep().units) <= {"impact"}
    assert len(shop.bad()) == 2
    shop.git("switch", "-q", "main")
    assert shop.sleep().units == {}


KILLED = """
import os, signal, sys, threading
from pathlib import Path
from swe_sleep.config import load
from swe_sleep.notes.store import Store
from swe_sleep.repo.repository import Repository
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sleep.passes.diagnose import DiagnosePass
from swe_sleep.sleep.passes.graph import GraphPass
from swe_sleep.sleep.passes.history import HistoryPass
from swe_sleep.sleep.passes.outline import OutlinePass
from swe_sleep.sleep.passes.tests import TestsPass
from swe_sleep.sleep.sleeper import Sleeper

root, cache, moment = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
seen = 0

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def listen(event):
    global seen
    seen += 1
    if seen == moment:
        die() if moment % 2 else threading.Timer(0.03 * moment, die).start()

repository = Repository.open(root)
passes = [OutlinePass(), GraphPass(), HistoryPass(), TestsPass(), DiagnosePass()]
backend = LocalBackend(EnvironmentOptions(cache_dir=cache))
store = Store(repository.state_dir / "notes.db")
Sleeper(repository, store, load(root), backend, passes, listen).sleep(repository.snapshot())
"""


def test_kill_at_any_moment_loses_nothing_and_repeats_nothing(
    make_project: Callable[..., Any], environments: Path
) -> None:
    """Killed at every other moment before or in a unit, and once more undisturbed, against a twin
    that was never disturbed."""
    killed, undisturbed = make_project(name="killed"), make_project(name="undisturbed")
    for project in (killed, undisturbed):
        project.edit("shop/money.py", "VAT = 10", "VAT = 20")

    def run(project: Any, moment: int) -> int:
        arguments = [str(project.root), str(environments), str(moment)]
        command = [sys.executable, "-c", KILLED, *arguments]
        return subprocess.run(command, timeout=120, check=False).returncode

    assert run(undisturbed, 0) == 0
    codes = [run(killed, moment) for moment in (1, 4, 3)]
    assert codes[0] == -signal.SIGKILL
    assert run(killed, 0) == 0

    def notes(project: Any) -> set[tuple[str, str, str]]:
        return {(n.note.kind, n.note.subject, n.note.producer) for k in kinds.DATA
                for n in project.view.fresh(k)}  # fmt: skip

    assert notes(killed) == notes(undisturbed)
    assert units_done(killed.store.path) == units_done(undisturbed.store.path)
    assert killed.outcomes() == undisturbed.outcomes() == undisturbed.truth()
    with sqlite3.connect(killed.store.path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert killed.git("status", "--porcelain") == undisturbed.git("status", "--porcelain")
