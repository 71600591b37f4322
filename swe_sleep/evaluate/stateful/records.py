"""What is kept of each answer, beside what every kind of run keeps."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from swe_sleep.errors import StoreError, UsageError
from swe_sleep.evaluate.lines import append
from swe_sleep.evaluate.runs.records import Result, Trial
from swe_sleep.evaluate.stateful.reading import Reading
from swe_sleep.records import Usage


@dataclass(frozen=True, slots=True)
class Answered:
    """One question, answered once and judged."""

    key: str
    trial: Trial
    sample: int
    text_id: str
    said: str
    """The answer as it was written."""
    right: bool
    why: str
    """Where there is no answer: what is wrong with the reply."""
    usage: Usage
    slept: str = ""
    memory_chars: int = 0
    bare: bool = False
    """In an arm with notes: nothing had been noted, so the text itself was given."""
    covered: float | None = None
    """How much of the question the memory foresaw, from 0 to 1."""
    foreseen: int | None = None
    """The place of the question among those that were expected; None where none is like it."""
    foreseen_of: int = 0
    foreseen_score: float = 0.0
    """How like the likest of them is, from 0 to 1."""

    def result(self) -> Result:
        """As `eval report` reads it. Its places for what was foreseen take the list of expected
        questions where there is one, else what the memory covers."""
        score = self.foreseen_score if self.foreseen_of else self.covered or 0.0
        return Result(
            key=self.key,
            trial=self.trial,
            repo=self.text_id,
            resolved=self.right,
            solver="agent" if self.said else "",
            usage=self.usage,
            patch_s=self.usage.wall_s if self.said else None,
            slept=self.slept,
            applied=bool(self.said),
            shown=int(self.memory_chars > 0),
            shown_chars=self.memory_chars,
            foreseen=self.foreseen,
            foreseen_of=self.foreseen_of,
            foreseen_score=score,
            why=self.why,
            wall_s=self.usage.wall_s,
        )


Kept = TypeVar("Kept", Answered, Reading, Result)


class Lines(Generic[Kept]):
    """Records in a file, a line each; the last with a key counts. For several threads."""

    def __init__(self, path: Path, kind: type[Kept]) -> None:
        self._path = path
        self._kind: type[Kept] = kind
        self._writing = threading.Lock()

    def read(self) -> dict[str, Kept]:
        """By key. A line that is not whole was being written when a run was killed. Raises
        UsageError."""
        found: dict[str, Kept] = {}
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return found
        except OSError as error:
            raise UsageError(f"cannot read {self._path}: {error.strerror}.") from error
        for line in lines:
            try:
                record = msgspec.json.decode(line, type=self._kind)
            except msgspec.MsgspecError:
                continue
            found[record.key] = record
        return found

    def write(self, record: Kept) -> None:
        """Raises StoreError."""
        try:
            with self._writing:
                append(self._path, record)
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror}.") from error
