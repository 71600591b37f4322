"""The file that tasks are mined into, and beside it what was tried, so that a killed run goes on.

The file has the form of SWE-bench's data: one JSON object a line, oldest first, so that whoever
takes the first ones takes the past. It is replaced whole, never written half.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from swe_sleep.errors import SweSleepError, UsageError
from swe_sleep.evaluate.lines import append
from swe_sleep.evaluate.tasks.changes import Change
from swe_sleep.evaluate.tasks.running import Verdict
from swe_sleep.evaluate.whole import write_whole

Row = dict[str, Any]

_LISTS = ("FAIL_TO_PASS", "PASS_TO_PASS")


def row_of(repo: str, change: Change, statement: str, patch: str, test_patch: str) -> Row:
    """A task with SWE-bench's fields."""
    return {
        "instance_id": f"{repo.replace('/', '__')}-{change.commit[:10]}",
        "repo": repo,
        "base_commit": change.base,
        "fix_commit": change.commit,
        "created_at": datetime.fromtimestamp(change.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "problem_statement": statement,
        "hints_text": "",
        "patch": patch,
        "test_patch": test_patch,
        "version": "",
        "environment_setup_commit": change.base,
        "FAIL_TO_PASS": [],
        "PASS_TO_PASS": [],
    }


class Kept:
    """A file of tasks, while one run writes the tasks of one repository there."""

    def __init__(self, file: Path, repo: str) -> None:
        self.file, self.repo = file, repo
        self._beside = file.with_name(f"{file.name}.tried")
        self._others = [row for row in read_rows(file) if row.get("repo") != repo]
        self.known: dict[str, Verdict] = dict(self._read())
        self._written: bytes | None = None

    @classmethod
    @contextmanager
    def open(cls, file: Path, repo: str) -> Iterator[Kept]:
        """Raises UsageError for a file that is not of tasks, and where another run is at it."""
        import filelock

        # It stays when we are done: who removes it may take it from a run that has it.
        lock = filelock.FileLock(file.with_name(f"{file.name}.lock"), timeout=0)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except filelock.Timeout:
            raise UsageError(f"another run is writing {file}.") from None
        except OSError as error:
            raise UsageError(f"cannot write {file}: {error.strerror}.") from error
        try:
            yield cls(file, repo)
        finally:
            lock.release()

    def _read(self) -> Iterator[tuple[str, Verdict]]:
        if not self._beside.exists():
            return
        for line in self._beside.read_bytes().splitlines():
            try:
                verdict = msgspec.json.decode(line, type=Verdict)
            except msgspec.MsgspecError:
                continue  # it was being written when a run was killed, or is of another version
            yield verdict.key, verdict

    def forget(self, reason: str) -> None:
        """Let what was refused for a reason be tried again."""
        self.known = {key: each for key, each in self.known.items() if each.reason != reason}

    def remember(self, verdict: Verdict) -> None:
        """Add what was found out. Raises SweSleepError."""
        try:
            append(self._beside, verdict)
        except OSError as error:
            raise SweSleepError(f"cannot write {self._beside}: {error.strerror}.") from error

    def write(self, rows: Sequence[Row]) -> None:
        """The repository's tasks, among those of others. Raises SweSleepError."""
        every = sorted([*self._others, *rows], key=lambda row: str(row.get("created_at", "")))
        content = b"".join(msgspec.json.encode(_plain(row)) + b"\n" for row in every)
        if content == self._written:
            return
        write_whole(self.file, content)
        self._written = content


def _plain(row: Mapping[str, Any]) -> Row:
    """With lists of tests as SWE-bench writes them: JSON in a text."""
    texts = {
        name: msgspec.json.encode(row[name]).decode()
        for name in _LISTS
        if isinstance(row.get(name), (list, tuple))
    }
    return {**row, **texts}


def read_rows(file: Path) -> list[Row]:
    """The tasks of a file, none where it is not there. Raises UsageError."""
    try:
        lines = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}.") from error
    rows = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                rows.append(msgspec.json.decode(line, type=dict[str, Any]))
            except msgspec.MsgspecError as error:
                raise UsageError(
                    f"{file}, line {number} is no task: {error}.", "Give another file."
                ) from error
    return rows


def read_statements(file: Path) -> dict[str, str]:
    """Texts by commit or by number of issue: one JSON object of them, or JSON lines with `commit`,
    `issue` or `number`, and `text`, or `title` and `body`. Raises UsageError."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {error}.") from error
    try:
        whole = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        whole = None
    if isinstance(whole, dict) and all(isinstance(value, str) for value in whole.values()):
        if not _KEYS.isdisjoint(whole):
            whole = [whole]
        else:
            return {key.lstrip("#"): value for key, value in whole.items() if value.strip()}
    records = whole if isinstance(whole, list) else [whole] if isinstance(whole, dict) else None
    found: dict[str, str] = {}
    for where, record in enumerate(_lines(file, text) if records is None else records, 1):
        name, said = _entry(record) if isinstance(record, dict) else ("", "")
        if not name or not said:
            raise UsageError(
                f"{file}, entry {where} has no `commit` or `issue` with a `text`.",
                'Write {"commit": "1a2b3c4", "text": "..."} or {"issue": 12, "text": "..."}.',
            )
        found[name] = said
    return found


_KEYS = frozenset({"commit", "issue", "number"})


def _entry(record: Mapping[str, Any]) -> tuple[str, str]:
    name = next((str(record[key]).lstrip("#") for key in sorted(_KEYS) if record.get(key)), "")
    parts = [record.get("title"), record.get("text") or record.get("body")]
    return name, "\n\n".join(str(part).strip() for part in parts if part)


def _lines(file: Path, text: str) -> Iterator[object]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield msgspec.json.decode(line)
            except msgspec.MsgspecError as error:
                raise UsageError(f"{file}, line {number} is not JSON: {error}.") from error
