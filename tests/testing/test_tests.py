"""Real pytest runs in a real sandbox, on tiny repositories."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

import pytest

from swe_sleep.errors import TestsError, UnknownTest
from swe_sleep.records import Outcome, Place, TestResult
from swe_sleep.testing.tests import Tests

OpenTests = Callable[..., Tests]


class Limits(TypedDict):
    timeout_s: float
    test_timeout_s: float


LIMITS: Limits = {"timeout_s": 120.0, "test_timeout_s": 60.0}

SHOP = {
    "shop/__init__.py": "",
    "shop/price.py": (
        "def total(prices):\n    if not prices:\n        return 0\n    return sum(prices) + 1\n"
    ),
    "tests/test_price.py": (
        "import pytest\n"
        "from shop.price import total\n\n"
        "def test_empty():\n    assert total([]) == 0\n\n"
        "def test_sum():\n    assert total([1, 2]) == 3\n\n"
        "@pytest.mark.parametrize('n', [1, 2], ids=['one', 'two'])\n"
        "def test_each(n):\n    assert total([n]) == n + 1\n\n"
        "class TestShop:\n    def test_type(self):\n        total(None)\n        total(3)\n"
    ),
}  # fmt: skip


def outcomes(results: tuple[TestResult, ...]) -> dict[str, str]:
    return {r.test_id.rpartition("::")[2]: r.outcome.value for r in results}


def test_collects_every_id_in_order(open_tests: OpenTests) -> None:
    collection = open_tests(SHOP).collect(timeout_s=60)
    assert collection.test_ids == (
        "tests/test_price.py::test_empty",
        "tests/test_price.py::test_sum",
        "tests/test_price.py::test_each[one]",
        "tests/test_price.py::test_each[two]",
        "tests/test_price.py::TestShop::test_type",
    )
    assert (collection.problem, collection.errors) == ("", ())


def test_outcomes_messages_and_frames(open_tests: OpenTests) -> None:
    seen: list[TestResult] = []
    run = open_tests(SHOP).run(None, on_result=seen.append, **LIMITS)
    assert run.problem == ""
    assert outcomes(run.results) == {
        "test_empty": "passed",
        "test_sum": "failed",
        "test_each[one]": "passed",
        "test_each[two]": "passed",
        "test_type": "failed",
    }
    assert seen == list(run.results)
    wrong = run.result("tests/test_price.py::test_sum")
    assert wrong is not None
    assert wrong.message == "AssertionError: assert 4 == 3"
    assert wrong.frames == (Place("tests/test_price.py", 8),)
    assert "assert total([1, 2]) == 3" in wrong.detail
    raised = run.result("tests/test_price.py::TestShop::test_type")
    assert raised is not None
    assert raised.message == "TypeError: 'int' object is not iterable"
    assert raised.frames == (Place("tests/test_price.py", 17), Place("shop/price.py", 4))


def test_runs_what_is_asked_for_in_that_order(open_tests: OpenTests) -> None:
    tests = open_tests(SHOP)
    run = tests.run(["tests/test_price.py::test_each", "tests/test_price.py::test_empty"], **LIMITS)
    assert [r.test_id.rpartition("::")[2] for r in run.results] == [
        "test_each[one]",
        "test_each[two]",
        "test_empty",
    ]
    assert len(tests.run(["tests"], **LIMITS).results) == 5
    only = tests.run(["tests/test_price.py::TestShop"], **LIMITS)
    assert outcomes(only.results) == {"test_type": "failed"}


def test_fail_fast_ends_at_the_first_bad_one(open_tests: OpenTests) -> None:
    run = open_tests(SHOP).run(None, fail_fast=True, **LIMITS)
    assert outcomes(run.results) == {"test_empty": "passed", "test_sum": "failed"}
    assert run.problem == ""


def test_an_unknown_id_is_named_with_the_nearest(open_tests: OpenTests) -> None:
    tests = open_tests(SHOP)
    with pytest.raises(UnknownTest, match=r"test_price.py::test_som.*nearest.*::test_sum"):
        tests.run(["tests/test_price.py::test_empty", "tests/test_price.py::test_som"], **LIMITS)
    with pytest.raises(UnknownTest, match=r"tests/test_prise.py::test_sum.*tests/test_price.py"):
        tests.run(["tests/test_prise.py::test_sum"], **LIMITS)
    run = tests.run(
        ["tests/test_price.py::test_som", "tests/test_price.py::test_empty"],
        strict=False,
        **LIMITS,
    )
    assert outcomes(run.results) == {"test_som": "error", "test_empty": "passed"}


def test_no_tests_at_all(open_tests: OpenTests) -> None:
    tests = open_tests({"a.py": "x = 1\n"})
    run = tests.run(None, **LIMITS)
    assert run.results == ()
    assert "no tests" in run.problem
    assert "no tests" in tests.collect(timeout_s=60).problem


def test_setup_teardown_skip_and_expected_failures(open_tests: OpenTests) -> None:
    source = """
