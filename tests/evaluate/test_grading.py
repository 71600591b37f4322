"""Grading a patch by hidden tests, in a real sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from swe_sleep.errors import RepositoryError
from swe_sleep.evaluate.grading import grade, rest_of
from swe_sleep.evaluate.tasks.grade import Grade
from swe_sleep.evaluate.tasks.task import Answer
from swe_sleep.repo.diff import diff
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import EXECUTABLE, SYMLINK, Snapshot
from swe_sleep.sandbox.docker import DockerBackend
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.protocol import Sandbox

SOURCE = """\
def price(pence):
    if pence < 0:
        raise ValueError(pence)
    return f"{pence // 100}.{pence % 100}"


def total(items):
    # the sum of all
    # of them, and
    # nothing else
    return sum(items)
"""
GOOD = SOURCE.replace("{pence % 100}", "{pence % 100:02}")
BREAKING = GOOD.replace("sum(items)", "sum(items) + 1")
VISIBLE = """\
from shop import total


def test_total():
    assert total([1, 2]) == 3


def test_empty():
    assert total([]) == 0
"""
HIDDEN = """\
import pytest

from shop import price, total


@pytest.mark.parametrize("pence, text", [(5, "0.05"), (250, "2.50")], ids=["a few", "a lot"])
def test_price(pence, text):
    assert price(pence) == text


def test_refused():
    with pytest.raises(ValueError):
        price(-1)


@pytest.mark.xfail
def test_not_yet():
    assert price("5") == "5"


def test_total():
    assert total([2, 2]) == 4
