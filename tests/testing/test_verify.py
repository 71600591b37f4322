"""The one verification: real patches, real runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from swe_sleep.errors import UnknownTest
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.verify import Bounds, Files, verify

OpenTests = Callable[..., Tests]

CALC = {
    "calc.py": "def less(a, b):\n    return a > b\n\ndef twice(n):\n    return 2 * n\n",
    "test_calc.py": (
        "from calc import less, twice\n\n"
        "def test_less():\n    assert less(1, 2)\n\n"
        "def test_twice():\n    assert twice(2) == 4\n\n"
        "def test_always_bad():\n    assert twice(2) == 5\n\n"
        "def test_flaky():\n"
        "    import pathlib, tempfile\n"
        "    mark = pathlib.Path(tempfile.gettempdir(), 'seen')\n"
        "    seen = mark.exists()\n"
        "    mark.touch()\n"
        "    assert seen\n"
    ),
    "test_other.py": "def test_other(): pass\n",
}  # fmt: skip
LESS, TWICE = "test_calc.py::test_less", "test_calc.py::test_twice"
ALWAYS, FLAKY = "test_calc.py::test_always_bad", "test_calc.py::test_flaky"
FIXED: Files = {"calc.py": CALC["calc.py"].replace(">", "<").encode()}
BREAKS: Files = {"calc.py": CALC["calc.py"].replace(">", "<").replace("2 *", "3 *").encode()}
BOUNDS = Bounds(run_s=60, suite_s=60, test_s=30)


def test_a_good_patch_is_proven(open_tests: OpenTests) -> None:
    tests = open_tests(CALC)
    said: list[str] = []
    proof = verify(
        tests,
        FIXED,
        reproducing=[LESS],
        impacted=[LESS, TWICE, FLAKY],
        whole_suite=True,
        bounds=BOUNDS,
        progress=said.append,
    )
    assert proof.holds, proof.refused
    assert proof.before.bad == {LESS}
    assert proof.after.passed == {LESS}
    assert proof.impacted is not None
    assert proof.impacted.bad == {FLAKY}  # told apart by running it again
    assert proof.suite is not None
    assert "test_other.py::test_other" in proof.suite.passed
    assert (proof.broken, proof.known_failures) == ((), (ALWAYS,))
    assert said[0] == "running the reproducing tests without the patch"
    assert tests.sandbox.changes() == {}


def test_a_patch_that_breaks_another_test_is_refused(open_tests: OpenTests) -> None:
    proof = verify(
        open_tests(CALC),
        BREAKS,
        reproducing=[LESS],
        impacted=[TWICE, ALWAYS],
        known_bad=[ALWAYS],
        bounds=BOUNDS,
    )
    assert proof.refused == f"it breaks {TWICE}"
    assert proof.broken == (TWICE,)
    assert proof.known_failures == (ALWAYS,)
    assert proof.suite is None


def test_a_file_that_can_not_be_imported_any_more_is_broken(open_tests: OpenTests) -> None:
    files: Files = {"calc.py": b"less = lambda a, b: a < b\n", "test_less.py": None}
    check = "import calc\ndef test_l(): assert calc.less(1, 2)\n"
    tests = open_tests({**CALC, "test_less.py": "", "check/test_l.py": check})
    proof = verify(
        tests, files, reproducing=["check/test_l.py::test_l"], whole_suite=True, bounds=BOUNDS
    )
    assert proof.broken == ("test_calc.py",)


def test_a_patch_that_does_not_help_is_refused(open_tests: OpenTests) -> None:
    files: Files = {"calc.py": CALC["calc.py"].replace("> b", "> b - 1").encode()}
    proof = verify(open_tests(CALC), files, reproducing=[LESS], impacted=[TWICE], bounds=BOUNDS)
    assert proof.refused.startswith(f"{LESS} still fails: AssertionError: assert False")
    assert proof.impacted is None


def test_a_test_that_passes_before_reproduces_nothing(open_tests: OpenTests) -> None:
    proof = verify(open_tests(CALC), FIXED, reproducing=[TWICE], bounds=BOUNDS)
    assert proof.refused == "the reproducing tests do not fail before: they pass"


def test_a_new_reproducing_test_can_be_added(open_tests: OpenTests) -> None:
    added: Files = {"test_new.py": b"import calc\ndef test_new(): assert calc.less(0, 9)\n"}
    proof = verify(
        open_tests(CALC),
        FIXED,
        reproducing=["test_new.py::test_new"],
        added=added,
        bounds=BOUNDS,
    )
    assert proof.holds, proof.refused
    assert proof.before.bad == {"test_new.py::test_new"}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "changes nothing"),
        ({"calc.py": CALC["calc.py"].encode()}, "changes nothing"),
        ({"absent.py": None}, "changes nothing"),
        ({"../x.py": b""}, "outside the repository"),
        ({"/etc/x": b""}, "outside the repository"),
        ({".git/hooks/x": b""}, "git's own folder"),
        ({"sub/.GIT/config": b""}, "git's own folder"),
        ({"calc.py": b"", "test_calc.py": b""}, "reproducing test's file: test_calc.py"),
        ({"conftest.py": b""}, "set up with: conftest.py"),
    ],
)
def test_what_is_no_patch_is_refused(open_tests: OpenTests, files: Files, why: str) -> None:
    proof = verify(open_tests(CALC), files, reproducing=[LESS], bounds=BOUNDS)
    assert why in proof.refused
    assert proof.before.results == ()


def test_an_unknown_reproducing_test_is_bad_input(open_tests: OpenTests) -> None:
    with pytest.raises(UnknownTest, match="test_lass"):
        verify(open_tests(CALC), FIXED, reproducing=["test_calc.py::test_lass"], bounds=BOUNDS)


COUNTS = (
    "import pathlib, tempfile\n\n"
    "def turn(name):\n"
    "    mark = pathlib.Path(tempfile.gettempdir(), name)\n"
    "    count = int(mark.read_text()) if mark.exists() else 0\n"
    "    mark.write_text(str(count + 1))\n"
    "    return count\n"
)


def test_a_flaky_test_is_told_from_a_broken_one(open_tests: OpenTests) -> None:
    """It fails four times in a row with the patch: too often for one that nobody knows."""
    flaky = "from turns import turn\n\ndef test_now_and_then():\n    assert turn('a') % 5 == 4\n"
    tests = open_tests({**CALC, "turns.py": COUNTS, "test_flaky.py": flaky})
    name = "test_flaky.py::test_now_and_then"
    proof = verify(tests, FIXED, reproducing=[LESS], impacted=[name], flaky=[name], bounds=BOUNDS)
    assert proof.holds, proof.refused
    assert proof.impacted is not None and proof.impacted.bad == {name}
    assert (proof.flaky, proof.broken) == ((name,), ())


def test_a_known_flaky_test_that_a_patch_breaks_is_broken(open_tests: OpenTests) -> None:
    proof = verify(
        open_tests(CALC), BREAKS, reproducing=[LESS], impacted=[TWICE], flaky=[TWICE], bounds=BOUNDS
    )
    assert proof.broken == (TWICE,)


def test_a_flaky_test_proves_nothing_by_chance(open_tests: OpenTests) -> None:
    """It fails at first and passes then, whatever is done."""
    flaky = "from turns import turn\n\ndef test_once():\n    assert turn('b') > 0\n"
    tests = open_tests({**CALC, "turns.py": COUNTS, "test_flaky.py": flaky})
    name = "test_flaky.py::test_once"
    other: Files = {"calc.py": CALC["calc.py"].replace("2 *", "n *").encode()}
    proof = verify(tests, other, reproducing=[name], flaky=[name], bounds=BOUNDS)
    assert proof.refused == f"{name} is flaky: it passes without the patch too"
