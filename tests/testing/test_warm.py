"""The warm runner: edits act, what was there comes back, and losing the server costs only time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from swe_sleep.records import Outcome
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.warm import WarmTests

OpenTests = Callable[..., Tests]

CALC = {
    "calc.py": "import colorsys\n\ndef less(a, b):\n    return a > b\n",
    "test_calc.py": (
        "import os, time\nfrom calc import less\n\n"
        "def test_less():\n    assert less(1, 2)\n\n"
        "def test_more():\n    assert not less(2, 1)\n\n"
        "def test_slow():\n    time.sleep(60 * less(2, 1))\n\n"
        "def test_dies():\n    if less(2, 1): os._exit(4)\n"
    ),
}  # fmt: skip
IDS = ("test_calc.py::test_less", "test_calc.py::test_more")


class Limits(TypedDict):
    timeout_s: float
    test_timeout_s: float


LIMITS: Limits = {"timeout_s": 60.0, "test_timeout_s": 30.0}


def test_each_run_sees_the_files_as_they_are(open_tests: OpenTests) -> None:
    with WarmTests(open_tests(CALC)) as warm:
        fixed = CALC["calc.py"].replace(">", "<").encode()  # same size, within the same second
        for _ in range(3):
            wrong = warm.run(IDS, fail_fast=False, **LIMITS)
            assert wrong.bad == set(IDS)
            assert [r.frames[-1].path for r in wrong.results] == ["test_calc.py"] * 2
            right = warm.run(IDS, files={"calc.py": fixed}, **LIMITS)
            assert right.passed == set(IDS)
        assert (warm.warm, warm.why) == (True, "")
        assert warm.tests.sandbox.get("calc.py") == CALC["calc.py"].encode()
        gone = warm.run(IDS, files={"calc.py": None, "other.py": b""}, fail_fast=False, **LIMITS)
        assert gone.bad == {"test_calc.py", *IDS}
        assert warm.tests.sandbox.changes() == {}


def test_coverage_unknown_ids_and_fail_fast(open_tests: OpenTests) -> None:
    with WarmTests(open_tests(CALC)) as warm:
        run = warm.run(["test_calc.py::test_none", IDS[0]], coverage=True, **LIMITS)
        assert warm.warm
        assert run.bad == {"test_calc.py::test_none", IDS[0]}
        assert run.coverage is not None
        assert run.coverage.lines[IDS[0]] == {"calc.py": (4,), "test_calc.py": (5,)}
        first = warm.run(IDS, **LIMITS)
        assert [r.test_id for r in first.results] == [IDS[0]]


def test_hangs_and_crashes_stay_in_their_run(open_tests: OpenTests) -> None:
    with WarmTests(open_tests(CALC)) as warm:
        names = ["test_calc.py::test_slow", "test_calc.py::test_dies", IDS[1]]
        run = warm.run(names, fail_fast=False, timeout_s=60, test_timeout_s=1.5)
        assert [r.outcome for r in run.results] == [
            Outcome.TIMEOUT,
            Outcome.ERROR,
            Outcome.FAILED,
        ]
        assert warm.warm
        assert warm.run(IDS, **LIMITS).bad


def test_a_lost_server_is_started_again(open_tests: OpenTests) -> None:
    with WarmTests(open_tests(CALC)) as warm:
        assert warm.run(IDS, **LIMITS).bad
        shell = warm.tests.sandbox.shell()
        shell.run("cd /", timeout_s=10)
        folder = warm.tests.folder
        shell.run(f"kill -9 $(cat {folder}/server-*/pid)", timeout_s=10)
        assert warm.run(IDS, **LIMITS).bad == {IDS[0]}  # a cold one
        assert warm.run(IDS, **LIMITS).bad == {IDS[0]}
        assert warm.warm
        assert shell.run("pwd", timeout_s=10).stdout.strip() == "/"


def test_a_server_that_goes_while_it_is_asked(open_tests: OpenTests) -> None:
    with WarmTests(open_tests(CALC)) as warm:
        assert warm.run(IDS, **LIMITS).bad
        shell = warm.tests.sandbox.shell()
        shell.run("cd /", timeout_s=10)
        # Its id is another's that lives, as in the moment between a signal and its effect.
        pid = f"{warm.tests.folder}/server-*/pid"
        shell.run(f"for f in {pid}; do kill -9 $(cat $f); echo $$ > $f; done", timeout_s=10)
        assert warm.run(IDS, **LIMITS).bad == {IDS[0]}
        assert shell.run("pwd", timeout_s=10).stdout.strip() == "/"


def test_without_a_shell_that_can_start_it(open_tests: OpenTests) -> None:
    tests = open_tests({"pytest.py": "raise ImportError\n", "test_a.py": "def test_a(): pass\n"})
    with WarmTests(tests) as warm:
        fixed = {"pytest.py": None}
        run = warm.run(["test_a.py"], files=fixed, **LIMITS)
        assert run.passed == {"test_a.py::test_a"}


def test_one_after_another_in_the_same_sandbox(open_tests: OpenTests) -> None:
    tests = open_tests(CALC)
    for _ in range(3):
        with WarmTests(tests) as warm:
            assert warm.run(IDS, **LIMITS).bad == {IDS[0]}
            assert (warm.warm, warm.why) == (True, "")


def test_started_early_it_has_what_the_tests_before_imported(open_tests: OpenTests) -> None:
    tests = open_tests(
        CALC | {"test_b.py": "import sys\n\ndef test_b(): assert 'colorsys' in sys.modules\n"}
    )
    with WarmTests(tests) as warm:
        assert warm.run(["test_b.py"], **LIMITS).bad
        assert warm.run(IDS, **LIMITS).bad  # calc imports colorsys
    with WarmTests(tests) as warm:
        warm.start()
        assert warm.warm
        assert warm.run(["test_b.py"], **LIMITS).passed == {"test_b.py::test_b"}


def test_a_run_can_be_stopped(open_tests: OpenTests) -> None:
    slow = "import time\n\ndef test_a(): pass\n\ndef test_b(): time.sleep(600)\n"
    tests = open_tests({"test_s.py": slow})
    with WarmTests(tests) as warm:

        def stop() -> bool:
            shell = [tests.sandbox.environment.python, "-c", PASSED.format(tests.folder)]
            return tests.sandbox.run(shell, timeout_s=60).exit_code == 0

        run = warm.run(["test_s.py"], timeout_s=600, test_timeout_s=600, stop=stop)
        assert run.passed == {"test_s.py::test_a"}
        assert run.unfinished == ("test_s.py::test_b",)
        assert "cancelled" in run.problem
        assert warm.run(["test_s.py::test_a"], **LIMITS).passed


PASSED = """
import glob, sys
sys.exit("passed" not in "".join(open(name).read() for name in glob.glob("{}/run-*/events.jsonl")))
"""
