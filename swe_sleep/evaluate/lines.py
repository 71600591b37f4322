"""A line of JSON at the end of a file: all of it, or an error."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import msgspec


def append(path: Path, record: object) -> None:
    """Add a record as a line of JSON, in one write: two processes may do so at once.

    Raises OSError, also where a full disk took but a part of the line, of which the system says
    nothing by itself. What is left of it counts for nothing, as it is no JSON.
    """
    line = msgspec.json.encode(record) + b"\n"
    with path.open("a+b", buffering=0) as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # a killed run left it unfinished
                line = b"\n" + line
        if file.write(line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
