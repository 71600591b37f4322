"""Appending events to a file so that a crash loses nothing."""

from __future__ import annotations

import json
import os
from typing import Any

# Tests replace these; the real ones are kept.
_open, _write, _close = os.open, os.write, os.close
_stat, _truncate = os.fstat, os.ftruncate
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)


def append(path: str, event: dict[str, Any]) -> None:
    """Add one JSON line. The file is opened anew each time, because tests close descriptors that
    they do not know."""
    data = json.dumps(event).encode("ascii") + b"\n"
    fd = _open(path, _APPEND, 0o600)
    size = _stat(fd).st_size
    try:
        while data:
            data = data[_write(fd, data) :]
    except OSError:
        _truncate(fd, size)  # no half line, where the disk is full
        raise
    finally:
        _close(fd)


def cut(text: str, limit: int) -> str:
    """The text with its middle cut out where it is longer than the limit."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - limit} characters cut ...]\n{text[-half:]}"
