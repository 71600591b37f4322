"""Outlines and documents made on all cores, where there is enough of them to pay for starting
processes."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from swe_sleep.index import document as documents
from swe_sleep.index.outline import Outline, decode, encode, outline
from swe_sleep.index.worker import Payloads, Worker, WorkerFailed, payloads

WORTHWHILE = 500
"""Files to be read from which on a process more is worth its start (0.2 s)."""
MOST = 8

Task = tuple[str, str, Callable[[], bytes]]
"""A name for it, the language, and what reads the content."""


class Read(NamedTuple):
    """What was made of one file. `document` is empty if it was not wanted."""

    name: str
    encoded: bytes
    document: bytes
    found: Outline | None = None

    @property
    def outline(self) -> Outline:
        return decode(self.encoded) if self.found is None else self.found


class Workers:
    """As many processes as there are cores; started when they are first worthwhile. Where they
    can't be started, or have ended, the work is done here. A context manager."""

    def __init__(self, count: int | None = None) -> None:
        self._count = cores() if count is None else count
        self._workers: list[Worker] | None = None

    def read(self, tasks: Sequence[Task], ahead: int, *, document: bool = False) -> Iterator[Read]:
        """What the tasks make, in any order. `ahead` is how many tasks there are to be in all,
        those of later calls included. Raises what reading a content raises."""
        if self._workers is None and ahead >= WORTHWHILE:
            self._workers = self._start()
        if not self._workers or len(tasks) < 2:
            for name, language, read in tasks:
                content = read()
                found = outline(content, language)
                made = documents.encode(documents.document(content, found)) if document else b""
                yield Read(name, encode(found), made, found)
            return
        for name, (encoded, made) in self._shared(list(self._workers), tasks, document):
            yield Read(name, encoded, made)

    def _shared(
        self, workers: Sequence[Worker], tasks: Sequence[Task], document: bool
    ) -> Iterator[tuple[str, Payloads]]:
        waiting = queue.SimpleQueue[tuple[str, str, bytes] | None]()
        done = queue.SimpleQueue[tuple[str, Payloads] | Exception]()
        threads = [
            threading.Thread(target=self._feed, args=(worker, waiting, done, document), daemon=True)
            for worker in workers
        ]
        for thread in threads:
            thread.start()
        left = 0
        try:
            for name, language, read in tasks:
                waiting.put((name, language, read()))
                left += 1
            while left:
                found = done.get()
                left -= 1
                if isinstance(found, Exception):
                    raise found
                yield found
        finally:
            if left:
                self.close()  # what they are at is not wanted any more
            for _ in threads:
                waiting.put(None)
            for thread in threads:
                thread.join()

    def _feed(
        self,
        worker: Worker,
        waiting: queue.SimpleQueue[tuple[str, str, bytes] | None],
        done: queue.SimpleQueue[tuple[str, Payloads] | Exception],
        document: bool,
    ) -> None:
        usable = True
        while (task := waiting.get()) is not None:
            name, language, content = task
            made = None
            if usable:
                try:
                    made = worker.read(content, language, document=document)
                except WorkerFailed:
                    usable = False
            if made is None and self._workers is None:
                continue  # closed
            try:
                done.put((name, made or payloads(content, language, document=document)))
            except Exception as error:  # else nobody would ever be done waiting for it
                done.put(error)

    def _start(self) -> list[Worker]:
        started: list[Worker] = []
        if self._count < 2 or not sys.executable or getattr(sys, "frozen", False):
            return started
        try:
            for _ in range(min(self._count, MOST)):
                started.append(Worker())
        except WorkerFailed:
            for worker in started:
                worker.close()
            return []
        return started

    def close(self) -> None:
        """Ends the processes. They are started again where that is worthwhile."""
        workers, self._workers = self._workers, None
        for worker in workers or ():
            worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1
