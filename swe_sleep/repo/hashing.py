"""Git's ids of contents, computed here: no process a file, and a file is read once."""

# ruff: noqa: PTH115, PTH123  (names are bytes, which pathlib does not take)

from __future__ import annotations

import hashlib
import os
import stat
import time
from dataclasses import dataclass
from typing import Any

from swe_sleep.errors import SnapshotChanged

_CHUNK = 1 << 20
_WHOLE = 16 * _CHUNK
_TRIES = 5

# A file written within one tick of the clock after it was read can keep its times. Where times
# have fractions, a tick is at most 10 ms; else assume the coarsest there is, FAT's two seconds.
_FINE_NS = 30_000_000
_COARSE_NS = 2_000_000_000


def settled(mtime_ns: int, seen_ns: int) -> bool:
    """Whether a file last written at `mtime_ns` would show a later write in its times, if it was
    read at `seen_ns`. Git calls a file that would not *racily clean*."""
    fine = mtime_ns % 1_000_000 != 0
    return mtime_ns + (_FINE_NS if fine else _COARSE_NS) < seen_ns


def digest(object_format: str, size_bytes: int) -> Any:
    """A hash of git's, begun for a blob of this size."""
    name = "sha256" if object_format == "sha256" else "sha1"
    return hashlib.new(name, b"blob %d\0" % size_bytes, usedforsecurity=False)


def blob_of(content: bytes, object_format: str) -> str:
    """The blob id of a content."""
    hashed = digest(object_format, len(content))
    hashed.update(content)
    return str(hashed.hexdigest())


def read_file(name: bytes) -> bytes | None:
    """A file's content, or a symlink's target; None where there is neither."""
    try:
        if stat.S_ISLNK(os.lstat(name).st_mode):
            return os.readlink(name)
        descriptor = _open(name)
    except OSError:
        return None
    if descriptor is None:
        return None
    with open(descriptor, "rb") as file:
        return file.read()


def _open(name: bytes) -> int | None:
    # A pipe in a file's place must not make us wait, nor a symlink lead us away.
    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


@dataclass(frozen=True, slots=True)
class _Known:
    inode: int
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    blob: str


class HashCache:
    """Blob ids of files by their stat data, so that an unchanged file is not read again."""

    def __init__(self, object_format: str) -> None:
        self.object_format = object_format
        self._known: dict[bytes, _Known] = {}
        self._used: dict[bytes, _Known] = {}

    def begin(self) -> None:
        """A walk begins: what it does not ask for is forgotten at `end`."""
        self._used = {}

    def end(self) -> None:
        self._known = self._used

    def blob(self, name: bytes, stats: os.stat_result) -> str | None:
        """The blob of a regular file or symlink; None where it cannot be read."""
        known = self._known.get(name)
        key = (stats.st_ino, stats.st_size, stats.st_mtime_ns, stats.st_ctime_ns)
        if known and (known.inode, known.size_bytes, known.mtime_ns, known.ctime_ns) == key:
            self._used[name] = known
            return known.blob
        seen_ns = time.time_ns()
        try:
            if stat.S_ISLNK(stats.st_mode):
                return blob_of(os.readlink(name), self.object_format)
            found = self._hash(name)
        except OSError:
            return None
        if found is None:
            return None
        blob, stats = found
        if settled(max(stats.st_mtime_ns, stats.st_ctime_ns), seen_ns):
            self._used[name] = _Known(
                stats.st_ino, stats.st_size, stats.st_mtime_ns, stats.st_ctime_ns, blob
            )
        return blob

    def _hash(self, name: bytes) -> tuple[str, os.stat_result] | None:
        descriptor = _open(name)
        if descriptor is None:
            return None
        with open(descriptor, "rb", buffering=0) as file:
            for _ in range(_TRIES):
                stats = os.fstat(descriptor)
                file.seek(0)
                if stats.st_size <= _WHOLE:
                    content = file.readall()
                    return blob_of(content, self.object_format), stats
                hashed = digest(self.object_format, stats.st_size)
                left = stats.st_size
                while left and (chunk := file.read(min(left, _CHUNK))):
                    hashed.update(chunk)
                    left -= len(chunk)
                # One that only grew, such as a log, was hashed as it was at the start.
                if not left:
                    return str(hashed.hexdigest()), stats
        raise SnapshotChanged(f"{os.fsdecode(name)} keeps changing while it is read.")
