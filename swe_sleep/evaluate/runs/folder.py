"""A run's folder: what it is, what is done of it, and the files of each trial.

Results are appended, a line each, after their files are in place: a run that is killed at any
moment goes on with what has no line yet.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec
from filelock import FileLock, Timeout

from swe_sleep.errors import SweSleepError, UsageError
from swe_sleep.evaluate import lines
from swe_sleep.evaluate.runs.records import Lost, Manifest, Result, Slept, Trial
from swe_sleep.evaluate.whole import write_whole

MANIFEST = "run.json"
RESULTS, SLEEPS, LOST = "results.jsonl", "sleeps.jsonl", "lost.jsonl"
TRIALS, NOTES = "trials", "sleeps"
LOCK = ".lock"
_UNFINISHED = f".{MANIFEST}."

_SAME = ("suite", "solver", "model", "settings", "versions")
"""What a run that goes on may not change, as its results would not be of one kind; of the rest it
may have more."""
_LONGEST = 60
_NAMED = 3
"""Differences that are said."""

T = TypeVar("T", Result, Slept, Lost)


class RunFolder:
    """One run on disk. Reading needs no lock; writing is for who holds `lock`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def stores(self) -> Path:
        return self.path / NOTES

    # -- reading ---------------------------------------------------------------------------------

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """A folder that holds a run. Raises UsageError."""
        folder = cls(path)
        folder.manifest()
        return folder

    def manifest(self) -> Manifest:
        """Raises UsageError where there is none, or none that can be read."""
        file = self.path / MANIFEST
        try:
            return msgspec.json.decode(file.read_bytes(), type=Manifest)
        except FileNotFoundError:
            raise UsageError(
                f"{self.path} holds no run.", "Make one: swe-sleep eval run --run DIR."
            ) from None
        except OSError as error:
            raise UsageError(f"cannot read {file}: {error.strerror}.") from error
        except msgspec.MsgspecError as error:
            raise UsageError(f"{file} is not as a run leaves it: {error}.") from error

    def results(self) -> dict[str, Result]:
        """By key. Of a trial whose task was changed since, the later result alone."""
        by_trial = {each.trial: each for each in self._read(RESULTS, Result).values()}
        return {each.key: each for each in by_trial.values()}

    def sleeps(self) -> dict[str, Slept]:
        return self._read(SLEEPS, Slept)

    def lost(self) -> dict[str, Lost]:
        """What gave nothing, and has not been made up for since."""
        done = self.results().keys() | self.sleeps().keys()
        return {key: each for key, each in self._read(LOST, Lost).items() if key not in done}

    def _read(self, name: str, kind: type[T]) -> dict[str, T]:
        """By key; the last line of each counts. One that is not whole was being written when a run
        was killed: it counts as never written."""
        file = self.path / name
        try:
            written = file.read_bytes().splitlines()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise UsageError(f"cannot read {file}: {error.strerror}.") from error
        found: dict[str, T] = {}
        for line in written:
            try:
                each = msgspec.json.decode(line, type=kind)
            except msgspec.MsgspecError:
                continue
            found[each.key] = each
        return found

    # -- writing ---------------------------------------------------------------------------------

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held while a run is at work. Raises UsageError where another has it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make {self.path}: {error.strerror}.") from error
        lock = FileLock(self.path / LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise UsageError(f"another run is at work in {self.path}.") from None
        except OSError as error:
            raise UsageError(f"cannot write to {self.path}: {error.strerror}.") from error
        try:
            yield
        finally:
            lock.release()

    def begin(self, manifest: Manifest) -> Manifest:
        """Write down what is run, together with what ran here before. Raises UsageError where that
        was something else."""
        if (self.path / MANIFEST).exists():
            before = self.manifest()
            if differs := _differs(before, manifest):
                raise UsageError(
                    f"{self.path} holds a run that was made otherwise: {differs}.",
                    "Give another folder with --run, or repeat that run as it was.",
                )
            manifest = _together(before, manifest)
        elif any(not _begun(each.name) for each in self.path.iterdir()):
            raise UsageError(f"{self.path} is not empty, and holds no run.")
        write_whole(self.path / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        return manifest

    def write_slept(self, slept: Slept, files: Mapping[str, bytes]) -> None:
        self._files(self.stores / slept.key, files)
        self._append(SLEEPS, slept)

    def write_result(self, result: Result, files: Mapping[str, bytes]) -> Result:
        """The result as it was written, with its folder."""
        result = replace(result, folder=f"{TRIALS}/{named(result.trial, result.key)}")
        self._files(self.path / result.folder, files)
        self._append(RESULTS, result)
        return result

    def write_lost(self, lost: Lost) -> None:
        self._append(LOST, lost)

    def _files(self, folder: Path, files: Mapping[str, bytes]) -> None:
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for name, content in files.items():
                (folder / name).write_bytes(content)
        except OSError as error:
            raise SweSleepError(f"cannot write to {folder}: {error.strerror}.") from error

    def _append(self, name: str, record: Result | Slept | Lost) -> None:
        try:
            lines.append(self.path / name, record)
        except OSError as error:
            raise SweSleepError(f"cannot write {self.path / name}: {error.strerror}.") from error


def _begun(name: str) -> bool:
    """Whether it is of a run that was killed before it was written down."""
    return name == LOCK or name.startswith(_UNFINISHED)


def named(trial: Trial, key: str) -> str:
    """A trial's folder: safe as a name, whatever the task is called, and different for each."""
    return f"{_plain(trial.task)}/{_plain(trial.name)[:_LONGEST]}-{key[:8]}"


def new_folder(name: str) -> Path:
    """Where a run goes that was given no folder, by what it is of and when it begins."""
    return Path("runs") / f"{_plain(name)}-{time.strftime('%Y%m%d-%H%M%S')}"


def _plain(text: str) -> str:
    plain = "".join(
        each if each.isascii() and (each.isalnum() or each in "-_=") else "-" for each in text
    )
    return plain[:_LONGEST].strip("-") or "task"


def _together(before: Manifest, now: Manifest) -> Manifest:
    return replace(
        now,
        created=before.created,
        tasks=_union(before.tasks, now.tasks),
        arms=_union(before.arms, now.arms),
        budgets=_union(before.budgets, now.budgets),
        sleeps=_union(before.sleeps, now.sleeps),
        seeds=_union(before.seeds, now.seeds),
    )


def _differs(before: Manifest, now: Manifest) -> str:
    """What the results of the one and of the other would not be alike in; empty if nothing."""
    old, new = _facts(before), _facts(now)
    found = [
        f"{name} was {_short(old.get(name))}, and is {_short(new.get(name))}"
        for name in old | new
        if old.get(name) != new.get(name)
    ]
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return "; ".join(found[:_NAMED]) + more


def _facts(manifest: Manifest) -> dict[str, object]:
    """By dotted names, what a run that goes on may not change."""
    found: dict[str, object] = {}
    waiting: list[tuple[str, object]] = [(name, getattr(manifest, name)) for name in _SAME]
    for name, value in waiting:
        if isinstance(value, dict):
            waiting += [(f"{name}.{key}", each) for key, each in value.items()]
        else:
            found[name] = value
    return found


def _short(value: object) -> str:
    text = "nothing" if value in (None, "") else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


U = TypeVar("U")


def _union(one: tuple[U, ...], other: tuple[U, ...]) -> tuple[U, ...]:
    return tuple(dict.fromkeys((*one, *other)))
