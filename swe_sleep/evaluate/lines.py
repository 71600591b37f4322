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
    # The newline before ends what a killed run may have left unfinished.
    line = b"\n" + msgspec.json.encode(record) + b"\n"
    with path.open("ab", buffering=0) as file:
        if file.write(line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