"""
PRICE = "tests/test_hidden.py::test_price"
REFUSED = "tests/test_hidden.py::test_refused"
ANSWER = Answer(
    patch="",
    fail_to_pass=(f"{PRICE}[a few]",),
    pass_to_pass=(
        REFUSED,
        "tests/test_hidden.py::test_not_yet",
        "tests/test_hidden.py::test_total",
    ),
    test_files={"tests/test_hidden.py": HIDDEN},
)
BASE = {"shop.py": SOURCE, "tests/test_shop.py": VISIBLE}


@pytest.fixture
def base(make_repository: Callable[..., Path]) -> Snapshot:
    return Repository.open(make_repository(BASE)).snapshot()


@pytest.fixture
def judged(base: Snapshot, sandbox: Sandbox) -> Callable[..., Grade]:
    """`judged({path: content})` grades the patch that makes these files."""

    def run(after: Mapping[str, str | None] | str, answer: Answer = ANSWER) -> Grade:
        patch = after if isinstance(after, str) else made(after)
        found = grade(answer, base, patch, sandbox, timeout_s=120, test_timeout_s=30)
        assert sandbox.changes() == {}
        return found

    return run


def made(after: Mapping[str, str | None]) -> str:
    before = {path: BASE[path].encode() for path in after if path in BASE}
    return diff(before, {path: c.encode() for path, c in after.items() if c is not None})


def test_a_right_patch_is_resolved(judged: Callable[..., Grade]) -> None:
    found = judged({"shop.py": GOOD})
    assert found.resolved
    assert found.applied
    assert found.fail_to_pass == {f"{PRICE}[a few]": "passed"}
    assert set(found.pass_to_pass.values()) == {"passed"}
    assert found.problem == ""
    assert found.seconds > 0


def test_a_patch_that_mends_nothing_or_breaks_something_is_not(
    judged: Callable[..., Grade],
) -> None:
    nothing = judged({"shop.py": SOURCE + "\n# nothing\n"})
    assert not nothing.resolved
    assert nothing.fail_to_pass == {f"{PRICE}[a few]": "failed"}
    assert "0.5" in nothing.log
    breaking = judged({"shop.py": BREAKING})
    assert not breaking.resolved
    assert breaking.fail_to_pass == {f"{PRICE}[a few]": "passed"}
    assert breaking.pass_to_pass["tests/test_hidden.py::test_total"] == "failed"


def test_the_rest_is_what_passes_before(
    judged: Callable[..., Grade], base: Snapshot, sandbox: Sandbox
) -> None:
    answer = Answer(
        patch="",
        fail_to_pass=(f"{PRICE}[a few]",),
        rest=True,
        test_files={"tests/test_hidden.py": HIDDEN},
    )
    found = judged({"shop.py": GOOD}, answer)
    assert found.resolved
    visible = {"tests/test_shop.py::test_total", "tests/test_shop.py::test_empty"}
    assert visible < set(found.pass_to_pass)
    assert set(rest_of(answer, base, sandbox)) == set(found.pass_to_pass)
    breaking = judged(
        {"shop.py": BREAKING, "tests/test_shop.py": "def test_total(): pass\n"}, answer
    )
    assert {breaking.pass_to_pass[name] for name in visible} == {"failed"}


@pytest.mark.parametrize("patch", ["", " \n", "no diff at all", "--- a/shop.py\n+++ b/shop.py\n"])
def test_what_is_no_patch_is_not_resolved(judged: Callable[..., Grade], patch: str) -> None:
    found = judged(patch)
    assert not found.resolved
    assert not found.applied
    assert found.problem


def test_a_patch_of_another_commit_does_not_apply(judged: Callable[..., Grade]) -> None:
    patch = made({"shop.py": GOOD}).replace("    if pence < 0", "    unless pence >= 0")
    patch = patch.replace("def price(pence)", "def prize(pence)").replace("return f", "yield f")
    found = judged(patch)
    assert (found.resolved, found.applied) == (False, False)
    assert "does not apply" in found.problem
    outside = patch.replace("shop.py", "../shop.py")
    assert not judged(outside).applied


def test_context_may_differ_as_far_as_the_harness_lets_it(judged: Callable[..., Grade]) -> None:
    patch = made({"shop.py": GOOD})
    assert patch.count(" def price(pence):") == 1
    found = judged(patch.replace(" def price(pence):", " def price(amount):"))
    assert found.applied
    assert found.resolved


def test_a_patch_does_not_change_what_judges_it(judged: Callable[..., Grade]) -> None:
    weak = "def test_price(): pass\n"
    found = judged({"tests/test_hidden.py": weak, "shop.py": SOURCE + "#\n"})
    assert found.fail_to_pass == {f"{PRICE}[a few]": "failed"}
    assert judged({"tests/test_hidden.py": weak, "shop.py": GOOD}).resolved


CHEAT = """\
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    outcome.get_result().outcome = "passed"
"""


def test_a_patch_that_changes_how_tests_run_is_doubted(judged: Callable[..., Grade]) -> None:
    cheating = judged({"conftest.py": CHEAT})
    assert not cheating.resolved
    assert "conftest.py" in cheating.doubts[0]
    assert "without that it is not resolved" in cheating.doubts
    honest = judged({"conftest.py": "# nothing\n", "shop.py": GOOD})
    assert honest.resolved
    assert "resolved without that too" in honest.doubts[0]
    settings = judged({"pytest.ini": "[pytest]\naddopts = -k nothing\n", "shop.py": SOURCE + "#"})
    assert not settings.resolved
    assert "pytest.ini" in settings.doubts[0]
    assert judged({"pyproject.toml": "[project]\nname = 'shop'\n", "shop.py": GOOD}).doubts == ()


def test_names_are_understood_as_the_data_sets_write_them(judged: Callable[..., Grade]) -> None:
    cut = Answer(
        patch="",
        fail_to_pass=(f"{PRICE}[a",),
        pass_to_pass=("test_refused", "test_total"),
        test_patch=diff({}, {"tests/test_hidden.py": HIDDEN.encode()}),
    )
    assert judged({"shop.py": GOOD}, cut).resolved
    breaking = judged({"shop.py": BREAKING}, cut)
    assert breaking.pass_to_pass == {"test_refused": "passed", "test_total": "failed"}
    missing = Answer(patch="", fail_to_pass=("tests/test_hidden.py::test_gone",))
    assert judged({"shop.py": GOOD}, missing).fail_to_pass == {
        "tests/test_hidden.py::test_gone": "missing"
    }


def test_names_of_another_runner_are_refused_in_words(judged: Callable[..., Grade]) -> None:
    other = Answer(patch="", fail_to_pass=("test_price (shop.tests.PriceTests)",))
    found = judged({"shop.py": GOOD}, other)
    assert not found.resolved
    assert "test_price (shop.tests.PriceTests)" in found.problem


def test_a_patch_that_hangs_or_dies_is_a_verdict(
    base: Snapshot, sandbox: Sandbox, judged: Callable[..., Grade]
) -> None:
    hanging = made(
        {"shop.py": SOURCE.replace("    if pence", "    while True: pass\n    if pence")}
    )
    found = grade(ANSWER, base, hanging, sandbox, timeout_s=120, test_timeout_s=0.5)
    assert found.fail_to_pass == {f"{PRICE}[a few]": "timeout"}
    assert found.pass_to_pass["tests/test_hidden.py::test_total"] == "passed"
    broken = judged({"shop.py": "def price(:\n"})
    assert broken.fail_to_pass == {f"{PRICE}[a few]": "error"}
    dying = judged({"shop.py": "import os\nos._exit(3)\n"})
    assert dying.fail_to_pass == {f"{PRICE}[a few]": "error"}


def test_hidden_tests_that_do_not_fit_are_the_tasks_fault(judged: Callable[..., Grade]) -> None:
    other = diff({"tests/test_shop.py": b"a\nb\n"}, {"tests/test_shop.py": b"a\nc\n"})
    with pytest.raises(RepositoryError, match="hidden tests do not fit"):
        judged({"shop.py": GOOD}, Answer(patch="", fail_to_pass=(PRICE,), test_patch=other))


def test_a_program_that_a_patch_brings_can_be_run(judged: Callable[..., Grade]) -> None:
    test = "import subprocess\n\ndef test_it():\n    assert not subprocess.call(['./run.sh'])\n"
    answer = Answer(
        patch="", fail_to_pass=("test_run.py::test_it",), test_files={"test_run.py": test}
    )
    patch = diff({}, {"run.sh": b"#!/bin/sh\nexit 0\n"}, modes={"run.sh": EXECUTABLE})
    assert judged(patch, answer).resolved
    linked = diff(
        {},
        {"do.sh": b"#!/bin/sh\n", "run.sh": b"do.sh"},
        modes={"do.sh": EXECUTABLE, "run.sh": SYMLINK},
    )
    assert judged(linked, answer).resolved


@pytest.mark.docker
def test_in_a_container_it_is_the_same(
    base: Snapshot, tmp_path_factory: pytest.TempPathFactory
) -> None:
    docker = DockerBackend(EnvironmentOptions(cache_dir=tmp_path_factory.mktemp("cache")))
    environment = docker.prepare(base, progress=lambda text: None)
    good = made({"shop.py": GOOD})
    with docker.open(base, environment) as sandbox:
        verdicts = [
            grade(ANSWER, base, patch, sandbox, timeout_s=120, test_timeout_s=30)
            for patch in (
                good,
                good.replace(" def price(pence):", " def price(amount):"),
                made({"shop.py": BREAKING}),
                made({"conftest.py": CHEAT}),
                "",
            )
        ]
        assert sandbox.changes() == {}
    docker.client.close()
    assert [each.resolved for each in verdicts] == [True, True, False, False, False]
    assert "without that it is not resolved" in verdicts[3].doubts
