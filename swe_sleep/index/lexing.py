"""Names used in a text, per symbol, with the first line and the number of uses.

Strings and comments are blanked first, line ends kept; then the text is split into words and line
ends, and one loop counts them for the symbol that each line belongs to.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Collection, Iterator, Sequence
from itertools import chain

from swe_sleep.index.languages.base import Draft, Lexing

MAX_USES = 200_000


def blanked(content: bytes, lexing: Lexing) -> bytes:
    """The text without strings and comments, with every line end in its place."""
    return lexing.skip.sub(lexing.interpolated or _line_ends, content)


def _line_ends(match: re.Match[bytes]) -> bytes:
    return b"\n" * match.group().count(b"\n")


def stretches(symbols: Sequence[Draft], lines: int) -> list[tuple[int, int, int]]:
    """(first line, last line, symbol) in order: each line belongs to the innermost symbol."""
    found: list[tuple[int, int, int]] = []
    open_: list[tuple[int, int]] = [(-1, lines)]
    at = 1
    for index, symbol in enumerate(symbols):
        while len(open_) > 1 and open_[-1][1] < symbol.line:
            owner, end = open_.pop()
            if end >= at:
                found.append((at, end, owner))
                at = end + 1
        if symbol.line > at:
            found.append((at, symbol.line - 1, open_[-1][0]))
            at = symbol.line
        open_.append((index, max(min(symbol.end_line, open_[-1][1]), symbol.line)))
    while open_:
        owner, end = open_.pop()
        if end >= at:
            found.append((at, end, owner))
            at = end + 1
    return found


class _Numbers(dict[bytes, int]):
    """Token -> its number from 1, 0 for what is not kept. Each is judged once, when first met."""

    def __init__(self, lexing: Lexing, scope: Collection[bytes] | None) -> None:
        super().__init__({_LINE_END: -1})
        self.kept: list[bytes] = []
        self._keywords = lexing.keywords
        self._scope: set[bytes] | None = None
        if scope is not None:
            self._scope = {*scope, *[name + b"(" for name in scope]}

    def __missing__(self, token: bytes) -> int:
        if token[0] == _DOT:
            keep = len(token) > 1 and token[1] >= _FIRST
        elif self._scope is not None:
            keep = token in self._scope
        else:
            keep = token[0] >= _FIRST and token.rstrip(b"(") not in self._keywords
        if keep:
            self.kept.append(token)
            self[token] = number = len(self.kept)
            return number
        self[token] = 0
        return 0


_PIECE = 16_384
"""Bytes that are split into words at a time, so that the words stay in the processor's cache."""


def words(content: bytes, lexing: Lexing) -> Iterator[list[bytes]]:
    """The text's words, as `name`, `name(`, `.name` or `.name(`, between line ends, in pieces."""
    text = blanked(content, lexing)
    for old, new in lexing.rewritten:
        text = text.replace(old, new)
    start = 0
    while start < len(text):
        end = text.find(b"\n", start + _PIECE) + 1 or len(text)
        piece = text[start:end].replace(b"\n", b" \1 ").replace(b".", b" .").replace(b"(", b"( ")
        yield piece.translate(_WORDS).split()
        start = end


def uses(
    content: bytes, lexing: Lexing, symbols: Sequence[Draft], scope: Collection[bytes] | None
) -> tuple[tuple[str, ...], bytes]:
    """The tokens and the packed uses of an outline. With a `scope`, bare names outside it are
    locals or built-ins and left out."""
    numbers = _Numbers(lexing, scope)
    lines = content.count(b"\n") + 1
    places = iter(stretches(symbols, lines))
    _, last, owner = next(places, (1, lines, -1))
    base, line = (owner + 1) << 32, 1
    first: dict[int, int] = {}
    counts: dict[int, int] = {}
    found = chain.from_iterable(words(content, lexing))
    for number in filter(None, map(numbers.__getitem__, found)):
        if number > 0:
            key = base + number
            if key in first:
                counts[key] = counts.get(key, 1) + 1
            else:
                first[key] = line
        else:
            line += 1
            if line > last:
                _, last, owner = next(places, (1, lines, -1))
                base = (owner + 1) << 32
    tokens = tuple([token.decode("utf-8", "replace") for token in numbers.kept])
    for index, symbol in enumerate(symbols):  # the definition itself is no use of the name
        name = symbol.name.rstrip("?!=").encode("utf-8", "replace")
        for token in (name, name + b"(", b"." + name, b"." + name + b"("):
            key = ((index + 1) << 32) + max(numbers.get(token, 0), 0)
            if first.get(key) == symbol.name_line:
                counts[key] = counts.get(key, 1) - 1
    count = counts.get
    flat = [
        part
        for key, line in first.items()
        if count(key, 1)
        for part in (key >> 32, (key & 0xFFFFFFFF) - 1, line, count(key, 1))
    ]
    packed = array("I", flat[: 4 * MAX_USES])
    if sys.byteorder == "big":
        packed.byteswap()
    return tokens, packed.tobytes()


_LINE_END = b"\1"
_DOT = ord(".")
_FIRST = ord("A")
_WORDS = bytes(
    byte if byte in b"\1.(_" or byte > 127 or bytes([byte]).isalnum() else 32 for byte in range(256)
)
