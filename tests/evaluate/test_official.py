"""The verdict of the `swebench` package: on logs, and next to ours on the same patches."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from swe_sleep.errors import UsageError
from swe_sleep.evaluate import official, verdicts
from swe_sleep.evaluate.official import COMMANDS, CUTTING, Official
from swe_sleep.evaluate.runs.conditions import Conditions
from swe_sleep.evaluate.suspecting import BELIED
from swe_sleep.evaluate.tasks.task import Answer, Case, Task
from swe_sleep.evaluate.verdicts import Candidate, Judged, ToGrade, carry_out
from swe_sleep.repo.diff import diff

SOURCE = """\
def price(pence):
    return f"{pence // 100}.{pence % 100}"


def total(items):
    return sum(items)
"""
TESTS = """\
from shop import total


def test_total():
    assert total([1, 2]) == 3
"""
HIDDEN = """\
import pytest

from shop import price, total


@pytest.mark.parametrize("pence", [5, 7], ids=["a few", "more"])
def test_price(pence):
    assert price(pence) == f"0.0{pence}"


@pytest.mark.xfail
def test_not_yet():
    assert price("5") == "5"


def test_total():
    assert total([2, 2]) == 4
"""
FEW, MORE = "tests/test_shop.py::test_price[a few]", "tests/test_shop.py::test_price[more]"
NOT_YET, TOTAL = "tests/test_shop.py::test_not_yet", "tests/test_shop.py::test_total"
FILES = {"shop.py": SOURCE, "tests/test_shop.py": TESTS, "tests/test_rest.py": TESTS}
GOOD = SOURCE.replace("{pence % 100}", "{pence % 100:02}")
SKIPPING = """\
import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if item.name == "test_total":
            item.add_marker(pytest.mark.skip)
"""


def made(after: dict[str, str]) -> str:
    before = {path: FILES[path].encode() for path in after if path in FILES}
    return diff(before, {path: text.encode() for path, text in after.items()})


PATCHES = {
    "gold": made({"shop.py": GOOD}),
    "empty": "",
    "wrong": made({"shop.py": SOURCE.replace("pence % 100", "pence % 10")}),
    "breaking": made({"shop.py": GOOD.replace("sum(items)", "sum(items) + 1")}),
    "syntax": made({"shop.py": "def price(:\n"}),
    "other commit": made({"shop.py": GOOD}).replace("pence", "penny"),
    "fuzzy": made({"shop.py": GOOD}).replace(" def price(pence):", " def price(amount):"),
    "weak test": made({"tests/test_shop.py": "def test_price(): pass\n"}),
    "skipping": made({"shop.py": GOOD, "conftest.py": SKIPPING}),
}
RESOLVED = {"gold", "fuzzy"}


@pytest.fixture
def case(make_repository: Callable[..., Path], git: Callable[..., str]) -> Case:
    root = make_repository(FILES)
    task = Task("acme__shop-1", "acme/shop", git(root, "rev-parse", "HEAD"), "", (root / ".git",))
    test_patch = diff(
        {"tests/test_shop.py": TESTS.encode()}, {"tests/test_shop.py": HIDDEN.encode()}
    )
    return Case(task, Answer(PATCHES["gold"], (FEW, MORE), (NOT_YET, TOTAL), test_patch=test_patch))


def judged(case: Case, *names: str) -> dict[str, Judged]:
    candidates = tuple(Candidate(name, PATCHES[name]) for name in names or PATCHES)
    conditions = Conditions(flags={"sandbox.backend": "local"}, grade_s=120, grade_test_s=60)
    graded = carry_out(ToGrade(case, candidates, conditions, official=True), lambda line: None)
    return {each.by: each for each in graded.judged}


def test_both_verdicts_are_the_same(case: Case) -> None:
    found = judged(case)
    assert {name for name, each in found.items() if each.grade.resolved} == RESOLVED
    for name, each in found.items():
        assert each.official is not None
        assert each.official.resolved is each.grade.resolved, name
        assert each.differ == (), name
    assert found["breaking"].official is not None
    assert found["breaking"].official.failing == (TOTAL,)
    assert not found["other commit"].grade.applied


def test_both_count_the_rest_of_the_suite(case: Case) -> None:
    answer = replace(case.answer, pass_to_pass=(), rest=True)
    found = judged(replace(case, answer=answer), "gold", "breaking")
    assert {name for name, each in found.items() if each.grade.resolved} == {"gold"}
    assert all(each.agree and not each.differ for each in found.values())
    rest = "tests/test_rest.py::test_total"
    assert found["breaking"].grade.pass_to_pass == {TOTAL: "failed", rest: "failed"}


def test_a_difference_is_told(case: Case) -> None:
    each = judged(case, "gold")["gold"]
    assert each.official is not None
    other = replace(each, official=replace(each.official, resolved=False))
    assert each.agree
    assert not other.agree


LOG = f"""\
+ : '{official.START}'
PASSED tests/test_shop.py::test_price[a few]
FAILED tests/test_shop.py::test_total - assert 4 == 5
XFAIL tests/test_shop.py::test_not_yet
PASSED tests/test_shop.py::test_price[more]
+ : '{official.END}'
{official.EXIT}: 1
"""


def test_a_log_is_read_by_its_parser_and_judged_by_its_functions(case: Case) -> None:
    found = official.judge(case, "a patch", LOG)
    assert not found.resolved
    assert found.failing == (TOTAL,)
    assert found.statuses["tests/test_shop.py::test_price[a"] == "PASSED"
    good = official.judge(case, "a patch", LOG.replace("FAILED", "PASSED").replace(": 1", ": 0"))
    assert good.resolved
    nothing = official.judge(case, "a patch", "nothing ran")
    assert not nothing.resolved
    assert nothing.problem


def test_a_log_that_its_run_belies_is_not_believed(case: Case) -> None:
    """The tests' command failed, and no test did: a patch may have printed what is to be read."""
    found = official.judge(case, "a patch", LOG.replace("FAILED", "PASSED"))
    assert not found.resolved
    assert found.problem


