"""A keeper: starts one command, or one shell, and holds its limits."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import shlex
import signal
import time
from collections.abc import Callable
from typing import Any

from swe_sleep.sandbox.inside.frames import PR_SET_DUMPABLE, frame, prctl, read_frame, write_all
from swe_sleep.sandbox.inside.processes import Tree, below, oom_kills

GRACE_S = 0.3
IDLE = 3  # a keeper's exit code where its shell ended and no command had begun
STATUS_FD = 198
IGNORED = (signal.SIGINT, signal.SIGPIPE, signal.SIGHUP, signal.SIGTERM)


class Capture:
    """Output up to a limit: the first half of it and the last."""

    def __init__(self, limit: int) -> None:
        self.half = max(1, limit // 2)
        self.head, self.tail, self.total = bytearray(), bytearray(), 0

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = self.half - len(self.head)
        self.head += data[:room]
        self.tail += data[room:]
        if len(self.tail) > 4 * self.half:
            del self.tail[: -self.half]

    @property
    def truncated(self) -> bool:
        return self.total > 2 * self.half

    def value(self) -> bytes:
        if not self.truncated:
            return bytes(self.head + self.tail)
        left_out = self.total - 2 * self.half
        note = f"\n[... {left_out} bytes left out ...]\n"
        return bytes(self.head) + note.encode() + bytes(self.tail[-self.half :])


class Settings:
    """What the host said at the start."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.work = os.fsencode(said["workdir"])
        self.scratch = os.fsencode(said["scratch"])
        self.env: dict[str, str] = said["env"]
        self.output_bytes: int = said["output_bytes"]
        self.watch_bytes: int = said.get("watch_bytes", 0)
        self.limits: dict[str, int] = said.get("limits", {})
        self.uid: int | None = said.get("uid")


