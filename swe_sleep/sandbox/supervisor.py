"""The program that runs inside every sandbox and starts its commands.

It is sent to the sandbox's interpreter as text (see `connection.py`), so it uses nothing but the
standard library and imports nothing of ours. It takes requests on its standard input and answers
on its standard output, in frames: two big-endian 32-bit lengths, a JSON header, a body.

One process serves. Each command has a *keeper*: a fork that starts the command in a session of
its own, collects its output, and ends its whole tree at the time limit. A keeper is a subreaper,
so whatever the command starts, daemons too, stays below it and can be found. Where the sandbox has
a process namespace the server is its first process, which no signal from inside can end; when the
host goes away its standard input ends, it exits, and the kernel ends the rest.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import resource
import select
import shlex
import signal
import stat
import struct
import subprocess
import sys
import time
from typing import Any, Callable, Dict, List, Optional, Set, Tuple  # noqa: UP035 - old images

BEAT_S = 2.0
GRACE_S = 0.3
STATUS_FD = 198
SKIPPED = {
    ".git", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox",
    ".nox", ".import_linter_cache",
}  # fmt: skip
PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER = 4, 24, 38, 36
IGNORED = (signal.SIGINT, signal.SIGPIPE, signal.SIGHUP, signal.SIGTERM)


def prctl(option: int, value: int) -> None:
    try:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    except (AttributeError, OSError):
        pass  # not Linux


# frames ------------------------------------------------------------------------------------


def read_exactly(fd: int, size: int) -> bytes:
    chunks = []
    while size:
        chunk = os.read(fd, min(size, 1 << 20))
        if not chunk:
            raise EOFError
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


def read_frame(fd: int) -> Tuple[Dict[str, Any], bytes]:
    head, body = struct.unpack(">II", read_exactly(fd, 8))
    return json.loads(read_exactly(fd, head)), read_exactly(fd, body)


def frame(header: Dict[str, Any], body: bytes = b"") -> bytes:
    head = json.dumps(header).encode()
    return struct.pack(">II", len(head), len(body)) + head + body


def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


class Refused(Exception):
    """A request that can't be done; `kind` tells the host which error to raise."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


# processes ---------------------------------------------------------------------------------


def oom_kills() -> int:
    """How often the kernel ended a process of this control group for memory."""
    for name in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        try:
            with open(name) as file:  # noqa: PTH123 - pathlib costs start-up time
                for line in file:
                    if line.startswith("oom_kill "):
                        return int(line.split()[1])
        except (OSError, ValueError):
            continue
    return 0


def processes() -> Dict[int, Tuple[int, str, int]]:
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
                with open("/proc/" + name + "/stat", "rb") as file:  # noqa: PTH123
                    fields = file.read().rpartition(b")")[2].split()
                with open("/proc/" + name + "/statm", "rb") as file:  # noqa: PTH123
                    memory = file.read().split()
            except OSError:
                continue
            alone = int(memory[1]) - int(memory[2])
            found[int(name)] = (int(fields[1]), fields[0].decode(), alone * page)
    return found


def below(root: int) -> Dict[int, int]:
    """The living descendants of a process, with the bytes each has in memory."""
    table = processes()
    children: Dict[int, List[int]] = {}
    for pid, (parent, _, _) in table.items():
        children.setdefault(parent, []).append(pid)
    found: Dict[int, int] = {}
    todo = list(children.get(root, ()))
    while todo:
        pid = todo.pop()
        todo.extend(children.get(pid, ()))
        if table[pid][1] not in "ZX":
            found[pid] = table[pid][2]
    return found


def send_signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        pass


class Tree:
    """The processes below this one. `main` is the command; `code` its exit code once it ended."""

    def __init__(self) -> None:
        self.main = 0
        self.code: Optional[int] = None
        self.empty = False
        self.wake, write = os.pipe()
        for fd in (self.wake, write):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)

    def reap(self) -> None:
        try:
            os.read(self.wake, 4096)
        except BlockingIOError:
            pass
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

    def kill(self) -> None:
        """End everything. All are stopped first: what is stopped can't start anything new."""
        self.reap()
        if self.empty:
            return
        me, stopped = os.getpid(), set()  # type: Tuple[int, Set[int]]
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
        while not self.empty and time.monotonic() < until:
            select.select([self.wake], [], [], 0.02)
            self.reap()
            for pid in below(me) if not self.empty else ():
                send_signal(pid, signal.SIGKILL)


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
        note = "\n[... %d bytes left out ...]\n" % left_out  # noqa: UP031 - old images
        return bytes(self.head) + note.encode() + bytes(self.tail[-self.half :])


