"""Fixes that the project's own past fixes teach."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from swe_sleep.repair.lessons import TOKEN
from swe_sleep.repair.spot import Fix, Spot, becomes

_WORD = re.compile(r"\w")
_OPEN, _CLOSED = frozenset("([{.@"), frozenset(")]},.:")


def past_edit(spot: Spot) -> Iterator[Fix]:
    """What a past fix replaced elsewhere stands here too; seldom, what it put there."""
    if not spot.lessons:
        return
    start, _ = spot.source.span(spot.statement)
    end = spot.source.line_end(spot.source.header_end(spot.statement))
    text = spot.source.between(start, end)
    found = list(TOKEN.finditer(text))
    tokens = [match.group() for match in found]
    present = set(tokens)
    for lesson in spot.lessons:
        sure = 1.0 if lesson.times > 1 else 0.7
        for old, new, weight in (
            (lesson.before, lesson.after, sure),
            (lesson.after, lesson.before, 0.3 * sure),
        ):
            if not old or not present.issuperset(old):
                continue
            for at in _places(tokens, old):
                low, high = found[at].start(), found[at + len(old) - 1].end()
                was, written = text[low:high], _written(new)
                head = start + len(text[:low].encode())
                what = f"{becomes(was, written)}, as a past fix did"
                yield Fix(head, head + len(was.encode()), written, what, weight)


def _places(tokens: Sequence[str], wanted: Sequence[str]) -> Iterator[int]:
    size = len(wanted)
    for at in range(len(tokens) - size + 1):
        if tokens[at] == wanted[0] and tuple(tokens[at : at + size]) == tuple(wanted):
            yield at


def _written(tokens: Sequence[str]) -> str:
    """Tokens as a line of code, spaced as is usual."""
    text = ""
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else ""
        tight = not text or before in _OPEN or token in _CLOSED or (before in "-~" and at == 1)
        if token in "([" and (_WORD.match(before[-1:] or " ") or before in (")", "]")):
            tight = before not in ("in", "and", "or", "not", "is", "return", "if", "else")
        if token == "=" or before == "=":
            tight = "(" in tokens or "," in tokens
        text += token if tight else f" {token}"
    return text
