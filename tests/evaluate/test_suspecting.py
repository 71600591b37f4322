"""Which files of a patch decide how tests run, or what they say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.evaluate.suspecting import beside_tests, compiled_sources, steering
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import REGULAR

FILES = {
    "pyproject.toml": "[project]\nname = 'a'\n[tool.pytest.ini_options]\naddopts = '-q'\n",
    "setup.cfg": "[metadata]\nname = a\n",
    "src/a/json.py": "",
    "src/a/conftest.py": "",
}


@pytest.mark.parametrize(
    ("path", "text", "steers"),
    [
        ("conftest.py", "", True),
        ("src/a/conftest.py", None, True),
        ("sitecustomize.py", "", True),
        ("src/more.pth", "", True),
        ("pyproject.toml", FILES["pyproject.toml"] + "testpaths = ['a']\n", True),
        ("pyproject.toml", FILES["pyproject.toml"].replace("'a'", "'b'"), False),
        ("pyproject.toml", None, True),
        ("setup.cfg", "[metadata]\nname = b\n", False),
        ("setup.cfg", "[tool:pytest]\naddopts = -k a\n", True),
        ("pytest.ini", "", True),
        ("tests/pytest.ini", "[pytest]\n", True),
        ("pytest.py", "", True),
        ("_pytest/__init__.py", "", True),
        ("src/json/__init__.py", "", True),
        ("src/a/decimal.py", "", False),
        ("src/a/json.py", "1\n", False),
        ("src/a/new.py", "", False),
        ("json.txt", "", False),
    ],
)
def test_what_steers(
    make_repository: Callable[..., Path], path: str, text: str | None, steers: bool
) -> None:
    snapshot = Repository.open(make_repository(FILES)).snapshot()
    files = {path: None if text is None else (text.encode(), REGULAR)}
    assert steering(files, snapshot, ("src",)) == ((path,) if steers else ())


def test_what_steers_a_runner_of_the_projects_own(make_repository: Callable[..., Path]) -> None:
    snapshot = Repository.open(make_repository(FILES)).snapshot()
    files = {"src/a/testing/case.py": (b"", REGULAR), "src/a/testing.py": (b"", REGULAR)}
    assert steering(files, snapshot, ("src",)) == ()
    assert steering(files, snapshot, ("src",), ("src/a/testing/",)) == ("src/a/testing/case.py",)


def test_what_lies_with_the_tests() -> None:
    paths = ["tests/a/helpers.py", "tests/data.txt", "lib/tests/b.py", "lib/c.py", "test_d.py"]
    files = dict.fromkeys(paths, (b"", REGULAR))
    assert beside_tests(files, ["tests/a/test_a.py"]) == ("tests/a/helpers.py", "tests/data.txt")
    assert beside_tests(files, ["lib/tests/deep/tests/test_b.py"]) == ("lib/tests/b.py",)
    assert beside_tests(files, ["test_d.py"]) == (), "beside the code lies the code"


def test_what_has_to_be_compiled() -> None:
    files = dict.fromkeys(["a/b.c", "a/b.pyx", "tests/data/c.c", "a/c.py"])
    assert compiled_sources(files) == ("a/b.c", "a/b.pyx")
