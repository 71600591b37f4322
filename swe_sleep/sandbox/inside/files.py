"""The files of a sandbox, as the host asks for them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from typing import Any

from swe_sleep.sandbox.inside.frames import Refused, write_all
from swe_sleep.sandbox.inside.keeper import Settings

SKIPPED = {
    ".git",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
    ".tox",
    ".nox",
    ".import_linter_cache",
}


FIRST = 1_000_000_000
"""The second of change of everything that came with the first snapshot."""


class Files:
    """The copy of the repository, and what it was like at first. No symlink is ever followed
    but one that stays inside the copy."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pristine: dict[str, tuple[int, str, tuple[int, ...]]] = {}
        self.clock = FIRST  # time stamps of what `put` writes; see `write`
        self.seconds: dict[str, int] = {}  # of what came with a later snapshot
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        self.roots = {
            "work": os.open(settings.work, flags), "scratch": os.open(settings.scratch, flags),
        }  # fmt: skip

    def folder(self, base: str, parts: list[str], make: bool = False) -> int:
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

    def put(self, entries: list[list[Any]], body: bytes, base: str, pristine: bool,
            later: bool) -> None:  # fmt: skip
        """`pristine`: it is what the snapshot holds; `later`: a later one than the first."""
        self.clock += 1
        at, folders = 0, {}
        try:
            for path, mode, size in entries:
                parent, _, name = path.rpartition("/")
                if name in ("", ".", ".."):
                    raise Refused("refused", "the path leaves the sandbox")
                if later:
                    self.seconds[path] = self.clock
                if size is None:
                    self.delete(base, path)
                    if pristine:
                        self.pristine.pop(path, None)
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

    def write(self, folder: int, path: str, name: bytes, mode: int | None, content: bytes,
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
                second = self.seconds.get(path, FIRST) if pristine else self.clock
                os.utime(fd, (second, second))
            finally:
                os.close(fd)
        if pristine:
            digest = hashlib.sha256(content).hexdigest()
            self.pristine[path] = (kind, digest, self.mark(os.lstat(name, dir_fd=folder)))

    @staticmethod
    def mark(info: os.stat_result) -> tuple[int, ...]:
        return (info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino)

    def delete(self, base: str, path: str) -> None:
        *parts, name = path.split("/")
        try:
            folder = self.folder(base, parts)
        except FileNotFoundError:
            return
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.fsencode(name), dir_fd=folder)
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
                text = f"{path} has {size} bytes, more than the limit of {limit}"
                raise Refused("refused", text)
            chunks: list[bytes] = []
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

    def content(self, path: str) -> tuple[int, str] | None:
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

    def walk(self) -> dict[str, os.stat_result]:
        """Everything in the copy but folders and caches."""
        found: dict[str, os.stat_result] = {}
        todo = [""]
        while todo:
            prefix = todo.pop()
            try:
                folder = self.folder("work", prefix[:-1].split("/") if prefix else [])
            except (OSError, Refused):
                continue  # taken away, or made unreadable, by what runs there
            try:
                with contextlib.suppress(OSError), os.scandir(folder) as entries:
                    for entry in entries:
                        path = prefix + entry.name
                        if entry.is_dir(follow_symlinks=False):
                            if entry.name not in SKIPPED:
                                todo.append(path + "/")
                        else:
                            found[path] = entry.stat(follow_symlinks=False)
            finally:
                os.close(folder)
        return found

    def compare(self) -> dict[str, Any]:
        """What differs from the first state. Only files whose stat changed are read."""
        now = self.walk()
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

    def reset(self) -> list[str]:
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

    def clear(self, prefix: str, keep: set[str], folders: set[str]) -> None:
        try:
            folder = self.folder("work", prefix[:-1].split("/") if prefix else [])
        except (OSError, Refused):
            return
        try:
            for name in os.listdir(folder):
                path = prefix + name
                raw = os.fsencode(name)
                with contextlib.suppress(OSError):
                    if not stat.S_ISDIR(os.lstat(raw, dir_fd=folder).st_mode):
                        if path not in keep:
                            os.unlink(raw, dir_fd=folder)
                        continue
                    unlock(folder, raw)
                    if name == "__pycache__" and prefix in folders | {""}:
                        continue
                    self.clear(path + "/", keep, folders)
                    if path + "/" not in folders:
                        os.rmdir(raw, dir_fd=folder)
        finally:
            os.close(folder)


def unlock(folder: int, name: bytes) -> None:
    """Give ourselves every right on a folder that a command may have closed."""
    flags = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    with contextlib.suppress(OSError):
        fd = os.open(name, flags, dir_fd=folder)
        try:
            os.chmod(f"/proc/self/fd/{fd}", 0o755)
        finally:
            os.close(fd)
