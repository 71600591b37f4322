"""Intervals and tests, each with its source. Confidence is 95 % throughout.

Units (tasks or repositories) are drawn with replacement; a percentile interval is widened for small
samples as by Hesterberg ("What Teachers Should Know About the Bootstrap", 2015, section 4.1), since
the plain one is too narrow for two dozen tasks. How often the intervals hold the truth is measured
by `python -m benchmarks.coverage`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swe_sleep.evaluate.extras import need

CONFIDENCE = 0.95
SIGNIFICANCE = 1 - CONFIDENCE
RESAMPLES = 9_999
FEWEST = 6
"""Pairs below which nothing can be shown: of five that all differ one way, p is 0.0625."""
FEWEST_REPOSITORIES = 5
ALL_FLIPS = 12
"""Up to so many pairs, every pattern of signs is tried; of more, `RESAMPLES` random ones."""
ROWS = 64
"""Resamples that are worked out at once: of thousands of texts, all would fill the memory."""

Floats = NDArray[np.float64]
Counts = NDArray[np.uint8]
Signs = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    def times(self, factor: float) -> Interval:
        """The interval of the figure times a factor that is not negative."""
        return Interval(self.low * factor, self.high * factor)


def wilson(successes: float, n: int) -> Interval | None:
    """The score interval of a share (Wilson, 1927). `successes` may be a sum of shares, where every
    task has several seeds: then the interval is rather too wide. None where n is 0."""
    if n == 0:
        return None
    z = _normal_quantile()
    share = successes / n
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return Interval(max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale))


def paired(better: int, worse: int, pairs: int) -> Interval:
    """Of the difference between two shares of the same pairs, so many of which differ one way and
    the other (Bonett and Price, 2012). Resampling would say nothing where no pair differs, and too
    much where few do: of 2 better and 0 worse, that worse is ruled out."""
    first, second = (better + 1) / (pairs + 2), (worse + 1) / (pairs + 2)
    middle = first - second
    half = _normal_quantile() * math.sqrt((first + second - middle * middle) / (pairs + 2))
    return Interval(max(-1.0, middle - half), min(1.0, middle + half))


def _normal_quantile() -> float:
    return float(need("scipy.stats", extra="eval").norm.ppf(0.5 + CONFIDENCE / 2))


def mcnemar(better: int, worse: int) -> float:
    """The exact two-sided p-value of paired yes and no (McNemar, 1947): whether the pairs that
    differ are as often better as worse. 1 where none differs."""
    if better + worse == 0:
        return 1.0
    return float(need("scipy.stats", extra="eval").binomtest(better, better + worse).pvalue)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """The same, corrected for there being several (Holm, 1979)."""
    adjusted: dict[str, float] = {}
    worst = 0.0
    for number, name in enumerate(sorted(p_values, key=lambda each: p_values[each])):
        worst = max(worst, min(1.0, p_values[name] * (len(p_values) - number)))
        adjusted[name] = worst
    return {name: adjusted[name] for name in p_values}


def shown(interval: Interval | None, p: float | None) -> bool:
    """Whether a difference is one beyond chance: by its interval, where it has one, and by its
    p-value, corrected."""
    return p is not None and p <= SIGNIFICANCE and not (interval is not None and interval.holds(0))


class Resampling:
    """Tasks drawn with replacement, one by one or with all others of their repository."""

    def __init__(self, drawn: Counts, members: NDArray[np.int64]) -> None:
        """`drawn`: how often each unit was drawn, a row a resample. `members`: each task's unit."""
        self._drawn = drawn
        self._members = members

    def means(self, values: Sequence[float], weights: Sequence[float] | None = None) -> Floats:
        """The mean of every resample, weighted if asked for."""
        weight = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
        means: Floats = self._sums(np.asarray(values) * weight) / self._sums(weight)
        return means

    def _sums(self, values: Floats) -> Floats:
        by_unit = np.bincount(self._members, values, self._drawn.shape[1])
        return _times(self._drawn, by_unit.astype(np.float64))

    def interval(self, statistics: Floats) -> Interval:
        """Of what was computed of every resample."""
        stats = need("scipy.stats", extra="eval")
        units = self._drawn.shape[1]
        t = stats.t.ppf(0.5 + CONFIDENCE / 2, units - 1)
        tail = stats.norm.cdf(-math.sqrt(units / (units - 1)) * t)
        low, high = np.quantile(statistics, [tail, 1 - tail])
        return Interval(float(low), float(high))


