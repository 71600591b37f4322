"""How well a question was foreseen.

The paper takes the log probability of the question after its text, under a base model; no chat API
gives that. In its place: what the data say, if they do; how much of the question's content stands
in the memory; and the place of the question in a list of expected ones, asked for beforehand.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

ALIKE = 0.5
"""From here on an expected question counts as the one that was asked."""

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
_COMMON = """
a an and are as at be been but by can could did do does for from had has have he her
hers him his how i if in into is it its let long many me more most much my no not of on
one or our out she so some than that the their them then there these they this to total
up us was we were what when where which while who whose will with would you your find
altogether each given question answer number
"""
"""Words that say nothing of what is asked about."""


def content(text: str) -> Counter[str]:
    """The words and numbers that say what a text is about, roughly stemmed."""
    words = (match.group().lower() for match in _WORD.finditer(text))
    return Counter(_stem(word) for word in words if word not in _common())


@cache
def _common() -> frozenset[str]:
    return frozenset(_COMMON.split())


def _stem(word: str) -> str:
    if word[0].isdigit():
        plain = word.replace(",", "")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    for ending in ("ies", "ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word.removesuffix("e") if len(word) > 4 else word


@dataclass(frozen=True, slots=True)
class Rarity:
    """How telling a word is: those that most questions have say little (inverse document
    frequency over the questions of the data)."""

    questions: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, questions: Iterable[str]) -> Rarity:
        counts: Counter[str] = Counter()
        number = 0
        for question in questions:
            counts.update(content(question).keys())
            number += 1
        return cls(number, counts)

    def weight(self, word: str) -> float:
        return math.log((self.questions + 1) / (self.counts.get(word, 0) + 0.5))


def covered(question: str, memory: str, rarity: Rarity) -> float:
    """The share of the question's content that stands in the memory, from 0 to 1."""
    asked, noted = content(question), content(memory)
    weights = {word: max(0.05, rarity.weight(word)) for word in asked}
    whole = sum(weights.values())
    if not whole:
        return 0.0
    return sum(weight for word, weight in weights.items() if word in noted) / whole


@dataclass(frozen=True, slots=True)
class Match:
    """The first expected question that is like the one asked. `rank` is from 1 on."""

    rank: int | None
    score: float
    """Of the likest."""


def matched(question: str, expected: Sequence[str], rarity: Rarity) -> Match:
    scores = [alike(question, each, rarity) for each in expected]
    rank = next((n for n, score in enumerate(scores, 1) if score >= ALIKE), None)
    return Match(rank, max(scores, default=0.0))


def alike(one: str, other: str, rarity: Rarity) -> float:
    """How much content two questions share: weighted F1, from 0 to 1."""
    mine, theirs = content(one), content(other)

    def weigh(words: Iterable[str]) -> float:
        return sum(max(0.05, rarity.weight(word)) for word in words)

    both = weigh(mine.keys() & theirs.keys())
    whole = weigh(mine.keys()) + weigh(theirs.keys())
    return 2 * both / whole if whole else 0.0
