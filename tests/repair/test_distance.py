"""How far functions are from the assertion that failed."""

from __future__ import annotations

from collections.abc import Mapping

from swe_sleep.records import Coverage, Outcome, Place, TestResult
from swe_sleep.repair.distance import distances
from swe_sleep.repair.source import Source

CODE = """\
class Till:
    def __init__(self):
        self.seen = clean([])

    def total(self):
        return add(self.seen)


def add(prices):
    return sum(prices)


def clean(prices):
    return prices


def log(text):
    return text
"""
TEST = """\
from till import Till, log


def test_total():
    till = Till()
    log("begun")
    assert till.total() == 3
"""
RAN = {"till.py": (3, 6, 10, 14, 18)}


def measured(frames: tuple[Place, ...], ran: Mapping[str, tuple[int, ...]]) -> dict[int, int]:
    test = "test_till.py::test_total"
    till, file = Source.parse("till.py", CODE.encode()), Source.parse("test_till.py", TEST.encode())
    assert till is not None
    assert file is not None
    failing = [TestResult(test, Outcome.FAILED, frames=frames)]
    coverage = Coverage({test: ran})
    found = distances(failing, coverage, {"till.py": till}, {"test_till.py": file})
    return {line: depth for (_, line), depth in found.items()}


def test_what_the_assertion_calls_is_nearer_than_what_that_calls() -> None:
    found = measured((Place("test_till.py", 7),), RAN)
    assert found[5] == 1  # total, called by the assertion
    assert found[2] == 1  # the class, called for the variable that it uses
    assert found[9] == found[13] == 2
    assert 17 not in found  # log, called by another statement


def test_only_what_the_test_ran_counts() -> None:
    assert set(measured((Place("test_till.py", 7),), {"till.py": (6,)})) == {5}


def test_without_the_place_of_the_failure_nothing_is_known() -> None:
    assert measured((), RAN) == {}
    assert measured((Place("test_till.py", 99),), RAN) == {}