def _times(rows: Counts | Signs, values: Floats) -> Floats:
    parts = [rows[first : first + ROWS] @ values for first in range(0, len(rows), ROWS)]
    return np.concatenate(parts)


def _draw(random: np.random.Generator, units: int, size: int) -> Counts:
    rows = np.arange(size)[:, np.newaxis] * units
    places = random.integers(0, units, (size, units)) + rows
    return np.bincount(places.ravel(), minlength=size * units).reshape(size, -1).astype(np.uint8)


class Chance:
    """All that is left to lots, drawn from one seed. A figure does not hang on which others there
    are: so many units are always drawn alike."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._drawn: dict[int, Counts] = {}
        self._signs: dict[int, Signs] = {}

    def resampling(self, clusters: Sequence[str] | int) -> Resampling:
        """Of so many tasks, or of tasks with the repository of each."""
        if isinstance(clusters, int):
            units, members = clusters, np.arange(clusters)
        else:
            names = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
            units, members = len(names), np.array([names[each] for each in clusters])
        if units not in self._drawn:
            random = np.random.default_rng([self._seed, units])
            sizes = [min(ROWS, RESAMPLES - first) for first in range(0, RESAMPLES, ROWS)]
            self._drawn[units] = np.concatenate([_draw(random, units, size) for size in sizes])
        return Resampling(self._drawn[units], members.astype(np.int64))

    def mean_interval(
        self, values: Sequence[float], clusters: Sequence[str] | None = None
    ) -> Interval | None:
        """The interval of the mean of what was measured of each task. None where there are too few,
        or all are alike, as resampling then says nothing."""
        fewest = FEWEST if clusters is None else FEWEST_REPOSITORIES
        units = len(values) if clusters is None else len(set(clusters))
        if units < fewest or max(values) - min(values) == 0:
            return None
        resampling = self.resampling(len(values) if clusters is None else clusters)
        return resampling.interval(resampling.means(values))

    def gain_interval(
        self, gains: Sequence[float], clusters: Sequence[str] | None = None
    ) -> Interval | None:
        """Of the mean difference between yes and no with and without something. None as above, but
        where each pair stands for itself only where there are too few."""
        whole = all(each in (-1.0, 0.0, 1.0) for each in gains)
        if clusters is None and whole and len(gains) >= FEWEST:
            return paired(gains.count(1.0), gains.count(-1.0), len(gains))
        return self.mean_interval(gains, clusters)

    def sign_flips(self, differences: Sequence[float]) -> float:
        """The two-sided p-value of the mean of paired differences, were each as likely with the
        other sign (Fisher's randomisation test)."""
        given = np.asarray([each for each in differences if each != 0], dtype=np.float64)
        if given.size == 0:
            return 1.0
        seen = abs(float(given.sum())) * (1 - 1e-9)  # rounding must not make equal sums unequal
        hits = int(np.sum(np.abs(_times(self._flips(given.size), given)) >= seen))
        if given.size <= ALL_FLIPS:
            return float(hits / 2**given.size)
        return (1 + hits) / (RESAMPLES + 1)

    def _flips(self, size: int) -> Signs:
        if size not in self._signs:
            if size <= ALL_FLIPS:
                patterns = np.array(list(itertools.product((-1, 1), repeat=size)), dtype=np.int8)
            else:
                random = np.random.default_rng([self._seed, size, 1])
                patterns = random.integers(0, 2, (RESAMPLES, size), dtype=np.int8) * 2 - 1
            self._signs[size] = patterns
        return self._signs[size]


def mean_of(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def by_task(
    measured: Mapping[str, Sequence[float | None]],
    merge: Callable[[Sequence[float]], float | None] = mean_of,
) -> dict[str, float]:
    """The seeds of every task as one value; a task that has a seed without one is left out."""
    merged: dict[str, float] = {}
    for task, values in measured.items():
        known = [each for each in values if each is not None]
        value = merge(known) if len(known) == len(values) else None
        if value is not None:
            merged[task] = value
    return merged
