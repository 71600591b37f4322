from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.repo.repository import Repository
from swe_sleep.testing.discovery import configuration_of, find_test_files, is_test_path, layout

FILES = {
    "src/shop.py": "",
    "src/test_helper_of_nothing.txt": "",
    "tests/test_a.py": "",
    "tests/unit/b_test.py": "",
    "tests/conftest.py": "",
    "other/test_c.py": "",
    "build/test_d.py": "",
    "checks/check_e.py": "",
}


FOUND = ["other/test_c.py", "tests/test_a.py", "tests/unit/b_test.py"]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("README", "", FOUND),
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\ntestpaths = ['tests']",
            FOUND[1:],
        ),
        ("pytest.ini", "[pytest]\ntestpaths = other\n  tests/unit", [FOUND[0], FOUND[2]]),
        ("setup.cfg", "[tool:pytest]\npython_files = check_*.py", ["checks/check_e.py"]),
        ("tox.ini", "[pytest]\nnorecursedirs = unit other", ["build/test_d.py", "tests/test_a.py"]),
        ("tox.ini", "[pytest]\nnorecursedirs = tests/unit build", FOUND[:2]),
        (
            "setup.cfg",
            "[tool:pytest]\ntestpaths = src other\naddopts =\n  -q\n  --doctest-glob='*.txt'",
            [FOUND[0], "src/test_helper_of_nothing.txt"],
        ),
        (
            "pytest.ini",
            "[pytest]\ntestpaths = other README\naddopts = --doctest-glob README",
            FOUND[:1],
        ),
        ("pyproject.toml", "[broken", FOUND),
    ],
)
def test_files_are_found_as_pytest_would(
    make_repository: Callable[..., Path], name: str, text: str, found: list[str]
) -> None:
    with Repository.open(make_repository({**FILES, name: text})) as repository:
        assert find_test_files(repository.snapshot()) == found


def test_an_outcome_depends_on_absent_conftests_too(
    make_repository: Callable[..., Path],
) -> None:
    with Repository.open(make_repository({**FILES, "tox.ini": "[pytest]"})) as repository:
        snapshot = repository.snapshot()
    assert layout(snapshot).configuration == "tox.ini"
    depends = configuration_of("tests/unit/b_test.py", snapshot)
    assert set(depends) == {
        "tox.ini", "conftest.py", "tests/conftest.py", "tests/unit/conftest.py",
    }  # fmt: skip
    assert depends["conftest.py"] == ""
    assert depends["tests/conftest.py"] == snapshot.blob("tests/conftest.py")


@pytest.mark.parametrize("path", ["tests/a.py", "pkg/tests/b.py", "test_x.py", "conftest.py"])
def test_files_of_tests(path: str) -> None:
    assert is_test_path(path)


@pytest.mark.parametrize("path", ["src/contest.py", "latest.py", "pkg/testing/run.py"])
def test_files_of_the_product(path: str) -> None:
    assert not is_test_path(path)


def test_the_folders_that_the_projects_own_runs_name(
    make_repository: Callable[..., Path],
) -> None:
    files = {
        "tox.ini": "[testenv]\ncommands = pytest tests/unit\n",
        "tests/unit/test_a.py": "",
        "tests/slow/test_b.py": "",
    }
    with Repository.open(make_repository(files)) as repository:
        assert find_test_files(repository.snapshot()) == ["tests/unit/test_a.py"]
    named = {**files, "pytest.ini": "[pytest]\ntestpaths = tests/slow\n"}
    with Repository.open(make_repository(named, "named")) as repository:
        assert find_test_files(repository.snapshot()) == ["tests/slow/test_b.py"]
