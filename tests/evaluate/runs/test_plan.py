from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from swe_sleep.evaluate.runs.conditions import Conditions
from swe_sleep.evaluate.runs.plan import Plan, plan
from swe_sleep.evaluate.runs.records import Arm
from swe_sleep.evaluate.tasks.task import Case, Suite

Suites = Callable[..., Suite]


def laid_out(
    suite: Suite, *arms: Arm, seeds: tuple[int, ...] = (0,), solver: str = "search"
) -> Plan:
    conditions = Conditions("agent" if solver == "agent" else "search")
    return plan(
        suite,
        arms=arms,
        budgets=["candidates=5", "candidates=50"],
        sleeps=["seconds=5", "seconds=50"],
        seeds=seeds,
        conditions=conditions,
        stores=Path("/nowhere"),
    )


def test_tasks_of_a_commit_share_its_sleep(make_suite: Suites) -> None:
    suite = make_suite("basket")
    made = laid_out(suite, Arm.ON, seeds=(0, 1))
    assert len(made.asked) == 2 * 2 * 2 * 2
    assert len(made.naps) == 2  # one a budget, for both tasks and both seeds
    assert len(laid_out(suite, Arm.ON, seeds=(0, 1), solver="agent").naps) == 4
    assert len({each.key for each in made.asked}) == len(made.asked)


def test_without_notes_nothing_sleeps(make_suite: Suites) -> None:
    made = laid_out(make_suite("basket"), Arm.OFF)
    assert not made.naps
    assert all(each.notes is None for each in made.asked)
    assert len(made.asked) == 2 * 2


def test_what_is_made_is_not_left_nor_what_it_alone_needed(make_suite: Suites) -> None:
    made = laid_out(make_suite("basket"), Arm.OFF, Arm.ON)
    off = {each.key for each in made.asked if each.trial.arm is Arm.OFF}
    left = made.without(off, ())
    assert len(left.asked) == len(made.asked) - len(off) and left.naps == made.naps
    first, second = made.naps
    of_first = {each.key for each in made.asked if each.slept == first.key}
    assert made.without(of_first, ()).naps == (second,)
    assert made.without((), {first.key}).naps == (second,)
    assert not made.without({each.key for each in made.asked}, ()).naps


def test_stale_notes_are_of_an_older_commit(make_suite: Suites) -> None:
    suite = make_suite("basket")
    made = laid_out(suite, Arm.STALE, Arm.BEHIND)
    base = suite.cases[0].task.base_commit
    assert made.naps and all(nap.commit != base for nap in made.naps)
    for each in made.asked:
        assert each.notes is not None
        assert each.notes.trusted == (each.trial.arm is Arm.STALE)


def with_(case: Case, **values: Any) -> Case:
    return replace(case, task=replace(case.task, **values))


def test_the_commit_that_a_task_names_as_older_has_to_be_that(
    make_suite: Suites, git: Callable[..., str]
) -> None:
    case, other = make_suite("basket").cases
    root, base = case.task.sources[0].parent, case.task.base_commit
    oldest = git(root, "rev-list", "--max-parents=0", "HEAD").strip()
    (root / "basket.py").write_text("")
    git(root, "commit", "-qam", "Mend")
    younger = git(root, "rev-parse", "HEAD").strip()
    assert {nap.commit for nap in laid_out(alone(with_(case, older=oldest)), Arm.STALE).naps} == {
        oldest
    }
    for older in (younger, base, "f" * 40):
        made = laid_out(Suite("two", (with_(case, older=older), other)), Arm.STALE)
        assert {each.case.id for each in made.asked} == {other.id}
        assert {each.reason for each in made.lost} == {
            f"{older[:10]} is not older than {base[:10]}, the base commit of {case.id}."
        }


def test_a_task_whose_commit_is_not_to_be_had_is_lost_and_no_other(make_suite: Suites) -> None:
    suite = make_suite("basket", "clock")
    bad = with_(suite.cases[2], base_commit="0" * 40)
    made = laid_out(Suite("x", (*suite.cases[:2], bad)), Arm.STALE)
    assert {each.what.split()[0] for each in made.lost} == {"clock-rest"}
    assert {each.case.id for each in made.asked} == {"basket-total", "basket-cheapest"}


def test_what_there_is_nothing_for_is_left_out(make_suite: Suites, git: Callable[..., str]) -> None:
    suite = make_suite("basket", "clock")
    case = suite.cases[2]
    oldest = git(case.task.sources[0].parent, "rev-list", "--max-parents=0", "HEAD").strip()
    first = with_(case, base_commit=oldest)
    made = laid_out(Suite("x", (*suite.cases[:2], first)), Arm.OFF, Arm.STALE)
    assert not made.lost and made.arms == {Arm.OFF, Arm.STALE}
    assert {(each.trial.task, each.trial.arm) for each in made.left_out if each.trial} == {
        (case.id, Arm.STALE)
    }
    single = laid_out(alone(first), Arm.OFF, Arm.STALE, Arm.SHUFFLED)
    assert not single.lost and single.arms == {Arm.OFF}
    assert len({each.reason for each in single.left_out}) == 2


def alone(case: Case) -> Suite:
    return Suite("one", (case,))


def test_the_placebo_is_of_another_repository(make_suite: Suites) -> None:
    suite = make_suite("basket", "clock")
    for seed in range(5):
        for each in laid_out(suite, Arm.SHUFFLED, seeds=(seed,)).asked:
            assert each.notes is not None
            assert each.notes.commit != each.case.task.base_commit
            assert each.notes.trusted and not each.notes.text


def test_alone_the_placebo_is_of_another_issue(make_suite: Suites) -> None:
    suite = make_suite("basket")
    texts = {case.id: case.task.text for case in suite.cases}
    for each in laid_out(suite, Arm.SHUFFLED).asked:
        assert each.notes is not None
        assert each.notes.text in texts.values()
        assert each.notes.text != texts[each.case.id]


def test_alone_the_placebo_is_of_no_younger_commit(
    make_suite: Suites, git: Callable[..., str]
) -> None:
    """What another issue was reported against may have this one mended."""
    older, younger = make_suite("basket").cases
    root = older.task.sources[0].parent
    git(root, "commit", "-qam", "Mend", "--allow-empty")
    younger = with_(younger, base_commit=git(root, "rev-parse", "HEAD").strip())
    for each in laid_out(Suite("two", (older, younger)), Arm.SHUFFLED).asked:
        assert each.notes is not None
        assert each.notes.commit == each.case.task.base_commit


def test_a_task_whose_repository_is_not_here_is_lost(make_suite: Suites) -> None:
    first, *rest = make_suite("basket", "clock").cases
    away = replace(first, task=replace(first.task, sources=()))
    made = laid_out(Suite("x", (away, *rest)), Arm.OFF, Arm.SHUFFLED)
    assert {each.what.split()[0] for each in made.lost} == {"basket-total"}
    assert {each.case.id for each in made.asked} == {"basket-cheapest", "clock-rest"}
