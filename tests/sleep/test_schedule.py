"""What is worth doing first."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pytest

from swe_sleep.notes.ledger import Run, Saved, Spent
from swe_sleep.records import Usage
from swe_sleep.sleep import schedule
from swe_sleep.sleep.schedule import PRODUCTS, Experience, Interest, Product, urgency
from swe_sleep.sleep.units import Level, Unit


def unit(product: Product, *, cost_s: float = 1.0, chance: float = 1.0, usd: float = 0.0) -> Unit:
    return product.unit("step@1", product.name, {}, cost_s=cost_s, chance=chance, usd=usd)


def first(units: Iterable[Unit]) -> str:
    return max(units, key=urgency).product


def test_what_somebody_waits_for_comes_before_what_nobody_does() -> None:
    order = [
        unit(schedule.TESTS_TOUCHED, cost_s=60),
        unit(schedule.LEADS, cost_s=0.01),
        unit(schedule.SUMMARY, cost_s=0.001),
        unit(schedule.HUNT, cost_s=0.001),
    ]

    assert [u.level for u in order] == sorted(Level)
    for sooner, later in itertools.pairwise(order):
        assert first([later, sooner]) == sooner.product


def test_a_broken_test_is_diagnosed_and_mended_before_anything_else_is_looked_at() -> None:
    after_the_tests = [
        unit(schedule.DIAGNOSIS, cost_s=0.3),
        unit(schedule.PATCH, cost_s=15),
        unit(schedule.LEADS, cost_s=0.1),
        unit(schedule.TESTS_PENDING, cost_s=10),
        unit(schedule.PROOF, cost_s=10, chance=schedule.CHANGED),
        unit(schedule.RISK, cost_s=2),
        unit(schedule.SUMMARY, cost_s=8, chance=schedule.CHANGED, usd=0.02),
        unit(schedule.ANTICIPATION, cost_s=60, chance=schedule.CHANGED, usd=0.2),
        unit(schedule.HUNT, cost_s=5, chance=schedule.RISKIEST),
    ]

    done = sorted(after_the_tests, key=urgency, reverse=True)

    assert [u.product for u in done] == [u.product for u in after_the_tests]


def test_value_per_cost_decides_among_equals_and_money_is_a_cost() -> None:
    cheap, dear = unit(schedule.SUMMARY, cost_s=2), unit(schedule.SUMMARY, cost_s=1, usd=0.05)
    assert urgency(cheap) > urgency(dear)
    likely = unit(schedule.SUMMARY, cost_s=2, chance=0.2)
    unlikely = unit(schedule.SUMMARY, cost_s=2, chance=0.1)
    assert urgency(likely) > urgency(unlikely)


def test_names_of_products_are_unique() -> None:
    products = [each for each in vars(schedule).values() if isinstance(each, Product)]
    assert len(PRODUCTS) == len(products)


# -- the chance that somebody asks -----------------------------------------------------------------


def test_changed_code_is_asked_about_most_then_the_branch_then_risk_then_any() -> None:
    risk = {"risky.py": 1.0, "both.py": 1.0, "less.py": 0.5}
    interest = Interest(["new.py"], lambda: ["branch.py", "both.py"], lambda: risk)
    order = ["new.py", "both.py", "branch.py", "risky.py", "less.py", "other.py"]

    chances = [interest.of(path) for path in order]

    assert chances == sorted(chances, reverse=True)
    assert len(set(chances)) == len(chances)
    assert interest.of("other.py", "new.py") == interest.of("new.py")
    assert interest.of() == schedule.ANY


def test_git_is_asked_about_the_branch_once_and_only_where_it_matters() -> None:
    asked: list[str] = []

    def branch() -> list[str]:
        asked.append("git")
        return []

    interest = Interest(["new.py"], branch)
    assert interest.of("new.py") == schedule.CHANGED
    assert asked == []
    interest.of("a.py", "b.py")
    interest.of("c.py")
    assert asked == ["git"]


def test_files_of_an_open_branch_are_more_likely_asked_about(shop: Any) -> None:
    shop.git("switch", "-q", "-c", "topic")
    shop.edit("shop/money.py", "VAT = 10", "VAT = 20")
    shop.commit()
    with shop.sleeper()._situation(shop.repository.snapshot(), shop.sleeper()._budget(None)) as w:
        assert w.interest.of("shop/money.py") > schedule.ON_BRANCH
        assert w.interest.of("shop/basket.py") == pytest.approx(schedule.ANY)


# -- experience ------------------------------------------------------------------------------------


def ran(product: Product, took_s: float, ended: Any = "done", guess_s: float = 1.0) -> Run:
    return Run("k", "step", product.name, ended, guess_s, took_s)


def test_costs_are_what_such_units_took_here() -> None:
    runs = [ran(schedule.HUNT, 40.0, guess_s=10.0)] * 9
    known = Experience(runs)

    assert known.adjusted(unit(schedule.HUNT, cost_s=20)).cost_s == 80
    assert known.adjusted(unit(schedule.SUMMARY, cost_s=20)).cost_s == 20


def test_one_slow_run_says_little_and_a_failed_one_nothing() -> None:
    assert Experience([ran(schedule.HUNT, 500.0)]).adjusted(unit(schedule.HUNT)).cost_s == 1
    failed = [ran(schedule.HUNT, 500.0, "failed")] * 20
    assert Experience(failed).adjusted(unit(schedule.HUNT)).cost_s == 1


def test_notes_that_were_never_used_are_worth_less_but_not_those_somebody_waits_for() -> None:
    unused = Experience(asked=30)
    used = Experience(asked=30, used={"step": 30})
    plain = unit(schedule.SUMMARY)

    assert unused.adjusted(plain).value < plain.value < used.adjusted(plain).value
    assert unused.adjusted(unit(schedule.PATCH)).value == unit(schedule.PATCH).value


def test_experience_is_kept_in_the_store(shop: Any) -> None:
    for _ in range(5):
        shop.store.record(run=ran(schedule.HUNT, 3.0))
    shop.store.record(
        spent=Spent(0.0, "solve", "an issue", "", Usage()),
        saved=[Saved(0.0, "solve", "step", "a note", Usage(wall_s=5))],
    )

    known = Experience.of(shop.store)

    assert known.adjusted(unit(schedule.HUNT)).cost_s == 3.0
    assert known.adjusted(unit(schedule.HUNT)).value > unit(schedule.HUNT).value


def test_the_engine_writes_down_what_units_took(shop: Any) -> None:
    shop.sleep()

    runs = {(run.step, run.product): run for run in shop.store.runs()}

    tests = runs["tests", schedule.TESTS_FAR.name]
    assert tests.ended == "done"
    assert tests.took_s > 0
    assert ("outline", schedule.OUTLINE.name) in runs
    planned = {run.key for run in runs.values()}
    assert planned <= shop.store.finished(planned).keys()
