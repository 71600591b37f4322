"""Tests' names as data sets write them, and the results that they mean."""

from __future__ import annotations

import pytest

from swe_sleep.evaluate.naming import Outcomes, files_named, is_runnable
from swe_sleep.evaluate.official import as_logged
from swe_sleep.records import Outcome, TestResult, TestRun
from swe_sleep.testing.tests import NO_SUCH_TEST

FILE = "tests/test_a.py"


def outcomes(**said: str) -> Outcomes:
    """Of tests with these ids, each `FILE::id`."""
    results = []
    for name, outcome in said.items():
        expected = outcome == "xfail"
        kind = Outcome.SKIPPED if expected else Outcome(outcome)
        results.append(TestResult(f"{FILE}::{name}", kind, expected=expected))
    return Outcomes(TestRun(tuple(results)))


@pytest.mark.parametrize(
    ("said", "name", "means"),
    [
        ({"test_a": "passed"}, f"{FILE}::test_a", "passed"),
        ({"test_a": "xfail"}, f"{FILE}::test_a", "passed"),
        ({"test_a": "skipped"}, f"{FILE}::test_a", "skipped"),
        ({"test_a": "timeout"}, f"{FILE}::test_a", "timeout"),
        ({"test_a": "passed"}, f"{FILE}::test_b", "missing"),
        ({"test_a[x y]": "passed"}, f"{FILE}::test_a[x", "passed"),
        ({"test_a[x y]": "passed", "test_a[x z]": "failed"}, f"{FILE}::test_a[x", "failed"),
        ({"test_a[log(b)]": "passed"}, f"{FILE}::test_a[log(", "passed"),
        ({"test_a[l1]": "passed", "test_a[l2]": "error"}, f"{FILE}::test_a[l", "error"),
        ({"test_a[/tmp/1/b]": "passed"}, f"{FILE}::test_a[/b]", "passed"),
        ({"test_a[http://b]": "passed"}, f"{FILE}::test_a[/b]", "missing"),
        ({"A::test_a": "passed"}, "test_a", "passed"),
        ({"test_a[1]": "passed", "test_a[2]": "failed"}, "test_a", "failed"),
        ({"test_a": "passed"}, "[100%]", "passed"),
    ],
)
def test_which_results_a_name_means(said: dict[str, str], name: str, means: str) -> None:
    assert outcomes(**said).of(name) == means


def test_a_file_that_cannot_be_read_and_one_that_is_not_there() -> None:
    broken = TestResult(FILE, Outcome.ERROR, message="SyntaxError: no")
    skipped = TestResult("tests/test_b.py", Outcome.SKIPPED)
    gone = TestResult("tests/test_c.py", Outcome.ERROR, message=NO_SUCH_TEST)
    found = Outcomes(TestRun((broken, skipped, gone)))
    assert found.of(f"{FILE}::test_a") == "error"
    assert found.of("tests/test_b.py::test_a") == "missing"
    assert found.of("tests/test_c.py::test_a") == "missing"


@pytest.mark.parametrize(
    ("name", "runnable"),
    [
        (f"{FILE}::test_a[b c", True),
        ("README.rst::README.rst", True),
        ("test_a", True),
        ("[ 50%]", True),
        ("test_a (forms.tests.ATest)", False),
        ("TestParse", False),
        ("should open a file", False),
    ],
)
def test_what_pytest_can_run(name: str, runnable: bool) -> None:
    assert is_runnable(name) is runnable


def test_the_files_to_run_come_in_the_order_of_the_hidden_tests() -> None:
    hidden = ["tests/b.py", "tests/data.json", "tests/a.py"]
    names = ["tests/a.py::test_1", "tests/c.py::test_1", "tests/b.py::T::test_1", "[ 10%]"]
    assert files_named(names, hidden) == ("tests/b.py", "tests/a.py", "tests/c.py")
    assert files_named(["test_1"], hidden) == ("tests/b.py", "tests/a.py")
    assert files_named(["tests/c.py::test_1"], hidden) == ("tests/c.py",)


def test_names_are_cut_as_the_parsers_cut_them() -> None:
    assert as_logged(f"{FILE}::test_a[x y]", "parse_log_pytest") == f"{FILE}::test_a[x"
    assert as_logged(f"{FILE}::test_a[x y]", "parse_log_pytest_v2") == f"{FILE}::test_a[x y]"