class Settings:
    """What the host said at the start."""

    def __init__(self, said: Dict[str, Any]) -> None:
        self.work = os.fsencode(said["workdir"])
        self.scratch = os.fsencode(said["scratch"])
        self.env: Dict[str, str] = said["env"]
        self.output_bytes: int = said["output_bytes"]
        self.watch_bytes: int = said.get("watch_bytes", 0)
        self.limits: Dict[str, int] = said.get("limits", {})
        self.uid: Optional[int] = said.get("uid")


def start(settings: Settings, argv: List[str], env: Dict[str, str], cwd: bytes,
          fds: Dict[int, int]) -> int:  # fmt: skip
    """Fork and run a command with these file descriptors, in a session of its own."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        prctl(PR_SET_DUMPABLE, 1)
        try:
            with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
                file.write("800")  # the kernel takes commands before keepers and the server
        except OSError:
            pass
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
        reason = "%s: %s\n" % (argv[0], error.strerror)  # noqa: UP031
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
        self.readers: Dict[int, Capture] = {}
        self.feed: Tuple[int, memoryview] = (-1, memoryview(b""))
        self.watched = 0.0

    def gone(self) -> None:
        self.tree.kill()
        os._exit(0)

    def step(self, wait_s: float, *extra: int) -> List[int]:
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

    def wait(self, deadline: float, done: Callable[[List[int]], bool], *extra: int) -> str:
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
            try:
                os.killpg(self.tree.main, signal.SIGTERM)
            except OSError:
                pass
            until = time.monotonic() + GRACE_S
            while self.tree.code is None and time.monotonic() < until:
                self.step(until - time.monotonic())
        self.tree.kill()
        until = time.monotonic() + 2  # every writer is gone, so the pipes have an end
        while self.readers and time.monotonic() < until:
            self.step(until - time.monotonic())

    def answer(self, request: int, cut: str, code: int, began: float, kills: int,
               out: Capture, err: Optional[Capture] = None, gone: bool = True) -> None:  # fmt: skip
        if not cut and code and oom_kills() > kills:
            cut = "memory"
        code = {"timeout": 124, "cancelled": 130, "memory": code or 137}.get(cut, code)
        first, second = out.value(), err.value() if err else b""
        header = {
            "id": request, "exit": code, "cut": cut, "duration": time.monotonic() - began,
            "truncated": out.truncated or bool(err and err.truncated), "split": len(first),
            "gone": gone,
        }  # fmt: skip
        write_all(self.reply, frame(header, first + second))

    def run(self, request: Dict[str, Any], body: bytes) -> None:
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
        while True:
            while self.control not in self.step(60.0, self.control):
                if self.tree.code is not None:  # ended from outside between two commands
                    self.gone()
            # what background commands printed between two commands is dropped
            try:
                request, _ = read_frame(self.control)
            except EOFError:
                self.gone()
            if not self.command(request, out_r, in_w, status_r):
                self.gone()

    def command(self, request: Dict[str, Any], out_r: int, in_w: int, status_r: int) -> bool:
        """Run one command in the shell; False once the shell is no more."""
        out = Capture(self.settings.output_bytes)
        if out_r in self.readers:
            self.readers[out_r] = out
        began, kills = time.monotonic(), oom_kills()
        # `eval` keeps an unfinished quote from swallowing what follows; the status goes through a
        # descriptor that the command itself does not have.
        text = "eval %s </dev/null %d>&-\nprintf '%%d\\n' $? >&%d\n" % (  # noqa: UP031
            shlex.quote(request["command"]), STATUS_FD, STATUS_FD,
        )  # fmt: skip
        status = b""

        def done(ready: List[int]) -> bool:
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
            self.answer(request["id"], cut, code, began, kills, out)
            return False
        while out_r in self.readers and self.take(out_r):
            if out.total > 1 << 30:
                break
        self.answer(request["id"], "", int(status), began, kills, out, gone=False)
        return True


# files -------------------------------------------------------------------------------------


class Files:
    """The copy of the repository, and what it was like at first. No symlink is ever followed
    but one that stays inside the copy."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pristine: Dict[str, Tuple[int, str, Tuple[int, ...]]] = {}
        self.clock = 1_000_000_000  # time stamps of what `put` writes; see `write`
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        self.roots = {
            "work": os.open(settings.work, flags), "scratch": os.open(settings.scratch, flags),
        }  # fmt: skip

    def folder(self, base: str, parts: List[str], make: bool = False) -> int:
        """A descriptor of a folder, reached without following a symlink."""
        fd = os.dup(self.roots[base])
        for part in parts:
            if part in ("", ".", ".."):
                raise Refused("refused", "the path leaves the sandbox")
            name = os.fsencode(part)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                try:
                    deeper = os.open(name, flags, dir_fd=fd)
                except FileNotFoundError:
                    if not make:
                        raise
                    os.mkdir(name, 0o755, dir_fd=fd)
                    deeper = os.open(name, flags, dir_fd=fd)
            except NotADirectoryError:
                raise Refused("refused", part + " is not a folder of the copy") from None
            finally:
                os.close(fd)
            fd = deeper
        return fd

    def put(self, entries: List[List[Any]], body: bytes, base: str, pristine: bool) -> None:
        self.clock += 1
        at, folders = 0, {}  # type: Tuple[int, Dict[str, int]]
        try:
            for path, mode, size in entries:
                parent, _, name = path.rpartition("/")
                if name in ("", ".", ".."):
                    raise Refused("refused", "the path leaves the sandbox")
                if size is None:
                    self.delete(base, path)
                    continue
                if parent not in folders:
                    parts = parent.split("/") if parent else []
                    folders[parent] = self.folder(base, parts, make=True)
                content = body[at : at + size]
                at += size
                self.write(folders[parent], path, os.fsencode(name), mode, content, pristine)
        finally:
            for fd in folders.values():
                os.close(fd)

    def write(self, folder: int, path: str, name: bytes, mode: Optional[int], content: bytes,
              pristine: bool) -> None:  # fmt: skip
        try:
            there = os.lstat(name, dir_fd=folder)
        except FileNotFoundError:
            there = None
        kind = stat.S_IFMT(mode or stat.S_IFREG)
        if there is not None:
            if stat.S_ISDIR(there.st_mode):
                if kind == 0o160000:
                    return
                raise Refused("refused", path + " is a folder")
            os.unlink(name, dir_fd=folder)
        if kind == stat.S_IFLNK:
            os.symlink(content, name, dir_fd=folder)
        elif kind == 0o160000:
            os.mkdir(name, 0o755, dir_fd=folder)  # a submodule that is not checked out
        else:
            bits = stat.S_IMODE(mode if mode else there.st_mode if there else 0o644) | 0o200
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            fd = os.open(name, flags, 0o600, dir_fd=folder)
            try:
                write_all(fd, content)
                os.fchmod(fd, bits & 0o777)
                # Python takes compiled code for current while the source has the same size and
                # second of change: each version gets a second of its own, the first always the
                # same, so that no stale compiled code can run.
                second = 1_000_000_000 if pristine else self.clock
                os.utime(fd, (second, second))
            finally:
                os.close(fd)
        if pristine:
            digest = hashlib.sha256(content).hexdigest()
            self.pristine[path] = (kind, digest, self.mark(os.lstat(name, dir_fd=folder)))

    @staticmethod
    def mark(info: os.stat_result) -> Tuple[int, ...]:
        return (info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino)

    def delete(self, base: str, path: str) -> None:
        *parts, name = path.split("/")
        try:
            folder = self.folder(base, parts)
        except FileNotFoundError:
            return
        try:
            os.unlink(os.fsencode(name), dir_fd=folder)
        except FileNotFoundError:
            pass
        except (IsADirectoryError, PermissionError):
            raise Refused("refused", path + " can't be deleted as a file") from None
        finally:
            os.close(folder)

    def open(self, base: str, path: str, follow: bool = True) -> int:
        *parts, name = path.split("/")
        root = self.settings.work if base == "work" else self.settings.scratch
        try:
            folder = self.folder(base, parts)
            try:
                # without O_NONBLOCK a pipe that nobody writes to would hold the sandbox up
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                fd = os.open(os.fsencode(name), flags, dir_fd=folder)
            finally:
                os.close(folder)
        except (OSError, Refused) as error:
            if isinstance(error, FileNotFoundError) or not follow:
                raise
            real = os.path.realpath(os.path.join(root, os.fsencode(path)))
            inside = os.path.realpath(root) + b"/"
            if not real.startswith(inside) or not os.path.lexists(real):
                raise Refused("refused", "the symlink leads out of the copy") from None
            return self.open(base, os.fsdecode(real[len(inside) :]), follow=False)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise Refused("refused", path + " is not a file")
        return fd

    def get(self, base: str, path: str, limit: int) -> bytes:
        fd = self.open(base, path)
        try:
            size = os.fstat(fd).st_size
            if size > limit:
                text = "%s has %d bytes, more than the limit of %d" % (path, size, limit)  # noqa: UP031
                raise Refused("refused", text)
            chunks = []
            while limit >= 0:
                chunk = os.read(fd, min(1 << 20, limit + 1))
                if not chunk:
                    return b"".join(chunks)
                chunks.append(chunk)
                limit -= len(chunk)
            raise Refused("refused", path + " grew beyond the limit while it was read")
        finally:
            os.close(fd)

    def readlink(self, path: str) -> bytes:
        *parts, name = path.split("/")
        folder = self.folder("work", parts)
        try:
            return os.readlink(os.fsencode(name), dir_fd=folder)
        finally:
            os.close(folder)

    def content(self, path: str) -> Optional[Tuple[int, str]]:
        """Kind and hash of what is there now; None for nothing, or nothing a repository holds."""
        *parts, name = path.split("/")
        try:
            folder = self.folder("work", parts)
        except (OSError, Refused):
            return None
        try:
            info = os.lstat(os.fsencode(name), dir_fd=folder)
            if stat.S_ISLNK(info.st_mode):
                target = os.readlink(os.fsencode(name), dir_fd=folder)
                return stat.S_IFLNK, hashlib.sha256(target).hexdigest()
            if not stat.S_ISREG(info.st_mode):
                return None
        except OSError:
            return None
        finally:
            os.close(folder)
        try:
            fd = self.open("work", path, follow=False)
        except (OSError, Refused):
            return None
        digest = hashlib.sha256()
        with os.fdopen(fd, "rb") as file:
            for chunk in iter(lambda: file.read(1 << 20), b""):
                digest.update(chunk)
        return stat.S_IFREG, digest.hexdigest()

    def walk(self, keep_caches: bool) -> Dict[str, os.stat_result]:
        """Everything in the copy but folders; compiled code and caches where asked for."""
        found: Dict[str, os.stat_result] = {}
        todo = [""]
        while todo:
            prefix = todo.pop()
            try:
                folder = self.folder("work", prefix[:-1].split("/") if prefix else [])
            except (OSError, Refused):
                continue  # taken away, or made unreadable, by what runs there
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        path = prefix + entry.name
                        if entry.is_dir(follow_symlinks=False):
                            if keep_caches or entry.name not in SKIPPED:
                                todo.append(path + "/")
                        else:
                            found[path] = entry.stat(follow_symlinks=False)
            except OSError:
                pass
            finally:
                os.close(folder)
        return found

    def compare(self) -> Dict[str, Any]:
        """What differs from the first state. Only files whose stat changed are read."""
        now = self.walk(keep_caches=False)
        changed, deleted = [], []
        for path, (kind, digest, mark) in self.pristine.items():
            info = now.pop(path, None)
            if info is not None and self.mark(info) == mark:
                continue
            if kind == 0o160000:
                continue
            current = self.content(path)
            if current is None or current[0] != kind:
                deleted.append(path)
            elif current[1] != digest:
                changed.append(path)
        added = [[p, i.st_size] for p, i in now.items() if stat.S_ISREG(i.st_mode)]
        return {"changed": changed, "deleted": deleted, "added": added}

    def reset(self) -> List[str]:
        """Remove what was not there at first and give back what has to be written again.

        Compiled Python code stays: it is never stale (see `write`).
        """
        missing = []
        for path, (kind, digest, _) in self.pristine.items():
            if kind == 0o160000:
                continue
            current = self.content(path) if self.touched(path) else (kind, digest)
            if current != (kind, digest):
                missing.append(path)
        keep = set(self.pristine)
        folders = {p[: i + 1] for p in keep for i, c in enumerate(p) if c == "/"}
        folders |= {p + "/" for p, (k, _, _) in self.pristine.items() if k == 0o160000}
        self.clear("", keep, folders)
        return missing

    def touched(self, path: str) -> bool:
        try:
            info = os.lstat(os.path.join(self.settings.work, os.fsencode(path)))
        except OSError:
            return True
        return self.mark(info) != self.pristine[path][2]

    def clear(self, prefix: str, keep: Set[str], folders: Set[str]) -> None:
        try:
            folder = self.folder("work", prefix[:-1].split("/") if prefix else [])
        except (OSError, Refused):
            return
        try:
            os.fchmod(folder, 0o755)
            for name in os.listdir(folder):
                path = prefix + name
                raw = os.fsencode(name)
                if stat.S_ISDIR(os.lstat(raw, dir_fd=folder).st_mode):
                    if name == "__pycache__" and prefix in folders | {""}:
                        continue
                    self.clear(path + "/", keep, folders)
                    if path + "/" not in folders:
                        os.rmdir(raw, dir_fd=folder)
                elif path not in keep:
                    os.unlink(raw, dir_fd=folder)
        except OSError:
            pass
        finally:
            os.close(folder)


