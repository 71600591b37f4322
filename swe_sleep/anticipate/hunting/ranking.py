"""Which functions are worth a hunt, told from outlines and coverage alone: nothing is parsed."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from swe_sleep.anticipate.hunting.targets import within_reach
from swe_sleep.index.outline import Outline, Symbol
from swe_sleep.testing.discovery import is_test_path

LEAST_LINES = 3
COVERED = 0.3
"""Weight of a function whose every line some test runs."""


class Ranked(NamedTuple):
    path: str
    qualname: str
    score: float


def ranked(
    outlines: Iterable[tuple[str, str, Outline]],
    covered: Mapping[str, Collection[int]],
    risk: Mapping[tuple[str, str], float],
    test_files: Collection[str] = (),
) -> list[Ranked]:
    """Public functions and classes, best first: (path, module, outline) of each file, the lines
    that tests run, and the risk of functions where it is known, from 0 to 1."""
    found: list[Ranked] = []
    for path, module, outline in outlines:
        if outline.language != "python" or not within_reach(path, module):
            continue
        if is_test_path(path, test_files):
            continue
        lines = set(covered.get(path, ()))
        for symbol in outline.symbols:
            if _worth(symbol):
                score = _score(symbol, lines) * (0.5 + risk.get((path, symbol.qualname), 0.0))
                found.append(Ranked(path, symbol.qualname, score))
    return sorted(found, key=lambda each: (-each.score, each.path, each.qualname))


def _worth(symbol: Symbol) -> bool:
    if symbol.kind not in ("function", "method", "class"):
        return False
    if symbol.end_line - symbol.line + 1 < LEAST_LINES:
        return False
    return not any(part.startswith("_") for part in symbol.qualname.split("."))


def _score(symbol: Symbol, covered: Collection[int]) -> float:
    """The share of lines that no test runs, and the size."""
    span = range(symbol.name_line + 1, symbol.end_line + 1)
    ran = sum(line in covered for line in span)
    gap = 1.0 if not ran else max(0.0, 1.0 - 1.6 * ran / max(len(span), 1))
    size = math.log2(1 + min(len(span), 200))
    size *= 0.5 if symbol.kind == "class" else 1.0
    return size * (COVERED + gap)