import unittest, pytest
@pytest.fixture
def bad(): raise ValueError("no\\nfixture")
@pytest.fixture
def leaves(): yield; raise KeyError("left")
def test_setup(bad): pass
def test_teardown(leaves): pass
@pytest.mark.skip(reason="not now")
def test_skip(): pass
@pytest.mark.xfail(reason="known")
def test_xfail(): assert 0
@pytest.mark.xfail(strict=True)
def test_strict(): pass
@pytest.mark.xfail
def test_xpass(): pass
def test_exit(): raise SystemExit(3)
class TestOld(unittest.TestCase):
    def setUp(self): self.x = 1
    def test_equal(self): self.assertEqual(self.x, 2)
    def test_sub(self):
        for n in (0, 1, 2):
            with self.subTest(n=n): self.assertNotEqual(n, 1)
    @unittest.expectedFailure
    def test_expected(self): self.fail()
    @unittest.skip("later")
    def test_later(self): pass
    def test_fine(self): pass
"""
    run = open_tests({"test_kinds.py": source}).run(None, **LIMITS)
    assert outcomes(run.results) == {
        "test_setup": "error",
        "test_teardown": "error",
        "test_skip": "skipped",
        "test_xfail": "skipped",
        "test_strict": "failed",
        "test_xpass": "passed",
        "test_exit": "failed",
        "test_equal": "failed",
        "test_expected": "skipped",
        "test_fine": "passed",
        "test_later": "skipped",
        "test_sub": "failed",
    }
    results = {r.test_id.rpartition("::")[2]: r for r in run.results}
    assert {name for name, r in results.items() if r.expected} == {"test_xfail", "test_expected"}
    assert results["test_setup"].message == "ValueError: no"
    assert results["test_skip"].message.endswith("not now")
    assert results["test_equal"].message == "AssertionError: 1 != 2"
    assert results["test_sub"].message == "AssertionError: 1 == 1"


def test_files_that_can_not_be_read(open_tests: OpenTests) -> None:
    files = {
        "lib.py": "import nothing_of_that_name\n",
        "test_import.py": "import lib\ndef test_a(): pass\n",
        "test_syntax.py": "def test_b(:\n    pass\n",
        "test_skipped.py": "import pytest\npytest.importorskip('absent')\ndef test_s(): pass\n",
        "test_fine.py": "def test_c(): pass\n",
    }  # fmt: skip
    tests = open_tests(files)
    run = tests.run(None, **LIMITS)
    assert {r.test_id: r.outcome for r in run.results} == {
        "test_import.py": Outcome.ERROR,
        "test_syntax.py": Outcome.ERROR,
        "test_skipped.py": Outcome.SKIPPED,
        "test_fine.py::test_c": Outcome.PASSED,
    }
    bad = run.result("test_import.py")
    assert bad is not None
    assert bad.message == "ModuleNotFoundError: No module named 'nothing_of_that_name'"
    assert bad.frames == (Place("test_import.py", 1), Place("lib.py", 1))
    wrong = run.result("test_syntax.py")
    assert wrong is not None
    assert wrong.message.startswith("SyntaxError: ")
    assert wrong.frames == (Place("test_syntax.py", 1),)
    collection = tests.collect(timeout_s=60)
    assert collection.test_ids == ("test_fine.py::test_c",)
    assert [r.test_id for r in collection.errors] == ["test_import.py", "test_syntax.py"]
    asked = tests.run(["test_syntax.py::test_b", "test_fine.py::test_c"], **LIMITS)
    assert asked.bad == {"test_syntax.py", "test_syntax.py::test_b"}
    assert asked.passed == {"test_fine.py::test_c"}


def test_a_conftest_that_raises(open_tests: OpenTests) -> None:
    files = {"conftest.py": "import os\nraise RuntimeError('no database')\n", "test_a.py": ""}
    run = open_tests(files).run(None, **LIMITS)
    result = run.result("conftest.py")
    assert result is not None
    assert (result.outcome, result.message) == (Outcome.ERROR, "RuntimeError: no database")
    assert result.frames == (Place("conftest.py", 2),)
    assert "before any test ran" in run.problem


def test_the_rest_runs_after_a_crash(open_tests: OpenTests) -> None:
    source = """
