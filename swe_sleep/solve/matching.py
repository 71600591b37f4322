"""Which failing tests an issue's text is about: the words that they share, rare words first.

A wrong match would offer an answer to a question nobody asked, so it abstains when in doubt.
"""

from __future__ import annotations

import importlib.resources
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from swe_sleep.notes.store import words
from swe_sleep.records import TestResult

LEAST_SHARED = 3
"""So many distinct words must be shared; fewer are chance."""
CLOSE = 0.6
"""Tests that match at least so well as this part of the best are about the same thing."""


@dataclass(frozen=True, slots=True)
class Match:
    """A failing test and how well the issue's words fit it (0 to 1, by the words' rarity)."""

    result: TestResult
    score: float
    shared: tuple[str, ...]


def matches(text: str, failing: Sequence[TestResult]) -> list[Match]:
    """The failing tests that the text is about, best first; empty where none clearly is.

    A test that the text names counts as found, whatever else it says.
    """
    named = [r for r in failing if r.test_id in text or _name(r) in text.split()]
    if named:
        return [Match(result, 1.0, (_name(result),)) for result in named]
    asked = _meaningful(text)
    if not asked or not failing:
        return []
    described = [(result, _meaningful(_description(result))) for result in failing]
    spread = Counter(word for _, said in described for word in said)

    def weight(word: str) -> float:
        return 1.0 / (1.0 + math.log1p(spread[word] / 4))

    found = []
    for result, said in described:
        shared = asked & said
        if len(shared) >= min(LEAST_SHARED, len(asked)):
            score = sum(map(weight, shared)) / sum(map(weight, asked))
            found.append(Match(result, score, tuple(sorted(shared))))
    found.sort(key=lambda match: (-match.score, match.result.test_id))
    return [match for match in found if match.score >= CLOSE * found[0].score]


@cache
def _common() -> frozenset[str]:
    file = importlib.resources.files(__package__).joinpath("common_words.txt")
    return frozenset(file.read_text("utf-8").split())


def _meaningful(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in words(text) if word not in _common() and len(word) > 2)


def _stem(word: str) -> str:
    """A word without its commonest endings, so that "labels" meets "label"."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _name(result: TestResult) -> str:
    return result.test_id.rpartition("::")[2].partition("[")[0]


def _description(result: TestResult) -> str:
    """What the test says of itself: its id, what it raised, and the code it stood in."""
    return " ".join((result.test_id, result.message, result.detail, *_paths(result)))


def _paths(result: TestResult) -> Iterable[str]:
    return (frame.path for frame in result.frames)
