"""Passes one after another: one at a time, following a watcher, on a work tree that moves."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from filelock import FileLock

from swe_sleep.errors import RepositoryError, UsageError
from swe_sleep.notes import kinds
from swe_sleep.notes.contents import Contents
from swe_sleep.records import Change
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sleep.engine import Event, Made, SleepReport, Unit
from swe_sleep.sleep.passes.outline import OutlinePass
from swe_sleep.sleep.signs import LOCK
from swe_sleep.sleep.situation import Situation
from swe_sleep.sleep.sleeper import Sleeper
from swe_sleep.sleep.units import Level

TIMEOUT_S = 60


class Ask:
    """A pass with one unit a snapshot, which does what the test wants."""

    name = "ask"
    version = 1
    reads = ()

    def __init__(self, act: Callable[[Situation], None] = lambda work: None) -> None:
        self.act = act
        self.studied: list[str] = []

    def plan(self, work: Situation) -> Iterator[Unit]:
        yield Unit("ask@1", "", {"tree": work.snapshot.id}, 1, 1)

    def run(self, unit: Unit, work: Situation) -> Made:
        self.studied.append(work.snapshot.id)
        self.act(work)
        return Made()


class Watcher:
    """Changes that the test lets settle, as `repo.watcher.watch` would bring them."""

    def __init__(self, project: Any) -> None:
        self.project = project
        self.stop = threading.Event()
        self.queue: queue.Queue[Snapshot | BaseException] = queue.Queue()

    def settle(self) -> Snapshot:
        snapshot: Snapshot = self.project.repository.snapshot()
        self.queue.put(snapshot)
        return snapshot

    def __iter__(self) -> Iterator[tuple[Change, Snapshot]]:
        while not self.stop.is_set():
            try:
                item = self.queue.get(timeout=0.02)
            except queue.Empty:
                continue
            if isinstance(item, BaseException):
                raise item
            yield Change(modified=(item.id,)), item


class Following:
    """A sleeper that follows a watcher on the test's own thread, steered by its pass."""

    def __init__(self, project: Any, passes: Iterable[Any]) -> None:
        self.watcher = Watcher(project)
        self.sleeper: Sleeper = project.sleeper(list(passes))
        self.changes: list[str] = []
        self.reports: list[SleepReport] = []
        self.after: Callable[[], None] = self.watcher.stop.set
        """Called after each report; ends it all, by default."""

    def run(self) -> None:
        self.sleeper.follow(iter(self.watcher), self.watcher.stop, self._change, self._report)

    def _change(self, change: Change) -> None:
        self.changes += change.modified

    def _report(self, report: SleepReport) -> None:
        self.reports.append(report)
        self.after()


def test_one_pass_at_a_time(shop: Any) -> None:
    with (
        FileLock(shop.repository.state_dir / LOCK),
        pytest.raises(UsageError, match="another pass is running"),
    ):
        shop.sleep([Ask()])

    assert shop.sleep([Ask()]).units == {"ask": 1}


def test_plan_says_what_would_be_done_and_does_nothing(shop: Any) -> None:
    units = shop.sleeper([OutlinePass()]).plan(shop.repository.snapshot())

    assert [unit.step for unit in units] == ["outline"]
    assert shop.sleep([OutlinePass()]).units == {"outline": 1}
    assert shop.sleeper([OutlinePass()]).plan(shop.repository.snapshot()) == []


def test_following_waits_for_the_pass_of_another_process(shop: Any) -> None:
    step = Ask()
    following = Following(shop, [step])
    lock = FileLock(shop.repository.state_dir / LOCK, thread_local=False)
    lock.acquire()
    following.watcher.settle()
    release = threading.Timer(0.5, lock.release)
    release.start()

    following.run()

    release.join()
    assert [report.units for report in following.reports] == [{"ask": 1}]


def test_following_can_be_stopped_while_it_waits(shop: Any) -> None:
    following = Following(shop, [Ask()])
    with FileLock(shop.repository.state_dir / LOCK):
        following.watcher.settle()
        stop = threading.Timer(0.3, following.watcher.stop.set)
        stop.start()
        following.run()

    assert [report.stopped for report in following.reports] in ([True], [])


