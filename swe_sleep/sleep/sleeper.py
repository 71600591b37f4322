"""One pass after another over a repository: what lasts between them, and following the watcher."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from filelock import FileLock, Timeout

from swe_sleep.config import Settings
from swe_sleep.errors import SnapshotChanged, UsageError
from swe_sleep.notes.outlines import Outlines
from swe_sleep.notes.store import Store
from swe_sleep.records import Change
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.protocol import Backend
from swe_sleep.sleep.budget import Budget
from swe_sleep.sleep.engine import Engine, Listener, Pass, SleepReport, Unit
from swe_sleep.sleep.situation import Situation

LOCK = "sleep.lock"


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
    _outlines: Outlines | None = field(default=None, init=False)

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
        """One pass over a snapshot, inside the budget. Raises UsageError where another process is
        at it already."""
        try:
            with FileLock(self.repository.state_dir / LOCK, timeout=0):
                return self._sleep(snapshot, stop or threading.Event(), seconds)
        except Timeout:
            raise UsageError(
                "another pass is running on this repository.",
                "Wait for it to end, or look at `swe-sleep status`.",
            ) from None

    def _sleep(
        self, snapshot: Snapshot, stop: threading.Event, seconds: float | None
    ) -> SleepReport:
        wanted = self.settings.sleep
        budget = Budget(seconds or wanted.budget_s, wanted.budget_usd, stop)
        with self._situation(snapshot, budget) as work:
            report = Engine(self.passes, self.listener).sleep(work)
            if not report.stopped:
                work.finish()
            return report

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
        )
        self._outlines = work.outlines
        return work

    def follow(
        self,
        changes: Iterator[tuple[Change, Snapshot]],
        stop: threading.Event,
        on_change: Callable[[Change], None],
        on_report: Callable[[SleepReport], None],
    ) -> None:
        """Sleep after every settled change, until `stop` is set or the changes end.

        A change that settles while a pass is under way ends that pass: what it finished is kept,
        and the next one begins with what the new change needs. `stop` is to be set by the caller.
        """
        inbox: queue.Queue[tuple[Change, Snapshot] | BaseException | None] = queue.Queue()
        interrupt = threading.Event()

        def receive() -> None:
            try:
                for item in changes:
                    inbox.put(item)
                    interrupt.set()
                inbox.put(None)
            except BaseException as error:  # handed to the thread that can report it
                inbox.put(error)
            interrupt.set()

        receiver = threading.Thread(target=receive, name="watcher", daemon=True)
        receiver.start()
        try:
            while (item := inbox.get()) is not None:
                while not inbox.empty():  # only the newest snapshot is worth studying
                    newer = inbox.get()
                    if newer is None or isinstance(newer, BaseException):
                        inbox.put(newer)
                        break
                    item = newer
                if isinstance(item, BaseException):
                    raise item
                if stop.is_set():
                    return
                interrupt.clear()
                if not inbox.empty():
                    interrupt.set()
                change, snapshot = item
                on_change(change)
                try:
                    on_report(self.sleep(snapshot, stop=interrupt))
                except SnapshotChanged:  # the watcher will bring the newer one
                    continue
        finally:
            stop.set()
            receiver.join(timeout=10)


def lower_priority() -> None:
    """Give way to whatever the person runs."""
    os.nice(10)
