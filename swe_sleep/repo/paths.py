"""Path text and names of the operating system.

The rest of the program knows paths as text that can be printed (see `swe_sleep.records`). Names
on disk are bytes. Most names are the same in both; the others are written the way git quotes them.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

from swe_sleep.errors import RepositoryError

_ESCAPES = {
    0x07: "a",
    0x08: "b",
    0x09: "t",
    0x0A: "n",
    0x0B: "v",
    0x0C: "f",
    0x0D: "r",
    0x22: '"',
    0x5C: "\\",
}
_BYTES = {letter: byte for byte, letter in _ESCAPES.items()}
_PIECE = re.compile(r'\\([0-3][0-7]{2}|[abtnvfr"\\])|([^\\"]+)')
_PLAIN = re.compile(rb"[!#-~ ][!-~ ]*\Z|\Z")


def from_os(name: bytes) -> str:
    """The path text of a name. Quoted only if it is not UTF-8, holds control characters or line
    separators, or begins with a double quote."""
    if _PLAIN.match(name):
        return name.decode("ascii")
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        return quote(name)
    if text.startswith('"') or any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in text):
        return quote(name)
    return text


def to_os(path: str) -> bytes:
    """The name of a path text. Raises RepositoryError for text that no name has."""
    if not path.startswith('"'):
        try:
            return path.encode("utf-8")
        except UnicodeEncodeError as error:
            raise RepositoryError(f"{path!r} is not a path.") from error
    return unquote(path)


def shown(name: Path) -> str:
    """A path of the operating system as text that can be printed."""
    return from_os(os.fsencode(name))


def quote(name: bytes) -> str:
    """The name in git's C-quoted form, whether it needs that or not."""
    pieces = []
    for byte in name:
        if letter := _ESCAPES.get(byte):
            pieces.append(f"\\{letter}")
        elif 0x20 <= byte < 0x7F:
            pieces.append(chr(byte))
        else:
            pieces.append(f"\\{byte:03o}")
    return f'"{"".join(pieces)}"'


def unquote(text: str) -> bytes:
    """The name of a C-quoted text."""
    inner = text[1:-1]
    name = bytearray()
    position = 0
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        raise RepositoryError(f"{text!r} is not a path: its quoting is broken.")
    while position < len(inner):
        piece = _PIECE.match(inner, position)
        if piece is None:
            raise RepositoryError(f"{text!r} is not a path: its quoting is broken.")
        escape, plain = piece.groups()
        if plain is not None:
            name += plain.encode("utf-8", "surrogateescape")
        elif escape in _BYTES:
            name.append(_BYTES[escape])
        else:
            name.append(int(escape, 8))
        position = piece.end()
    return bytes(name)


def join(root: Path, path: str) -> bytes:
    """The absolute name of a path below `root`.

    Raises RepositoryError for a path that is empty, absolute, or has a `.` or `..` in it. Says
    nothing of symlinks on the way: who writes must look at those.
    """
    name = to_os(path)
    parts = name.split(b"/")
    if b"\0" in name or any(part in (b"", b".", b"..") for part in parts):
        raise RepositoryError(f"{path} is not a path inside the repository.")
    return os.path.join(os.fsencode(root), name)  # noqa: PTH118  (bytes)
