"""Short texts that match a regular expression."""

from __future__ import annotations

import re
import warnings
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MOST_CHARS = 60


def matching(pattern: str) -> list[str]:
    """A few texts that the pattern is meant to match; none where it is no pattern, or too hard.
    Those that it does not match after all, such as for a look-ahead, are kept: they are near."""
    if len(pattern) > 400:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parser.parse(pattern)
            texts = [_text(tree, most) for most in (False, True)]
    except (re.error, RecursionError, OverflowError, ValueError, KeyError):
        return []
    return list(dict.fromkeys(text for text in texts if len(text) <= MOST_CHARS))


def _text(tree: Any, most: bool) -> str:
    return "".join(_of(code, value, most) for code, value in tree)


def _of(code: Any, value: Any, most: bool) -> str:
    if code is codes.LITERAL:
        return str(chr(value))
    if code is codes.NOT_LITERAL:
        return "b" if value == ord("a") else "a"
    if code is codes.ANY:
        return "a"
    if code is codes.IN:
        return _member(value, most)
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, getattr(codes, "POSSESSIVE_REPEAT", None)):
        low, high, inner = value
        return _text(inner, most) * int(min(high, max(low, 2 if most else low)))
    if code is codes.SUBPATTERN:
        return _text(value[-1], most)
    if code is codes.BRANCH:
        branches = value[1]
        return _text(branches[-1 if most else 0], most)
    if code is getattr(codes, "ATOMIC_GROUP", None):
        return _text(value, most)
    return ""


def _member(items: Any, most: bool) -> str:
    negated = bool(items) and items[0][0] is codes.NEGATE
    if negated:
        taken = re.compile(_source(items[1:]))
        return next((c for c in "a b1-_.\n" if not taken.match(c)), "a")
    code, value = items[-1 if most else 0]
    if code is codes.LITERAL:
        return str(chr(value))
    if code is codes.RANGE:
        return str(chr(value[1] if most else value[0]))
    samples: dict[Any, str] = {
        codes.CATEGORY_DIGIT: "1",
        codes.CATEGORY_SPACE: " ",
        codes.CATEGORY_WORD: "a",
        codes.CATEGORY_NOT_SPACE: "a",
        codes.CATEGORY_NOT_DIGIT: "a",
        codes.CATEGORY_NOT_WORD: "-",
    }
    return samples.get(value, "a")


CLASSES = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}


def _source(items: Any) -> str:
    parts = []
    for code, value in items:
        if code is codes.LITERAL:
            parts.append(re.escape(chr(value)))
        elif code is codes.RANGE:
            parts.append(f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}")
        elif code is codes.CATEGORY:
            name = str(value).rpartition("CATEGORY_")[2]
            kind = CLASSES.get(name.removeprefix("NOT_"), "")
            parts.append(kind.upper() if name.startswith("NOT_") else kind)
    return f"[{''.join(parts)}]" if parts else "(?!)"
