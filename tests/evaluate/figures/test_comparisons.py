"""Arms against each other, task by task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.evaluate.figures.comparisons import Comparison, Difference, Verdict
from swe_sleep.evaluate.figures.figures import Figures, report
from swe_sleep.evaluate.figures.loaded import read_run
from swe_sleep.evaluate.figures.statistics import holm, mcnemar
from swe_sleep.evaluate.runs.records import Arm

Make = Callable[..., Figures]
NAMES = [f"task-{number}" for number in range(24)]


def between(figures: Figures, arm: Arm, against: Arm = Arm.OFF) -> Comparison:
    (found,) = [
        each for each in figures.comparisons if (each.arm.arm, each.against.arm) == (arm, against)
    ]
    return found


def of(figures: Figures, measure: str, arm: Arm = Arm.ON, against: Arm = Arm.OFF) -> Difference:
    found = between(figures, arm, against).of(measure)
    assert found is not None
    return found


def test_resolved_with_the_discordant_pairs_counted(figures: Make) -> None:
    tasks = {
        name: {Arm.OFF: [n < 9], Arm.ON: [2 <= n < 16]} for n, name in enumerate(NAMES)
    }  # both 7, only off 2, only on 7
    found = of(figures(tasks), "resolved")
    assert (found.pairs, found.left_out, found.higher, found.lower) == (24, 0, 7, 2)
    assert found.difference == pytest.approx(5 / 24)
    assert found.p == pytest.approx(mcnemar(7, 2))
    assert found.p_holm == found.p
    assert found.interval is not None
    assert found.interval.low < 5 / 24 < found.interval.high
    assert found.test == "exact McNemar"
    assert found.verdict is Verdict.NOT_SHOWN
    assert found.by_repository is None


def test_a_difference_that_is_shown(figures: Make) -> None:
    tasks = {name: {Arm.OFF: [n < 3], Arm.ON: [n < 15]} for n, name in enumerate(NAMES)}
    found = of(figures(tasks), "resolved")
    assert (found.higher, found.lower) == (12, 0)
    assert found.verdict is Verdict.MORE
    assert not found.one_repository_only


def test_nothing_is_claimed_where_every_pair_is_alike(figures: Make) -> None:
    same = figures({n: {Arm.OFF: [True], Arm.ON: [True]} for n in NAMES})
    resolved, seconds = of(same, "resolved"), of(same, "seconds")
    assert (resolved.difference, resolved.p) == (0, 1.0)
    assert resolved.interval is not None  # two dozen pairs rule out much, not all
    assert resolved.interval.low == -resolved.interval.high < -0.05
    assert resolved.verdict is Verdict.NOT_SHOWN
    assert (seconds.difference, seconds.interval, seconds.p) == (0, None, 1.0)


def test_all_pairs_that_differ_the_same_way_are_judged_by_the_test(figures: Make) -> None:
    found = of(figures({n: {Arm.OFF: [False], Arm.ON: [True]} for n in NAMES}), "resolved")
    assert found.interval is not None
    assert found.interval.low > 0.7
    assert found.verdict is Verdict.MORE


def test_too_few_pairs_are_said_to_be(figures: Make) -> None:
    found = of(figures({n: {Arm.OFF: [False], Arm.ON: [True]} for n in NAMES[:5]}), "resolved")
    assert (found.verdict, found.p, found.interval) == (Verdict.TOO_FEW, None, None)


def test_a_lost_trial_leaves_its_pair_out_and_counts_as_unresolved_beside(figures: Make) -> None:
    tasks: dict[str, dict[Arm, list[bool | None]]] = {
        name: {Arm.OFF: [n < 9], Arm.ON: [n < 16]} for n, name in enumerate(NAMES)
    }
    tasks["task-0"][Arm.ON] = [None]
    tasks["task-20"][Arm.OFF] = [None]
    found = figures(tasks)
    plain, with_lost = of(found, "resolved"), of(found, "resolved-with-lost")
    assert (plain.pairs, plain.left_out, plain.higher, plain.lower) == (22, 2, 7, 0)
    assert (with_lost.pairs, with_lost.left_out) == (24, 0)
    assert (with_lost.higher, with_lost.lower) == (7, 1)
    assert of(found, "seconds").pairs == 22
    on = next(cell for cell in found.cells if cell.key.arm is Arm.ON)
    assert (on.trials, on.lost, on.not_run) == (23, 1, 0)
    assert (on.rate.resolved, on.rate_with_lost.resolved) == (15, 15)
    assert (on.rate.tasks, on.rate_with_lost.tasks) == (23, 24)


def test_seeds_are_averaged_before_tasks_are_compared(figures: Make) -> None:
    tasks = {n: {Arm.OFF: [False, False, True], Arm.ON: [True, False, True]} for n in NAMES[:6]}
    tasks |= {n: {Arm.OFF: [True, True, False], Arm.ON: [True, True, False]} for n in NAMES[6:]}
    found = of(figures(tasks), "resolved")
    assert found.pairs == 24
    assert (found.higher, found.lower) == (6, 0)
    assert found.difference == pytest.approx(6 / 24 / 3)
    assert found.test == "exact sign test over the tasks"


def test_only_seeds_that_both_have_are_paired(figures: Make) -> None:
    tasks: dict[str, dict[Arm, list[bool | None]]] = {
        n: {Arm.OFF: [False, False], Arm.ON: [False, True]} for n in NAMES
    }
    for name in NAMES[:12]:
        tasks[name][Arm.OFF][1] = None
    found = of(figures(tasks), "resolved")
    assert (found.pairs, found.higher) == (24, 12)


def test_holm_is_over_the_arms_that_are_compared_with_the_same_one(figures: Make) -> None:
    arms = {Arm.ON: 12, Arm.STALE: 10, Arm.SHUFFLED: 3}
    tasks = {
        name: {Arm.OFF: [n < 3]} | {arm: [n < most] for arm, most in arms.items()}
        for n, name in enumerate(NAMES)
    }
    found = figures(tasks)
    on, stale, shuffled = (of(found, "resolved", arm) for arm in arms)
    assert on.p == pytest.approx(2 / 2**9)
    assert on.p_holm == pytest.approx(3 * 2 / 2**9)
    assert stale.p_holm == pytest.approx(2 * 2 / 2**7)
    assert shuffled.p_holm == 1.0
    placebo = of(found, "resolved", Arm.ON, Arm.SHUFFLED)
    assert placebo.p_holm == pytest.approx(2 * 2 / 2**9)  # of two: stale and shuffled


def test_holm_is_over_all_budgets(tmp_path: Path, made_runs: Any) -> None:
    budgets = [f"candidates={n}" for n in (50, 100, 200)]
    folder = made_runs.draw(tmp_path / "run", arms=[Arm.OFF, Arm.ON], budgets=budgets)
    (found,) = report([read_run(folder)]).groups
    resolved = [of_ for each in found.comparisons if (of_ := each.of("resolved")) is not None]
    by_holm = holm({str(n): each.p or 0.0 for n, each in enumerate(resolved)})
    assert len(resolved) == 3
    assert [each.p_holm for each in resolved] == list(by_holm.values())
    assert max(by_holm.values()) > min(each.p or 0.0 for each in resolved)


def test_the_interval_by_repository_needs_five_of_them(figures: Make) -> None:
    tasks = {name: {Arm.OFF: [n % 4 == 0], Arm.ON: [n % 3 > 0]} for n, name in enumerate(NAMES)}
    few = figures(tasks, repos={name: f"r{n % 4}" for n, name in enumerate(NAMES)})
    assert of(few, "resolved").by_repository is None


def test_and_is_given_from_there_on(figures: Make) -> None:
    tasks = {name: {Arm.OFF: [n % 4 == 0], Arm.ON: [n % 3 > 0]} for n, name in enumerate(NAMES)}
    many = figures(tasks, repos={name: f"r{n % 6}" for n, name in enumerate(NAMES)})
    assert of(many, "resolved").repositories == 6
    assert of(many, "resolved").by_repository is not None


def test_a_difference_of_one_repository_alone_is_marked(figures: Make) -> None:
    tasks = {name: {Arm.OFF: [False], Arm.ON: [n < 9]} for n, name in enumerate(NAMES)}
    repos = {name: "big" if n < 9 else f"r{n % 5}" for n, name in enumerate(NAMES)}
    found = of(figures(tasks, repos=repos), "resolved")
    assert found.verdict is Verdict.MORE
    assert found.one_repository_only


def test_costs_share_the_sleep(figures: Make) -> None:
    tasks = {name: {Arm.OFF: [True], Arm.ON: [True]} for name in NAMES}
    seconds = {(n, Arm.OFF): 20.0 + i for i, n in enumerate(NAMES)}
    found = figures(tasks, seconds=seconds)  # 60 seconds of sleep by 24 issues: 2.5 each
    assert of(found, "seconds").difference == pytest.approx(10 - 31.5)
    assert of(found, "cost-1").difference == pytest.approx(10 + 2.5 - 31.5)
    assert of(found, "cost-10").difference == pytest.approx(100 + 2.5 - 315)
    assert of(found, "cost-1").verdict is Verdict.LESS


def test_what_has_no_price_is_left_out_of_the_costs_and_counted(figures: Make) -> None:
    tasks = {name: {Arm.OFF: [True], Arm.ON: [True]} for name in NAMES}
    from swe_sleep.evaluate.figures.units import Unit

    found = figures(tasks, model="claude", unpriced=NAMES[:2], unit=Unit.USD)
    dollars = of(found, "usd")
    assert (dollars.pairs, dollars.left_out) == (22, 2)
    assert any("no price is known" in remark for remark in found.remarks)
    on = next(cell for cell in found.cells if cell.key.arm is Arm.ON)
    cost = on.cost(Unit.USD)
    assert cost is not None
    assert cost.unknown == 2
