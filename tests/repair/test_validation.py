"""Validation and search on tiny repositories in real sandboxes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from swe_sleep.records import Outcome, TestResult, TestRun
from swe_sleep.repair.candidates import Edit
from swe_sleep.repair.found import Budget
from swe_sleep.repair.search import Repair
from swe_sleep.repair.validation import Judgement, SandboxValidator, Trial

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


def replaced(files: Mapping[str, str], old: str, new: str) -> Edit:
    text = files["shop/prices.py"]
    assert text.count(old) == 1
    start = len(text[: text.index(old)].encode())
    return Edit("shop/prices.py", start, start + len(old.encode()), new.encode())


def judged(
    validator: SandboxValidator,
    files: Mapping[str, str],
    changes: Sequence[tuple[str, str]],
    failing: Sequence[str],
    others: Sequence[str] = (),
    test_timeout_s: float = 30,
) -> list[Judgement]:
    """What a screening says of replacements in the prices' file."""
    screening = validator.screening(failing, others, timeout_s=60)
    if screening is None:
        return []
    trials = [Trial((replaced(files, *change),), tuple(others)) for change in changes]
    try:
        return list(
            screening.judge(trials, timeout_s=60, test_timeout_s=test_timeout_s, most_passed=9)
        )
    finally:
        screening.close()


def verdicts(judgements: Sequence[Judgement]) -> list[str]:
    return [judgement.verdict for judgement in judgements]


def test_screening_sorts_out_what_fails(open_validator: Open) -> None:
    files = broken("price < 0", "price <= 0")
    changes = [
        ("price <= 0", "price >= 0"),
        ("price <= 0", "price < 0"),
        ("        self.seen.append(price)", "        while True:\n            pass"),
        ('kind = "till"', 'kind = "other"'),
        ("price <= 0", "not price is price"),
        ("price <= 0", "(price <= 0)"),
        ("self, price):", "self, price=price):"),
    ]
    found = judged(open_validator(files), files, changes, [TILL])
    assert verdicts(found) == [
        "idle", "passed", "failed", "unknown", "passed", "same", "unknown"
    ]  # fmt: skip


def test_screening_says_which_other_test_a_candidate_breaks(open_validator: Open) -> None:
    files = broken("discount // 100", "discount // 10")
    changes = [
        ("discount // 10", "discount // 90"),
        ("return whole -", "return 135 if discount else whole -"),
        ("discount // 10", "discount // 100"),
    ]
    found = judged(open_validator(files), files, changes, [TESTS[0]], [TESTS[1], TILL])
    assert verdicts(found) == ["failed", "broke", "passed"]
    assert found[1].broke == TESTS[1]


def test_screening_exchanges_default_values(open_validator: Open) -> None:
    files = broken("discount=10", "discount=20")
    changes = [("discount=20", "discount=30"), ("discount=20", "discount=10")]
    found = judged(open_validator(files), files, changes, [TESTS[0]], [TESTS[1], TILL])
    assert verdicts(found) == ["failed", "passed"]


def test_screening_counts_the_failing_tests_that_a_candidate_mends(open_validator: Open) -> None:
    files = broken("whole = 0", "whole = 1")
    both = [TESTS[0], TILL]
    change = ("self.seen = []", "self.seen = [-1]")
    validator = open_validator(files)
    found = judged(validator, files, [change], both)
    assert found == [Judgement("failed", 0)]
    found = judged(validator, files, [change], both[::-1])
    assert found == [Judgement("failed", 1)]


def test_screening_a_test_that_passes_judges_nothing(open_validator: Open) -> None:
    assert judged(open_validator(SHOP), SHOP, [("whole +=", "whole -=")], [TILL]) == []


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


WRITTEN = """\
import pytest

from shop.prices import total


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("till")


def test_bill(tmp_path, capsys, folder, monkeypatch):
    monkeypatch.chdir(folder)
    (tmp_path / "bill").write_text(str(total([100])))
    print("written")
    assert (tmp_path / "bill").read_text() == "90"
    assert capsys.readouterr().out == "written\\n"
"""


def test_screening_gives_the_tests_their_fixtures(open_validator: Open) -> None:
    files = {**broken("discount // 100", "discount // 10"), "tests/test_bill.py": WRITTEN}
    changes = [("discount // 10", "discount // 50"), ("discount // 10", "discount // 100")]
    found = judged(open_validator(files), files, changes, ["tests/test_bill.py::test_bill"])
    assert verdicts(found) == ["failed", "passed"]


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
    found = judged(
        open_validator(fast),
        fast,
        [("whole = price; int(whole == 100) / 0", "whole += price")],
        [f"tests/test_slow.py::test_work[{n}]" for n in range(5)],
        test_timeout_s=10,
    )
    assert verdicts(found) == ["passed"]
