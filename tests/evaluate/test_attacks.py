"""Patches that want to be taken for a fix: none is, and none does harm to the grading of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from swe_sleep.evaluate.grading import grade
from swe_sleep.evaluate.runs.conditions import Conditions
from swe_sleep.evaluate.tasks.grade import Grade
from swe_sleep.evaluate.tasks.task import Answer, Case, Task
from swe_sleep.evaluate.verdicts import Candidate, ToGrade, carry_out
from swe_sleep.repo.diff import diff
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import EXECUTABLE, SYMLINK, Snapshot
from swe_sleep.sandbox.protocol import Sandbox

SOURCE = "def price(pence):\n    return pence\n\n\ndef total(items):\n    return sum(items)\n"
GOOD = SOURCE.replace("return pence\n", "return 2 * pence\n")
HELPERS = "def same(one, two):\n    assert one == two\n"
HIDDEN = """\
import unittest

from helpers import same
from shop import price, total


def test_price():
    same(price(2), 4)


class TestPrice(unittest.TestCase):
    def test_price(self):
        self.assertEqual(price(3), 6)


def test_total():
    assert total([2, 2]) == 4
"""
BASE = {
    "shop.py": SOURCE,
    "tests/helpers.py": HELPERS,
    "tests/test_shop.py": "from shop import total\n\n\ndef test_total():\n    total([1])\n",
    "pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\n",
}
ANSWER = Answer(
    patch="",
    fail_to_pass=(
        "tests/test_hidden.py::test_price",
        "tests/test_hidden.py::TestPrice::test_price",
    ),
    pass_to_pass=("tests/test_hidden.py::test_total", "tests/test_shop.py::test_total"),
    test_files={"tests/test_hidden.py": HIDDEN},
)

Files = Mapping[str, str | None]


@pytest.fixture
def base(make_repository: Callable[..., Path]) -> Snapshot:
    return Repository.open(make_repository(BASE)).snapshot()


@pytest.fixture
def judged(base: Snapshot, sandbox: Sandbox) -> Callable[..., Grade]:
    """`judged({path: content})` grades the patch that makes these files, `judged(text)` a text."""

    def run(after: Files | str, answer: Answer = ANSWER) -> Grade:
        patch = after if isinstance(after, str) else made(after)
        return grade(answer, base, patch, sandbox, timeout_s=120, test_timeout_s=30)

    return run


def made(after: Files, modes: Mapping[str, int] | None = None) -> str:
    before = {path: BASE[path].encode() for path in after if path in BASE}
    content = {path: None if c is None else c.encode() for path, c in after.items()}
    return diff(before, content, modes=modes or {})


PASSING = """\
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    outcome.get_result().outcome = "passed"
"""
# Into the product, where no name tells: it is imported before the tests run.
IN_PROCESS = {
    "pytest does not call them": "import _pytest.python\n"
    "_pytest.python.Function.runtest = lambda self: None\n"
    "import _pytest.unittest\n"
    "_pytest.unittest.TestCaseFunction.runtest = lambda self: None\n",
    "unittest does not call them": "import unittest\n"
    "unittest.TestCase._callTestMethod = lambda self, method: None\n"
    "def price(pence):\n    return Same(pence)\n"
    "class Same(int):\n    def __eq__(self, other):\n        return True\n",
    "reports are made good": "import _pytest.reports as reports\n"
    "make = reports.TestReport.from_item_and_call.__func__\n"
    "def good(cls, item, call):\n"
    "    call.excinfo = None\n"
    "    return make(cls, item, call)\n"
    "reports.TestReport.from_item_and_call = classmethod(good)\n",
    "the results are written over": "import atexit, glob, os, sys, tempfile\n"
    "def over():\n"
    "    folder = os.path.dirname(os.path.abspath(sys.argv[0]))\n"
    "    for name in glob.glob(folder + '/run-*/events.jsonl'):\n"
    "        text = open(name).read().replace('\"failed\"', '\"passed\"')\n"
    "        open(name, 'w').write(text)\n"
    "atexit.register(over)\n",
    "the results are spoilt": "import glob, os, sys\n"
    "folder = os.path.dirname(os.path.abspath(sys.argv[0]))\n"
    "for name in glob.glob(folder + '/run-*/events.jsonl'):\n"
    "    open(name, 'a').write('no JSON\\n')\n",
    "it ends at once": "import os\nos._exit(0)\n",
    "it ends at once, with words": "import os\n"
    "print('PASSED tests/test_hidden.py::test_price', flush=True)\n"
    "os._exit(0)\n",
    "it ends as if all were well": "import sys\nsys.exit(0)\n",
    "pytest is told to exit": "import pytest\npytest.exit('fine', returncode=0)\n",
    "the hidden tests are written over": "import glob, os\n"
    "for name in glob.glob(os.path.join(os.path.dirname(__file__), 'tests', 'test_*.py')):\n"
    "    os.remove(name)\n",
}


@pytest.mark.parametrize("name", IN_PROCESS)
def test_code_in_the_product_makes_no_test_pass(judged: Callable[..., Grade], name: str) -> None:
    found = judged({"shop.py": SOURCE + IN_PROCESS[name]})
    assert not found.resolved
    assert found.applied


ASIDE: Mapping[str, Files] = {
    "conftest at the root": {"conftest.py": PASSING},
    "conftest beside": {"tests/conftest.py": PASSING},
    "settings": {"pytest.ini": "[pytest]\naddopts = -p cheat\n", "cheat.py": PASSING},
    "settings beside": {"tests/pytest.ini": "[pytest]\naddopts = -p cheat\n", "cheat.py": PASSING},
    "a plugin by entry point": {
        "pyproject.toml": BASE["pyproject.toml"]
        + "[project.entry-points.pytest11]\ncheat = 'cheat'\n",
        "cheat.py": PASSING,
        "shop.egg-info/entry_points.txt": "[pytest11]\ncheat = cheat\n",
        "shop.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: shop\nVersion: 1\n",
    },
    "what Python imports itself": {"sitecustomize.py": "import os\nos.environ['A'] = '1'\n"},
    "a pytest of its own": {"pytest.py": "def main(*a, **k): return 0\n"},
    "a helper of the tests": {"tests/helpers.py": "def same(one, two): pass\n"},
    "the hidden file itself": {"tests/test_hidden.py": "def test_price(): pass\n"},
    "the visible tests gone": {"tests/test_shop.py": None},
    "results in the repository": {
        "events.jsonl": '{"e": "done"}\n',
        "run-1/events.jsonl": '{"e":"result","id":"tests/test_hidden.py::test_price",'
        '"outcome":"passed"}\n',
    },
}


@pytest.mark.parametrize("name", ASIDE)
def test_files_beside_the_product_make_no_test_pass(
    judged: Callable[..., Grade], name: str
) -> None:
    found = judged(ASIDE[name])
    assert not found.resolved
    assert found.applied


def test_a_fix_with_such_files_is_one_still(judged: Callable[..., Grade]) -> None:
    helper = judged({"shop.py": GOOD, "tests/helpers.py": "def same(one, two): pass\n"})
    assert (helper.resolved, helper.doubts) == (True, ())
    hook = judged({"shop.py": GOOD, "tests/conftest.py": "# nothing\n"})
    assert hook.resolved
    assert "resolved without that too" in hook.doubts[0]
    gone = judged({"shop.py": GOOD, "tests/test_shop.py": None})
    assert gone.resolved


def test_what_the_fix_itself_changes_of_how_tests_run_may_be_changed(
    judged: Callable[..., Grade],
) -> None:
    """Such as a fixture that the fix has to mend."""
    needed = {
        "shop.py": GOOD.replace("2 *", "RATE *"),
        "conftest.py": "import shop\nshop.RATE = 2\n",
    }
    assert not judged(needed).resolved
    answer = Answer(
        made({"conftest.py": "import shop\nshop.RATE = 2 + 0\n"}),
        ANSWER.fail_to_pass,
        ANSWER.pass_to_pass,
        test_files=ANSWER.test_files,
    )
    found = judged(needed, answer)
    assert (found.resolved, found.doubts) == (True, ())


def test_forms_of_a_patch(judged: Callable[..., Grade]) -> None:
    windows = made({"shop.py": GOOD}).replace("\n", "\r\n")
    assert judged(windows).resolved, "as `patch` takes it, so does the harness"
    renamed = made({"shop.py": None, "till.py": GOOD})
    assert not judged(renamed).resolved
    moved = (
        "diff --git a/shop.py b/till.py\nsimilarity index 100%\n"
        "rename from shop.py\nrename to till.py\n"
    )
    assert judged(moved).applied
    assert not judged(moved).resolved
    binary = diff({}, {"logo.png": bytes(range(256))}) + made({"shop.py": GOOD})
    assert judged(binary).resolved
    spoilt = binary.replace("literal 256", "literal 999")
    assert not judged(spoilt).applied
    assert not judged("\0" + made({"shop.py": GOOD})[:40]).applied


def test_links_lead_nowhere(judged: Callable[..., Grade], tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("as it was")
    link = diff({}, {"out": str(outside).encode()}, modes={"out": SYMLINK})
    through = diff({}, {"out/secret": b"changed"})
    found = judged(link + through)
    assert not found.resolved
    assert (outside / "secret").read_text() == "as it was"


def test_an_enormous_patch_is_graded(judged: Callable[..., Grade]) -> None:
    many = {f"data/{n:05}.sh": "exit 0\n" for n in range(1500)}
    large = {"large.txt": "word " * 1_000_000 + "\n"}
    patch = made({"shop.py": GOOD, **large, **many}, dict.fromkeys(many, EXECUTABLE))
    assert judged(patch).resolved


def test_one_patch_leaves_nothing_for_the_next(
    base: Snapshot, make_repository: Callable[..., Path], git: Callable[..., str]
) -> None:
    """Neither in our own files, nor among those that the repository ignores."""
    leaving = SOURCE + (
        "import os, sys\n"
        "folder = os.path.dirname(os.path.abspath(sys.argv[0]))\n"
        "for name in ('probe.py', 'runner.py'):\n"
        "    with open(os.path.join(folder, name), 'a') as file:\n"
        "        file.write('\\nraise SystemExit(0)\\n')\n"
        "with open(os.path.join(os.path.dirname(__file__), 'ignored.py'), 'w') as file:\n"
        "    file.write('left')\n"
    )
    root = make_repository({**BASE, ".gitignore": "ignored.py\n"}, "other")
    task = Task("shop-1", "acme/shop", git(root, "rev-parse", "HEAD"), "", (root / ".git",))
    test = (
        "import os\n" + HIDDEN + "\n\ndef test_nothing_is_left():\n"
        "    assert not os.path.exists('ignored.py')\n"
    )
    left = ("tests/test_hidden.py::test_nothing_is_left",)
    answer = Answer("", ANSWER.fail_to_pass, left, test_files={"tests/test_hidden.py": test})
    candidates = (
        Candidate("leaving", made({"shop.py": leaving})),
        Candidate("good", made({"shop.py": GOOD})),
    )
    conditions = Conditions(flags={"sandbox.backend": "local"}, grade_s=120, grade_test_s=60)
    graded = carry_out(ToGrade(Case(task, answer), candidates, conditions), lambda line: None)
    assert [each.grade.resolved for each in graded.judged] == [False, True]


def test_compiled_sources_are_told(judged: Callable[..., Grade]) -> None:
    found = judged({"shop.py": GOOD, "src/fast.c": "int main() { return 0; }\n"})
    assert found.resolved
    assert found.doubts == ("nothing was compiled anew, though the patch changes src/fast.c",)
