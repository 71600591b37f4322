"""Two little repositories with faults, as a suite: small enough to be run in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.evaluate.tasks.task import Answer, Case, Suite, Task
from swe_sleep.repo.diff import diff

Git = Callable[..., str]

BASKET = """\
def total(prices, voucher=0):
    return sum(prices) - voucher


def cheapest(prices):
    return min(prices)
"""
BROKEN_BASKET = BASKET.replace("- voucher", "+ voucher").replace("min(", "max(")
CLOCK = """\
def minutes(hours, rest=0):
    return hours * 60 + rest
"""
BROKEN_CLOCK = CLOCK.replace("+ rest", "- rest")
VISIBLE_BASKET = """\
from basket import total


def test_nothing_costs_nothing():
    assert total([]) == 0
"""
VISIBLE_CLOCK = """\
from clock import minutes


def test_whole_hours():
    assert minutes(2) == 120
"""


@pytest.fixture
def make_suite(make_repository: Callable[..., Path], git: Git) -> Callable[..., Suite]:
    """`make_suite("basket", "clock")`: the tasks of these repositories."""

    def make(*names: str) -> Suite:
        cases = {"basket": basket_cases, "clock": clock_cases}
        return Suite("little", tuple(case for name in names for case in cases[name]()))

    def basket_cases() -> list[Case]:
        root = make_repository({"README": "A basket.\n"}, name="basket")
        _commit(git, root, {"basket.py": BASKET, "tests/test_basket.py": VISIBLE_BASKET}, "Add up")
        base = _commit(git, root, {"basket.py": BROKEN_BASKET}, "Tidy up")
        gold = {
            "total": BROKEN_BASKET.replace("+ voucher", "- voucher"),
            "cheapest": BROKEN_BASKET.replace("max(", "min("),
        }
        return [
            _case(
                f"basket-{name}",
                root,
                base,
                text,
                diff({"basket.py": BROKEN_BASKET.encode()}, {"basket.py": gold[name].encode()}),
                hidden,
            )
            for name, text, hidden in (
                (
                    "total",
                    "Wrong total: total([250, 120], voucher=70) returns 440 instead of 300",
                    "assert basket.total([5, 5], voucher=3) == 7",
                ),
                (
                    "cheapest",
                    "The cheapest price is not found\n\nIt names some other one.",
                    "assert basket.cheapest([3, 1, 2]) == 1",
                ),
            )
        ]

    def clock_cases() -> list[Case]:
        root = make_repository({"README": "A clock.\n"}, name="clock")
        _commit(git, root, {"clock.py": CLOCK, "tests/test_clock.py": VISIBLE_CLOCK}, "Count")
        base = _commit(git, root, {"clock.py": BROKEN_CLOCK}, "Tidy up")
        gold = diff({"clock.py": BROKEN_CLOCK.encode()}, {"clock.py": CLOCK.encode()})
        hidden = "assert clock.minutes(1, 5) == 65"
        text = "minutes(1, 30) returns 30 instead of 90"
        return [_case("clock-rest", root, base, text, gold, hidden)]

    return make


def _commit(git: Git, root: Path, files: dict[str, str], subject: str) -> str:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", subject)
    return git(root, "rev-parse", "HEAD").strip()


def _case(name: str, root: Path, base: str, text: str, gold: str, hidden: str) -> Case:
    module = name.partition("-")[0]
    file = f"tests/test_hidden_{name.replace('-', '_')}.py"
    test = f"import {module}\n\n\ndef test_secret():\n    {hidden}\n"
    return Case(
        Task(name, module, base, text, (root / ".git",)),
        Answer(gold, (f"{file}::test_secret",), rest=True, test_files={file: test}),
    )
