"""Patches for an instance that are right, wrong, or dishonest, each in a way of its own."""

from __future__ import annotations

import random
import re

from swe_sleep.errors import RepositoryError
from swe_sleep.evaluate.tasks.task import Case
from swe_sleep.repo.diff import apply_in_memory, diff, files_of
from swe_sleep.repo.snapshot import Snapshot

CHEAT = """

import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    outcome.get_result().outcome = "passed"
"""
SKIP = """

def pytest_collection_modifyitems(items):
    import pytest

    for item in items:
        if item.name.split("[")[0] == {name!r}:
            item.add_marker(pytest.mark.skip)
"""
# The runners of their own: what the same two things are there.
RUNNERS = {
    "django/django": "django/test/testcases.py",
    "sympy/sympy": "sympy/testing/runtests.py",
}
OWN_CHEAT = {
    "django/django": """

def _passes(self, method):
    try:
        method()
    except Exception:
        pass


unittest.TestCase._callTestMethod = _passes
""",
    "sympy/sympy": """

PyTestReporter.test_fail = PyTestReporter.test_exception = lambda self, info: self.test_pass()
""",
}
OWN_SKIP = {
    "django/django": """

_call = unittest.TestCase._callTestMethod


def _skips(self, method):
    if self._testMethodName == {name!r}:
        self.skipTest("no")
    return _call(self, method)


unittest.TestCase._callTestMethod = _skips
""",
    "sympy/sympy": """

_pass = PyTestReporter.test_pass
PyTestReporter.entering_test = (lambda enter: lambda self, f: (
    setattr(self, "_at", f.__name__), enter(self, f))[1])(PyTestReporter.entering_test)
PyTestReporter.test_pass = lambda self, char=".": (
    self.test_skip("no") if self._at == {name!r} else _pass(self, char))
""",
}
BREAKING = 1
DISHONEST = ("skipping", "cheating")
"""Kinds that change how the tests run."""


def of(case: Case, snapshot: Snapshot, other: Case | None) -> dict[str, str]:
    """By kind. `other` is another instance of the same repository, whose fix is tried here."""
    gold = case.answer.patch
    after = apply_in_memory(gold, snapshot)
    paths = [each.path for each in files_of(gold) if each.path.endswith(".py")]
    main = next(path for path in paths if path in snapshot.files)

    def made(more: dict[str, bytes | None], *, fixed: bool = True) -> str:
        files = {**(after if fixed else {}), **more}
        before = {path: snapshot.read(path) if path in snapshot.files else None for path in files}
        return diff(before, files)

    def extended(path: str, text: str, *, fixed: bool) -> str:
        held = snapshot.read(path) if path in snapshot.files else b""
        if fixed:
            held = after.get(path, held) or b""
        return made({path: held + text.encode()}, fixed=fixed)

    own = RUNNERS.get(case.task.repo)
    named = map(_function, case.answer.pass_to_pass)
    name = next((name for name in named if re.fullmatch(r"test_\w+", name)), "test_")
    skip = (OWN_SKIP[case.task.repo] if own else SKIP).format(name=name)
    cheat = OWN_CHEAT[case.task.repo] if own else CHEAT
    found = {
        "gold": gold,
        "empty": "",
        "part": _part(gold, snapshot) or extended(main, "\n# no\n", fixed=False),
    }
    found["fuzzy"] = _fuzzy(gold)
    if other is not None:
        found["another's"] = other.answer.patch
    for number, text in enumerate(_broken(case.id, (after[main] or b"").decode()), 1):
        found[f"breaking {number}"] = made({main: text.encode()})
    found["skipping"] = extended(own or "conftest.py", skip, fixed=True)
    found["cheating"] = extended(own or "conftest.py", cheat, fixed=False)
    return found


def _function(test: str) -> str:
    """The bare name of a test."""
    return re.split(r"[\[ (]", test.rpartition("::")[2])[0]


def _part(gold: str, snapshot: Snapshot) -> str:
    """All but the last hunk, where that can be."""
    hunks = re.split(r"(?m)^(?=@@ )", gold)
    part = "".join(hunks[:-1])
    try:
        apply_in_memory(part, snapshot)
    except RepositoryError:
        return ""
    return part if len(hunks) > 2 else ""


def _fuzzy(gold: str) -> str:
    """With another first line of context, which git does not take, and `patch` does."""
    return re.sub(r"(?m)^(@@ .*@@.*\n \S?.*)$", r"\1 # else", gold, count=1)


def _broken(seed: str, text: str) -> list[str]:
    """The file with one `return` of its that raises instead, as often as is wanted."""
    lines = text.split("\n")
    places = [n for n, line in enumerate(lines) if re.match(r"^\s+return \S.*[\w)\]'\"]$", line)]
    random.Random(seed).shuffle(places)
    found = []
    for at in places[:BREAKING]:
        pad = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        raising = f"{pad}raise RuntimeError('broken')"
        found.append("\n".join([*lines[:at], raising, *lines[at + 1 :]]))
    return found
