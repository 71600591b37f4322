"""Texts, and the questions on them with their right answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from swe_sleep.evaluate.stateful.answers import Form, Number
from swe_sleep.evaluate.stateful.splitting import sentences


@dataclass(frozen=True, slots=True)
class Query:
    """One question. Its answer is nowhere but here, and here it stays: what is sent to a model is
    made of the question's and the text's words alone."""

    query_id: str
    """Its place in the data: "0007", or "0007.2" for the second on one text."""
    text_id: str
    question: str
    right: Number
    form: Form = "number"
    predictability: float | None = None
    """As the data give it, such as a model's log probability of the question after the text; more
    is more predictable."""


@dataclass(frozen=True, slots=True)
class Data:
    name: str
    texts: Mapping[str, str]
    """By id. A text may be empty: a problem of one sentence has no context."""
    queries: tuple[Query, ...]
    problems: tuple[str, ...] = ()
    """Records that are left out, and why."""
    repeated: int = 0
    """Records that say what one before them says."""
    parted: int = 0
    """Records that were split here, as they came whole."""
    damaged: int = 0
    """Records whose own split does not give back their own text."""

    @property
    def digest(self) -> str:
        found = hashlib.sha256()
        for query in self.queries:
            facts = (self.texts[query.text_id], query.question, str(query.right))
            found.update("\0".join(facts).encode("utf-8", "surrogatepass") + b"\1")
        return found.hexdigest()[:20]

    def first(self, most: int | None) -> Data:
        """Only so many queries."""
        if most is None or most >= len(self.queries):
            return self
        kept = self.queries[:most]
        texts = {query.text_id: self.texts[query.text_id] for query in kept}
        return Data(self.name, texts, kept, self.problems, self.repeated, self.parted, self.damaged)


def id_of(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"text-{digest[:10]}"


def older(text: str) -> str:
    """The text before its last sentence was written; empty for a text of one."""
    return "".join(sentences(text)[:-1]).strip()
