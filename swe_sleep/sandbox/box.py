"""The `Sandbox` of both backends: a supervisor somewhere, asked over a connection."""

from __future__ import annotations

import contextlib
import os
import posixpath
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from swe_sleep.errors import SandboxError
from swe_sleep.repo import paths
from swe_sleep.repo.snapshot import REGULAR, SUBMODULE, SYMLINK, Snapshot
from swe_sleep.sandbox.connection import BACKSTOP_S, Connection
from swe_sleep.sandbox.ignored import not_ignored
from swe_sleep.sandbox.protocol import Completed, Cut, Environment, Limits, Shell

WORKDIR = "/workspace"
SCRATCH = "/tmp/scratch"
HOME = "/tmp/home"
BATCH_BYTES = 8_000_000
MOST_MOVED = 500
"""More changed files than this, and a new copy is as quick."""
CHANGE_BYTES = 50_000_000
"""An added file larger than this is taken for a build product and left out of `changes`."""
_PASSED_ON = ("TZ",)
_CACHES = (".pyc", ".pyo")


def command_environment(
    environment: Environment, *, workdir: str = WORKDIR, home: str = HOME, temporary: str = "/tmp"
) -> dict[str, str]:
    """All that commands find in their environment. Nothing of the host's but the time zone."""
    binaries = posixpath.dirname(environment.python)
    prefix = posixpath.dirname(binaries)
    env = {
        "PATH": f"{binaries}:/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": temporary,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
        "USER": "sandbox",
        "LOGNAME": "sandbox",
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "sandbox",
        "GIT_AUTHOR_EMAIL": "sandbox@localhost",
        "GIT_COMMITTER_NAME": "sandbox",
        "GIT_COMMITTER_EMAIL": "sandbox@localhost",
        "NO_COLOR": "1",
        "PAGER": "cat",
    }
    if environment.key:
        env["VIRTUAL_ENV"] = prefix
    if environment.python_path:
        folders = [posixpath.normpath(f"{workdir}/{p}") for p in environment.python_path]
        env["PYTHONPATH"] = ":".join(folders)
    for name, value in environment.variables.items():
        env.setdefault(name, value.replace("{root}", workdir))
    env.update({name: os.environ[name] for name in _PASSED_ON if name in os.environ})
    return env


