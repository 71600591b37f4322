"""Checking what a model says of a file against the file: the line is there, and so is what it
quotes. What cannot be checked is dropped."""

from __future__ import annotations

import re
from collections.abc import Mapping

from swe_sleep.records import Place

NEAR = 4
"""A quote may stand so many lines from the one that was named; the place is put right."""
MOST_QUOTE = 160
_TICKED = re.compile(r"`([^`\n]{1,80})`")
_NAME = re.compile(r"[A-Za-z_][\w.]*(?=\(|\)?$)")
_LEAST_NAME = 3


class Texts:
    """The files that a model was shown, as lines."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._lines = {path: text.splitlines() for path, text in texts.items()}
        self._whole = texts

    def __contains__(self, path: str) -> bool:
        return path in self._lines

    def place(self, path: str, line: int, quote: str) -> tuple[Place | None, str]:
        """The place that is meant, or None and what is wrong with it."""
        lines = self._lines.get(path)
        if lines is None:
            return None, f"{_cut(path)!r} is none of the files that you were shown"
        if not 1 <= line <= len(lines):
            return None, f"{path} has no line {line}, only {len(lines)}"
        wanted = _plain(quote)
        if not wanted:
            return None, f"nothing is quoted of {path}:{line}"
        for distance in range(NEAR + 1):
            for at in {line - distance, line + distance}:
                if 1 <= at <= len(lines) and wanted in _plain(lines[at - 1]):
                    return Place(path, at), ""
        everywhere = [i for i, text in enumerate(lines, 1) if wanted in _plain(text)]
        if len(everywhere) == 1:  # what is quoted is there once: the number was miscounted
            return Place(path, everywhere[0]), ""
        return None, f"{_cut(quote)!r} does not stand at {path}:{line}"

    def unknown(self, text: str) -> list[str]:
        """The names in backticks that stand in none of the files."""
        found: list[str] = []
        for ticked in _TICKED.findall(text):
            name = _NAME.search(ticked.strip())
            last = name.group().rstrip(".").rpartition(".")[2] if name else ""
            if len(last) >= _LEAST_NAME and not any(last in each for each in self._whole.values()):
                found.append(ticked)
        return found


def _plain(text: str) -> str:
    """Without the white space that a quote may have lost."""
    return "".join(text.split())


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MOST_QUOTE else text[:MOST_QUOTE] + "..."
