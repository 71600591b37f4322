"""pass@k: a question counts as answered where one of k samples is right, as an oracle would see.

That is more than parallel sampling can give without an oracle; the paper sets sleep against it at
equal test-time tokens (Lin et al., 2025, section 5.1). The estimator is the unbiased one of n
samples, 1 - C(n-c, k) / C(n, k) (Chen et al., 2021); tokens of k samples are k times the mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from swe_sleep.evaluate.figures.statistics import FEWEST, Chance, Interval
from swe_sleep.evaluate.runs.records import Arm
from swe_sleep.evaluate.stateful.costs import Measure
from swe_sleep.evaluate.stateful.grid import Grid, Key
from swe_sleep.evaluate.stateful.records import Answered
from swe_sleep.evaluate.stateful.verdicts import corrected, verdict


@dataclass(frozen=True, slots=True)
class PassAt:
    k: int
    accuracy: float
    """At k = 1 it is the mean over all samples."""
    interval: Interval | None
    test: Mapping[Measure, float]
    """What k samples take."""


@dataclass(frozen=True, slots=True)
class EqualTokens:
    """An arm with sleep against as many samples without as take the same."""

    key: Key
    measure: Measure
    k: float
    """Between two whole numbers the accuracy is interpolated. At least 1: less than one sample
    cannot be had, and is not set against."""
    pairs: int
    accuracy: float
    pass_at_k: float
    difference: float
    interval: Interval | None
    p: float | None
    beyond: bool
    """More samples would be needed than there are: compared with all of them."""
    p_holm: float | None = None

    @property
    def verdict(self) -> str:
        return verdict(self.pairs, self.difference, self.interval, self.p_holm)


def pass_at(
    key: Key, samples: Mapping[str, Sequence[Answered]], grid: Grid, chance: Chance
) -> list[PassAt]:
    """For every k up to the samples that each question has."""
    most = min((len(each) for each in samples.values()), default=0)
    found = []
    tests = {
        measure: value for measure in Measure if (value := _mean_cost(samples, measure)) is not None
    }
    for k in range(1, most + 1):
        values = {query: estimate(each, k) for query, each in samples.items()}
        average = math.fsum(values.values()) / len(values)
        test = {measure: k * value for measure, value in tests.items()}
        found.append(PassAt(k, average, grid.interval(values, chance), test))
    return found


def estimate(samples: Sequence[Answered], k: int) -> float:
    """The unbiased estimate of pass@k for one question."""
    n, right = len(samples), sum(each.right for each in samples)
    return 1.0 - math.comb(n - right, k) / math.comb(n, k)


def gathered(answers: Iterable[Answered], budget: str) -> dict[str, list[Answered]]:
    """All samples of the arm `off` at a budget, by question."""
    found: dict[str, list[Answered]] = {}
    for each in answers:
        if each.trial.arm is Arm.OFF and each.trial.budget == budget:
            found.setdefault(each.trial.task, []).append(each)
    return found


def at_equal_tokens(
    keys: Iterable[Key],
    measure: Measure,
    samples: Mapping[str, Sequence[Answered]],
    grid: Grid,
    chance: Chance,
) -> list[EqualTokens]:
    """The arm `on` at each of its budgets."""
    found = [_equal(key, measure, samples, grid, chance) for key in keys if key.arm is Arm.ON]
    return corrected([each for each in found if each is not None])


def _equal(
    key: Key,
    measure: Measure,
    samples: Mapping[str, Sequence[Answered]],
    grid: Grid,
    chance: Chance,
) -> EqualTokens | None:
    """None where the costs are not known, or no question is in both."""
    mine = grid.means(key, lambda each: float(each.right))
    both = {query: each for query, each in samples.items() if query in mine}
    one = _mean_cost(both, measure)
    taken = grid.means(key, lambda each: measure.of(each.usage))
    spent = [taken[query] for query in both if query in taken]
    if not both or not one or len(spent) < len(both):
        return None
    most = min(len(each) for each in both.values())
    wanted = math.fsum(spent) / len(spent) / one
    k = min(max(1.0, wanted), float(most))
    pairs = {query: (mine[query], _between(each, k)) for query, each in both.items()}
    differences = {query: a - b for query, (a, b) in pairs.items()}
    count = len(pairs)
    return EqualTokens(
        key,
        measure,
        k,
        count,
        math.fsum(a for a, _ in pairs.values()) / count,
        math.fsum(b for _, b in pairs.values()) / count,
        math.fsum(differences.values()) / count,
        grid.interval(differences, chance),
        grid.p_value(pairs, chance) if count >= FEWEST else None,
        wanted > most,
    )


def _between(samples: Sequence[Answered], k: float) -> float:
    low = math.floor(k)
    part = k - low
    lower = estimate(samples, low)
    return lower if part == 0 else (1 - part) * lower + part * estimate(samples, low + 1)


def _mean_cost(samples: Mapping[str, Sequence[Answered]], measure: Measure) -> float | None:
    """Of one sample: the mean over the questions."""
    means = []
    for each in samples.values():
        values = [measure.of(one.usage) for one in each]
        known = [value for value in values if value is not None]
        if len(known) < len(values) or not known:
            return None
        means.append(math.fsum(known) / len(known))
    return math.fsum(means) / len(means) if means else None
