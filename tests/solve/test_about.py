"""Everything that is known of a path or a symbol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from swe_sleep.notes import kinds
from swe_sleep.notes.contents import Contents
from swe_sleep.notes.evidence import Evidence
from swe_sleep.notes.kinds import HistoryData, TestsOfFile
from swe_sleep.notes.outlines import Outlines
from swe_sleep.notes.store import Store
from swe_sleep.notes.view import View
from swe_sleep.records import (
    TREE,
    AnticipatedIssue,
    Coverage,
    Note,
    Outcome,
    Place,
    State,
    Suspicion,
    TestResult,
)
from swe_sleep.repo.repository import Repository
from swe_sleep.solve.about import About

BASKET = """\
class Basket:
    def total(self):
        \"\"\"What it costs.

        In cents.\"\"\"
        return sum(self.prices)

    def empty(self):
        return not self.prices
"""
FILES = {
    "basket.py": BASKET,
    "old_basket.py": BASKET,
    "till.py": "from basket import Basket\n\n\ndef pay():\n    return Basket().total()\n",
    "test_basket.py": "from basket import Basket\n\n\ndef test_total():\n    Basket().total()\n",
}
TOTAL, EMPTY = "test_basket.py::test_total", "test_basket.py::test_empty"


@pytest.fixture
def about(make_repository: Callable[..., Path]) -> Iterator[Callable[[str], list[str]]]:
    """`about(subject)` gives the lines, as text."""
    with ExitStack() as stack:
        repository = stack.enter_context(Repository.open(make_repository(FILES)))
        store = Store(repository.state_dir / "notes.db")
        stack.callback(store.close)
        snapshot = repository.snapshot()

        def note(kind: str, subject: str, data: object, *paths: str) -> None:
            inputs = {path: snapshot.blob(path) for path in paths}
            store.record(notes=[Note(kind, subject, "", "test@1", inputs, kinds.encode(data))])

        lines: dict[str, dict[str, tuple[int, ...]]] = {
            TOTAL: {"basket.py": (1, 2, 6)},
            EMPTY: {"basket.py": (1, 9), "till.py": (1, 5)},
            **{f"test_basket.py::test_pay[{n}]": {"basket.py": (9,)} for n in range(9)},
        }
        results = (TestResult(TOTAL, Outcome.FAILED), TestResult(EMPTY, Outcome.PASSED))
        tests = TestsOfFile(results, kinds.pack_coverage(Coverage(lines)))
        note(kinds.TESTS, "test_basket.py", tests, "basket.py", "test_basket.py")
        history = HistoryData(50, {"basket.py": 7}, {"basket.py": 3}, {"basket.py": {"till.py": 4}})
        note(kinds.HISTORY, "", history, TREE)
        suspicion = Suspicion(Place("basket.py", 6), 0.9, "only the failing test runs it")
        issue = AnticipatedIssue("total", State.REPRODUCED, "fails", (TOTAL,), (suspicion,))
        note(kinds.ISSUE, TOTAL, issue, "basket.py")
        guess = AnticipatedIssue(
            "empty", State.SUSPECTED, "?", (), (Suspicion(Place("till.py", 5), 0.1, "?"),)
        )
        note(kinds.ISSUE, "till.py", guess, "till.py")
        view = View(store, snapshot)
        evidence = Evidence(view, snapshot, Contents(store, repository))
        answer = About(view, snapshot, evidence, Outlines(store, snapshot))

        def ask(subject: str, limit: int = 20) -> list[str]:
            return [
                f"{line.place} [{line.standing}] {line.text}" for line in answer(subject, limit)
            ]

        yield ask


def test_a_symbol(about: Callable[[str], list[str]]) -> None:
    assert about("basket.py::Basket.total") == [
        "basket.py:2-6 [fact] def Basket.total(self)  # What it costs.",
        "old_basket.py:2-6 [fact] the very same code stands here too",
        "till.py:5 [fact] called in pay",
        "test_basket.py:5 [fact] called in test_total",
        "test_basket.py [proven] runs it and fails now: test_total",
        "basket.py:6 [suspicion] suspicious: only the failing test runs it",
    ]


def test_a_symbol_by_its_last_name_alone(about: Callable[[str], list[str]]) -> None:
    assert about("basket.py::empty")[0] == "basket.py:8-9 [fact] def Basket.empty(self)"
    assert about("pay")[0] == "till.py:4-5 [fact] def pay()"
    # two places, but the very same code
    assert about("Basket.total") == about("basket.py::Basket.total")
    assert about("total") == about("basket.py::Basket.total")


def test_a_function_tells_what_it_calls(about: Callable[[str], list[str]]) -> None:
    assert "basket.py:1-9 [fact] calls class Basket" in about("pay")


def test_a_parametrised_test_is_told_once(about: Callable[[str], list[str]]) -> None:
    last = about("basket.py::Basket.empty")[-1]
    assert last == "test_basket.py [proven] runs it and passes: test_pay, test_empty"


def test_a_path(about: Callable[[str], list[str]]) -> None:
    assert about("basket.py") == [
        "basket.py:6 [suspicion] suspicious: only the failing test runs it",
        "basket.py [fact] 7 of the last 50 commits changed it, 3 fixes",
        "basket.py [fact] often changed together with till.py",
        "basket.py [fact] imported by till.py, test_basket.py",
        "test_basket.py [proven] runs it and fails now: test_total",
        "test_basket.py [proven] runs it and passes: test_pay, test_empty",
        "basket.py:1-9 [fact] class Basket",
        "basket.py:2-6 [fact] def Basket.total(self)",
        "basket.py:8-9 [fact] def Basket.empty(self)",
    ]


def test_what_is_only_suspected_is_not_told(about: Callable[[str], list[str]]) -> None:
    assert not any("?" in line for line in about("till.py"))


def test_what_is_not_there(about: Callable[[str], list[str]]) -> None:
    assert about("nowhere.py") == []
    assert about("nowhere.py::pay_nothing") == []
    assert about("basket.py::Basket.nothing") == about("basket.py")
