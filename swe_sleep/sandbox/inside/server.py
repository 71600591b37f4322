"""The server: takes the host's requests and gives each to files or a keeper."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

from swe_sleep.sandbox.inside.files import Files
from swe_sleep.sandbox.inside.frames import (
    PR_CAPBSET_DROP,
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    Refused,
    frame,
    prctl,
    read_frame,
    write_all,
)
from swe_sleep.sandbox.inside.keeper import IDLE, IGNORED, Keeper, Settings
from swe_sleep.sandbox.inside.processes import below, send_signal

BEAT_S = 2.0


class Served:
    """A keeper as the server sees it."""

    def __init__(self, pid: int, control: int, reply: int, request: int) -> None:
        self.pid, self.control, self.reply, self.request = pid, control, reply, request
        self.pending = b""
        self.asked: dict[str, Any] = {}  # the last request to a shell


class Server:
    def __init__(self, settings: Settings, host_in: int, host_out: int) -> None:
        self.settings, self.host_in, self.host_out = settings, host_in, host_out
        self.files = Files(settings)
        self.keepers: dict[int, Served] = {}
        self.shell: Served | None = None

    def fork(self, request: int, work: Callable[[Keeper], None]) -> Served:
        control_r, control_w = os.pipe()
        reply_r, reply_w = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                for other in self.keepers.values():
                    os.close(other.control)
                    os.close(other.reply)
                for fd in (self.host_in, self.host_out, control_w, reply_r):
                    os.close(fd)
                prctl(PR_SET_CHILD_SUBREAPER, 1)
                work(Keeper(self.settings, control_r, reply_w))
            finally:
                os._exit(0)
        os.close(control_r)
        os.close(reply_w)
        served = self.keepers[reply_r] = Served(pid, control_w, reply_r, request)
        return served

    def serve(self) -> None:
        beat = time.monotonic() + BEAT_S
        while True:
            ready, _, _ = select.select([self.host_in, *self.keepers], [], [], BEAT_S)
            for fd in ready:
                if fd == self.host_in:
                    self.request(*read_frame(fd))
                else:
                    self.forward(self.keepers[fd])
            self.reap()
            if time.monotonic() >= beat:
                beat = time.monotonic() + BEAT_S
                write_all(self.host_out, frame({"id": 0}))

    def reap(self) -> None:
        known = {k.pid for k in self.keepers.values()}
        try:
            while True:
                info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if info is None or info.si_pid in known:
                    return
                os.waitpid(info.si_pid, 0)
        except (ChildProcessError, AttributeError):
            return

    def forward(self, keeper: Served) -> None:
        data = os.read(keeper.reply, 1 << 20)
        keeper.pending += data
        while len(keeper.pending) >= 8:
            size = 8 + sum(struct.unpack(">II", keeper.pending[:8]))
            if len(keeper.pending) < size:
                break
            head = struct.unpack(">I", keeper.pending[:4])[0]
            if self.shell is keeper and json.loads(keeper.pending[8 : 8 + head])["gone"]:
                self.shell = None
            write_all(self.host_out, keeper.pending[:size])
            keeper.pending = keeper.pending[size:]
            keeper.request = 0
        if data:
            return
        for fd in (keeper.reply, keeper.control):
            os.close(fd)
        del self.keepers[keeper.reply]
        if self.shell is keeper:
            self.shell = None
        status = os.waitpid(keeper.pid, 0)[1]
        if keeper.request and keeper.asked and os.WEXITSTATUS(status) == IDLE:
            self.ask_shell(keeper.asked)  # the old one had not begun with it
        elif keeper.request:  # something inside ended the keeper: its command's rest is ended here
            self.end_strays()
            lost = {"id": keeper.request, "exit": 137, "cut": "", "duration": 0.0,
                    "truncated": False, "split": 0}  # fmt: skip
            write_all(self.host_out, frame(lost))

    def ask_shell(self, header: dict[str, Any]) -> None:
        if self.shell is None:
            self.shell = self.fork(header["id"], lambda keeper: keeper.shell())
        self.shell.request, self.shell.asked = header["id"], header
        with contextlib.suppress(BrokenPipeError):  # its end is seen next
            write_all(self.shell.control, frame(header))

    def end_strays(self) -> None:
        mine: set[int] = set()
        for keeper in self.keepers.values():
            mine |= {keeper.pid} | set(below(keeper.pid))
        for _ in range(100):
            strays = set(below(os.getpid())) - mine
            for pid in strays:
                send_signal(pid, signal.SIGKILL)
            if not strays:
                return
            time.sleep(0.01)

    def request(self, header: dict[str, Any], body: bytes) -> None:
        reply: dict[str, Any] = {"id": header["id"]}
        try:
            answer = self.answer(header, body, reply)
        except Refused as error:
            reply["error"], reply["text"], answer = error.kind, str(error), b""
        except FileNotFoundError:
            reply["error"], reply["text"], answer = "missing", "no such file", b""
        except OSError as error:
            reply["error"], reply["text"], answer = "refused", error.strerror or "failed", b""
        except ValueError as error:
            reply["error"], reply["text"], answer = "refused", str(error), b""
        if answer is not None:
            write_all(self.host_out, frame(reply, answer))

    def answer(self, header: dict[str, Any], body: bytes, reply: dict[str, Any]) -> bytes | None:
        """The body of the reply; None when a keeper will reply."""
        do = header["do"]
        if do == "run":
            self.fork(header["id"], lambda keeper: keeper.run(header, body))
            return None
        if do == "shell":
            self.ask_shell(header)
            return None
        if do == "cancel":
            for keeper in self.keepers.values():
                if keeper.request == header["target"]:
                    write_all(keeper.control, frame({}))
            return b""
        if do == "put":
            pristine, later = header["pristine"], header.get("later", False)
            self.files.put(header["entries"], body, header["base"], pristine, later)
        elif do == "get":
            return self.files.get(header["base"], header["path"], header["limit"])
        elif do == "readlink":
            return self.files.readlink(header["path"])
        elif do == "compare":
            reply.update(self.files.compare())
        elif do == "reset":
            reply["missing"] = self.files.reset()
        return b""


def settle(settings: Settings) -> None:
    """Make the folders and give up every privilege."""
    for folder in (settings.work, settings.scratch, os.fsencode(settings.env["HOME"])):
        os.makedirs(folder, exist_ok=True)
        if settings.uid is not None:
            os.chown(folder, settings.uid, settings.uid)
    if os.geteuid() == 0:
        for capability in range(64):  # a command of root's has no privileges either
            prctl(PR_CAPBSET_DROP, capability)
    if settings.uid is not None:
        os.setgroups([])
        os.setresgid(settings.uid, settings.uid, settings.uid)
        os.setresuid(settings.uid, settings.uid, settings.uid)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_DUMPABLE, 0)  # what runs here has the same user, and must not reach in
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    os.umask(0o022)


def main() -> None:
    host_in, host_out = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(EOFError, BrokenPipeError):
        said, _ = read_frame(host_in)
        settings = Settings(said)
        settle(settings)
        server = Server(settings, host_in, host_out)
        write_all(host_out, frame({"id": said["id"], "python": sys.version.split()[0]}))
        server.serve()
    for _ in range(100):  # without a process namespace nobody else would end them
        rest = below(os.getpid())
        for pid in rest:
            send_signal(pid, signal.SIGKILL)
        if not rest:
            break
        time.sleep(0.01)
