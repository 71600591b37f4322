"""Work spread over processes of our own, any of which may die without taking the rest with it.

One process has one request at a time, so it is known what failed, or was too large for the memory.
The processes are started afresh (`spawn`): they inherit no locks, threads or open stores.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, TypeVar

from swe_sleep.errors import SweSleepError

POLL_S = 0.2
"""How often `stop` is asked while nothing happens."""
END_S = 5.0
"""How long a process has to end when it is asked to."""

Q = TypeVar("Q")
A = TypeVar("A")
Work = Callable[[Q, Callable[[str], None]], A]
"""Answers a request, and says meanwhile what it does. A process must be able to import it."""


@dataclass(frozen=True)
class Done(Generic[Q, A]):
    request: Q
    answer: A


@dataclass(frozen=True)
class Failed(Generic[Q]):
    """`reason` is one line; `detail` the traceback, for an error that is not one of ours."""

    request: Q
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Said(Generic[Q]):
    """A request is still worked on."""

    request: Q
    text: str


Event = Done[Q, A] | Failed[Q] | Said[Q]


@dataclass
class _Worker(Generic[Q]):
    process: SpawnProcess
    connection: Connection
    request: Q


def spread(
    work: Work[Q, A],
    take: Callable[[Q | None], Q | None],
    *,
    jobs: int,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Event[Q, A]]:
    """Answer requests in up to `jobs` processes until there is none left, or `stop` says so.

    `take` gives the next request, and is told what the process that gets it did last. What is
    under way when it is stopped, or when the caller leaves, is given up.
    """
    workers: list[_Worker[Q]] = []
    try:
        while not stop():
            while len(workers) < jobs and (request := take(None)) is not None:
                workers.append(_start(work, request))
            if not workers:
                return
            ready = wait([each.connection for each in workers], POLL_S)
            for worker in [each for each in workers if each.connection in ready]:
                event: Event[Q, A] = _hear(worker)
                if not isinstance(event, Said):
                    following = take(event.request) if worker.process.is_alive() else None
                    if following is None:
                        workers.remove(worker)
                        _end(worker)
                    else:
                        _send(worker, following)
                yield event
    finally:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            _end(worker)


def _start(work: Work[Q, A], request: Q) -> _Worker[Q]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(work, theirs))
    process.start()
    theirs.close()
    worker = _Worker(process, ours, request)
    _send(worker, request)
    return worker


def _send(worker: _Worker[Q], request: Q) -> None:
    worker.request = request
    with contextlib.suppress(OSError):  # it died, which shows when it is listened to
        worker.connection.send(request)


def _hear(worker: _Worker[Q]) -> Event[Q, A]:
    try:
        event: Event[Q, A] = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join(END_S)
        return Failed(worker.request, ended(worker.process.exitcode))
    return event


def ended(code: int | None) -> str:
    """What to say of a process that gave no answer."""
    how = f"was ended by {signal.Signals(-code).name}" if code and code < 0 else "ended too early"
    return f"its process {how}."


def _end(worker: _Worker[Q]) -> None:
    worker.connection.close()
    worker.process.join(END_S)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()


def serve(work: Work[Q, A], connection: Connection) -> None:
    """A process: answers until nobody asks any more."""
    # Ctrl-C reaches the whole group; whoever started us decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # and clean up on the way
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes share the cores already
    with contextlib.suppress(EOFError, OSError):
        while True:
            request: Q = connection.recv()

            def say(text: str, request: Q = request) -> None:
                connection.send(Said(request, text))

            event: Event[Q, A]
            try:
                event = Done(request, work(request, say))
            except SweSleepError as error:
                event = Failed(request, str(error))
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                event = Failed(request, reason, traceback.format_exc())
            connection.send(event)
