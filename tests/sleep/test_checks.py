"""What checkers newly find is a lead at most, and one that stands until its file changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from swe_sleep.anticipate.leads import checkers, findings
from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import State
from swe_sleep.sleep.engine import Pass
from swe_sleep.sleep.passes.checks import ChecksPass
from swe_sleep.sleep.passes.outline import OutlinePass

PASSES: Sequence[Pass] = (OutlinePass(), ChecksPass())
BASKET = "shop/basket.py"
SUBJECT = "shop/basket.py::is_full (ruff F821)"


@pytest.fixture(autouse=True)
def _with_ruff_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    program = checkers.program
    monkeypatch.setattr(checkers, "program", lambda tool: program(tool) if tool == "ruff" else None)
    monkeypatch.setattr(findings, "WEIGHTS", {"ruff F821": 0.5})
    yield


def found(shop: Any) -> list[SeenIssue]:
    return list(shop.view.issues(State.SUSPECTED))


def test_a_new_finding_is_suspected_and_an_old_one_is_not(shop: Any) -> None:
    shop.edit("shop/money.py", "VAT // 100", "VAT // hundred")
    shop.commit()
    shop.sleep(PASSES)
    assert not found(shop)  # who begins to use this has nothing newly found
    shop.edit("shop/money.py", "VAT = 10", "VAT = 11")
    shop.edit(BASKET, ">= LIMIT", ">= LIMITS")

    report = shop.sleep(PASSES)

    (seen,) = found(shop)
    assert seen.note.subject == SUBJECT
    assert "LIMITS" in seen.issue.symptom and seen.issue.lead == "ruff F821"
    assert not report.issues
    assert shop.sleep(PASSES).units == {}


def test_a_finding_stands_until_it_is_mended(shop: Any) -> None:
    shop.sleep(PASSES)
    shop.edit(BASKET, ">= LIMIT", ">= LIMITS")
    shop.sleep(PASSES)
    shop.edit(BASKET, "LIMIT = 3", "LIMIT = 4")
    assert not found(shop)

    shop.sleep(PASSES)
    assert [seen.note.subject for seen in found(shop)] == [SUBJECT]

    shop.edit(BASKET, ">= LIMITS", ">= LIMIT")
    shop.sleep(PASSES)
    assert not found(shop)


def test_a_hostile_configuration_changes_nothing(shop: Any) -> None:
    shop.write("ruff.toml", 'lint.ignore = ["ALL"]\nextend = "/etc/passwd"\n')
    shop.write("pyproject.toml", "[tool.ruff.lint]\nignore = ['ALL']\n")
    shop.sleep(PASSES)
    shop.edit(BASKET, ">= LIMIT", ">= LIMITS")

    shop.sleep(PASSES)

    assert len(found(shop)) == 1


def test_without_tools_nothing_is_planned(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkers, "program", lambda tool: None)
    shop.sleep(PASSES)
    shop.edit(BASKET, ">= LIMIT", ">= LIMITS")
    assert "checks" not in shop.sleep(PASSES).units


def test_new_files_and_large_changes_are_left_alone(shop: Any) -> None:
    shop.sleep(PASSES)
    shop.write("shop/new.py", "x = undefined\n")
    assert "checks" not in shop.sleep(PASSES).units
    for number in range(10):
        shop.write(f"shop/more{number}.py", "x = 1\n")
    shop.sleep(PASSES)
    for number in range(10):
        shop.write(f"shop/more{number}.py", "x = undefined\n")
    assert "checks" not in shop.sleep(PASSES).units


def test_the_type_checker_sees_what_imports_the_change(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[set[str], list[str], list[str]]] = []

    def ty(
        files: dict[str, bytes], checked: Sequence[str], *, roots: Sequence[str], **more: Any
    ) -> list[checkers.Finding]:
        seen.append((set(files), list(checked), list(roots)))
        new = b"rate" in files["shop/money.py"]
        at = checkers.Finding("ty", "missing-argument", BASKET, 7, "No argument", "total")
        return [at] if new else []

    monkeypatch.setattr(checkers, "program", lambda tool: "ty" if tool == "ty" else None)
    monkeypatch.setattr(checkers, "ty", ty)
    monkeypatch.setattr(findings, "WEIGHTS", {"ty missing-argument": 0.5})
    shop.sleep(PASSES)
    shop.edit("shop/money.py", "def with_vat(cents)", "def with_vat(cents, rate)")

    shop.sleep(PASSES)

    assert [issue.note.subject for issue in found(shop)] == [
        "shop/basket.py::total (ty missing-argument)"
    ]
    assert seen[0] == ({"shop/money.py", BASKET}, ["shop/money.py", BASKET], [""])
    shop.edit("shop/money.py", "def with_vat(cents, rate)", "def with_vat(cents)")
    assert not found(shop)  # it holds for both files as they were
