"""Gain by how well sleep had foreseen the issue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.evaluate.extras import need
from swe_sleep.evaluate.figures.figures import Figures, report
from swe_sleep.evaluate.figures.loaded import read_run
from swe_sleep.evaluate.figures.predictability import groups
from swe_sleep.evaluate.runs.records import Arm, Trial

stats: Any = need("scipy.stats", extra="eval")
Make = Callable[..., Figures]
NAMES = [f"task-{number:02}" for number in range(20)]


def sizes(ranks: list[int | None]) -> list[int]:
    return [len(each) for each in groups({f"{n:03}": rank for n, rank in enumerate(ranks)})]


def test_ranks_that_all_differ_make_fifths() -> None:
    assert sizes(list(range(1, 26))) == [5] * 5


def test_equal_ranks_stay_together() -> None:
    found = groups({f"t{n:02}": rank for n, rank in enumerate([1] * 12 + [2, 3, 4, 5, 6, 7, 8, 9])})
    assert sum(map(len, found)) == 20
    assert [f"t{n:02}" for n in range(12)] in found


@pytest.mark.parametrize(("missed", "foreseen"), [(4, 16), (8, 12), (19, 1), (1, 24)])
def test_what_was_not_foreseen_is_a_group_of_its_own_and_the_last(
    missed: int, foreseen: int
) -> None:
    ranks = {f"t{n:02}": n + 1 for n in range(foreseen)}
    found = groups(ranks | {f"u{n:02}": None for n in range(missed)})
    assert found[-1] == [f"u{n:02}" for n in range(missed)]
    parts = max(1, min(4, 5 - round(5 * missed / (missed + foreseen))))
    assert len(found) == 1 + min(parts, foreseen)


def test_all_or_none_foreseen() -> None:
    assert sizes([None] * 7) == [7]
    assert sizes([1]) == [1]
    assert groups({}) == []


def test_the_gain_of_each_group_and_the_trend(figures: Make) -> None:
    foreseen = {name: n + 1 for n, name in enumerate(NAMES[:12])}
    tasks = {name: {Arm.OFF: [False], Arm.ON: [n < 7]} for n, name in enumerate(NAMES)}
    seconds = {(name, Arm.ON): 5.0 for name in NAMES[:4]}
    (found,) = figures(tasks, foreseen=foreseen, seconds=seconds).predictability
    assert (found.by_function, found.expected, found.foreseen, found.tasks) == (False, 12, 12, 20)
    assert [each.name for each in found.fifths] == [
        "ranks 1 to 4",
        "ranks 5 to 8",
        "ranks 9 to 12",
        "not expected",
    ]
    assert [each.gain for each in found.fifths] == [1.0, 0.75, 0.0, 0.0]
    assert [(each.on, each.off) for each in found.fifths][1] == (0.75, 0.0)
    assert str(found.fifths[1].off) == "0.0"
    assert found.fifths[0].cost_on == 5.0
    assert found.fifths[0].cost_off == 10.0
    places = [-float(foreseen.get(name, 99)) for name in NAMES]
    known = stats.kendalltau(places, [n < 7 for n in range(20)])
    assert found.trend == pytest.approx(known.statistic)
    assert found.trend_p == pytest.approx(known.pvalue)


def test_functions_that_sleep_had_ranked_go_before_what_it_anticipated(figures: Make) -> None:
    expected = {name: n + 1 for n, name in enumerate(NAMES[:15])}
    tasks = {name: {Arm.OFF: [False], Arm.ON: [n < 4]} for n, name in enumerate(NAMES)}
    (found,) = figures(tasks, foreseen={NAMES[9]: 1}, expected=expected).predictability
    assert (found.by_function, found.expected, found.foreseen) == (True, 15, 1)
    assert [each.name for each in found.fifths] == [
        "ranks 1 to 4",
        "ranks 5 to 7",
        "ranks 8 to 11",
        "ranks 12 to 15",
        "not expected",
    ]
    assert [each.gain for each in found.fifths] == [1.0, 0.0, 0.0, 0.0, 0.0]


def test_several_seeds_take_the_middle_rank(figures: Make) -> None:
    tasks = {name: {Arm.OFF: [False, True], Arm.ON: [True, True]} for name in NAMES}
    (found,) = figures(tasks, foreseen=dict.fromkeys(NAMES, 3)).predictability
    (only,) = found.fifths
    assert (only.name, only.gain, only.off) == ("rank 3", 0.5, 0.5)
    assert found.trend is None


def test_without_the_arm_off_there_is_no_gain(figures: Make) -> None:
    assert figures({name: {Arm.ON: [True]} for name in NAMES}).predictability == ()


def test_where_sleep_said_nothing_of_what_it_expected_that_is_said(
    tmp_path: Path, made_runs: Any
) -> None:
    results = [made_runs.result(Trial(name, Arm.OFF, "b", "", 0)) for name in NAMES]
    results += [made_runs.result(Trial(name, Arm.ON, "b", "s", 0)) for name in NAMES]
    what = made_runs.manifest(tasks=NAMES, budgets=["b"], sleeps=["s"])
    (figures,) = report([read_run(made_runs.write(tmp_path / "run", what, results))]).groups
    assert figures.predictability == ()
    assert any("eval texts --foresee N" in remark for remark in figures.remarks)
