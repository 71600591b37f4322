"""Which files of a patch decide how tests run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.evaluate.suspecting import steering
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
        ("docs/pytest.ini", "[pytest]\n", False),
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