class Box:
    """One open sandbox. `finish` ends what the backend started for it."""

    def __init__(
        self,
        connection: Connection,
        snapshot: Snapshot,
        environment: Environment,
        finish: Callable[[], None],
        *,
        workdir: str = WORKDIR,
        scratch: str = SCRATCH,
    ) -> None:
        self.workdir = workdir
        self.scratch = scratch
        self.environment = environment
        self._connection = connection
        self._snapshot = snapshot
        self._finish = finish
        self._shell = BoxShell(connection)
        self._closing = threading.Lock()
        self._closed = False
        # What the copy was at first, for `reset`: the person's work tree may have moved on by then.
        self._first = tempfile.SpooledTemporaryFile(max_size=BATCH_BYTES)  # noqa: SIM115
        self._spots: dict[str, tuple[int, int]] = {}

    def start(self, settings: dict[str, Any], *, patience_s: float) -> None:
        """Start the supervisor and copy the snapshot in."""
        try:
            self._connection.start(settings, patience_s=patience_s)
            self._copy_in()
        except BaseException:
            self.close()
            raise

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stdin: bytes = b"",
        stop: Callable[[], bool] | None = None,
    ) -> Completed:
        request = {
            "do": "run",
            "argv": list(argv),
            "env": dict(env or {}),
            "cwd": cwd or "",
            "timeout": timeout_s,
        }
        reply, output = self._connection.request(
            request, stdin, patience_s=timeout_s + BACKSTOP_S, stop=stop
        )
        return _completed(reply, output)

    def shell(self) -> Shell:
        return self._shell

    def put(self, files: Mapping[str, bytes | None]) -> None:
        work: list[tuple[str, int | None, bytes | None]] = []
        scratch: list[tuple[str, int | None, bytes | None]] = []
        for path, content in files.items():
            base, name = self._place(path)
            (work if base == "work" else scratch).append((name, None, content))
        self._put("work", work)
        self._put("scratch", scratch)

    def get(self, path: str, *, limit_bytes: int = 50_000_000) -> bytes:
        base, name = self._place(path)
        request = {"do": "get", "base": base, "path": name, "limit": limit_bytes}
        try:
            return self._connection.request(request)[1]
        except FileNotFoundError:
            raise FileNotFoundError(path) from None

    def changes(self) -> dict[str, bytes | None]:
        found = self._connection.request({"do": "compare"})[0]
        added = {
            _text(name): name
            for name, size in found["added"]
            if size <= CHANGE_BYTES and not name.endswith(_CACHES)
        }
        wanted = [_text(name) for name in found["changed"]]
        wanted += not_ignored(self._rules(), list(added))
        changes: dict[str, bytes | None] = {_text(name): None for name in found["deleted"]}
        for path in wanted:
            with contextlib.suppress(FileNotFoundError):  # a command still runs and removed it
                changes[path] = self._content(path)
        made = self.environment.generated  # no part of the repository
        return {path: text for path, text in sorted(changes.items()) if path not in made}

    def reset(self) -> None:
        missing = self._connection.request({"do": "reset"})[0]["missing"]
        self._put("work", self._pristine(_text(name) for name in missing), pristine=True)

    def move_to(self, snapshot: Snapshot) -> bool:
        old = self._snapshot.files
        changed = {path: e for path, e in snapshot.files.items() if old.get(path) != e}
        gone = [path for path in old if path not in snapshot.files]
        modes = {e.mode for e in changed.values()} | {
            old[path].mode for path in (*gone, *changed) if path in old
        }
        plain = all(mode & REGULAR == REGULAR for mode in modes)
        many = len(changed) + len(gone) > MOST_MOVED
        if many or not plain or not self.environment.generated.keys().isdisjoint(changed):
            return False
        self.reset()
        later: list[tuple[str, int | None, bytes | None]] = []
        for path in gone:  # first: where a file was, a folder may come
            del self._spots[path]
            later.append((os.fsdecode(paths.to_os(path)), None, None))
        self._put("work", later, pristine=True, later=True)
        later.clear()
        for path, entry in changed.items():
            content = snapshot.read(path)
            self._first.seek(0, os.SEEK_END)
            self._spots[path] = (self._first.tell(), len(content))
            self._first.write(content)
            later.append((os.fsdecode(paths.to_os(path)), entry.mode, content))
        try:
            self._put("work", later, pristine=True, later=True)
        except SandboxError:  # such as a file where a folder is
            return False
        self._snapshot = snapshot
        return True

    def close(self) -> None:
        with self._closing:
            if self._closed:
                return
            self._closed = True
        try:
            self._connection.close()
        finally:
            self._first.close()
            self._finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _content(self, path: str) -> bytes:
        entry = self._snapshot.files.get(path)
        if entry is not None and entry.mode == SYMLINK:
            request = {"do": "readlink", "path": os.fsdecode(paths.to_os(path))}
            return self._connection.request(request)[1]
        return self.get(path)

    def _rules(self) -> dict[str, bytes]:
        """The snapshot's `.gitignore` files."""
        names = [
            path
            for path, entry in self._snapshot.files.items()
            if path.rpartition("/")[2] == ".gitignore" and entry.mode & REGULAR == REGULAR
        ]
        contents = self._pristine(names)
        return {path: content or b"" for path, (_, _, content) in zip(names, contents, strict=True)}

    def _place(self, path: str) -> tuple[str, str]:
        """Which folder a path is in, and its name there."""
        for base, folder in (("scratch", self.scratch), ("work", self.workdir)):
            if path.startswith(folder + "/"):
                return base, path[len(folder) + 1 :]
        if path.startswith("/"):
            raise SandboxError(f"{path} is not in the sandbox's own folders.")
        return "work", os.fsdecode(paths.to_os(path))

    def _copy_in(self) -> None:
        def contents() -> Iterator[tuple[str, int | None, bytes | None]]:
            links = []
            for path, entry in self._snapshot.files.items():
                content = b"" if entry.mode == SUBMODULE else self._snapshot.read(path)
                self._spots[path] = (self._first.tell(), len(content))
                self._first.write(content)
                item = (os.fsdecode(paths.to_os(path)), entry.mode, content)
                if entry.mode == SYMLINK:
                    links.append(item)
                else:
                    yield item
            for path, file in self.environment.generated.items():
                content = Path(file).read_bytes()
                self._spots[path] = (self._first.tell(), len(content))
                self._first.write(content)
                yield os.fsdecode(paths.to_os(path)), REGULAR, content
            yield from links

        self._put("work", contents(), pristine=True)

    def _pristine(self, names: Iterable[str]) -> Iterator[tuple[str, int | None, bytes | None]]:
        for path in names:
            offset, size = self._spots[path]
            self._first.seek(offset)
            entry = self._snapshot.files.get(path)
            mode = REGULAR if entry is None else entry.mode
            yield os.fsdecode(paths.to_os(path)), mode, self._first.read(size)

    def _put(
        self,
        base: str,
        files: Iterable[tuple[str, int | None, bytes | None]],
        *,
        pristine: bool = False,
        later: bool = False,
    ) -> None:
        entries: list[tuple[str, int | None, int | None]] = []
        body = bytearray()

        def send() -> None:
            request = {"do": "put", "base": base, "entries": entries, "pristine": pristine}
            self._connection.request(request | {"later": later}, bytes(body))

        for name, mode, content in files:
            entries.append((name, mode, None if content is None else len(content)))
            body += content or b""
            if len(body) >= BATCH_BYTES or len(entries) >= 2000:
                send()
                entries.clear()
                body.clear()
        if entries:
            send()


