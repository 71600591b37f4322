"""One pass after another over a repository: what lasts between them, and following the watcher."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from filelock import Timeout

from swe_sleep.config import Settings
from swe_sleep.errors import UsageError
from swe_sleep.notes.outlines import Outlines
from swe_sleep.notes.store import Store
from swe_sleep.records import Change
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.choose import limits
from swe_sleep.sandbox.protocol import Backend
from swe_sleep.sleep import priority, signs
from swe_sleep.sleep.bench import Bench
from swe_sleep.sleep.budget import Budget
from swe_sleep.sleep.courtesy import Courtesy
from swe_sleep.sleep.desk import Desk
from swe_sleep.sleep.engine import Engine, Listener, Pass, SleepReport, Unit
from swe_sleep.sleep.situation import Situation

TRIES = 5
"""Looks at a work tree that keeps moving on, in one pass."""
MOVED_S = 2.0
"""Seconds that the watcher is given to bring the snapshot that the work tree moved on to."""
READY_S = 600.0
"""Without a change for so long, nothing is kept open for the next one."""
TIDY_S = 600.0
"""How often the store is rid of what nobody needs, at most."""
COMPARING = frozenset({"outline", "impact", "leads"})
"""Passes that compare with the last pass; until they are done that stays what they compare with."""


@dataclass
class Sleeper:
    """Runs passes over snapshots of one repository. One at a time per repository: a second
    process is told so."""

    repository: Repository
    store: Store
    settings: Settings
    backend: Backend
    passes: Sequence[Pass]
    listener: Listener | None = None
    progress: Callable[[str], None] = lambda line: None
    desks: Callable[[Snapshot, Budget], Desk | None] = lambda snapshot, budget: None
    """Gives a pass its way to a model, where it may ask one."""
    courtesy: Courtesy | None = None
    """How it gives way to what else runs on this machine; None: not at all."""
    due_s: Callable[[], float | None] = lambda: None
    """Seconds until replies that passes wait for may have come; None where none does."""
    _outlines: Outlines | None = field(default=None, init=False)
    _commits: dict[str, Mapping[str, str]] = field(default_factory=dict, init=False)
    _tidied: float = field(default=-math.inf, init=False)
    _bench: Bench | None = field(default=None, init=False)
    """While changes are followed: what one pass opened, the next one finds ready."""

    def be_courteous(self, *, waits: bool) -> None:
        """Give way to whatever else runs on this machine, if the settings say so; `waits` where
        nobody waits for the pass. The priority of this process stays low."""
        if self.settings.sleep.idle:
            priority.low()
            self.courtesy = Courtesy(waits=waits, tell=self._tell)

    def _tell(self, waiting: bool) -> None:
        signs.tell_waiting(self.store, waiting)
        if waiting:
            self.progress("waiting: the machine is busy with other work")

    def plan(self, snapshot: Snapshot) -> list[Unit]:
        """What a pass would begin with, best first. Runs nothing."""
        with self._situation(snapshot, Budget(1)) as work:
            return Engine(self.passes).plan(work)

    def sleep(
        self,
        snapshot: Snapshot,
        *,
        stop: threading.Event | None = None,
        seconds: float | None = None,
    ) -> SleepReport:
        """One pass over a snapshot, inside the budget. Where the work tree moves on meanwhile, it
        goes on with the tree as it is then. Raises UsageError where another process is at it."""
        budget = self._budget(stop, seconds)
        try:
            with self._lock(timeout_s=0.0):
                report = self._sleep(snapshot, budget)
                tries = 1
                while report.moved and tries < TRIES and not budget.exhausted():
                    self.progress("the work tree moved on; looking again")
                    report.add(self._sleep(self.repository.snapshot(), budget))
                    tries += 1
        except Timeout:
            raise UsageError(
                "another pass is running on this repository.",
                "Wait for it to end, or look at `swe-sleep status`.",
            ) from None
        if report.moved:
            report.problems.append("the work tree keeps changing; what was finished is kept.")
        return report

    def _lock(self, timeout_s: float) -> AbstractContextManager[None]:
        """Raises Timeout where another process holds it so long."""
        return signs.locked(self.repository.state_dir, self.repository.root, timeout_s)

    def _budget(self, stop: threading.Event | None, seconds: float | None = None) -> Budget:
        wanted = self.settings.sleep
        limit = wanted.budget_s if seconds is None else seconds
        return Budget(
            limit, wanted.budget_usd, stop or threading.Event(), cpu_s=wanted.budget_cpu_s
        )

    def _sleep(self, snapshot: Snapshot, budget: Budget) -> SleepReport:
        if self.courtesy is not None:
            self.courtesy.begin()
        with self._situation(snapshot, budget) as work:
            work.begin()
            report = Engine(self.passes, self.listener).sleep(work)
            unfinished = report.stopped or report.moved
            if not unfinished:
                signs.tell_limits(self.store, report.limits)
            if not unfinished and COMPARING.isdisjoint(report.left_by_pass):
                work.finish()
                if time.monotonic() - self._tidied > TIDY_S:  # it looks at the whole store
                    self.store.tidy()
                    self._tidied = time.monotonic()
            return report

    def _sleep_in_turn(self, snapshot: Snapshot, stop: threading.Event) -> SleepReport:
        """One pass, after the one that another process is at."""
        while not stop.is_set():
            try:
                with self._lock(timeout_s=signs.LOOK_S):
                    return self._sleep(snapshot, self._budget(stop))
            except Timeout:
                continue
        return SleepReport(stopped=True)

    def _situation(self, snapshot: Snapshot, budget: Budget) -> Situation:
        work = Situation(
            self.repository,
            snapshot,
            self.store,
            self.settings,
            self.backend,
            budget,
            self.progress,
            self._outlines,
            self._commits,
            self.desks(snapshot, budget),
            self.courtesy,
            self._bench,
        )
        self._outlines = work.outlines
        return work

    def warm(self) -> None:
        """Hold in memory what the notes of the next change will need."""
        if self._outlines is not None and not self._outlines.missing():
            self._outlines.graph().rank()

    def follow(
        self,
        changes: Iterator[tuple[Change, Snapshot]],
        stop: threading.Event,
        on_change: Callable[[Change], None],
        on_report: Callable[[SleepReport], None],
    ) -> None:
        """Sleep after every settled change, until `stop` is set or the changes end.

        A change that settles while a pass is under way ends that pass: what it finished is kept,
        and the next one begins with what the new change needs. `stop` is to be set by the caller,
        and to end `changes`. Raises what `changes` raises.
        """
        inbox = _Inbox(changes, stop)
        gentle = self.courtesy is not None
        wanted = replace(limits(self.settings.sandbox), gentle=gentle)
        self._bench = bench = Bench(self.backend, wanted)
        try:
            item: Settled | None = inbox.newest()
            while item is not None and not stop.is_set():
                change, snapshot = item
                on_change(change)
                report = self._sleep_in_turn(snapshot, inbox.arrived)
                while report.moved and not inbox.wait(MOVED_S):
                    # An edit that was taken back at once: nothing new will settle.
                    report.add(self._sleep_in_turn(self.repository.snapshot(), inbox.arrived))
                if report.units or change.cause != "request":
                    on_report(report)
                if not inbox.arrived.is_set():
                    self.warm()
                    bench.rest(snapshot, self.progress)
                item = self._next(inbox, bench)
        finally:
            stop.set()
            bench.close()
            self._bench = None
            inbox.close()

    def _next(self, inbox: _Inbox, bench: Bench) -> Settled | None:
        """The next change; an empty one where a reply that a pass waits for may have come. None
        where nothing more will come."""
        due_s = self.due_s()
        waited = inbox.wait(READY_S if due_s is None else min(due_s, READY_S))
        if not waited and (due_s is None or due_s > READY_S):
            bench.close()
            waited = inbox.wait(None if due_s is None else due_s - READY_S)
        if waited:
            return inbox.newest()
        return Change(cause="request"), self.repository.snapshot()


Settled = tuple[Change, Snapshot]


class _Inbox:
    """What a watcher brings, received on a thread of its own. Only the newest is kept: nothing
    older is worth studying."""

    def __init__(self, changes: Iterator[Settled], stop: threading.Event) -> None:
        self.arrived = threading.Event()
        """Something is here that the pass under way should give way to."""
        self._stop = stop
        self._held = threading.Condition()
        self._item: Settled | None = None
        self._error: BaseException | None = None
        self._ended = False
        self._thread = threading.Thread(
            target=self._receive, args=(changes,), name="watcher", daemon=True
        )
        self._thread.start()

    def _receive(self, changes: Iterator[Settled]) -> None:
        error: BaseException | None = None
        try:
            for item in changes:
                with self._held:
                    self._item = item
                    self.arrived.set()
                    self._held.notify()
        except BaseException as raised:  # handed to the thread that can report it
            error = raised
        with self._held:
            self._error, self._ended = error, True
            if error or self._stop.is_set():
                self.arrived.set()
            self._held.notify()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until there is something new, or will never be; False if that takes too long."""
        with self._held:
            return self._held.wait_for(lambda: self._item is not None or self._ended, timeout_s)

    def newest(self) -> Settled | None:
        """Wait for the newest change; None where there is none to come. Raises what the watcher
        raised."""
        self.wait()
        with self._held:
            if self._error is not None:
                raise self._error
            item, self._item = self._item, None
            if not (self._ended and self._stop.is_set()):
                self.arrived.clear()
            return item

    def close(self) -> None:
        """Wait for the thread; `stop` is to be set by now."""
        self._thread.join(timeout=10)
