"""Giving way to whatever the person runs: low priority for the processor and the disk.

Everything here can be taken back by a process without rights, but for the first step down to `LOW`:
a sandbox that did background work is still good for what a person waits for. That is why the lowest
of all priorities (SCHED_IDLE, 19) is not used; it has no way back.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from collections.abc import Iterable
from pathlib import Path

LOW = 10
"""A tenth of a core that a process of normal priority wants too."""
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
"""The number of the system call, which C libraries have no function for."""
_WHO_PROCESS = 1
_BEST_EFFORT, _IDLE = 2, 3
_CLASS_SHIFT = 13
_LAST = 7
OURSELVES = 0


def low(pids: Iterable[int] = (OURSELVES,)) -> None:
    """For what a person may be waiting for: these processes, and what they will start, have little
    where others want it."""
    for pid in pids:
        _nice(pid)
        _io(pid, _BEST_EFFORT, _LAST)
        _schedule(pid, "SCHED_OTHER")


def background(pids: Iterable[int] = (OURSELVES,)) -> None:
    """For what nobody waits for: they interrupt nobody, and have the disk when nobody wants it."""
    for pid in pids:
        _nice(pid)
        _io(pid, _IDLE, 0)
        _schedule(pid, "SCHED_BATCH")


def _nice(pid: int) -> None:
    with contextlib.suppress(OSError):
        value = max(LOW, os.getpriority(os.PRIO_PROCESS, pid))
        os.setpriority(os.PRIO_PROCESS, pid, value)
        # Where the kernel shares the time out by session, each session has a value of its own.
        # Ours is also that of the shell we were started from.
        if pid != OURSELVES and os.getsid(pid) != os.getsid(0):
            Path(f"/proc/{pid}/autogroup").write_text(str(value))


def _schedule(pid: int, policy: str) -> None:
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(pid, getattr(os, policy), os.sched_param(0))


def _io(pid: int, kind: int, level: int) -> None:
    number = _IOPRIO_SET.get(platform.machine())
    if number is None or platform.system() != "Linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).syscall(number, _WHO_PROCESS, pid, kind << _CLASS_SHIFT | level)
