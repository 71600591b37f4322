"""Files that are there whole or not at all, whoever is killed meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

from swe_sleep.errors import SweSleepError


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in its place at once, and its folder where it is missing. Raises SweSleepError,
    and then what was there before still is."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(content)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise SweSleepError(f"cannot write {path}: {error.strerror}.") from error
