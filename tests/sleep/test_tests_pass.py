"""What the tests pass claims: outcomes, flakes, what is pending, what could not be run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from swe_sleep.notes import kinds
from swe_sleep.records import Outcome, TestResult, TestRun
from swe_sleep.testing.tests import Tests

BASKET, MONEY = "tests/test_basket.py", "tests/test_money.py"


def slept(project: Any, **more: Any) -> list[str]:
    """Sleep; the tests that ran."""
    ran: list[str] = []
    with project.count_tests(ran):
        report = project.sleep(**more)
    assert not report.problems
    return ran


def test_first_pass_knows_every_outcome_and_line(shop: Any) -> None:
    slept(shop)

    assert shop.outcomes() == dict.fromkeys(shop.truth(), Outcome.PASSED)
    assert len(shop.outcomes()) == 5
    coverage, results = shop.evidence.coverage_of(["shop/money.py"])
    assert coverage.lines[f"{MONEY}::test_vat"]["shop/money.py"] == (7,)
    assert len(results) == 5
    note = shop.view.get(kinds.TESTS, MONEY).note
    assert note.body.startswith("2 passed")
    assert {"shop/money.py", "shop/__init__.py", MONEY, "conftest.py"} <= note.inputs.keys()


def test_only_tests_that_ran_the_changed_function_run(shop: Any) -> None:
    slept(shop)
    shop.edit("shop/money.py", "f'{cents // 100}.", "f'{cents // 100},")

    assert slept(shop) == [f"{MONEY}::test_euros"] * 2  # what newly fails runs a second time
    assert shop.bad() == {f"{MONEY}::test_euros"}


def test_change_of_a_file_that_no_test_reads_runs_nothing(shop: Any) -> None:
    slept(shop)
    shop.write("README.md", "A shop.\n")
    shop.write("shop/unused.py", "x = 1\n")

    assert slept(shop) == []
    assert len(shop.outcomes()) == 5


def test_what_failed_before_runs_once(shop: Any) -> None:
    shop.edit("shop/money.py", "VAT // 100", "VAT // 10")
    slept(shop)
    assert len(shop.bad()) == 2
    shop.edit("shop/money.py", "VAT // 10\n", "VAT // 20\n")

    assert sorted(slept(shop)) == [f"{BASKET}::test_total", f"{MONEY}::test_vat"]
    assert len(shop.bad()) == 2


def test_flaky_test_is_told_from_a_fault(shop: Any, tmp_path_factory: Any) -> None:
    shop.write(
        "tests/test_flaky.py",
        "import pathlib, tempfile\n\nCOUNT = pathlib.Path(tempfile.gettempdir(), 'runs')\n\n\n"
        "def test_flaky():\n    runs = len(COUNT.read_text()) if COUNT.exists() else 0\n"
        "    COUNT.write_text('.' * (runs + 1))\n    assert runs % 2 == 1\n\n\n"
        "def test_faulty():\n    assert 1 == 2\n",
    )

    slept(shop)

    data = shop.tests_of("tests/test_flaky.py")
    assert data.flaky == ("tests/test_flaky.py::test_flaky",)
    assert shop.bad() == {"tests/test_flaky.py::test_faulty"}
    assert "Flaky" in shop.view.get(kinds.TESTS, "tests/test_flaky.py").note.body


def test_what_fails_on_the_warm_server_alone_is_neither_failing_nor_flaky(shop: Any) -> None:
    shop.write(
        "tests/test_parent.py",
        "import os, pathlib\nfrom shop.money import euros\n\n\ndef test_parent():\n"
        "    assert euros(100)\n    parent = pathlib.Path(f'/proc/{os.getppid()}/cmdline')\n"
        "    assert b'serve' not in parent.read_bytes()\n",
    )
    slept(shop)
    shop.edit("shop/money.py", "f'{cents // 100}.", "f'{cents // 100},")

    parent = "tests/test_parent.py::test_parent"
    assert slept(shop).count(parent) == 3
    assert shop.bad() == {f"{MONEY}::test_euros"}
    assert shop.tests_of("tests/test_parent.py").flaky == ()


def test_what_passes_again_is_heard_from_a_fresh_process(shop: Any) -> None:
    slept(shop)
    shop.edit("shop/money.py", "VAT // 100", "VAT // 10")
    slept(shop)
    assert len(shop.bad()) == 2
    shop.edit("shop/money.py", "VAT // 10\n", "VAT // 100 \n")

    ran = slept(shop)
    assert ran.count(f"{MONEY}::test_vat") == ran.count(f"{BASKET}::test_total") == 2
    assert shop.bad() == set()


def test_examples_in_texts_are_tests_where_the_settings_say_so(shop: Any) -> None:
    shop.write("pytest.ini", "[pytest]\naddopts = --doctest-glob='*.rst'\n")
    shop.write(
        "docs/use.rst", "Prices\n\n>>> from shop.money import euros\n>>> euros(205)\n'2.05'\n"
    )
    slept(shop)
    text = "docs/use.rst::use.rst"
    assert shop.outcomes()[text] is Outcome.PASSED
    shop.edit("shop/money.py", "f'{cents // 100}.", "f'{cents // 100},")

    assert slept(shop).count(text) == 2
    assert shop.bad() == {text, f"{MONEY}::test_euros"}


def test_what_a_test_starts_may_run_any_file(shop: Any) -> None:
    shop.write(
        "tests/test_program.py",
        "import subprocess, sys\n\nCODE = 'from shop.money import euros; print(euros(100))'\n\n\n"
        "def test_program():\n"
        "    done = subprocess.run([sys.executable, '-c', CODE], capture_output=True, text=True)\n"
        "    assert done.stdout == '1.00\\n'\n\n\ndef test_other():\n    assert sys.argv\n",
    )
    slept(shop)
    program = "tests/test_program.py::test_program"
    assert shop.outcomes()[program] is Outcome.PASSED
    shop.write("README.md", "A shop.\n")
    assert slept(shop) == []
    shop.edit("shop/money.py", "f'{cents // 100}.", "f'{cents // 100},")

    ran = slept(shop)
    assert program in ran
    assert "tests/test_program.py::test_other" not in ran
    assert program in shop.bad()
    assert set(shop.tests_of("tests/test_program.py").passed_with[program]) == {"shop/money.py"}


def test_budget_that_cuts_the_tests_leaves_the_rest_pending(
    make_project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = "import time\n\n\n" + "\n\n".join(
        f"def test_{n}():\n    time.sleep({0 if n < 2 else 600})\n" for n in range(4)
    )
    project = make_project({"tests/test_slow.py": slow})
    project.sleep(seconds=0.001)
    assert project.outcomes() == {}
    stop = threading.Event()
    seen: list[TestResult] = []
    run = Tests.run

    def watched(tests: Tests, ids: Sequence[str] | None, **more: Any) -> TestRun:
        def told(result: TestResult) -> None:
            seen.append(result)
            if len(seen) == 2:
                stop.set()

        return run(tests, ids, on_result=told, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Tests, "run", watched)
        report = project.sleep(stop=stop)

    assert report.stopped and report.left_by_pass["tests"]
    assert {"tests/test_slow.py::test_0", "tests/test_slow.py::test_1"} == set(project.outcomes())
    assert set(project.tests_of("tests/test_slow.py").pending) == {
        "tests/test_slow.py::test_2",
        "tests/test_slow.py::test_3",
    }
    project.write("tests/test_slow.py", slow.replace("600", "0"))

    slept(project)

    assert len(project.outcomes()) == 4


def test_test_that_hangs_is_stopped_and_the_others_run(shop: Any) -> None:
    shop.flags["tests.test_timeout_s"] = 1
    shop.write("tests/test_hang.py", "def test_hangs():\n    while True:\n        pass\n\n\n"
               "def test_after():\n    pass\n")  # fmt: skip

    slept(shop)

    assert shop.outcomes()["tests/test_hang.py::test_hangs"] is Outcome.TIMEOUT
    assert shop.outcomes()["tests/test_hang.py::test_after"] is Outcome.PASSED
    assert len(shop.outcomes()) == 7


def test_file_that_ends_the_session_costs_its_neighbours_nothing(shop: Any) -> None:
    text = "import pytest\n\n\ndef test_end():\n    pytest.exit('enough')\n"
    shop.write("tests/test_end.py", text + "\n\ndef test_after():\n    pass\n")

    slept(shop)

    outcomes = shop.outcomes()
    assert len(outcomes) == 7
    assert shop.bad() == {"tests/test_end.py::test_end"}
    assert slept(shop) == []


def test_file_that_uses_up_the_time_of_a_run_gets_one_of_its_own(shop: Any) -> None:
    shop.flags["tests.timeout_s"] = 10
    shop.write("tests/test_long.py", "import time\n\n\ndef test_long():\n    time.sleep(60)\n")
    shop.commit()  # so that it is in one batch with the others

    report = shop.sleep()

    assert (report.problems, report.left) == ([], 0)
    assert len(shop.outcomes()) == 5
    assert "time limit" in shop.tests_of("tests/test_long.py").problem
    assert shop.tests_of(MONEY).problem == ""
    assert slept(shop) == []


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("shop/money.py", "def euros(cents)", "def euros(cents"),
        ("shop/money.py", "VAT = 10", "import no_such_module"),
        (MONEY, "def test_vat()", "def test_vat("),
        ("shop/__init__.py", "", "raise RuntimeError('no')\n"),
    ],
    ids=["syntax in a source", "import in a source", "syntax in a test", "package"],
)
def test_collection_error_and_its_mending(shop: Any, path: str, before: str, after: str) -> None:
    slept(shop)
    text = shop.read(path)
    shop.write(path, text.replace(before, after, 1) if before else after)

    slept(shop)
    assert shop.outcomes() == shop.truth()
    assert shop.outcomes()[MONEY] is Outcome.ERROR

    shop.write(path, text + "\n")
    slept(shop)
    assert shop.outcomes() == dict.fromkeys(shop.truth(), Outcome.PASSED)


def test_module_that_was_missing_and_comes(shop: Any) -> None:
    shop.write(
        "tests/test_plan.py", "from shop.plan import step\n\n\ndef test_step():\n    step()\n"
    )
    shop.write("tests/conftest.py", "from shop import later\n")
    slept(shop)
    assert set(shop.outcomes()) == {BASKET, MONEY, "tests/test_plan.py"}

    shop.write("shop/later.py", "")
    slept(shop)
    assert shop.bad() == {"tests/test_plan.py"}

    shop.write("shop/plan.py", "def step():\n    pass\n")
    slept(shop)
    assert not shop.bad()
    assert len(shop.outcomes()) == 6


def test_deleted_test_file_is_no_longer_claimed(shop: Any) -> None:
    shop.edit("shop/basket.py", "LIMIT = 3", "LIMIT = 4")
    slept(shop)
    assert shop.bad()

    shop.delete(BASKET)

    assert not shop.bad()
    assert slept(shop) == []
    assert set(shop.outcomes()) == {f"{MONEY}::test_vat", f"{MONEY}::test_euros"}


def test_test_taken_out_of_a_file_is_no_longer_claimed(shop: Any) -> None:
    slept(shop)
    shop.edit(MONEY, "\n\ndef test_euros():\n    assert euros(205) == '2.05'\n", "")

    slept(shop)

    assert f"{MONEY}::test_euros" not in shop.outcomes()


def test_repository_without_tests(make_project: Callable[..., Any]) -> None:
    project = make_project({"a.py": "x = 1\n"})

    assert slept(project) == []
    assert project.outcomes() == {}


def test_file_of_tests_without_tests(make_project: Callable[..., Any]) -> None:
    project = make_project({"test_none.py": "x = 1\n"})

    slept(project)

    assert project.outcomes() == {}
    assert project.tests_of("test_none.py").problem == ""
    assert project.sleep().units == {}


# -- since when -----------------------------------------------------------------------------------


def passed_with(project: Any, test: str) -> dict[str, str] | None:
    (failing,) = (each for each in project.evidence.failing() if each.id == test)
    return None if failing.passed_with is None else dict(failing.passed_with)


def test_failing_test_knows_the_content_it_passed_with(shop: Any) -> None:
    slept(shop)
    was = shop.repository.snapshot().blob("shop/money.py")
    shop.edit("shop/money.py", "VAT // 100", "VAT // 10")
    slept(shop)
    assert passed_with(shop, f"{MONEY}::test_vat") == {"shop/money.py": was}

    other = shop.repository.snapshot().blob("shop/basket.py")
    shop.edit("shop/money.py", "VAT // 10\n", "VAT // 20\n")
    shop.edit("shop/basket.py", "return sum(", "return 0 + sum(")
    slept(shop)

    assert passed_with(shop, f"{MONEY}::test_vat") == {"shop/money.py": was}
    assert passed_with(shop, f"{BASKET}::test_total") == {
        "shop/money.py": was,
        "shop/basket.py": other,
    }
    texts = shop.evidence.old_texts(shop.evidence.failing())
    assert b"VAT // 100" in texts["shop/money.py"]


def test_content_of_before_an_edit_that_never_ran(shop: Any) -> None:
    slept(shop)
    was = shop.repository.snapshot().blob("shop/money.py")
    shop.edit("shop/money.py", "VAT // 100", "VAT // 10")
    stop = threading.Event()
    shop.listener = lambda event: stop.set() if event.unit and event.unit.step == "tests" else None
    shop.sleep(stop=stop)  # carried over, nothing ran
    assert f"{MONEY}::test_vat" not in shop.outcomes()
    shop.listener = lambda event: None
    shop.edit("shop/money.py", "VAT // 10\n", "VAT // 20\n")

    slept(shop)

    assert passed_with(shop, f"{MONEY}::test_vat") == {"shop/money.py": was}


def test_first_edit_of_a_repository_is_blamed_without_a_baseline(shop: Any) -> None:
    shop.write("tests/test_old.py", "def test_old():\n    assert False\n")
    shop.commit()
    was = shop.repository.snapshot().blob("shop/money.py")
    shop.edit("shop/money.py", "VAT // 100", "VAT // 10")

    slept(shop)

    assert passed_with(shop, f"{MONEY}::test_vat") == {"shop/money.py": was}
    assert passed_with(shop, "tests/test_old.py::test_old") is None


def test_nothing_of_the_runs_is_left_in_the_work_tree(shop: Any) -> None:
    slept(shop)

    assert shop.git("status", "--porcelain", "--ignored") == ""
