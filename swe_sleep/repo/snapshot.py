"""A snapshot: which files there are, and exactly which content each has.

A snapshot holds ids, not contents, so it is cheap to keep. Contents are read when they are asked
for, and checked against the id: what `read` gives back is what the snapshot describes, or an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Protocol

from swe_sleep.errors import RepositoryError
from swe_sleep.records import ABSENT, HEAD, TREE, Cause, Change, Entry

REGULAR = 0o100644
EXECUTABLE = 0o100755
REGULAR_FILES = (REGULAR, EXECUTABLE)
SYMLINK = 0o120000
SUBMODULE = 0o160000


class Contents(Protocol):
    """Where a snapshot reads from."""

    def read(self, path: str, entry: Entry) -> bytes:
        """The content with exactly the entry's blob. Raises SnapshotChanged."""
        ...


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The files of a work tree, or of a commit, at one moment.

    Two snapshots with the same `id` have the same files with the same contents and modes; `head`
    and `branch` are not part of it.
    """

    files: Mapping[str, Entry]
    head: str | None
    """The id of the commit that is checked out; None before the first commit."""
    branch: str | None
    """The branch's short name; None when no branch is checked out."""
    contents: Contents = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", MappingProxyType(dict(self.files)))

    @cached_property
    def id(self) -> str:
        """A hash over the sorted paths, modes and blobs."""
        digest = hashlib.sha256()
        for path, entry in sorted(self.files.items()):
            digest.update(f"{entry.mode:o} {entry.blob} {path}\0".encode())
        return digest.hexdigest()

    def blob(self, path: str) -> str:
        """The path's blob, or ABSENT; TREE and HEAD are answered too."""
        if path == TREE:
            return self.id
        if path == HEAD:
            return self.head or ABSENT
        entry = self.files.get(path)
        return ABSENT if entry is None else entry.blob

    def read(self, path: str) -> bytes:
        """The content with exactly the path's blob; of a symlink, its target.

        Raises SnapshotChanged where the work tree has moved on and the content is in no commit,
        and RepositoryError for a path the snapshot has no content for.
        """
        entry = self.files.get(path)
        if entry is None:
            raise RepositoryError(f"{path} is not in the snapshot.")
        if entry.mode == SUBMODULE:
            raise RepositoryError(f"{path} is a submodule that is not checked out.")
        return self.contents.read(path, entry)

    def change_from(self, older: Snapshot | None, cause: Cause) -> Change:
        """What differs from an older snapshot; everything is added where there is none."""
        before: Mapping[str, Entry] = {} if older is None else older.files
        added, modified = [], []
        for path, entry in self.files.items():
            was = before.get(path)
            if was is None:
                added.append(path)
            elif was != entry:
                modified.append(path)
        deleted = [path for path in before if path not in self.files]
        return Change(tuple(sorted(added)), tuple(sorted(modified)), tuple(sorted(deleted)), cause)
