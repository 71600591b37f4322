"""The bundled repository and its faults are what the demo says they are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import TypedDict

import pytest

import swe_sleep

DEMO = Path(swe_sleep.__file__).parent / "demo"


class Fault(TypedDict):
    name: str
    path: str
    message: str
    before: str
    after: str
    wrong: str
    right: str
    issue: str
    fails: list[str]


FAULTS: list[Fault] = tomllib.loads((DEMO / "faults.toml").read_text("utf-8"))["fault"]

each_fault = pytest.mark.parametrize("fault", FAULTS, ids=[fault["name"] for fault in FAULTS])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of the bundled repository, without what an installer may have compiled in it."""
    copy = tmp_path / "shelflife"
    shutil.copytree(
        DEMO / "repository", copy, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache")
    )
    return copy


def replace_once(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{text.count(old)} times:\n{old}"
    return text.replace(old, new)


def edit(repository: Path, fault: Fault, after: str) -> None:
    file = repository / fault["path"]
    content = replace_once(file.read_text("utf-8"), fault["before"], after)
    file.write_text(content, "utf-8")


def outcomes(repository: Path) -> dict[str, str]:
    """Run the repository's own tests as its README says: test id -> PASSED, FAILED or ERROR."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV"))}
    environment |= {
        "COLUMNS": "1000",  # the short summary is cut to the terminal's width
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider"],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = re.findall(r"^(PASSED|FAILED|ERROR) (tests/\S+)", done.stdout, re.MULTILINE)
    return {test_id: outcome for outcome, test_id in found}


def test_the_repositorys_tests_pass(repository: Path) -> None:
    result = outcomes(repository)
    assert len(result) > 50
    assert set(result.values()) == {"PASSED"}


@each_fault
def test_a_fault_fails_the_tests_it_names_and_no_other(repository: Path, fault: Fault) -> None:
    edit(repository, fault, fault["after"])
    result = outcomes(repository)
    assert len(result) > 50
    assert {test_id for test_id, o in result.items() if o != "PASSED"} == set(fault["fails"])
    assert fault["fails"]


@each_fault
def test_a_change_is_sound_but_for_one_expression(repository: Path, fault: Fault) -> None:
    edit(repository, fault, replace_once(fault["after"], fault["wrong"], fault["right"]))
    assert set(outcomes(repository).values()) == {"PASSED"}


@each_fault
def test_an_issue_reads_as_a_users_and_does_not_name_the_place(fault: Fault) -> None:
    title, blank, *body = fault["issue"].splitlines()
    assert title
    assert not blank
    assert 3 <= len(body) <= 7
    names = set(re.findall(r"\w+_\w+|\w+\(", fault["after"])) | {fault["path"], fault["name"]}
    assert not [name for name in names if name in fault["issue"]]


def test_faults_can_be_told_apart() -> None:
    assert len({fault["name"] for fault in FAULTS}) == len(FAULTS) == 5
    assert all("\n" not in fault["message"] and fault["message"] for fault in FAULTS)


def test_all_of_it_is_in_the_wheel(tmp_path: Path) -> None:
    """So that the demo runs where swe-sleep was installed and not cloned."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=DEMO.parent.parent,
        capture_output=True,
        timeout=120,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("swe_sleep/demo/")}
    files = (file for file in DEMO.rglob("*") if file.is_file())
    bundled = {
        file.relative_to(DEMO.parent.parent).as_posix()
        for file in files
        if not {"__pycache__", ".pytest_cache"} & set(file.parts)
    }
    assert "swe_sleep/demo/repository/tests/test_expiry.py" in bundled
    assert packed == bundled
