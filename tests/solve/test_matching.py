"""Which failing tests a text is about: precise, and silent when in doubt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swe_sleep.records import Outcome, Place, TestResult
from swe_sleep.solve.matching import matches


def failing(test_id: str, message: str = "", detail: str = "", *files: str) -> TestResult:
    frames = tuple(Place(file, 1) for file in files)
    return TestResult(test_id, Outcome.FAILED, 0.1, message, frames, detail)


EXPIRY = failing(
    "tests/test_expiry.py::test_milk_is_sold_on_its_last_day[cold]",
    "AssertionError: assert 'expired' == 'last day'",
    "shelf = Shelf(); basket.add(milk, price)",
    "tests/test_expiry.py",
    "shop/expiry.py",
)
REFUND = failing(
    "tests/test_refund.py::test_a_refund_pays_back_what_was_paid",
    "AssertionError: assert 90 == 100",
    "basket.add(milk, price); receipt = till.pay(basket); shelf.put(milk)",
    "tests/test_refund.py",
    "shop/till.py",
)
BOTH = [EXPIRY, REFUND]


def found(text: str) -> list[TestResult]:
    return [match.result for match in matches(text, BOTH)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Milk is taken off the shelf one day too early, it has expired on its last day", EXPIRY),
        ("expiry", EXPIRY),
        ("Refunds: customers are not paid back in full", REFUND),
        ("test_a_refund_pays_back_what_was_paid fails since yesterday", REFUND),
        ("Look at `test_milk_is_sold_on_its_last_day`, please.", EXPIRY),
        ("tests/test_expiry.py::test_milk_is_sold_on_its_last_day[cold] is red", EXPIRY),
    ],
)
def test_text_meets_its_test(text: str, wanted: TestResult) -> None:
    assert found(text) == [wanted]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "test",
        "It is slow.",
        "The login page crashes when a password holds unicode characters",
        "Please print the price and the basket on the shelf's receipt",  # code alone
        "I get an error and an assertion fails in the test when I run the tests with Python 3.12",
        "A long letter about milk. " + " ".join(f"Word{n} thing{n} other{n}." for n in range(60)),
    ],
)
def test_text_about_something_else_meets_nothing(text: str) -> None:
    assert found(text) == []


def test_name_within_a_longer_name_is_not_named() -> None:
    (match,) = matches("test_a_refund_pays_back_what_was_paid_twice fails", BOTH)

    assert match.score < 1


def test_plain_word_is_not_taken_for_the_name_of_a_test() -> None:
    assert matches("The total is wrong after payment in yen", [failing("t.py::payment")]) == []


def test_nothing_fails() -> None:
    assert matches("Milk is taken off the shelf", []) == []


def test_tests_of_the_same_thing_come_together_the_best_first() -> None:
    other = failing("tests/test_expiry.py::test_bread_on_its_last_day", "", "", "shop/expiry.py")

    result = matches("Expiry: milk is not sold on its last day", [other, *BOTH])

    assert [match.result for match in result] == [EXPIRY, other]
    assert result[0].score > result[1].score
    assert {"milk", "sold", "last", "day"} <= set(result[0].shared)


@given(st.text(), st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=4))
def test_any_text_at_all(text: str, tests: list[tuple[str, str, str]]) -> None:
    given_tests = [failing(*each) for each in tests]

    result = matches(text, given_tests)

    assert all(0 < match.score <= 1 for match in result)
    assert all(match.result in given_tests for match in result)


def test_what_a_test_is_named_after_names_it() -> None:
    about = TestResult("tests/test_utils.py::test_set_value", Outcome.FAILED)
    other = TestResult("tests/test_utils.py::test_value", Outcome.FAILED)
    found = matches("set_value with a dotted key leaves the dict empty", [other, about])
    assert [match.result for match in found] == [about]
    assert matches("the value is wrong", [other]) == []
