"""Files and folders as streams of bytes, and what tells two of them apart.

Sent to nodes as it stands, as `node` is: it needs nothing but Python.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

BLOCK_BYTES = 1 << 20
KINDS = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)

Chunks = Callable[[], bytes]
"""The next piece of a stream; empty at its end."""


def entries(root: Path, *, code: bool = False) -> Iterator[tuple[str, Path, os.stat_result]]:
    """A file, or a folder with all below it: the name below the root, the path, and what it is.
    Sockets and the like are left out, and of `code` what Python makes of it."""
    root = root.resolve()
    yield "", root, root.stat()
    for folder, folders, files in os.walk(root, onerror=_fail):
        folders[:] = sorted(name for name in folders if not (code and name == "__pycache__"))
        for name in sorted([*folders, *files]):
            path = Path(folder, name)
            facts = path.lstat()
            if stat.S_IFMT(facts.st_mode) in KINDS:
                yield str(path.relative_to(root)), path, facts


def _fail(error: OSError) -> None:
    if not isinstance(error, NotADirectoryError):  # the root is a file
        raise error


def digest_of(root: Path, *, code: bool = False) -> str:
    """Over names, kinds and content; not over times and owners. Raises OSError."""
    digest = hashlib.sha256()
    for name, path, facts in entries(root, code=code):
        kind, content = "d", b""
        if stat.S_ISREG(facts.st_mode):
            kind = "x" if facts.st_mode & stat.S_IXUSR else "f"
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
        elif stat.S_ISLNK(facts.st_mode):
            kind, content = "l", os.fsencode(path.readlink())
        digest.update(b"%s\0%s%d\0%s" % (os.fsencode(name), kind.encode(), len(content), content))
    return digest.hexdigest()


def pack(root: Path, name: str, file: IO[bytes], *, code: bool = False) -> None:
    """Write what is at `root` as a stream that unpacks under `name`. Raises OSError."""
    with tarfile.open(fileobj=file, mode="w|", bufsize=BLOCK_BYTES) as archive:
        for below, path, _ in entries(root, code=code):
            archive.add(path, str(Path(name, below)), recursive=False)


class _Stream:
    def __init__(self, following: Chunks) -> None:
        self._next, self._left = following, b""

    def read(self, size: int) -> bytes:
        if not self._left:
            self._left = self._next()
        part, self._left = self._left[:size], self._left[size:]
        return part


def unpack(following: Chunks, folder: Path) -> None:
    """Raises OSError and tarfile.TarError."""

    def ours(member: tarfile.TarInfo, where: str) -> tarfile.TarInfo:
        kept = tarfile.tar_filter(member, where)
        # git trusts no repository of somebody else
        none: Any = None
        return kept.replace(uid=none, gid=none, uname=none, gname=none, deep=False)

    stream: Any = _Stream(following)
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=stream, mode="r|", bufsize=BLOCK_BYTES) as archive:
        archive.extractall(folder, filter=ours)
