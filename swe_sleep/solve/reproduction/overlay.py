"""A snapshot with a few more files, for whoever works on a repository that has them already."""

from __future__ import annotations

from collections.abc import Mapping

from swe_sleep.records import Entry
from swe_sleep.repo.hashing import blob_of
from swe_sleep.repo.snapshot import REGULAR, Contents, Snapshot


class _Over:
    def __init__(self, below: Contents, files: Mapping[str, bytes]) -> None:
        self._below = below
        self._files = files

    def read(self, path: str, entry: Entry) -> bytes:
        own = self._files.get(path)
        return self._below.read(path, entry) if own is None else own


def with_files(snapshot: Snapshot, files: Mapping[str, bytes | None]) -> Snapshot:
    """The snapshot as if these new files were in it too."""
    new = {path: content for path, content in files.items() if content is not None}
    some = next((entry.blob for entry in snapshot.files.values()), "")
    object_format = "sha256" if len(some) == 64 else "sha1"
    entries = {path: Entry(blob_of(c, object_format), REGULAR) for path, c in new.items()}
    over = _Over(snapshot.contents, new)
    return Snapshot({**snapshot.files, **entries}, snapshot.head, snapshot.branch, over)
