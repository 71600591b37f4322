"""Finished work in a file, one line each, so that a killed run goes on where it stopped."""

from __future__ import annotations

from pathlib import Path

import msgspec

from swe_sleep.errors import SweSleepError, UsageError
from swe_sleep.evaluate import lines
from swe_sleep.evaluate.localisation import Located


class Journal:
    """The results in one file of JSON lines. The last of those with the same key counts."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError where the folder cannot be made."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make {path.parent}: {error.strerror}.") from error

    def read(self) -> dict[str, Located]:
        """All results, by key. A line that is not whole was being written when a run was killed,
        or is of another version: it counts as never written. Raises UsageError."""
        found: dict[str, Located] = {}
        try:
            written = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return found
        except OSError as error:
            raise UsageError(f"cannot read {self.path}: {error.strerror}.") from error
        for line in written:
            try:
                result = msgspec.json.decode(line, type=Located)
            except msgspec.MsgspecError:
                continue
            found[result.key] = result
        return found

    def write(self, result: Located) -> None:
        """Add a result. Two runs may write at once. Raises SweSleepError."""
        try:
            lines.append(self.path, result)
        except OSError as error:
            raise SweSleepError(f"cannot write {self.path}: {error.strerror}.") from error
