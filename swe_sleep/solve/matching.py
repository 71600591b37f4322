"""Which failing tests an issue's text is about: the words that they share.

A wrong match would offer an answer to a question nobody asked, so it abstains when in doubt.
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from swe_sleep.notes.store import words
from swe_sleep.records import TestResult

ENOUGH = 6
"""Points that a long text needs: a word that the test's name, message or traced files share with
it counts two, one that only its report shares counts one."""
PART = 0.6
"""A short text needs so many points a word."""
CLOSE = 0.6
"""Tests that match at least so well as this part of the best are about the same thing."""


@dataclass(frozen=True, slots=True)
class Match:
    """A failing test, how well the issue's words fit it (0 to 1), and the words they share."""

    result: TestResult
    score: float
    shared: tuple[str, ...]


def matches(text: str, failing: Sequence[TestResult]) -> list[Match]:
    """The failing tests that the text is about, best first; empty where none clearly is.

    A test that the text names counts as found, whatever else it says.
    """
    named = [r for r in failing if _is_named(r, text)]
    if named:
        return [Match(result, 1.0, (_name(result),)) for result in named]
    asked = meaningful(text)
    least = min(ENOUGH, max(min(3, 2 * len(asked)), round(PART * len(asked))))
    found = []
    for result in failing:
        own, shared = asked & meaningful(_telling(result)), asked & meaningful(result.detail)
        points = 2 * len(own) + len(shared - own)
        if own and points >= least:
            score = points / (2 * len(asked))
            found.append(Match(result, score, tuple(sorted(own | shared))))
    found.sort(key=lambda match: (-match.score, match.result.test_id))
    return [match for match in found if match.score >= CLOSE * found[0].score]


@cache
def _common() -> frozenset[str]:
    file = importlib.resources.files(__package__).joinpath("common_words.txt")
    return frozenset(file.read_text("utf-8").split())


def meaningful(text: str) -> frozenset[str]:
    """The words of a text that tell it from others, without their commonest endings."""
    return frozenset(_stem(word) for word in words(text) if word not in _common() and len(word) > 2)


def _stem(word: str) -> str:
    """A word without its commonest endings, so that "labels" meets "label"."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _name(result: TestResult) -> str:
    return result.test_id.rpartition("::")[2].partition("[")[0]


def _is_named(result: TestResult, text: str) -> bool:
    """Whether the text has the test's id, or the name of its function, as a word of its own; or
    that of what the test is named after, as `set_value` for `test_set_value`. A name without an
    underscore may be a word of any text."""
    names = [result.test_id, result.test_id.partition("[")[0]]
    own = (_name(result), _name(result).removeprefix("test_"))
    names += [name for name in own if "_" in name]
    return any(re.search(rf"(?<![\w/]){re.escape(name)}(?!\w)", text) for name in names)


def _telling(result: TestResult) -> str:
    """What the test says of itself: its name, what it raised, and the files it stood in."""
    files = (PurePosixPath(frame.path).stem for frame in result.frames)
    return " ".join((_name(result), result.message, *files))