class BoxShell:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._one_at_a_time = threading.Lock()
        self._lives = False

    def run(
        self, command: str, *, timeout_s: float, stop: Callable[[], bool] | None = None
    ) -> Completed:
        if "\0" in command:
            return Completed(2, "a command can't hold a NUL byte\n", "", 0.0)
        request = {"do": "shell", "command": command, "timeout": timeout_s}
        with self._one_at_a_time:
            reply, output = self._connection.request(
                request, patience_s=timeout_s + BACKSTOP_S, stop=stop
            )
            lived, self._lives = self._lives, not reply.get("gone", True)
        return replace(
            _completed(reply, output),
            shell_ended=not self._lives,
            shell_new=lived and reply.get("new", False),
        )


def _completed(reply: dict[str, Any], output: bytes) -> Completed:
    split = reply["split"]
    return Completed(
        exit_code=reply["exit"],
        stdout=output[:split].decode("utf-8", "replace"),
        stderr=output[split:].decode("utf-8", "replace"),
        duration_s=reply["duration"],
        cut=cast("Cut", reply["cut"]),
        truncated=reply["truncated"],
    )


def _text(name: str) -> str:
    return paths.from_os(os.fsencode(name))


def start_settings(
    environment: Environment,
    limits: Limits,
    *,
    workdir: str = WORKDIR,
    scratch: str = SCRATCH,
    home: str = HOME,
    temporary: str = "/tmp",
    uid: int | None = None,
    watch_memory: bool = False,
    rlimits: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """What the supervisor is told at the start."""
    return {
        "workdir": workdir,
        "scratch": scratch,
        "env": command_environment(environment, workdir=workdir, home=home, temporary=temporary),
        "output_bytes": limits.output_bytes,
        "watch_bytes": limits.memory_mb << 20 if watch_memory else 0,
        "limits": {"CORE": 0, **(rlimits or {})},
        "uid": uid,
    }
