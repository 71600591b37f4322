"""Outlines, graph, history and impact: what needs no run of the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.notes import kinds
from swe_sleep.records import HEAD, AnticipatedIssue, Place, State
from swe_sleep.sleep.engine import Event
from swe_sleep.sleep.passes.graph import GraphPass
from swe_sleep.sleep.passes.history import HistoryPass
from swe_sleep.sleep.passes.impact import ImpactPass
from swe_sleep.sleep.passes.outline import OutlinePass

LOOKING = [OutlinePass(), GraphPass(), HistoryPass(), ImpactPass()]


def parsed(project: Any) -> list[str]:
    """The files that the last pass parsed."""
    events: list[Event] = project.events
    return sorted(
        path
        for event in events
        if event.kind == "done" and event.unit and event.unit.step == "outline"
        for path in event.unit.inputs
    )


def test_only_changed_files_are_parsed_again(shop: Any) -> None:
    shop.sleep(LOOKING)
    assert "shop/money.py" in parsed(shop)

    shop.edit("shop/money.py", "VAT = 10", "VAT = 20")
    shop.write("shop/new.py", "x = 1\n")
    shop.write("shop/same.py", shop.read("shop/basket.py"))
    shop.sleep(LOOKING)

    assert parsed(shop) == ["shop/money.py", "shop/new.py"]


def test_graph_of_the_repository(shop: Any) -> None:
    shop.write("shop/broken.py", "def f(:\n")
    shop.write("run.py", "import shop\n\nif __name__ == '__main__':\n    print(shop)\n")

    shop.sleep(LOOKING)

    data = shop.view.get(kinds.GRAPH).data(kinds.GraphData)
    assert data.files == len(shop.repository.snapshot().files)
    assert data.languages["python"] == 7
    assert next(iter(data.rank)) in ("shop/money.py", "shop/__init__.py")
    assert Place("run.py", 3) in data.entry_points
    assert list(data.problems) == ["shop/broken.py"]


def test_empty_repository(make_project: Callable[..., Any]) -> None:
    project = make_project({})

    report = project.sleep(LOOKING)

    assert not report.problems
    assert project.view.get(kinds.GRAPH).data(kinds.GraphData).files == 0
    assert project.view.get(kinds.HISTORY) is None


def test_history_counts_churn_fixes_and_what_changes_together(shop: Any) -> None:
    for number in range(2):
        shop.edit("shop/money.py", f"VAT = {10 + number}", f"VAT = {11 + number}")
        shop.write("shop/basket.py", shop.read("shop/basket.py") + "\n")
        shop.commit("Fix the tax" if number else "Prefix the tax")

    shop.sleep(LOOKING)

    seen = shop.view.get(kinds.HISTORY)
    data = seen.data(kinds.HistoryData)
    assert data.commits == 3
    assert data.churn["shop/money.py"] == 3
    assert data.fixes == {"shop/money.py": 1, "shop/basket.py": 1}
    assert data.co_change["shop/money.py"]["shop/basket.py"] == 3
    assert seen.note.inputs == {HEAD: shop.git("rev-parse", "HEAD")}
    assert "1 of them fixes" in seen.note.body


def test_history_is_read_again_after_a_commit_only(shop: Any) -> None:
    shop.sleep(LOOKING)
    shop.edit("shop/money.py", "VAT = 10", "VAT = 20")
    assert "history" not in shop.sleep(LOOKING).units

    shop.commit()

    assert shop.sleep(LOOKING).units == {"history": 1}


# -- impact -------------------------------------------------------------------------------------


def suspected(project: Any) -> list[AnticipatedIssue]:
    return [seen.issue for seen in project.view.issues(State.SUSPECTED)]


def test_changed_body_is_said_and_suspected_of_nothing(shop: Any) -> None:
    shop.sleep(LOOKING)
    shop.edit("shop/money.py", "VAT // 100", "VAT // 1000")

    shop.sleep(LOOKING)

    data = shop.view.get(kinds.IMPACT, "shop/money.py").data(kinds.ImpactData)
    assert data.changed == ("with_vat changed: body changed",)
    assert not suspected(shop)


def test_uncommitted_change_is_seen_by_the_first_pass(shop: Any) -> None:
    shop.edit("shop/money.py", "def with_vat(cents)", "def with_vat(cents, rate)")

    shop.sleep(LOOKING)

    assert suspected(shop)


def test_calls_that_no_longer_fit_are_suspected_until_they_are_mended(shop: Any) -> None:
    shop.sleep(LOOKING)
    shop.edit("shop/money.py", "def with_vat(cents)", "def with_vat(cents, rate)")

    shop.sleep(LOOKING)

    (issue,) = suspected(shop)
    places = {suspicion.place for suspicion in issue.suspicions}
    assert places == {Place("shop/basket.py", 7, 7), Place("tests/test_money.py", 5, 5)}
    assert "rate" in issue.symptom
    assert shop.view.get(kinds.IMPACT, "shop/money.py").data(kinds.ImpactData).at_risk

    shop.edit("shop/basket.py", "with_vat(price)", "with_vat(price, 10)")
    assert not suspected(shop)  # never a claim about content that is gone
    shop.sleep(LOOKING)
    (issue,) = suspected(shop)
    assert [s.place.path for s in issue.suspicions] == ["tests/test_money.py"]

    shop.edit("tests/test_money.py", "with_vat(100)", "with_vat(100, 10)")
    shop.sleep(LOOKING)
    assert not suspected(shop)
    assert shop.sleep(LOOKING).units == {}


def test_suspicion_outlives_another_edit_of_the_same_file(shop: Any) -> None:
    shop.sleep(LOOKING)
    shop.edit("shop/money.py", "def with_vat(cents)", "def with_vat(cents, rate)")
    shop.sleep(LOOKING)
    shop.edit("shop/money.py", "VAT = 10", "VAT = 20")

    shop.sleep(LOOKING)
    assert len(suspected(shop)) == 1

    shop.edit("shop/money.py", "def with_vat(cents, rate)", "def with_vat(cents)")
    shop.sleep(LOOKING)
    assert not suspected(shop)


@pytest.mark.parametrize("way", ["removed", "deleted file"])
def test_uses_of_what_is_gone(shop: Any, way: str) -> None:
    shop.sleep(LOOKING)
    if way == "removed":
        text = shop.read("shop/money.py")
        shop.write("shop/money.py", text.partition("def euros")[0].rstrip() + "\n")
    else:
        shop.delete("shop/money.py")

    shop.sleep(LOOKING)

    (issue,) = suspected(shop)
    assert "is gone" in issue.symptom
    assert "tests/test_money.py" in {suspicion.place.path for suspicion in issue.suspicions}


def test_renaming_with_all_its_uses_is_no_issue(shop: Any) -> None:
    shop.sleep(LOOKING)
    for path in ("shop/money.py", "shop/basket.py", "tests/test_money.py"):
        shop.write(path, shop.read(path).replace("with_vat", "taxed"))

    shop.sleep(LOOKING)

    assert not suspected(shop)