import os, signal, time
def test_first(): pass
def test_exits(): os._exit(3)
def test_between(): pass
def test_segfault(): os.kill(os.getpid(), signal.SIGSEGV)
def test_killed(): os.kill(os.getpid(), signal.SIGKILL)
def test_interrupt(): raise KeyboardInterrupt
def test_last(): assert 0
"""
    run = open_tests({"test_crash.py": source}).run(None, **LIMITS)
    results = {r.test_id.rpartition("::")[2]: r for r in run.results}
    assert outcomes(run.results) == {
        "test_first": "passed",
        "test_exits": "error",
        "test_between": "passed",
        "test_segfault": "error",
        "test_killed": "error",
        "test_interrupt": "error",
        "test_last": "failed",
    }
    assert "exit code 3" in results["test_exits"].message
    assert "SIGSEGV" in results["test_segfault"].message
    assert "memory" in results["test_killed"].message
    assert run.problem == ""


def test_too_many_crashes_are_given_up(open_tests: OpenTests) -> None:
    source = (
        "import os, pytest\n"
        "@pytest.mark.parametrize('n', range(9))\n"
        "def test_dies(n): os._exit(1)\n"
    )
    run = open_tests({"test_crash.py": source}, most_restarts=2).run(None, **LIMITS)
    assert len(run.results) == 3
    assert run.problem == "given up after 3 crashes; 6 tests did not run"


def test_time_limits(open_tests: OpenTests) -> None:
    source = """
import signal, time
def test_first(): pass
def test_sleeps():
    time.sleep(60)
def test_catches():
    while True:
        try: time.sleep(60)
        except BaseException: pass
def test_deaf():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    time.sleep(60)
def test_last(): pass
"""
    run = open_tests({"test_slow.py": source}).run(None, timeout_s=60, test_timeout_s=1.5)
    assert outcomes(run.results) == {
        "test_first": "passed",
        "test_sleeps": "timeout",
        "test_catches": "timeout",
        "test_deaf": "timeout",
        "test_last": "passed",
    }
    sleeps = run.result("test_slow.py::test_sleeps")
    assert sleeps is not None
    assert sleeps.message == "TimeLimit: ran longer than 1.5 s"
    assert sleeps.frames == (Place("test_slow.py", 5),)
    assert run.problem == ""


def test_files_that_hang_or_die_at_import(open_tests: OpenTests) -> None:
    files = {
        "test_a_deaf.py": (
            "import signal, time\n"
            "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n"
            "time.sleep(60)\n"
        ),
        "test_b_dies.py": "import os\nos._exit(9)\ndef test_x(): pass\n",
        "test_c_fine.py": "def test_c(): pass\n",
    }  # fmt: skip
    tests = open_tests(files, import_timeout_s=2.0)
    run = tests.run(None, timeout_s=60, test_timeout_s=1.5)
    assert {r.test_id: r.outcome.value for r in run.results} == {
        "test_a_deaf.py": "timeout",
        "test_b_dies.py": "error",
        "test_c_fine.py::test_c": "passed",
    }
    asked = tests.run(["test_b_dies.py::test_x", "test_c_fine.py::test_c"], **LIMITS)
    assert asked.bad == {"test_b_dies.py", "test_b_dies.py::test_x"}
    assert asked.passed == {"test_c_fine.py::test_c"}


def test_the_limit_of_the_whole_run_keeps_what_there_is(open_tests: OpenTests) -> None:
    source = "import time\ndef test_a(): pass\ndef test_b(): time.sleep(60)\ndef test_c(): pass\n"
    tests = open_tests({"test_slow.py": source})
    # As long as the machine needs for the first test now, several times over.
    quick = tests.run(["test_slow.py::test_a"], **LIMITS).duration_s
    run = tests.run(None, timeout_s=1 + 4 * quick, test_timeout_s=60)
    assert outcomes(run.results)["test_a"] == "passed"
    assert "test_c" not in outcomes(run.results)
    assert run.problem.startswith(("the tests were stopped at the time limit", "pytest stopped"))


def test_cancelling_keeps_what_there_is(open_tests: OpenTests) -> None:
    source = "import time\ndef test_a(): pass\ndef test_b(): time.sleep(60)\n"
    seen: list[TestResult] = []
    run = open_tests({"test_slow.py": source}).run(
        None, on_result=seen.append, stop=lambda: bool(seen), **LIMITS
    )
    assert outcomes(run.results) == {"test_a": "passed"}
    assert run.problem == "the run was cancelled; 1 tests did not finish"


def test_without_pytest(open_tests: OpenTests) -> None:
    files = {"pytest.py": "raise ImportError('hidden')\n", "test_a.py": "def test_a(): pass\n"}
    with pytest.raises(TestsError, match="pytest can not be imported: hidden"):
        open_tests(files).run(None, **LIMITS)
