"""Answers by arm, budgets, question and seed; and what is averaged over them.

A question's seeds are averaged first: the question is what is compared, and where several share a
text, texts are what is resampled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from swe_sleep.evaluate.figures.statistics import FEWEST, Chance, Interval, mcnemar
from swe_sleep.evaluate.runs.records import Arm
from swe_sleep.evaluate.stateful.records import Answered


class Key(NamedTuple):
    arm: Arm
    budget: str
    sleep: str

    @property
    def name(self) -> str:
        return " ".join(part for part in self if part)


Answers = Mapping[str, Sequence[Answered]]
"""Of each question, in the order of the seeds; the first sample of each."""


@dataclass(frozen=True, slots=True)
class Grid:
    cells: Mapping[Key, Answers]
    texts: Mapping[str, str]
    """The text of each question."""

    @classmethod
    def of(cls, answers: Iterable[Answered], keys: Sequence[Key]) -> Grid:
        """In the order of the keys."""
        cells: dict[Key, dict[str, list[Answered]]] = {key: {} for key in keys}
        texts: dict[str, str] = {}
        for each in sorted(answers, key=lambda one: one.trial.seed):
            trial = each.trial
            if not each.sample:
                key = Key(trial.arm, trial.budget, trial.sleep)
                cells.setdefault(key, {}).setdefault(trial.task, []).append(each)
            texts[trial.task] = each.text_id
        return cls(cells, texts)

    def means(self, key: Key, of: Callable[[Answered], float | None]) -> dict[str, float]:
        """Of each question; one that has a seed without a value is left out."""
        found: dict[str, float] = {}
        for query, answers in self.cells.get(key, {}).items():
            values = [of(each) for each in answers]
            known = [value for value in values if value is not None]
            if known and len(known) == len(values):
                found[query] = math.fsum(known) / len(known)
        return found

    def mean(self, key: Key, of: Callable[[Answered], float | None]) -> float | None:
        values = self.means(key, of).values()
        return math.fsum(values) / len(values) if values else None

    def pairs(
        self, one: Key, other: Key, of: Callable[[Answered], float] = lambda each: each.right
    ) -> dict[str, tuple[float, float]]:
        """Of each question that both have, and the seeds that both have, the mean of something: if
        nothing else is asked for, the share right."""
        found: dict[str, tuple[float, float]] = {}
        mine, others = self.cells.get(one, {}), self.cells.get(other, {})
        for query, answers in mine.items():
            theirs = {each.trial.seed: of(each) for each in others.get(query, ())}
            both = [
                (of(each), theirs[each.trial.seed]) for each in answers if each.trial.seed in theirs
            ]
            if both:
                count = len(both)
                found[query] = (sum(a for a, _ in both) / count, sum(b for _, b in both) / count)
        return found

    def clusters(self, queries: Iterable[str]) -> list[str] | None:
        """The text of each question, as texts are what is resampled. None: no two share one."""
        texts = [self.texts[query] for query in queries]
        return texts if len(set(texts)) < len(texts) else None

    def interval(self, values: Mapping[str, float], chance: Chance) -> Interval | None:
        """Of the mean of what is known of each question."""
        return chance.mean_interval(list(values.values()), self.clusters(values))

    def gain_interval(self, gains: Mapping[str, float], chance: Chance) -> Interval | None:
        """Of the mean of by how much more often each question was answered right."""
        return chance.gain_interval(list(gains.values()), self.clusters(gains))

    def p_value(self, pairs: Mapping[str, tuple[float, float]], chance: Chance) -> float | None:
        """McNemar's where each question was answered once, else that of random signs. A text with
        several questions counts once, as they are not independent of each other."""
        if len(pairs) < FEWEST:
            return None
        differences = [one - other for one, other in pairs.values()]
        texts = self.clusters(pairs)
        if texts is None and all(each in (-1.0, 0.0, 1.0) for each in differences):
            return mcnemar(differences.count(1.0), differences.count(-1.0))
        summed: dict[str, float] = {}
        for text, difference in zip(texts or pairs, differences, strict=True):
            summed[text] = summed.get(text, 0.0) + difference
        return chance.sign_flips(list(summed.values()))