def test_which_parser_reads_which_log(case: Case) -> None:
    def parser(repo: str, stated: str = "") -> str:
        known = replace(case, task=replace(case.task, repo=repo))
        own = {"log_parser": stated} if stated else {}
        return official.parser_of(replace(known, answer=replace(case.answer, official=own)))

    assert parser("acme/shop") == "parse_log_pytest"
    assert parser("sympy/sympy") == "parse_log_sympy"
    assert parser("psf/requests") == "parse_log_pytest_options"
    assert parser("psf/requests", "parse_log_pytest_v2") == "parse_log_pytest_v2"
    assert all(parser(repo) != official.PARSER for repo in COMMANDS)
    assert official.as_logged("a::b[c d]", "parse_log_pytest") == "a::b[c"
    assert official.as_logged("test_a (b.C)", "parse_log_django") == "test_a (b.C)"
    parsers = official._package("log_parsers").PARSER_REGISTRY
    assert parsers.keys() >= CUTTING


def test_scripts_for_data_sets_that_have_none(case: Case) -> None:
    django = replace(case, task=replace(case.task, repo="django/django"))
    script = official.made_script(django, ["tests/forms/test_a.py"], in_image=True)
    assert "forms.test_a\n" in script
    assert script.index("conda activate testbed") < script.index(official.START)
    plain = official.made_script(case, ["tests/a b.py"], in_image=False)
    assert "conda" not in plain
    assert "pytest -rA 'tests/a b.py'\n" in plain


IMPORTING = """\
import os
import sys

before = dict(os.environ)
from swe_sleep.evaluate import official

official._package("grading")
official._package("log_parsers")
assert dict(os.environ) == before, "it read a file .env"
assert not {"modal", "pandas", "datasets", "docker"} & set(sys.modules)
import swebench.harness

assert swebench.harness.reporting, "the whole of it for whoever wants that"
"""


