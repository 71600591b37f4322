"""An issue that sleep foresaw and showed by a test of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import (
    AnticipatedIssue,
    Issue,
    Note,
    Patch,
    Place,
    State,
    Suspicion,
    WrittenTest,
)
from swe_sleep.repo.diff import diff
from swe_sleep.solve.foreseen import foreseen
from swe_sleep.solve.knowledge import Nothing
from swe_sleep.solve.solve import Limits, Solve, Solved

SHOP = {
    "shop.py": "def postage(cents):\n    return 0 if cents > 5000 else 490\n",
    "tests/test_shop.py": (
        "from shop import postage\n\n\ndef test_charged():\n    assert postage(4999) == 490\n"
    ),
}
TEST = "tests/test_foreseen.py::test_postage_is_free_from_fifty"
SOURCE = (
    "from shop import postage\n\n\n"
    "def test_postage_is_free_from_fifty():\n    assert postage(5000) == 0\n"
)
ASKED = Issue("Postage is charged for a basket of exactly fifty\n\npostage gives 490 there.")
OTHER = Issue("Refunds are paid twice when a customer cancels by telephone")


def known(*patches: Patch, source: str = SOURCE) -> list[SeenIssue]:
    issue = AnticipatedIssue(
        title="postage of exactly fifty is charged",
        state=State.PATCHED if patches else State.REPRODUCED,
        symptom="assert 490 == 0",
        tests=(TEST,),
        suspicions=(Suspicion(Place("shop.py", 2), 1.0, "changed"),),
        patches=patches,
        lead="behaviour",
        written=WrittenTest("tests/test_foreseen.py", source, (TEST,)),
    )
    return [
        SeenIssue(Note("issue", "shop.py::postage (behaviour)", "", "prove@1", {}), True, issue)
    ]


class Foresaw(Nothing):
    def __init__(self, issues: list[SeenIssue]) -> None:
        self._issues = issues

    def issues(self) -> Sequence[SeenIssue]:
        return self._issues


@pytest.fixture
def go(open_site: Callable[..., Any]) -> Callable[..., Solved]:
    site = open_site(SHOP)

    def run(issue: Issue, issues: list[SeenIssue], search_s: float = 0) -> Solved:
        limits = Limits(search_s=search_s)
        solved = Solve(site.snapshot, site.sandbox, Foresaw(issues), limits=limits).run(issue)
        assert site.sandbox.changes() == {}
        return solved

    return run


def mended() -> Patch:
    text = SHOP["shop.py"]
    made = diff({"shop.py": text.encode()}, {"shop.py": text.replace("> 5", ">= 5").encode()})
    return Patch(made, ("shop.py",), "test", "`>` becomes `>=`")


@pytest.mark.parametrize("issue", [ASKED, Issue(test_ids=(TEST,))])
def test_the_prepared_patch_is_proven_by_the_written_test(
    go: Callable[..., Solved], issue: Issue
) -> None:
    solved = go(issue, known(mended()))

    assert solved.solved
    assert solved.solver == "prepared"
    assert solved.proof is not None and solved.proof.before.bad == solved.proof.after.passed == {
        TEST
    }
    assert solved.reproduction is not None
    assert solved.reproduction.by == "written at sleep time"
    assert solved.notes == ("shop.py::postage (behaviour)",)


def test_the_search_is_given_the_written_test(go: Callable[..., Solved]) -> None:
    solved = go(ASKED, known(), search_s=60)

    assert solved.solved
    assert solved.solver == "search"


def test_a_test_that_passes_by_now_shows_nothing(go: Callable[..., Solved]) -> None:
    solved = go(ASKED, known(source=SOURCE.replace("== 0", "== 490")))

    assert not solved.solved
    assert solved.reproduction is None


def test_an_issue_about_something_else_is_not_this_one() -> None:
    assert foreseen(ASKED, known()) is not None
    assert foreseen(OTHER, known()) is None
    assert foreseen(Issue(test_ids=("tests/test_shop.py::test_charged",)), known()) is None
