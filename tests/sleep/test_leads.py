"""What a change takes from a function is suspected, until a run or the next change says more."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from swe_sleep.anticipate.leads.earnings import MANY, Earnings
from swe_sleep.notes import kinds
from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import State
from swe_sleep.sleep.engine import Pass
from swe_sleep.sleep.passes.leads import LeadsPass
from swe_sleep.sleep.passes.outline import OutlinePass

PASSES: Sequence[Pass] = (OutlinePass(), LeadsPass())
MONEY = "shop/money.py"
GUARD = "    if not isinstance(cents, int):\n        raise TypeError('cents are whole')\n"
GUARDED = f"""\
VAT = 10


def with_vat(cents):
{GUARD}    return cents + cents * VAT // 100


def euros(cents):
    return f'{{cents // 100}}.{{cents % 100:02}}'
"""
SUBJECT = "shop/money.py::with_vat (guard)"


@pytest.fixture
def guarded(shop: Any) -> Any:
    """The shop, with a guard that no test covers, after a first pass."""
    shop.write(MONEY, GUARDED)
    shop.commit()
    shop.sleep(PASSES)
    assert not found(shop)
    return shop


def found(shop: Any, *states: State) -> list[SeenIssue]:
    return list(shop.view.issues(*(states or (State.SUSPECTED,))))


def test_a_lost_guard_is_suspected_with_its_place_and_how_to_show_it(guarded: Any) -> None:
    guarded.write(MONEY, GUARDED.replace(GUARD, ""))

    report = guarded.sleep(PASSES)

    (seen,) = found(guarded)
    assert seen.note.subject == SUBJECT
    assert seen.issue.lead == "guard"
    assert "isinstance(cents, int)" in seen.issue.symptom
    assert seen.issue.check
    assert [str(place) for place in seen.issue.cause] == ["shop/money.py:4-5"]
    assert not report.issues  # never shown unasked
    note = guarded.view.get(kinds.LEADS, MONEY)
    assert note.data(kinds.LeadsData).found == (SUBJECT,)
    assert guarded.sleep(PASSES).units == {}


def test_a_lead_stands_through_other_edits_and_goes_with_the_guard_put_back(guarded: Any) -> None:
    guarded.write(MONEY, GUARDED.replace(GUARD, ""))
    guarded.sleep(PASSES)
    guarded.write(MONEY, GUARDED.replace(GUARD, "").replace("VAT = 10", "VAT = 11"))
    assert not found(guarded)  # never a claim about content that is gone

    guarded.sleep(PASSES)
    assert [seen.note.subject for seen in found(guarded)] == [SUBJECT]

    guarded.write(MONEY, GUARDED.replace("VAT = 10", "VAT = 11"))
    guarded.sleep(PASSES)
    assert not found(guarded)
    assert guarded.view.get(kinds.LEADS, MONEY).data(kinds.LeadsData).found == ()


def test_what_a_second_edit_moved_elsewhere_is_no_longer_suspected(guarded: Any) -> None:
    guarded.write(MONEY, GUARDED.replace(GUARD, "    check(cents)\n"))
    guarded.sleep(PASSES)
    assert found(guarded)

    guarded.write("shop/checks.py", f"def check(cents):\n{GUARD}")
    guarded.sleep(PASSES)

    assert not found(guarded)
    (refuted,) = found(guarded, State.REFUTED)
    assert refuted.note.subject == SUBJECT


def test_a_proof_is_not_written_over(guarded: Any) -> None:
    guarded.write(MONEY, GUARDED.replace(GUARD, ""))
    guarded.sleep(PASSES)
    (seen,) = found(guarded)
    proven = dataclasses.replace(seen.issue, state=State.REPRODUCED, tests=("t.py::t",))
    note = dataclasses.replace(
        seen.note, data=kinds.encode(proven), producer="prove@1", created=0.0
    )
    guarded.store.record(notes=[note])

    guarded.write("shop/checks.py", f"def check(cents):\n{GUARD}")
    guarded.sleep(PASSES)

    assert [seen.note.subject for seen in found(guarded, State.REPRODUCED)] == [SUBJECT]
    assert not found(guarded, State.SUSPECTED, State.REFUTED)


def test_a_kind_that_earns_nothing_here_is_not_noted(guarded: Any) -> None:
    for _ in range(MANY):
        Earnings(guarded.store).record("guard", earned=False)
    guarded.write(MONEY, GUARDED.replace(GUARD, ""))

    guarded.sleep(PASSES)

    assert not found(guarded)


def test_a_change_of_many_files_and_one_of_tests_give_none(guarded: Any) -> None:
    guarded.edit("tests/test_money.py", "    assert with_vat(100) == 110\n", "    pass\n")
    assert "leads" not in guarded.sleep(PASSES).units

    guarded.write(MONEY, GUARDED.replace(GUARD, ""))
    for number in range(10):
        guarded.write(f"shop/more{number}.py", "x = 1\n")
    assert "leads" not in guarded.sleep(PASSES).units
    assert not found(guarded)


def test_a_deleted_and_a_broken_file_give_none(guarded: Any) -> None:
    guarded.write(MONEY, GUARDED.replace(GUARD, "") + "def (:\n")
    guarded.sleep(PASSES)
    guarded.delete(MONEY)
    guarded.sleep(PASSES)
    assert not found(guarded)


UNGUARDED = GUARDED.replace(GUARD, "")


def many(shop: Any, count: int) -> list[str]:
    """As many files with a guard each, committed and known."""
    paths = [f"shop/money{number}.py" for number in range(count)]
    for path in paths:
        shop.write(path, GUARDED)
    shop.commit()
    shop.sleep(PASSES)
    return paths


def test_each_commit_has_leads_of_its_own(shop: Any) -> None:
    paths = many(shop, 10)

    for path in paths:
        shop.write(path, UNGUARDED)
        shop.sleep(PASSES)
        shop.commit("No guard")

    assert {seen.note.subject for seen in found(shop)} == {
        f"{path}::with_vat (guard)" for path in paths
    }
    assert not found(shop, State.REFUTED)
    shop.sleep(PASSES)  # takes note of the last commit
    assert "leads" not in shop.sleep(PASSES).units


def test_a_lead_of_an_earlier_commit_stands_while_what_was_lost_is_missing(shop: Any) -> None:
    (path,) = many(shop, 1)
    shop.write(path, UNGUARDED)
    shop.sleep(PASSES)
    shop.commit("No guard")

    shop.write(path, UNGUARDED.replace("VAT = 10", "# In percent.\nVAT = 10"))
    assert not found(shop)
    shop.sleep(PASSES)
    shop.commit("Say what it is")
    (seen,) = found(shop)
    assert [str(place) for place in seen.issue.cause] == [f"{path}:5-6"]

    shop.write("shop/checks.py", f"def check(cents):\n{GUARD}")
    shop.sleep(PASSES)
    assert not found(shop)
    (refuted,) = found(shop, State.REFUTED)
    assert refuted.note.subject == seen.note.subject


def test_a_lead_of_an_earlier_commit_goes_with_what_brings_it_back(shop: Any) -> None:
    (path,) = many(shop, 1)
    shop.write(path, UNGUARDED)
    shop.sleep(PASSES)
    shop.commit("No guard")

    shop.write(path, GUARDED.replace("VAT = 10", "VAT = 11"))
    shop.sleep(PASSES)

    assert not found(shop)
    assert shop.view.get(kinds.LEADS, path).data(kinds.LeadsData).found == ()
