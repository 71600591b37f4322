"""The processes below one, and how to end them all."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import subprocess
import time


def oom_kills() -> int:
    """How often the kernel ended a process of this control group for memory."""
    for name in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        try:
            with open(name) as file:
                for line in file:
                    if line.startswith("oom_kill "):
                        return int(line.split()[1])
        except (OSError, ValueError):
            continue
    return 0


def processes() -> dict[int, tuple[int, str, int]]:
    """Every visible process: its parent, its state, and the bytes it alone has in memory."""
    found = {}
    if not os.path.isdir("/proc/self"):
        listing = subprocess.run(
            ["ps", "-axo", "pid=,ppid=,state=,rss="], stdout=subprocess.PIPE, check=False
        ).stdout
        for line in listing.splitlines():
            pid, parent, state, rss = line.split()[:4]
            found[int(pid)] = (int(parent), state[:1].decode(), int(rss) * 1024)
        return found
    page = resource.getpagesize()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/" + name + "/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
                with open("/proc/" + name + "/statm", "rb") as file:
                    memory = file.read().split()
            except OSError:
                continue
            alone = int(memory[1]) - int(memory[2])
            found[int(name)] = (int(fields[1]), fields[0].decode(), alone * page)
    return found


def below(root: int) -> dict[int, int]:
    """The living descendants of a process, with the bytes each has in memory."""
    table = processes()
    children: dict[int, list[int]] = {}
    for pid, (parent, _, _) in table.items():
        children.setdefault(parent, []).append(pid)
    found: dict[int, int] = {}
    todo = list(children.get(root, ()))
    while todo:
        pid = todo.pop()
        todo.extend(children.get(pid, ()))
        if table[pid][1] not in "ZX":
            found[pid] = table[pid][2]
    return found


def send_signal(pid: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, number)


class Tree:
    """The processes below this one. `main` is the command; `code` its exit code once it ended."""

    def __init__(self) -> None:
        self.main = 0
        self.code: int | None = None
        self.empty = False
        self.wake, write = os.pipe()
        for fd in (self.wake, write):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)

    def reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.wake, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.empty = True
                return
            if not pid:
                return
            if pid == self.main:
                signalled = os.WIFSIGNALED(status)
                self.code = 128 + os.WTERMSIG(status) if signalled else os.WEXITSTATUS(status)

    def none_left(self) -> bool:
        return self.empty

    def running(self) -> bool:
        """Whether the command itself has not ended yet."""
        return self.code is None

    def kill(self) -> None:
        """End everything. All are stopped first: what is stopped can't start anything new."""
        self.reap()
        if self.none_left():
            return
        me = os.getpid()
        stopped: set[int] = set()
        until = time.monotonic() + 10
        while time.monotonic() < until:
            running = set(below(me)) - stopped
            if not running:
                break
            for pid in running:
                send_signal(pid, signal.SIGSTOP)
            stopped |= running
        for pid in stopped:
            send_signal(pid, signal.SIGKILL)
        while not self.none_left() and time.monotonic() < until:
            select.select([self.wake], [], [], 0.02)
            self.reap()
            for pid in below(me):
                send_signal(pid, signal.SIGKILL)
