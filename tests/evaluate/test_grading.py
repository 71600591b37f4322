"""Grading a patch by hidden tests, in a real sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from swe_sleep.evaluate.grading import grade, rest_of
from swe_sleep.evaluate.tasks.grade import Grade
from swe_sleep.evaluate.tasks.task import Answer
from swe_sleep.repo.diff import diff
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.local import LocalBackend
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


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> LocalBackend:
    options = EnvironmentOptions(cache_dir=tmp_path_factory.mktemp("environments"))
    return LocalBackend(options, level="plain")


@pytest.fixture
def base(make_repository: Callable[..., Path]) -> Snapshot:
    return Repository.open(make_repository(BASE)).snapshot()


@pytest.fixture
def sandbox(base: Snapshot, backend: LocalBackend) -> Iterator[Sandbox]:
    environment = backend.prepare(base, progress=lambda text: None)
    with backend.open(base, environment) as opened:
        yield opened


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
