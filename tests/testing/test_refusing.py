"""What a patch may not touch."""

from __future__ import annotations

import pytest

from swe_sleep.testing.refusing import asks_for, is_set_up, refusal

GIVEN = ["tests/test_a.py::test_x"]
PRESENT = ["a.py", "tests/test_a.py", "tests/test_b.py", "tests/data/in.json", "tests/helping.py"]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../x.py", "outside the repository"),
        ("a//x.py", "outside the repository"),
        ("/etc/x", "outside the repository"),
        ("sub/.GIT/config", "git's own folder"),
        ("tests/test_a.py", "a reproducing test's file"),
        ("tests/conftest.py", "is set up with"),
        ("conftest.py", "is set up with"),
        ("tests/data/in.json", "is given: tests/data/in.json"),
        ("tests/helping.py", "is given: tests/helping.py"),
        ("pyproject.toml", "pyproject.toml, which the issue does not ask for"),
        (".github/workflows/ci.yml", "which the issue does not ask for"),
        ("requirements/test.txt", "which the issue does not ask for"),
        ("a.py", ""),
        ("tests/test_b.py", ""),
        ("tests/test_new.py", ""),
        ("tests/data/new.json", ""),
        ("docs/conf.py", ""),
    ],
)
def test_refused(path: str, why: str) -> None:
    said = refusal({path: b""}, PRESENT, GIVEN, issue="f(1) is wrong")
    assert why in said
    assert bool(said) is bool(why)


def test_a_test_at_the_top_gives_no_claim_on_the_sources() -> None:
    assert refusal({"a.py": b""}, ["a.py", "test_a.py"], ["test_a.py::test_x"], issue="") == ""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("setup.py", True),
        ("sub/pyproject.toml", True),
        ("requirements-dev.txt", True),
        (".gitlab-ci.yml", True),
        ("Dockerfile", True),
        ("docker/Dockerfile.dev", True),
        ("Makefile", True),
        ("noxfile.py", True),
        ("tox.ini", True),
        ("requirements.py", False),
        ("lib/setup_tools.py", False),
        ("lib/makefile.py", False),
        ("github.py", False),
    ],
)
def test_what_sets_a_project_up(path: str, expected: bool) -> None:
    assert is_set_up(path) is expected


@pytest.mark.parametrize(
    ("issue", "path", "expected"),
    [
        ("Add Python 3.13 to tox.ini", "tox.ini", True),
        ("`setup.py` misses a file", "setup.py", True),
        ("The wheel lacks py.typed", "pyproject.toml", True),
        ("Run the tests in CI too", ".github/workflows/ci.yml", True),
        ("f(1) returns 2", "pyproject.toml", False),
        ("mysetup.py fails", "setup.py", False),
        ("decide on specials", ".github/workflows/ci.yml", False),
        ("", "tox.ini", False),
    ],
)
def test_what_an_issue_asks_for(issue: str, path: str, expected: bool) -> None:
    assert asks_for(issue, path) is expected
