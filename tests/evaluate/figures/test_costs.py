"""What an issue costs, and from when on sleep pays."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.figures.costs import Cost
from swe_sleep.evaluate.figures.figures import Figures
from swe_sleep.evaluate.figures.units import Unit
from swe_sleep.evaluate.runs.records import Arm

Make = Callable[..., Figures]
NAMES = [f"task-{number}" for number in range(12)]
RIGHT = {name: {Arm.OFF: [True], Arm.ON: [True]} for name in NAMES}


def cost(figures: Figures, arm: Arm = Arm.ON, unit: Unit = Unit.SECONDS) -> Cost:
    (cell,) = [each for each in figures.cells if each.key.arm is arm]
    found = cell.cost(unit)
    assert found is not None
    return found


def test_every_issue_bears_its_part_of_the_sleep(figures: Make) -> None:
    repos = {name: "small" if n < 4 else "big" for n, name in enumerate(NAMES)}
    found = figures(RIGHT, repos=repos, slept_s=80.0)
    on, off = cost(found), cost(found, Arm.OFF)
    assert (on.sleeps, on.sleep_total, on.sleep_each, on.shared_by) == (2, 160, 80, 6)
    assert on.test == 10
    # Four issues bear 20 each, eight bear 10 each.
    assert on.per_issue[1] == pytest.approx(10 + (4 * 20 + 8 * 10) / 12)
    assert on.per_issue[10] == pytest.approx(100 + 160 / 12)
    assert on.curve[1][1] == 90
    assert on.curve[10][20] == 104
    assert (off.sleeps, off.sleep_total, off.per_issue[1], off.curve[1][50]) == (0, 0, 10, 10)
    assert off.break_even == ()


def test_a_sleep_that_seeds_share_is_borne_by_its_issues(figures: Make) -> None:
    found = figures({name: {Arm.ON: [True, True, False]} for name in NAMES})
    assert cost(found).shared_by == 12
    assert cost(found).per_issue[1] == pytest.approx(10 + 60 / 12)


def test_break_even_is_where_the_costs_are_equal(figures: Make) -> None:
    seconds = {(name, Arm.OFF): 14.0 + n % 3 for n, name in enumerate(NAMES)}
    found = figures(RIGHT, seconds=seconds)
    one, ten = cost(found).break_even
    assert one.saved == pytest.approx(5)
    assert one.n == pytest.approx(12)
    assert ten.n == pytest.approx(1.2)
    assert one.interval is not None
    assert ten.interval is not None
    assert 10 < one.interval.low < 12 < one.interval.high < 15
    assert ten.interval.low == pytest.approx(one.interval.low / 10)
    on, off = cost(found), cost(found, Arm.OFF)
    assert on.test is not None
    assert one.n is not None
    assert on.sleep_each is not None
    assert on.test + on.sleep_each / one.n == pytest.approx(off.test)


def test_where_nothing_is_saved_there_is_none(figures: Make) -> None:
    seconds = {(name, Arm.OFF): 8.0 + n % 2 for n, name in enumerate(NAMES)}
    one, _ = cost(figures(RIGHT, seconds=seconds)).break_even
    assert one.n is None
    assert one.saved == pytest.approx(-1.5)
    assert one.interval is not None
    assert (one.interval.low, one.interval.high) == (inf, inf)


def test_where_saving_cannot_be_told_from_losing_the_interval_has_no_end(figures: Make) -> None:
    seconds = {(name, Arm.OFF): 10.0 + (3 if n % 2 else -2) for n, name in enumerate(NAMES)}
    one, _ = cost(figures(RIGHT, seconds=seconds)).break_even
    assert one.n == pytest.approx(120)
    assert one.interval is not None
    assert one.interval.low < 120
    assert one.interval.high == inf


def test_where_most_sleeps_took_nothing_there_is_no_interval(figures: Make) -> None:
    """In some resamples no sleep took anything, and nothing can be divided by that."""
    names = NAMES[:6]
    seconds = {(name, Arm.OFF): 14.0 + n % 3 for n, name in enumerate(names)}
    took = dict.fromkeys(names, 0.0) | {names[0]: 60.0}
    right = {name: RIGHT[name] for name in names}
    repos = dict(zip(names, names, strict=True))
    found = figures(right, seconds=seconds, repos=repos, slept_s=took)
    one, _ = cost(found).break_even
    assert one.n == pytest.approx(10 / 5)
    assert one.interval is None


def test_compute_is_counted_by_name_where_no_model_was_asked(figures: Make) -> None:
    found = figures(RIGHT)
    assert found.units == (Unit.SECONDS, Unit.TEST_RUNS, Unit.CANDIDATES)
    assert cost(found, unit=Unit.TEST_RUNS).per_issue[1] == 5 + 30 / 12
    assert cost(found, unit=Unit.CANDIDATES).per_issue[10] == pytest.approx(200 + 100 / 12)


def test_and_in_dollars_where_one_was(figures: Make) -> None:
    found = figures(RIGHT, model="claude")
    assert found.unit is Unit.USD
    assert cost(found, unit=Unit.USD).test == pytest.approx(0.1)
    assert Unit.TOKENS in found.units


def test_tokens_are_counted_where_a_price_is_missing(figures: Make) -> None:
    found = figures(RIGHT, model="claude", unpriced=NAMES[:1])
    assert found.unit is Unit.TOKENS


def test_a_unit_that_is_asked_for_comes_first(figures: Make) -> None:
    assert figures(RIGHT, unit=Unit.CANDIDATES).units[0] is Unit.CANDIDATES


def test_a_unit_that_says_nothing(figures: Make) -> None:
    with pytest.raises(UsageError, match="has nothing in tokens"):
        figures(RIGHT, unit=Unit.TOKENS)
