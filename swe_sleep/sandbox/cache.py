"""A folder of things that take long to make, each under the hash of what it is made from. Safe for
several processes at once: one makes it, in a folder of its own that is moved into place whole."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from swe_sleep.errors import EnvironmentFailed

RECORD = "swe-sleep.json"
KEPT = 40
AGAIN_S = 600.0
"""When what an unreachable index left incomplete is tried again."""
_LEFT_S = 3600.0


class Cache:
    def __init__(self, folder: Path | None) -> None:
        """Without a folder, the one that the system has for caches."""
        self._folder = folder

    @property
    def folder(self) -> Path:
        if self._folder is None:
            import platformdirs

            self._folder = Path(platformdirs.user_cache_dir("swe-sleep")) / "environments"
        return self._folder

    def kept(self, key: str, make: Callable[[Path], Path]) -> Mapping[str, Any]:
        """The record of what is kept under a key. `make` is called with an empty folder where it is
        not there; what it gives back holds a record. Raises EnvironmentFailed, and what `make`
        raises."""
        import filelock

        place = self.folder / key
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if _worn(place):
                with filelock.FileLock(self.folder / f"{key}.lock"):
                    if _worn(place):
                        with tempfile.TemporaryDirectory(prefix=".making-", dir=self.folder) as t:
                            made = make(Path(t))
                            if place.exists():
                                place.rename(Path(t) / "worn")
                            made.rename(place)
                        self._prune(key)
            record: dict[str, Any] = json.loads((place / RECORD).read_text())
            os.utime(place / RECORD)
        except OSError as error:
            raise EnvironmentFailed(
                f"The environment for the tests can't be kept in {self.folder}: {error}."
            ) from error
        return record

    def _prune(self, keep: str) -> None:
        """Remove all but the newest, and what killed makers left. Another process may be at it."""
        records = _by_time(self.folder.glob(f"*/{RECORD}"))
        for changed, record in sorted(records, reverse=True)[KEPT:]:
            if record.parent.name != keep and time.time() - changed > _LEFT_S:
                shutil.rmtree(record.parent, ignore_errors=True)
                (self.folder / f"{record.parent.name}.lock").unlink(missing_ok=True)
        for changed, left in _by_time(self.folder.glob(".making-*")):
            if time.time() - changed > _LEFT_S:
                shutil.rmtree(left, ignore_errors=True)


def _by_time(paths: Iterable[Path]) -> list[tuple[float, Path]]:
    """When each was last changed; what is gone by now is left out."""
    found: list[tuple[float, Path]] = []
    for path in paths:
        with contextlib.suppress(OSError):
            found.append((path.stat().st_mtime, path))
    return found


def write_record(folder: Path, problem: str, *, again: bool = False, **facts: Any) -> None:
    """`again`: it may come out better another time."""
    record = {"problem": problem, "made": time.time(), "again": again, **facts}
    (folder / RECORD).write_text(json.dumps(record))


def _worn(place: Path) -> bool:
    """Whether it is to be made, or made again."""
    try:
        record = json.loads((place / RECORD).read_text())
    except (OSError, ValueError):
        return True
    return bool(record.get("again")) and time.time() - float(record["made"]) > AGAIN_S
