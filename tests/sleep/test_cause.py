"""The hunk of a large change that broke a test."""

from __future__ import annotations

from typing import Any

from swe_sleep.records import Place
from swe_sleep.sleep.passes.cause import CausePass
from swe_sleep.sleep.passes.diagnose import DiagnosePass
from swe_sleep.sleep.passes.outline import OutlinePass
from swe_sleep.sleep.passes.speculate import SpeculatePass
from swe_sleep.sleep.passes.tests import TestsPass

PASSES = [OutlinePass(), TestsPass(), DiagnosePass(), CausePass()]
LEDGER = (
    "def net(cents):\n    return int(cents)\n\n\n"
    "def fee(cents):\n    part = cents // 100\n    return part\n\n\n"
    "def due(cents):\n    total = net(cents)\n    total += fee(cents)\n    return total\n"
)
TEST = "from shop.ledger import due\n\n\ndef test_due():\n    assert due(200) == 202\n"


def broken(shop: Any) -> None:
    """Three places change, all run by the test, and one of them is at fault."""
    shop.write("shop/ledger.py", LEDGER)
    shop.write("tests/test_ledger.py", TEST)
    shop.commit()
    shop.sleep(PASSES)
    text = LEDGER.replace("return int(cents)", "return int(cents + 0)")
    text = text.replace("cents // 100", "cents // 10").replace(
        "total += fee", "total = total + fee"
    )
    shop.write("shop/ledger.py", text)


def test_the_hunk_that_broke_it_is_the_cause(shop: Any) -> None:
    broken(shop)

    report = shop.sleep(PASSES)

    issue = shop.issue()
    assert issue.cause == (Place("shop/ledger.py", 6),)
    assert issue.suspicions[0].place.line == 6
    (seen,) = shop.issues()
    assert "Of the 3 hunks of the change it takes one hunk to fail: `shop/ledger.py:6`" in (
        seen.note.body
    )
    assert report.units["cause"] == 1
    assert "cause" not in shop.sleep(PASSES).units  # it is known now


def test_a_prepared_patch_stays_and_is_still_told(shop: Any) -> None:
    broken(shop)
    shop.sleep([*PASSES[:3], SpeculatePass()])
    assert shop.issue().patches

    shop.sleep([*PASSES, SpeculatePass()])

    issue = shop.issue()
    assert issue.patches
    assert issue.cause == (Place("shop/ledger.py", 6),)
    (seen,) = shop.issues()
    assert seen.note.body.index("Of the 3 hunks") < seen.note.body.index("Tried at sleep time")


def test_one_hunk_needs_no_run(shop: Any) -> None:
    shop.sleep(PASSES)
    shop.edit("shop/money.py", "VAT // 100", "VAT // 10")

    assert "cause" not in shop.sleep(PASSES).units