def test_change_interrupts_the_pass_under_way_and_is_taken_next(shop: Any) -> None:
    settled: list[Snapshot] = []

    def act(work: Situation) -> None:
        if len(step.studied) == 1:
            shop.edit("shop/money.py", "VAT = 10", "VAT = 11")
            settled.append(following.watcher.settle())
            assert work.budget.stop.wait(TIMEOUT_S)
            work.budget.checkpoint()
        following.after = following.watcher.stop.set

    step = Ask(act)
    following = Following(shop, [step])
    following.after = lambda: None
    settled.append(following.watcher.settle())

    following.run()

    assert step.studied == [snapshot.id for snapshot in settled]
    assert [report.stopped for report in following.reports] == [True, False]


class Long:
    """Hunts that nobody waits for, and the proof of every change, which somebody does."""

    name = "long"
    version = 1
    reads = ()

    def __init__(self, act: Callable[[str, Situation], None]) -> None:
        self.act = act
        self.ran: list[str] = []

    def plan(self, work: Situation) -> Iterator[Unit]:
        for subject in ("hunt 1", "hunt 2", "hunt 3"):
            yield Unit("long@1", subject, {}, 1000, 0.1, level=Level.SPARE)
        yield Unit("long@1", "proof", {"tree": work.snapshot.id}, 1, 100, level=Level.PROOF)

    def run(self, unit: Unit, work: Situation) -> Made:
        self.ran.append(unit.subject)
        self.act(unit.subject, work)
        return Made()


def test_long_work_gives_way_to_a_change_and_goes_on_after_it(shop: Any) -> None:
    def act(subject: str, work: Situation) -> None:
        if long.ran.count(subject) == 1 and subject == "hunt 2":
            shop.edit("shop/money.py", "VAT = 10", "VAT = 11")
            following.watcher.settle()
            assert work.budget.stop.wait(TIMEOUT_S)
            work.budget.checkpoint()
            raise AssertionError("it was not stopped")

    long = Long(act)
    following = Following(shop, [long])
    following.after = lambda: following.watcher.stop.set() if len(following.reports) == 2 else None
    following.watcher.settle()

    following.run()

    assert long.ran == ["proof", "hunt 1", "hunt 2", "proof", "hunt 2", "hunt 3"]
    assert [report.left_by_pass for report in following.reports] == [{"long": 2}, {}]


def test_a_reply_that_is_due_wakes_the_watcher_once_and_tells_nobody(shop: Any) -> None:
    step = Ask()
    following = Following(shop, [step])
    looks: list[float | None] = [0.01, 0.01]

    def due_s() -> float | None:
        if not looks:
            following.watcher.stop.set()
            return None
        return looks.pop()

    following.sleeper.due_s = due_s
    following.after = lambda: None
    following.watcher.settle()

    following.run()

    assert len(step.studied) == 1, "nothing was new"
    assert len(following.reports) == 1


def test_only_the_newest_snapshot_is_studied(shop: Any) -> None:
    def act(work: Situation) -> None:
        if len(step.studied) == 1:
            for number in range(3):
                shop.write("shop/new.py", f"x = {number}\n")
                newest.append(following.watcher.settle().id)
            assert work.budget.stop.wait(TIMEOUT_S)
            while following.watcher.queue.qsize():
                pass
        elif work.snapshot.id == newest[-1]:
            following.after = following.watcher.stop.set

    newest: list[str] = []
    step = Ask(act)
    following = Following(shop, [step])
    following.after = lambda: None
    following.watcher.settle()

    following.run()

    assert step.studied[-1] == newest[-1]
    assert newest[0] not in step.studied


def test_last_pass_is_finished_when_the_changes_end(shop: Any) -> None:
    step = Ask()
    stop = threading.Event()
    reports: list[SleepReport] = []
    one = [(Change(), shop.repository.snapshot())]

    shop.sleeper([step]).follow(iter(one), stop, lambda change: None, reports.append)

    assert [report.stopped for report in reports] == [False]
    assert stop.is_set()


def test_error_of_the_watcher_comes_out(shop: Any) -> None:
    following = Following(shop, [Ask()])
    following.watcher.queue.put(RepositoryError("the repository is gone."))

    with pytest.raises(RepositoryError, match="is gone"):
        following.run()

    assert following.watcher.stop.is_set()


def test_nothing_is_left_running(shop: Any) -> None:
    before = set(threading.enumerate())
    following = Following(shop, [Ask()])
    following.watcher.settle()

    following.run()

    assert not [
        thread for thread in set(threading.enumerate()) - before if thread.name == "watcher"
    ]