def start(settings: Settings, argv: list[str], env: dict[str, str], cwd: bytes,
          fds: dict[int, int]) -> int:  # fmt: skip
    """Fork and run a command with these file descriptors, in a session of its own."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        with contextlib.suppress(OSError), open("/proc/self/autogroup", "w") as file:
            file.write(str(os.nice(0)))  # where the kernel shares the time out by session
        prctl(PR_SET_DUMPABLE, 1)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("800")  # the kernel takes commands before keepers and the server
        signal.set_wakeup_fd(-1)
        for number in (*IGNORED, signal.SIGCHLD, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        for name, value in settings.limits.items():
            kind = getattr(resource, "RLIMIT_" + name)
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))
        for target, fd in fds.items():
            os.dup2(fd, target, inheritable=True)
        os.chdir(cwd)
        names = [os.fsencode(a) for a in argv]
        os.execvpe(names[0], names, {os.fsencode(k): os.fsencode(v) for k, v in env.items()})
    except OSError as error:
        reason = f"{argv[0]}: {error.strerror}\n"
        os.write(2, reason.encode("utf-8", "replace"))
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)
    except BaseException as error:
        os.write(2, repr(error).encode("utf-8", "replace"))
        os._exit(126)


class Keeper:
    """Runs in a fork of the server: watches one command, or one shell."""

    def __init__(self, settings: Settings, control: int, reply: int) -> None:
        self.settings, self.control, self.reply = settings, control, reply
        self.tree = Tree()
        self.readers: dict[int, Capture] = {}
        self.feed: tuple[int, memoryview] = (-1, memoryview(b""))
        self.watched = 0.0

    def gone(self, code: int = 0) -> None:
        self.tree.kill()
        os._exit(code)

    def step(self, wait_s: float, *extra: int) -> list[int]:
        """Wait for output, an exit or the host; give back which of `extra` are ready."""
        fds = [self.tree.wake, *self.readers, *extra]
        feed, data = self.feed
        ready, writable, _ = select.select(fds, [feed] if feed >= 0 else [], [], max(0.0, wait_s))
        if writable:
            try:
                data = data[os.write(feed, data[:65536]) :]
            except OSError:
                data = memoryview(b"")
            self.feed = (feed, data)
            if not data:
                os.close(feed)
                self.feed = (-1, data)
        for fd in [f for f in ready if f in self.readers]:
            self.take(fd)
        self.tree.reap()
        return [fd for fd in ready if fd in extra]

    def take(self, fd: int) -> bool:
        try:
            data = os.read(fd, 65536)
        except BlockingIOError:
            return False
        if data:
            self.readers[fd].add(data)
        else:
            del self.readers[fd]
            os.close(fd)
        return bool(data)

    def too_large(self) -> bool:
        """Whether the tree holds more memory than allowed, where no control group says so."""
        now = time.monotonic()
        if not self.settings.watch_bytes or now < self.watched:
            return False
        held = sum(below(os.getpid()).values())
        self.watched = time.monotonic() + max(0.1, 20 * (time.monotonic() - now))
        return held > self.settings.watch_bytes

    def wait(self, deadline: float, done: Callable[[list[int]], bool], *extra: int) -> str:
        """Until `done`: "" or why it was ended early."""
        while True:
            now = time.monotonic()
            tick = 0.1 if self.settings.watch_bytes else 60.0
            ready = self.step(min(deadline - now, tick), self.control, *extra)
            if done(ready):
                return ""
            if self.control in ready:
                try:
                    read_frame(self.control)
                except EOFError:
                    self.gone()
                return "cancelled"
            if time.monotonic() >= deadline:
                return "timeout"
            if self.too_large():
                return "memory"

    def end(self, cut: str) -> None:
        """End the tree, politely first where the command was still running."""
        if self.tree.code is None and cut != "memory":
            with contextlib.suppress(OSError):
                os.killpg(self.tree.main, signal.SIGTERM)
            until = time.monotonic() + GRACE_S
            while self.tree.running() and time.monotonic() < until:
                self.step(until - time.monotonic())
        self.tree.kill()
        until = time.monotonic() + 2  # every writer is gone, so the pipes have an end
        while self.readers and time.monotonic() < until:
            self.step(until - time.monotonic())

    def answer(self, request: int, cut: str, code: int, began: float, kills: int,
               out: Capture, err: Capture | None = None, gone: bool = True,
               new: bool = False) -> None:  # fmt: skip
        if not cut and code and oom_kills() > kills:
            cut = "memory"
        code = {"timeout": 124, "cancelled": 130, "memory": code or 137}.get(cut, code)
        first, second = out.value(), err.value() if err else b""
        header = {
            "id": request, "exit": code, "cut": cut, "duration": time.monotonic() - began,
            "truncated": out.truncated or bool(err and err.truncated), "split": len(first),
            "gone": gone, "new": new,
        }  # fmt: skip
        write_all(self.reply, frame(header, first + second))

    def run(self, request: dict[str, Any], body: bytes) -> None:
        out_r, out_w = os.pipe()
        err_r, err_w = os.pipe()
        in_r, in_w = os.pipe()
        env = dict(self.settings.env, **request["env"])
        cwd = os.path.join(self.settings.work, os.fsencode(request["cwd"]))
        began, kills = time.monotonic(), oom_kills()
        self.tree.main = start(
            self.settings, request["argv"], env, cwd, {0: in_r, 1: out_w, 2: err_w}
        )
        for fd in (out_w, err_w, in_r):
            os.close(fd)
        os.set_blocking(in_w, False)
        out, err = Capture(self.settings.output_bytes), Capture(self.settings.output_bytes)
        self.readers = {out_r: out, err_r: err}
        self.feed = (in_w, memoryview(body))
        if not body:
            os.close(in_w)
            self.feed = (-1, memoryview(b""))
        cut = self.wait(began + request["timeout"], lambda _: self.tree.code is not None)
        self.end(cut)
        code = 137 if self.tree.code is None else self.tree.code
        self.answer(request["id"], cut, code, began, kills, out, err)

    def shell(self) -> None:
        out_r, out_w = os.pipe()
        in_r, in_w = os.pipe()
        status_r, status_w = os.pipe()
        for argv in (["bash", "--noprofile", "--norc"], ["sh"]):
            path = self.settings.env.get("PATH", os.defpath).split(os.pathsep)
            if any(os.access(os.path.join(p, argv[0]), os.X_OK) for p in path):
                break
        self.tree.main = start(
            self.settings, argv, self.settings.env, self.settings.work,
            {0: in_r, 1: out_w, 2: out_w, STATUS_FD: status_w},
        )  # fmt: skip
        for fd in (out_w, in_r, status_w):
            os.close(fd)
        os.set_blocking(out_r, False)
        self.readers = {out_r: Capture(0)}
        new = True
        while True:
            ready: list[int] = []
            while self.tree.code is None and self.control not in ready:
                ready = self.step(60.0, self.control)
            if self.tree.code is not None:  # ended from outside between two commands
                self.gone(IDLE)
            # what background commands printed between two commands is dropped
            try:
                request, _ = read_frame(self.control)
            except EOFError:
                self.gone()
            if "command" not in request:  # a cancellation that came too late
                continue
            if not self.command(request, out_r, in_w, status_r, new):
                self.gone()
            new = False

    def command(self, request: dict[str, Any], out_r: int, in_w: int, status_r: int,
                new: bool) -> bool:  # fmt: skip
        """Run one command in the shell; False once the shell is no more."""
        out = Capture(self.settings.output_bytes)
        if out_r in self.readers:
            self.readers[out_r] = out
        began, kills = time.monotonic(), oom_kills()
        # `eval` keeps an unfinished quote from swallowing what follows; the status goes through a
        # descriptor that the command itself does not have.
        quoted = shlex.quote(request["command"])
        text = f"eval {quoted} </dev/null {STATUS_FD}>&-\nprintf '%d\\n' $? >&{STATUS_FD}\n"
        status = b""

        def done(ready: list[int]) -> bool:
            nonlocal status
            if status_r in ready:
                status += os.read(status_r, 64)
            return status.endswith(b"\n") or self.tree.code is not None

        feed = os.fsencode(text)
        os.set_blocking(in_w, False)
        self.feed = (os.dup(in_w), memoryview(feed))
        cut = self.wait(began + request["timeout"], done, status_r)
        if cut or not status.endswith(b"\n"):
            self.end(cut)
            code = 137 if self.tree.code is None else self.tree.code
            self.answer(request["id"], cut, code, began, kills, out, new=new)
            return False
        while out_r in self.readers and self.take(out_r):
            if out.total > 1 << 30:
                break
        self.answer(request["id"], "", int(status), began, kills, out, gone=False, new=new)
        return True
