"""What a pass lets other processes see: that it is at work, what it waits for, its limits."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from filelock import FileLock

from swe_sleep.notes.store import Store
from swe_sleep.sandbox import owners
from swe_sleep.sleep.budget import Reached

LOCK = "sleep.lock"
PID = "sleep.pid"
"""Beside the lock: who holds it, as `owners.me` says it, and the work tree."""
LOOK_S = 0.2
"""How often a pass that waits for another one looks whether it is its turn, or is to stop."""
LIMITS = "limits"
WAITING = "waiting"


@contextmanager
def locked(state_dir: Path, root: Path, timeout_s: float) -> Iterator[None]:
    """Be the one whose pass runs on this repository. Raises Timeout where another process is for
    so long."""
    with FileLock(state_dir / LOCK).acquire(timeout_s, LOOK_S):
        file = state_dir / PID
        file.write_bytes(b"%s\n%s" % (owners.me().encode(), bytes(root)))
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def at_work(state_dir: Path, root: Path) -> int | None:
    """The pid of the process whose pass over this work tree is under way. Does not take the lock,
    not even for a moment: a pass that begins then would be told that another one runs."""
    try:
        owner, _, tree = (state_dir / PID).read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    return owners.living(owner.decode(errors="replace")) if tree == bytes(root) else None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A process waits for the machine to be free, since a moment in Unix time."""

    pid: int
    since: float


def tell_waiting(store: Store, waiting: bool) -> None:
    """Say that this process waits, or no longer does."""
    state = Waiting(os.getpid(), time.time()) if waiting else None
    store.remember(WAITING, msgspec.json.encode(state))


def waiting(store: Store) -> Waiting | None:
    """Who waits. It may have been killed since."""
    kept = store.recall(WAITING)
    return msgspec.json.decode(kept, type=Waiting | None) if kept else None


def tell_limits(store: Store, reached: Sequence[Reached]) -> None:
    """Keep which limits a whole pass reached."""
    store.remember(LIMITS, msgspec.json.encode(list(reached)))


def limits(store: Store) -> list[Reached]:
    """The limits that the last whole pass reached."""
    kept = store.recall(LIMITS)
    return msgspec.json.decode(kept, type=list[Reached]) if kept else []
