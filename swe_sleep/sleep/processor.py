"""Processor time: what this process and everything below it took, and what others take."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
STALE_S = 1.0
"""A look at all processes takes milliseconds: one a second is enough,"""
SHARE = 0.01
"""and less often where there are so many that it would take more of the time than this."""


@dataclass(frozen=True, slots=True)
class Process:
    """One line of the table of processes. Seconds include those of buried children."""

    pid: int
    parent: int
    user_s: float
    system_s: float


def processes() -> Iterator[Process]:
    """All processes; none where the system has no table to read."""
    try:
        folders = [each for each in PROC.iterdir() if each.name.isdigit()]
    except OSError:
        return
    for folder in folders:
        try:
            stat = (folder / "stat").read_bytes()
        except OSError:
            continue  # it has ended
        # The name, in brackets, may hold anything.
        fields = stat.rpartition(b") ")[2].split()
        user, system, users, systems = (int(each) / TICKS for each in fields[11:15])
        yield Process(int(folder.name), int(fields[1]), user + users, system + systems)


def below(pid: int) -> list[Process]:
    """All processes that descend from one."""
    children: dict[int, list[Process]] = {}
    for process in processes():
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    pending = [pid]
    while pending:
        mine = children.get(pending.pop(), [])
        found += mine
        pending += [process.pid for process in mine]
    return found


def taken() -> tuple[float, float]:
    """User and system seconds of this process and of all that it started, ended or not."""
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    alive = below(os.getpid())
    return (
        sum(each.ru_utime for each in own) + sum(each.user_s for each in alive),
        sum(each.ru_stime for each in own) + sum(each.system_s for each in alive),
    )


class Meter:
    """Processor seconds since it was made, looked up once a second at most. It never runs
    backwards, though a process that ends is missed until its parent buries it."""

    def __init__(self) -> None:
        self._began = sum(taken())
        self._looked = time.monotonic()
        self._seconds = 0.0
        self._took_s = 0.0

    def seconds(self, stale_s: float = STALE_S) -> float:
        began = time.monotonic()
        if began - self._looked >= min(stale_s, 1.0) * max(1.0, self._took_s / SHARE):
            self._seconds = max(self._seconds, sum(taken()) - self._began)
            self._looked = time.monotonic()
            self._took_s = self._looked - began
        return self._seconds


def machine_s() -> float | None:
    """Seconds that the cores worked, but for what runs at a low priority, since the machine
    started; None where the system does not tell."""
    try:
        line = (PROC / "stat").read_bytes().partition(b"\n")[0]
    except OSError:
        return None
    user, _, system, _, _, irq, softirq = (int(each) / TICKS for each in line.split()[1:8])
    return user + system + irq + softirq