# -- a work tree that moves on ------------------------------------------------------------------


def edit_at_first_outline(project: Any) -> Callable[[Event], None]:
    """A listener that writes another text before the first outline is made."""
    texts = iter(["VAT = 30\n"])

    def listen(event: Event) -> None:
        text = next(texts, None) if event.kind == "begin" else None
        if text is not None:
            project.write("shop/money.py", text)

    return listen


def test_pass_goes_on_with_the_tree_as_it_is_then(shop: Any) -> None:
    shop.edit("shop/money.py", "VAT = 10", "VAT = 20")
    shop.listener = edit_at_first_outline(shop)

    report = shop.sleep([OutlinePass()])

    assert (report.moved, report.problems, report.units) == (False, [], {"outline": 1})
    outlines = shop.sleeper([OutlinePass()]).plan(shop.repository.snapshot())
    assert outlines == []


def test_tree_that_never_rests_ends_the_pass_with_a_word(shop: Any) -> None:
    numbers = iter(range(100))
    shop.write("shop/money.py", "VAT = -1\n")
    shop.listener = lambda event: shop.write("shop/money.py", f"VAT = {next(numbers)}\n")

    report = shop.sleep([OutlinePass()])

    assert report.moved
    assert report.problems == ["the work tree keeps changing; what was finished is kept."]
    shop.listener = lambda event: None
    assert shop.sleep([OutlinePass()]).units == {"outline": 1}


def test_following_waits_for_the_snapshot_that_the_tree_moved_on_to(shop: Any) -> None:
    shop.edit("shop/money.py", "VAT = 10", "VAT = 20")
    following = Following(shop, [OutlinePass()])
    following.watcher.settle()
    move = edit_at_first_outline(shop)

    def listen(event: Event) -> None:
        move(event)
        if event.kind == "begin" and shop.read("shop/money.py") == "VAT = 30\n":
            following.watcher.settle()

    shop.listener = listen
    following.after = lambda: (
        following.watcher.stop.set() if not following.reports[-1].moved else None
    )

    following.run()

    assert following.reports[-1].units == {"outline": 1}


def test_edit_that_was_taken_back_at_once_is_not_waited_for(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swe_sleep.sleep.sleeper.MOVED_S", 0.05)
    shop.edit("shop/money.py", "VAT = 10", "VAT = 20")
    following = Following(shop, [OutlinePass()])
    following.watcher.settle()
    shop.listener = edit_at_first_outline(shop)

    following.run()

    assert [report.units for report in following.reports] == [{"outline": 1}]


# -- what the next pass compares with -----------------------------------------------------------


def test_uncommitted_content_before_an_edit_is_still_known(shop: Any) -> None:
    shop.edit("shop/money.py", "VAT = 10", "VAT = 20")
    blob = shop.repository.snapshot().blob("shop/money.py")
    stop = threading.Event()
    stop.set()
    shop.sleep(stop=stop)  # even of a pass that was stopped at once
    shop.edit("shop/money.py", "VAT = 20", "VAT = 30")

    content = Contents(shop.store, shop.repository).get("shop/money.py", blob)

    assert content is not None and b"VAT = 20" in content


def test_content_that_nobody_kept_is_not_known(shop: Any) -> None:
    contents = Contents(shop.store, shop.repository)

    assert contents.get("shop/money.py", "0" * 40) is None
    assert contents.get("shop/money.py", "") is None


def test_change_is_compared_again_where_the_time_ended_before_it_was(shop: Any) -> None:
    shop.sleep()
    shop.edit("shop/money.py", "def with_vat(cents)", "def with_vat(cents, rate)")
    assert shop.sleep(seconds=0.000001).left_by_pass

    shop.sleep()

    assert [seen.note.subject for seen in shop.view.fresh(kinds.IMPACT)] == ["shop/money.py"]


def test_change_of_a_pass_that_was_stopped_is_compared_by_the_next(shop: Any) -> None:
    shop.sleep()
    shop.edit("shop/money.py", "def with_vat(cents)", "def with_vat(cents, rate)")
    stop = threading.Event()
    shop.listener = lambda event: stop.set()
    assert shop.sleep(stop=stop).stopped
    shop.listener = lambda event: None

    shop.sleep()

    assert [seen.note.subject for seen in shop.view.fresh(kinds.IMPACT)] == ["shop/money.py"]
