"""Patches for issues that a written test shows, and patches that were prepared before."""

from __future__ import annotations

from typing import Any

from swe_sleep.notes import kinds
from swe_sleep.records import AnticipatedIssue, Note, Place, State, Suspicion, WrittenTest
from swe_sleep.sleep.passes.diagnose import DiagnosePass
from swe_sleep.sleep.passes.outline import OutlinePass
from swe_sleep.sleep.passes.speculate import SpeculatePass
from swe_sleep.sleep.passes.tests import TestsPass

ALL = [OutlinePass(), TestsPass(), DiagnosePass(), SpeculatePass()]
EUROS = "tests/test_money.py::test_euros"
SHOWS = (
    "from shop.money import euros\n\n\n"
    "def test_euros_keeps_both_digits_of_the_cents():\n    assert euros(1002) == '10.02'\n"
)


def foreseen(shop: Any, before: str) -> None:
    """What a pass that wrote a test leaves behind."""
    path = "shop/money.py"
    snapshot = shop.repository.snapshot()
    written = WrittenTest(
        "tests/test_foreseen.py",
        SHOWS,
        ("tests/test_foreseen.py::test_euros_keeps_both_digits_of_the_cents",),
        {path: before},
    )
    issue = AnticipatedIssue(
        title="euros loses a digit",
        state=State.REPRODUCED,
        symptom="assert '10.2' == '10.02'",
        tests=written.tests,
        suspicions=(Suspicion(Place(path, 11), 1.0, "changed"),),
        lead="behaviour",
        written=written,
    )
    shop.store.record(
        notes=[
            Note(
                kind=kinds.ISSUE,
                subject=kinds.issue_subject(path, "euros", "behaviour"),
                body=issue.title,
                producer="prove@1",
                inputs={path: snapshot.blob(path)},
                data=kinds.encode(issue),
            )
        ]
    )


def test_an_issue_that_only_a_written_test_shows_gets_a_patch(shop: Any) -> None:
    shop.edit("tests/test_money.py", "euros(205) == '2.05'", "euros(215) == '2.15'")
    shop.commit()
    shop.sleep(ALL)
    before = shop.repository.snapshot().blob("shop/money.py")
    shop.edit("shop/money.py", ":02}", "}")
    shop.sleep(ALL)
    assert not shop.issues()  # the repository's own tests do not show it
    foreseen(shop, before)

    shop.sleep(ALL)

    issue = shop.issue()
    assert issue.state is State.PATCHED
    assert "+    return f'{cents // 100}.{cents % 100:02}'" in issue.patches[0].diff
    assert "test_foreseen" not in issue.patches[0].diff
    assert issue.proof is not None
    assert issue.proof.before.bad == issue.proof.after.passed == set(issue.tests)
    assert issue.proof.suite is not None and len(issue.proof.suite.passed) == 6
    assert not (shop.root / "tests/test_foreseen.py").exists()


def test_written_test_that_passes_by_now_gets_no_patch(shop: Any) -> None:
    shop.sleep(ALL)
    foreseen(shop, "")

    report = shop.sleep(ALL)

    assert report.units["speculate"] == 1
    assert shop.issue().patches == ()


def test_patch_is_tested_again_when_its_file_changed_elsewhere(shop: Any) -> None:
    shop.sleep(ALL)
    shop.edit("shop/money.py", ":02}", "}")
    shop.sleep(ALL)
    before = shop.issue()
    shop.edit("shop/money.py", "VAT = 10\n", "VAT = 10\nLOW = 7\n")

    shop.sleep(ALL)

    issue = shop.issue()
    assert issue.state is State.PATCHED
    assert issue.patches[0] == before.patches[0]
    (seen,) = shop.issues()
    assert "an earlier patch still mends it" in seen.note.body
    assert seen.note.usage.candidates == 0


def test_patch_that_no_longer_applies_is_dropped(shop: Any) -> None:
    shop.sleep(ALL)
    shop.edit("shop/money.py", ":02}", "}")
    shop.sleep(ALL)
    before = shop.issue()
    shop.edit("shop/money.py", "def euros(cents):\n", "def euros(cents, sign=''):\n")
    shop.edit("shop/money.py", "return f'{cents", "return f'{sign}{cents")

    shop.sleep(ALL)

    issue = shop.issue()
    assert before.patches[0] not in issue.patches
    assert issue.state is State.PATCHED
    assert all("sign" in patch.diff for patch in issue.patches)
