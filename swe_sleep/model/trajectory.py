"""The record of a run: JSON lines, written out at every step.

A killed process loses at most the line it was writing; a torn last line is skipped on reading.
The lines hold the conversation as it was sent, so that a run can be taken up again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from swe_sleep.errors import StoreError, StoreFull
from swe_sleep.model.secrets import Masker

VERSION = 1

Line = Mapping[str, object]


class Trajectory:
    """Appends to one file. Secrets are masked in every line."""

    def __init__(self, path: Path, *, masker: Masker | None = None) -> None:
        self.path = path
        self._masker = masker or Masker()
        self._file: IO[bytes] | None = None

    def write(self, kind: str, **values: object) -> None:
        """Append one line and flush it. Raises StoreFull, StoreError."""
        line = {"kind": kind, "at": round(time.time(), 3), **values}
        if kind == "header":
            line["version"] = VERSION
        text = json.dumps(self._masked(line), ensure_ascii=False, separators=(",", ":"))
        try:
            file = self._opened()
            file.write(text.encode("utf-8", "surrogatepass") + b"\n")
            file.flush()
        except OSError as error:
            import errno

            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StoreFull(
                    f"No space is left for {self.path}.", "Free some space and try again."
                ) from error
            raise StoreError(f"The trajectory {self.path} cannot be written: {error}.") from error

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # only the person may read it: it holds the repository's text
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            self._file = os.fdopen(descriptor, "r+b", buffering=0)
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                self._file.write(b"\n")  # a line torn by a kill stays a line of its own
        return self._file

    def _masked(self, value: object) -> object:
        # block by block, not on the JSON text: escapes must not hide a secret or be broken
        if isinstance(value, str):
            return self._masker(value)
        if isinstance(value, Mapping):
            whole = value.get("type") in ("thinking", "redacted_thinking")
            return dict(value) if whole else {str(k): self._masked(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self._masked(item) for item in value]
        return value

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read(path: Path) -> Iterator[Line]:
    """The lines in order; those that are torn are left out. Raises StoreError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise StoreError(f"The trajectory {path} cannot be read: {error}.") from error
    for line in raw.split(b"\n"):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
