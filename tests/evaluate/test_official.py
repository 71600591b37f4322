"""The verdict of the `swebench` package: on logs, and next to ours on the same patches."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from swe_sleep.errors import UsageError
from swe_sleep.evaluate import official
from swe_sleep.evaluate.official import COMMANDS, CUTTING
from swe_sleep.evaluate.runs.conditions import Conditions
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


def test_importing_the_package_brings_no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    def imported(name: str, *, extra: str) -> object:
        os.environ["READ_FROM_A_FILE"] = f"{name} {extra}"
        return pytest

    monkeypatch.setattr(official, "need", imported)
    before = dict(os.environ)
    official._package("grading")
    assert dict(os.environ) == before


def test_without_the_extra_it_is_said_what_to_install(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "swebench", None)
    for name in [name for name in sys.modules if name.startswith("swebench.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(UsageError, match=r"swe-sleep\[swebench\]"):
        official.judge(case, "a patch", LOG)


RUNNER = """\
#!/usr/bin/env python
import sys

sys.path.insert(0, ".")
from shop import price

right = price(5) == "0.05"
print("test_price (forms.tests.PriceTests) ... " + ("ok" if right else "FAIL"))
print("test_old (forms.tests.PriceTests) ... ok")
sys.exit(not right)
"""


def test_names_of_another_runner_are_judged_by_that(
    make_repository: Callable[..., Path], git: Callable[..., str]
) -> None:
    """As django's are: its runner is run, and SWE-bench's parser reads the log."""
    root = make_repository(FILES, "other")
    (root / "tests/runtests.py").write_text(RUNNER)
    (root / "tests/runtests.py").chmod(0o755)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Add a runner")
    commit = git(root, "rev-parse", "HEAD")
    case = Case(
        Task("django__django-1", "django/django", commit, "", (root / ".git",)),
        Answer(
            PATCHES["gold"],
            ("test_price (forms.tests.PriceTests)",),
            ("test_old (forms.tests.PriceTests)",),
            test_files={"tests/forms/tests.py": "# here they would be\n"},
        ),
    )
    found = judged(case, "gold", "wrong", "empty")
    assert found["gold"].grade.resolved
    assert found["gold"].grade.fail_to_pass == {"test_price (forms.tests.PriceTests)": "passed"}
    assert found["wrong"].grade.fail_to_pass == {"test_price (forms.tests.PriceTests)": "failed"}
    assert found["wrong"].grade.pass_to_pass == {"test_old (forms.tests.PriceTests)": "passed"}
    assert not found["empty"].grade.resolved
