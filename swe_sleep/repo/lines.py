"""What an edit did to the lines of a file, in the numbering before and after it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

MOST_PAIRS = 4_000_000
"""Lines before times lines after, beyond which all of them count as changed: a comparison of two
long texts full of equal short lines takes minutes."""


@dataclass(frozen=True, slots=True)
class LineChange:
    """One edit of a text, line by line."""

    touched_before: frozenset[int]
    """Lines of the old text that were changed or deleted, and those next to an insertion."""
    touched_after: frozenset[int]
    """Lines of the new text that were changed or added, and those next to a deletion."""
    moved: dict[int, int]
    """Where each unchanged line of the old text stands in the new one."""


def line_change(before: bytes, after: bytes) -> LineChange:
    """Compare two contents. A file of one huge line is one line."""
    old, new = before.split(b"\n"), after.split(b"\n")
    touched_before: set[int] = set()
    touched_after: set[int] = set()
    moved: dict[int, int] = {}
    for tag, i1, i2, j1, j2 in opcodes(old, new):
        if tag == "equal":
            moved.update(zip(range(i1 + 1, i2 + 1), range(j1 + 1, j2 + 1), strict=True))
        else:
            touched_before.update(_touched(i1, i2, len(old)))
            touched_after.update(_touched(j1, j2, len(new)))
    return LineChange(frozenset(touched_before), frozenset(touched_after), moved)


def _touched(start: int, end: int, length: int) -> range:
    """0-based half-open to 1-based lines; around the gap where the range is empty."""
    return (
        range(start + 1, end + 1)
        if end > start
        else range(max(1, start), min(length, start + 1) + 1)
    )


def opcodes(old: list[bytes], new: list[bytes]) -> list[tuple[str, int, int, int, int]]:
    """difflib's opcodes, quicker: without the equal head and tail, and with all between them
    replaced where that is too much to compare."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    old_middle, new_middle = old[head : len(old) - tail], new[head : len(new) - tail]
    codes = [("equal", 0, head, 0, head)] if head else []
    if len(old_middle) * len(new_middle) > MOST_PAIRS:
        codes.append(("replace", head, len(old) - tail, head, len(new) - tail))
    else:
        matcher = difflib.SequenceMatcher(None, old_middle, new_middle, autojunk=False)
        codes += [
            (tag, i1 + head, i2 + head, j1 + head, j2 + head)
            for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        ]
    if tail:
        codes.append(("equal", len(old) - tail, len(old), len(new) - tail, len(new)))
    return codes