# the server --------------------------------------------------------------------------------


class Served:
    """A keeper as the server sees it."""

    def __init__(self, pid: int, control: int, reply: int, request: int) -> None:
        self.pid, self.control, self.reply, self.request = pid, control, reply, request
        self.pending = b""


class Server:
    def __init__(self, settings: Settings, host_in: int, host_out: int) -> None:
        self.settings, self.host_in, self.host_out = settings, host_in, host_out
        self.files = Files(settings)
        self.keepers: Dict[int, Served] = {}
        self.shell: Optional[Served] = None

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
        os.waitpid(keeper.pid, 0)
        if keeper.request:  # something inside ended the keeper: its command's rest is ended here
            self.end_strays()
            lost = {"id": keeper.request, "exit": 137, "cut": "", "duration": 0.0,
                    "truncated": False, "split": 0}  # fmt: skip
            write_all(self.host_out, frame(lost))

    def end_strays(self) -> None:
        mine: Set[int] = set()
        for keeper in self.keepers.values():
            mine |= {keeper.pid} | set(below(keeper.pid))
        for _ in range(100):
            strays = set(below(os.getpid())) - mine
            for pid in strays:
                send_signal(pid, signal.SIGKILL)
            if not strays:
                return
            time.sleep(0.01)

    def request(self, header: Dict[str, Any], body: bytes) -> None:
        reply: Dict[str, Any] = {"id": header["id"]}
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

    def answer(self, header: Dict[str, Any], body: bytes, reply: Dict[str, Any]) -> Optional[bytes]:
        """The body of the reply; None when a keeper will reply."""
        do = header["do"]
        if do == "run":
            self.fork(header["id"], lambda keeper: keeper.run(header, body))
            return None
        if do == "shell":
            if self.shell is None:
                self.shell = self.fork(header["id"], lambda keeper: keeper.shell())
            self.shell.request = header["id"]
            write_all(self.shell.control, frame(header))
            return None
        if do == "cancel":
            for keeper in self.keepers.values():
                if keeper.request == header["target"]:
                    write_all(keeper.control, frame({}))
            return b""
        if do == "put":
            self.files.put(header["entries"], body, header["base"], header["pristine"])
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
    try:
        said, _ = read_frame(host_in)
        settings = Settings(said)
        settle(settings)
        server = Server(settings, host_in, host_out)
        write_all(host_out, frame({"id": said["id"], "python": sys.version.split()[0]}))
        server.serve()
    except (EOFError, BrokenPipeError):
        pass
    for _ in range(100):  # without a process namespace nobody else would end them
        rest = below(os.getpid())
        for pid in rest:
            send_signal(pid, signal.SIGKILL)
        if not rest:
            break
        time.sleep(0.01)


if __name__ == "__main__":
    main()
