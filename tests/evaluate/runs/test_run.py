from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.evaluate.executors.local import LocalExecutor
from swe_sleep.evaluate.runs.conditions import Conditions
from swe_sleep.evaluate.runs.folder import RunFolder
from swe_sleep.evaluate.runs.plan import Plan, plan
from swe_sleep.evaluate.runs.records import Arm, Result
from swe_sleep.evaluate.runs.run import Summary, Told, run
from swe_sleep.evaluate.tasks.task import Suite

LOCAL = Conditions("search", {"sandbox.backend": "local", "sleep.hunt": False})
SHORT = "seconds=20,follow=1"


def planned(suite: Suite, folder: RunFolder, *arms: Arm, conditions: Conditions = LOCAL) -> Plan:
    return plan(
        suite,
        arms=arms or list(Arm),
        budgets=["seconds=90"],
        sleeps=[SHORT],
        seeds=[0],
        conditions=conditions,
        stores=folder.stores,
    )


def by_trial(summary: Summary) -> dict[tuple[str, Arm], Result]:
    return {(each.trial.task, each.trial.arm): each for each in summary.results.values()}


@pytest.mark.slow
def test_all_arms_of_two_repositories(make_suite: Callable[..., Suite], tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    told: list[Told] = []
    suite = make_suite("basket", "clock")
    with folder.lock():
        summary = run(planned(suite, folder), folder, LocalExecutor(2), tell=told.append)
    assert summary.whole, summary.lost
    found = by_trial(summary)
    assert len(found) == 3 * len(Arm)
    for arm in Arm:
        for task in ("basket-total", "clock-rest"):
            each = found[task, arm]
            assert each.resolved, (each, (folder.path / each.folder / "log.txt").read_text())
            assert (folder.path / each.folder / "patch.diff").read_text().startswith("diff ")
            assert each.hit_functions == each.gold_functions == 1
    assert found["basket-total", Arm.OFF].shown == 0
    assert found["basket-total", Arm.ON].first_right == 1
    assert found["basket-total", Arm.ON].slept in summary.sleeps
    assert found["basket-total", Arm.STALE].slept == found["basket-total", Arm.BEHIND].slept
    assert found["basket-total", Arm.SHUFFLED].slept == found["clock-rest", Arm.ON].slept
    assert told[-1].done == told[-1].total

    again = run(planned(suite, folder), folder, LocalExecutor(2))
    assert again.made == 0 and again.results == summary.results
