"""A folder of things that take long to make, each under the hash of what it is made from. Safe for
several processes at once: one makes it, in a folder of its own that is moved into place whole."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
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
        """Remove all but the newest, and what killed makers left."""
        records = sorted(
            self.folder.glob(f"*/{RECORD}"), key=lambda r: r.stat().st_mtime, reverse=True
        )
        for record in records[KEPT:]:
            if record.parent.name != keep and time.time() - record.stat().st_mtime > _LEFT_S:
                shutil.rmtree(record.parent, ignore_errors=True)
                (self.folder / f"{record.parent.name}.lock").unlink(missing_ok=True)
        for left in self.folder.glob(".making-*"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > _LEFT_S:
                    shutil.rmtree(left, ignore_errors=True)


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