def test_importing_the_package_is_quick_and_brings_no_variables(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("READ_FROM_A_FILE=1\n")
    subprocess.run([sys.executable, "-c", IMPORTING], cwd=tmp_path, check=True, timeout=300)


def test_without_the_extra_it_is_said_what_to_install(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "swebench", None)
    for name in [name for name in sys.modules if name.startswith("swebench.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(UsageError, match=r"swe-sleep\[swebench\]"):
        official.judge(case, "a patch", LOG)


RUNNER = """\
#!/usr/bin/env python
import sys
import unittest

sys.path[:0] = [".", "tests"]
suite = unittest.defaultTestLoader.loadTestsFromNames(
    [name for name in sys.argv[1:] if name.startswith("forms")]
)
sys.exit(not unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful())
"""
UNITTESTS = """\
import unittest

from shop import price, total


class PriceTests(unittest.TestCase):
    def test_price(self):
        self.assertEqual(price(5), "0.05")

    def test_each(self):
        for pence in (5, 7):
            with self.subTest(pence):
                self.assertEqual(price(pence), f"0.0{pence}")

    def test_total(self):
        \"\"\"The sum of all.\"\"\"
        self.assertEqual(total([2, 2]), 4)
"""
CLASS = "forms.tests.PriceTests"
FAKED = """\
print("test_price (forms.tests.PriceTests.test_price) ... ok")
print("test_each (forms.tests.PriceTests.test_each) ... ok")
"""
PASSING = """\
import unittest

unittest.TestCase._callTestMethod = lambda self, method: None
"""


def said_by(name: str) -> str:
    """A test as the log of this Python names it."""
    return f"{name} ({CLASS}.{name})" if sys.version_info >= (3, 11) else f"{name} ({CLASS})"


@pytest.fixture
def django(make_repository: Callable[..., Path], git: Callable[..., str]) -> Case:
    """A repository whose tests are run as django's are."""
    base = {**FILES, "tests/forms/__init__.py": "", "django/test/cases.py": ""}
    root = make_repository(base, "other")
    (root / "tests/runtests.py").write_text(RUNNER)
    (root / "tests/runtests.py").chmod(0o755)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Add a runner")
    commit = git(root, "rev-parse", "HEAD")
    return Case(
        Task("django__django-1", "django/django", commit, "", (root / ".git",)),
        Answer(
            PATCHES["gold"],
            (said_by("test_price"), said_by("test_each")),
            ("The sum of all.",),
            test_files={"tests/forms/tests.py": UNITTESTS},
        ),
    )


def test_tests_of_a_runner_of_the_projects_own(django: Case) -> None:
    """Their outcomes are written down by us, and read from the log by SWE-bench's parser."""
    found = judged(django, "gold", "wrong", "breaking", "syntax", "empty")
    assert {name for name, each in found.items() if each.grade.resolved} == {"gold"}
    assert all(each.agree and not each.differ for each in found.values())
    assert found["wrong"].grade.fail_to_pass == {
        said_by("test_price"): "failed",
        said_by("test_each"): "failed",
    }
    assert found["breaking"].grade.pass_to_pass["The sum of all."] == "failed"
    assert "ran no test" in found["syntax"].grade.problem


def test_names_of_before_python_3_11_are_known(django: Case) -> None:
    names = tuple(f"{name} ({CLASS})" for name in ("test_price", "test_each"))
    (each,) = judged(
        replace(django, answer=replace(django.answer, fail_to_pass=names)), "gold"
    ).values()
    assert each.grade.resolved


def test_what_a_log_only_says_counts_for_nothing(django: Case) -> None:
    """SWE-bench believes it where its command succeeds."""
    PATCHES["faked"] = made({"shop.py": FAKED + "import os\nos._exit(0)\n" + SOURCE})
    PATCHES["passing"] = made({"shop.py": PASSING + SOURCE})
    PATCHES["steering"] = diff({"django/test/cases.py": b""}, {"django/test/cases.py": b"1\n"})
    found = judged(django, "faked", "passing", "steering")
    assert not any(each.grade.resolved for each in found.values())
    assert BELIED in found["passing"].grade.problem
    assert "django/test/cases.py" in found["steering"].grade.doubts[0]
    assert found["passing"].official is not None
    assert found["passing"].official.resolved


def test_a_runner_that_nobody_here_knows_is_judged_by_its_log(case: Case) -> None:
    theirs = Official(
        resolved=False,
        statuses={"a test": "PASSED", "other": "FAILED"},
        failing=("other",),
        log="what it printed",
    )
    other = replace(
        case, answer=replace(case.answer, fail_to_pass=("other",), pass_to_pass=("a test",))
    )
    found = verdicts._by_log(other, theirs)
    assert not found.resolved
    assert found.fail_to_pass == {"other": "failed"}
    assert found.pass_to_pass == {"a test": "passed"}
