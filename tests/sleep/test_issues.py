"""From failing tests to issues with a tested patch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.records import Place, State
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.passes.diagnose import DiagnosePass
from swe_sleep.sleep.passes.graph import GraphPass
from swe_sleep.sleep.passes.history import HistoryPass
from swe_sleep.sleep.passes.impact import ImpactPass
from swe_sleep.sleep.passes.outline import OutlinePass
from swe_sleep.sleep.passes.speculate import SpeculatePass
from swe_sleep.sleep.passes.tests import TestsPass
from swe_sleep.sleep.situation import Situation

DIAGNOSING = [
    OutlinePass(), GraphPass(), HistoryPass(), ImpactPass(), TestsPass(), DiagnosePass(),
]  # fmt: skip
ALL = [*DIAGNOSING, SpeculatePass()]
TOTAL = "tests/test_basket.py::test_total"
VAT = "tests/test_money.py::test_vat"
EUROS = "tests/test_money.py::test_euros"
FULL = "tests/test_basket.py::test_full_at_three"


def test_tests_that_one_edit_broke_make_one_issue(shop: Any) -> None:
    shop.sleep(DIAGNOSING)
    shop.edit("shop/money.py", "VAT // 100", "VAT // 10")

    shop.sleep(DIAGNOSING)

    issue = shop.issue()
    assert issue.state is State.REPRODUCED
    assert set(issue.tests) == {TOTAL, VAT}
    assert issue.tests[0] == VAT  # shows it with the least around it
    assert issue.title.startswith("vat: assert 200 == 110") or "200 == 110" in issue.title
    assert issue.cause == (Place("shop/money.py", 7),)
    assert issue.suspicions[0].place.path == "shop/money.py"
    assert issue.suspicions[0].place.line == 7
    (seen,) = shop.issues()
    assert "and 1 more tests fail since the change at shop/money.py:7" in seen.note.body


def test_two_edits_make_two_issues(shop: Any) -> None:
    shop.sleep(DIAGNOSING)
    shop.edit("shop/basket.py", ">= LIMIT", "> LIMIT")
    shop.edit("shop/money.py", "{cents // 100}.", "{cents // 100},")

    shop.sleep(DIAGNOSING)

    assert {each.issue.tests for each in shop.issues()} == {(FULL,), (EUROS,)}


def test_what_never_passed_is_said_so(shop: Any) -> None:
    shop.write("tests/test_new.py", "def test_new():\n    assert 1 == 2\n")
    shop.commit()

    shop.sleep(DIAGNOSING)

    (seen,) = shop.issues()
    assert "never seen to pass" in seen.note.body
    assert seen.issue.cause == ()


def test_cause_holds_every_edit_since_it_passed(shop: Any) -> None:
    shop.sleep(DIAGNOSING)
    shop.edit("shop/money.py", "VAT // 100", "VAT // 10")
    shop.sleep(DIAGNOSING)
    shop.edit("shop/basket.py", "return sum(", "return 0 + sum(")

    shop.sleep(DIAGNOSING)

    causes = {place for each in shop.issues() for place in each.issue.cause}
    assert causes == {Place("shop/money.py", 7), Place("shop/basket.py", 7)}


def test_file_that_cannot_be_read_is_an_issue(shop: Any) -> None:
    shop.sleep(DIAGNOSING)
    shop.edit("tests/test_money.py", "def test_vat()", "def test_vat(")

    shop.sleep(DIAGNOSING)

    issue = shop.issue()
    assert issue.tests == ("tests/test_money.py",)
    assert issue.title.startswith("tests/test_money.py: SyntaxError")


def test_mended_issue_is_gone_and_a_recurrence_is_known_at_once(shop: Any) -> None:
    shop.sleep(DIAGNOSING)
    shop.edit("shop/basket.py", ">= LIMIT", "> LIMIT")
    shop.sleep(DIAGNOSING)
    assert shop.issue().tests == (FULL,)

    shop.edit("shop/basket.py", "> LIMIT", ">= LIMIT")
    assert not shop.issues()  # before anything looked again
    shop.sleep(DIAGNOSING)
    assert not shop.issues()

    shop.edit("shop/basket.py", ">= LIMIT", "> LIMIT")
    assert shop.issue().tests == (FULL,)
    assert set(shop.sleep(DIAGNOSING).units) <= {"impact"}


def test_issue_grows_into_one_as_more_of_its_tests_fail(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.sleep(DIAGNOSING)
    for name in ("order.SLICE_S", "tests.FIRST_SLICE_S"):  # a test a unit
        monkeypatch.setattr(f"swe_sleep.sleep.passes.{name}", 0.0)
    shop.edit("shop/money.py", "VAT // 100", "VAT // 10")

    report = shop.sleep(DIAGNOSING)

    assert report.units["tests"] > 1
    assert set(shop.issue().tests) == {TOTAL, VAT}


# -- candidate patches --------------------------------------------------------------------------


def test_patch_is_prepared_with_its_proof_and_only_once(shop: Any) -> None:
    shop.sleep(ALL)
    shop.edit("shop/basket.py", ">= LIMIT", "> LIMIT")

    shop.sleep(ALL)

    issue = shop.issue()
    assert issue.state is State.PATCHED
    assert issue.proof is not None and issue.proof.holds
    assert issue.proof.before.bad == issue.proof.after.passed == {FULL}
    assert issue.proof.suite is not None and len(issue.proof.suite.passed) == 5
    assert any("+    return len(prices) >= LIMIT" in patch.diff for patch in issue.patches)
    assert shop.read("shop/basket.py").endswith("> LIMIT\n")  # nothing is applied
    assert shop.sleep(ALL).units == {}


def test_search_that_finds_nothing_is_said_and_not_repeated(
    make_project: Callable[..., Any],
) -> None:
    project = make_project({"test_odd.py": "def test_odd():\n    assert False, 'no way'\n"})

    project.sleep(ALL)

    (seen,) = project.issues()
    assert seen.issue.state is State.REPRODUCED
    assert "Tried at sleep time: no plausible patches" in seen.note.body
    assert project.sleep(ALL).units == {}


class Interrupted(SpeculatePass):
    """Something comes in between when the search begins."""

    def __init__(self, happens: Callable[[Situation], None]) -> None:
        self._happens = happens

    def run(self, unit: Unit, work: Situation) -> Made:
        self._happens(work)
        return super().run(unit, work)


def stopped(work: Situation) -> None:
    work.budget.stop.set()


def out_of_time(work: Situation) -> None:
    work.budget.seconds = 0


@pytest.mark.parametrize("happens", [stopped, out_of_time])
def test_search_that_was_interrupted_is_made_again(
    shop: Any, happens: Callable[[Situation], None]
) -> None:
    shop.sleep(ALL)
    shop.edit("shop/basket.py", ">= LIMIT", "> LIMIT")

    report = shop.sleep([*DIAGNOSING, Interrupted(happens)])

    assert report.left_by_pass["speculate"] == 1
    assert shop.issue().state is State.REPRODUCED
    assert shop.sleep(ALL).units["speculate"] == 1
    assert shop.issue().state is State.PATCHED
