"""Intervals and tests against calculations of other origin, and against what they promise."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest

from swe_sleep.evaluate.extras import need
from swe_sleep.evaluate.figures.statistics import (
    Chance,
    Interval,
    by_task,
    holm,
    mcnemar,
    mean_of,
    paired,
    shown,
    wilson,
)

stats: Any = need("scipy.stats", extra="eval")


@pytest.mark.parametrize(
    ("successes", "n"), [(0, 5), (5, 5), (9, 24), (14, 24), (1, 1), (333, 500)]
)
def test_wilson_is_scipys(successes: int, n: int) -> None:
    found = wilson(successes, n)
    known = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-12)


def test_wilson_of_nothing() -> None:
    assert wilson(0, 0) is None


@pytest.mark.parametrize(("better", "worse"), [(0, 0), (5, 0), (6, 0), (7, 2), (3, 9), (4, 4)])
def test_mcnemar_by_hand(better: int, worse: int) -> None:
    n, few = better + worse, min(better, worse)
    tail = sum(math.comb(n, k) for k in range(few + 1)) / 2**n
    assert mcnemar(better, worse) == pytest.approx(min(1.0, 2 * tail))


def test_the_interval_of_paired_shares_by_hand() -> None:
    """7 better and 2 worse of 24: with one of each added, 8/26 and 3/26."""
    middle, spread = 5 / 26, math.sqrt((11 / 26 - (5 / 26) ** 2) / 26)
    found = paired(7, 2, 24)
    assert (found.low, found.high) == pytest.approx(
        (middle - 1.959964 * spread, middle + 1.959964 * spread), abs=1e-6
    )
    assert paired(6, 0, 6).high == 1.0
    assert paired(0, 6, 6).low == -1.0


@pytest.mark.parametrize(
    ("worse", "better"), [(0.15, 0.3), (0.02, 0.06), (0.0, 0.1), (0.4, 0.4), (0.0, 0.0)]
)
@pytest.mark.parametrize("n", [6, 12, 24, 60])
def test_at_least_93_of_100_intervals_of_paired_shares_hold_the_truth(
    worse: float, better: float, n: int
) -> None:
    """Worked out over every number of pairs that may differ, not by lot."""
    same = 1 - worse - better
    held = sum(
        math.comb(n, b) * math.comb(n - b, c) * better**b * worse**c * same ** (n - b - c)
        for b in range(n + 1)
        for c in range(n + 1 - b)
        if paired(b, c, n).holds(better - worse)
    )
    assert held > 0.93


def test_few_that_differ_rule_little_out() -> None:
    """Resampled, the interval of 2 better and none worse would begin at 0."""
    gains = [1.0, 1.0, *[0.0] * 51]
    resampled, found = Chance(0).mean_interval(gains), Chance(0).gain_interval(gains)
    assert resampled is not None
    assert found is not None
    assert resampled.low == 0
    assert found.low < -0.03
    assert Chance(0).gain_interval([0.5, *gains]) == Chance(0).mean_interval([0.5, *gains])
    assert Chance(0).gain_interval([1.0] * 5) is None


def test_what_is_shown_is_so_by_interval_and_test() -> None:
    assert shown(Interval(0.1, 0.4), 0.04)
    assert shown(None, 0.04)
    assert not shown(Interval(0.0, 0.4), 0.04)
    assert not shown(Interval(0.1, 0.4), 0.06)
    assert not shown(None, None)


def test_holm_by_hand() -> None:
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})
    assert list(found) == ["a", "b", "c", "d"]
    assert holm({"a": 0.7, "b": 0.9}) == pytest.approx({"a": 1.0, "b": 1.0})
    assert holm({}) == {}


def test_sign_flips_try_every_pattern_of_few() -> None:
    given = [3.0, -1.0, 2.5, 0.0, 4.0, 1.5]
    changed = [each for each in given if each]
    sums = [
        abs(sum(map(math.prod, zip(s, changed, strict=True)))) for s in product((1, -1), repeat=5)
    ]
    known = sum(each >= abs(sum(changed)) - 1e-9 for each in sums) / 32
    assert Chance(0).sign_flips(given) == pytest.approx(known)
    assert Chance(0).sign_flips([0.0, 0.0]) == 1.0


def test_sign_flips_of_many_are_about_scipys() -> None:
    given = np.random.default_rng(1).normal(0.4, 1, 40)
    known = stats.permutation_test(
        (given,),
        np.mean,
        permutation_type="samples",
        n_resamples=20_000,
        rng=np.random.default_rng(2),
    )
    assert Chance(0).sign_flips(list(given)) == pytest.approx(known.pvalue, abs=0.01)


def test_the_interval_of_many_is_scipys_percentile_interval() -> None:
    given = np.random.default_rng(3).exponential(2, 400)
    found = Chance(0).mean_interval(list(given))
    known = stats.bootstrap(
        (given,), np.mean, method="percentile", rng=np.random.default_rng(4)
    ).confidence_interval
    assert found is not None
    assert found.low == pytest.approx(known.low, abs=0.02)
    assert found.high == pytest.approx(known.high, abs=0.02)


def test_the_interval_of_few_is_wider_than_the_plain_percentile_one() -> None:
    given = np.random.default_rng(5).normal(0, 1, 8)
    found = Chance(0).mean_interval(list(given))
    plain = stats.bootstrap(
        (given,), np.mean, method="percentile", rng=np.random.default_rng(6)
    ).confidence_interval
    t = stats.ttest_1samp(given, 0).confidence_interval()
    assert found is not None
    assert found.high - found.low > 1.15 * (plain.high - plain.low)
    assert found.high - found.low == pytest.approx(t.high - t.low, rel=0.1)


def test_about_95_of_100_resampled_intervals_hold_the_truth() -> None:
    """Of two dozen differences of costs that each have a long tail."""
    lots, chance = np.random.default_rng(7), Chance(0)
    truth = math.exp(1 + 0.18) - math.exp(0.8 + 0.18)
    held = []
    for _ in range(400):
        given = lots.lognormal(1, 0.6, 24) - lots.lognormal(0.8, 0.6, 24)
        interval = chance.mean_interval(list(given))
        assert interval is not None
        held.append(interval.holds(truth))
    assert 0.92 <= float(np.mean(held)) <= 0.98


def test_by_repository_the_interval_knows_that_tasks_of_one_are_alike() -> None:
    lots, chance = np.random.default_rng(8), Chance(0)
    repositories = [name for name in "abcdefgh" for _ in range(6)]
    alone, together = [], []
    for _ in range(120):
        common = dict(zip("abcdefgh", lots.normal(0, 1, 8), strict=True))
        given = [common[name] + lots.normal(0, 0.3) for name in repositories]
        tasks = chance.mean_interval(given)
        clusters = chance.mean_interval(given, repositories)
        assert tasks is not None
        assert clusters is not None
        alone.append(tasks.holds(0))
        together.append(clusters.holds(0))
    assert float(np.mean(alone)) < 0.75
    assert float(np.mean(together)) > 0.88


def test_what_resampling_says_nothing_of() -> None:
    chance = Chance(0)
    assert chance.mean_interval([1.0, 0.0, 1.0, 0.0, 1.0]) is None  # too few
    assert chance.mean_interval([1.0] * 24) is None  # all alike
    assert chance.mean_interval([0.0, 1.0] * 12, ["a", "b", "c", "d"] * 6) is None


def test_a_seed_gives_the_same_again_and_another_one_something_else() -> None:
    given = list(np.random.default_rng(9).normal(0, 1, 30))
    assert Chance(1).mean_interval(given) == Chance(1).mean_interval(given)
    assert Chance(1).mean_interval(given) != Chance(2).mean_interval(given)


def test_resamples_draw_each_unit_as_often_as_chance_would() -> None:
    means = Chance(0).resampling(40).means([float(n) for n in range(40)])
    assert len(means) == 9_999
    assert float(np.mean(means)) == pytest.approx(19.5, abs=0.1)
    spread = math.sqrt((40**2 - 1) / 12 / 40)  # of the mean of 40 even chances
    assert float(np.std(means)) == pytest.approx(spread, rel=0.03)


def test_weighted_means() -> None:
    resampling = Chance(0).resampling(2)
    means = resampling.means([1.0, 4.0], [3.0, 1.0])
    assert set(np.round(means, 6)) == {1.0, 1.75, 4.0}


def test_seeds_are_averaged_and_a_task_with_an_unknown_one_is_left_out() -> None:
    assert by_task({"a": [1.0, 0.0], "b": [None, 1.0], "c": [3.0]}) == {"a": 0.5, "c": 3.0}
    assert mean_of([]) is None


def test_an_interval_times_a_factor() -> None:
    assert Interval(-0.5, 1.0).times(24) == Interval(-12, 24)
