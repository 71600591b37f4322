"""Validation and search on tiny repositories in real sandboxes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from swe_sleep.records import Outcome, TestResult, TestRun
from swe_sleep.repair.search import Budget, Repair
from swe_sleep.repair.validation import SandboxValidator

Open = Callable[[Mapping[str, str]], SandboxValidator]

SHOP = {
    "shop/__init__.py": "",
    "shop/prices.py": '''\
"""Prices in pence."""


def total(prices, discount=10):
    """What the prices come to, with so many per cent off."""
    whole = 0
    for price in prices:
        whole += price
    return whole - whole * discount // 100


class Till:
    kind = "till"

    def __init__(self):
        self.seen = []

    def ring(self, price):
        if price < 0:
            raise ValueError(price)
        self.seen.append(price)

    def due(self):
        return total(self.seen, 0)
''',
    "tests/test_prices.py": """\
from shop.prices import Till, total


def test_total():
    assert total([100, 50]) == 135


def test_nothing():
    assert total([]) == 0


def test_till():
    till = Till()
    till.ring(0)
    till.ring(7)
    assert (till.due(), till.kind) == (7, "till")
""",
    "conftest.py": "",
}
PRICES = SHOP["shop/prices.py"]
TESTS = ("tests/test_prices.py::test_total", "tests/test_prices.py::test_nothing")
TILL = "tests/test_prices.py::test_till"


def broken(old: str, new: str) -> dict[str, str]:
    assert PRICES.count(old) == 1
    return {**SHOP, "shop/prices.py": PRICES.replace(old, new)}


def sources(files: Mapping[str, str]) -> dict[str, bytes]:
    return {path: text.encode() for path, text in files.items()}


def text(old: str, new: str) -> dict[str, bytes]:
    return {"shop/prices.py": PRICES.replace(old, new).encode()}


def test_a_run_sees_its_own_files_and_no_earlier_ones(open_validator: Open) -> None:
    validator = open_validator(SHOP)

    def run(files: Mapping[str, bytes], tests: Sequence[str], coverage: bool = False) -> TestRun:
        return validator.validate(files, tests, timeout_s=60, test_timeout_s=30, coverage=coverage)

    assert run({}, TESTS).passed == set(TESTS)
    worse = run(text("whole +=", "whole -="), TESTS)
    assert worse.bad == {TESTS[0]}
    assert run({}, TESTS).passed == set(TESTS)
    covered = run({}, [TILL], coverage=True)
    assert covered.coverage is not None
    assert 21 in covered.coverage.lines[TILL]["shop/prices.py"]


def test_screening_sorts_out_what_fails(open_validator: Open) -> None:
    files = broken("price < 0", "price <= 0")
    wrong = files["shop/prices.py"]

    def put(old: str, new: str) -> dict[str, bytes]:
        assert wrong.count(old) == 1
        return {"shop/prices.py": wrong.replace(old, new).encode()}

    verdicts = open_validator(files).screen(
        [
            put("price <= 0", "price >= 0"),
            put("price <= 0", "price < 0"),
            put("        self.seen.append(price)", "        while True:\n            pass"),
            put("discount=10", "discount=20"),
            put('kind = "till"', 'kind = "other"'),
            put("price <= 0", "not price is price"),
        ],
        [TILL],
        timeout_s=60,
        test_timeout_s=30,
    )
    assert list(verdicts) == ["failed", "passed", "failed", "unknown", "unknown", "passed"]


def test_screening_a_test_that_passes_judges_nothing(open_validator: Open) -> None:
    verdicts = open_validator(SHOP).screen(
        [text("whole +=", "whole -=")], [TILL], timeout_s=60, test_timeout_s=30
    )
    assert list(verdicts) == []


def test_a_search_mends_the_fault(open_validator: Open, tmp_path: Path) -> None:
    files = broken("price < 0", "price <= 0")
    found = Repair(open_validator(files)).search(
        sources(files),
        [TestResult(TILL, Outcome.FAILED)],
        TESTS,
        budget=Budget(seconds=120, plausible=1),
    )
    assert found.best is not None, found.summary
    assert found.best.files == {"shop/prices.py": PRICES.encode()}
    assert found.best.patch.summary == "in `Till.ring`, `<=` becomes `<`"
    checkout = tmp_path / "repo"
    subprocess.run(["git", "apply"], input=found.best.patch.diff.encode(), cwd=checkout, check=True)
    assert (checkout / "shop/prices.py").read_text() == PRICES


def test_a_fault_that_cannot_be_screened_is_tried_in_full(open_validator: Open) -> None:
    files = broken("discount=10", "discount=0")
    found = Repair(open_validator(files)).search(
        sources(files),
        [TestResult(TESTS[0], Outcome.FAILED)],
        [TESTS[1], TILL],
        recent={"shop/prices.py": PRICES.encode()},
        budget=Budget(seconds=120, plausible=1),
    )
    assert found.best is not None, found.summary
    assert found.best.kind == "change undone"
    assert found.best.files["shop/prices.py"] == PRICES.encode()


SLOW = """\
import time

import pytest

from shop.prices import total


@pytest.mark.parametrize("price", range(5))
def test_work(price):
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    assert total([price, 100], 0) == price + 100
"""


def test_screening_gives_a_good_candidate_time_for_every_test(open_validator: Open) -> None:
    """A bad one ends with the first test that fails, and took no time to tell limits from."""
    good = SHOP["shop/prices.py"].encode()
    broken = good.replace(b"whole += price", b"whole = price; int(whole == 100) / 0")
    files = {**SHOP, "shop/prices.py": broken.decode(), "tests/test_slow.py": SLOW}
    fast = files | {"tests/test_slow.py": SLOW.replace("until =", "total([1]); until =")}
    validator = open_validator(fast)
    verdicts = validator.screen(
        [{"shop/prices.py": good}],
        [f"tests/test_slow.py::test_work[{n}]" for n in range(5)],
        timeout_s=120,
        test_timeout_s=10,
    )
    assert list(verdicts) == ["passed"]
