"""The stage is a real repository with a history, whatever the person's git is set up like."""

from __future__ import annotations

import importlib.resources
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.demo import stage
from swe_sleep.errors import RepositoryError, UsageError

Git = Callable[..., str]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return stage.set_up(tmp_path)


def test_a_history(root: Path, git: Git) -> None:
    subjects = git(root, "log", "--reverse", "--format=%s").splitlines()
    assert subjects == [subject for subject, _ in stage.STORY]
    assert git(root, "log", "-1", "--format=%an <%ae> %cn") == (
        "Sam Grocer <sam@shelflife.example> Sam Grocer"
    )
    assert git(root, "rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert git(root, "status", "--porcelain") == ""
    for commit in git(root, "rev-list", "HEAD").split():
        assert git(root, "show", "--name-only", "--format=", commit)


def test_every_file_is_there_and_the_same(root: Path, git: Git) -> None:
    source = Path(str(importlib.resources.files(stage.__package__ or "") / "repository"))
    bundled = {
        file.relative_to(source): file.read_bytes()
        for file in source.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert len(bundled) > 10
    tracked = git(root, "ls-files").splitlines()
    assert {Path(path): (root / path).read_bytes() for path in tracked} == bundled


def test_the_persons_configuration_plays_no_part(
    tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    config = tmp_path / "config"
    config.write_text(
        f"[core]\n\thooksPath = {hooks}\n\tautocrlf = true\n[commit]\n\tgpgSign = true\n"
        "[init]\n\tdefaultBranch = trunk\n[user]\n\tname = Somebody\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    git(elsewhere, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(elsewhere / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(elsewhere / "index"))
    root = stage.set_up(tmp_path / "demo")
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert git(root, "log", "-1", "--format=%an") == "Sam Grocer"
    assert git(root, "rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert not (elsewhere / "index").exists()
    assert b"\r" not in (root / "README.md").read_bytes()


@pytest.mark.parametrize("fault", stage.faults(), ids=lambda fault: str(fault.name))
def test_a_fault_is_one_edit_of_one_file(root: Path, git: Git, fault: stage.Fault) -> None:
    stage.break_it(root, fault)
    assert git(root, "diff", "--name-only") == fault.path
    assert fault.after in (root / fault.path).read_text("utf-8")
    assert re.match(r"[a-z-]+$", fault.name)
    assert fault.issue.strip()
    with pytest.raises(RepositoryError, match="not as the demo expects it"):
        stage.break_it(root, fault)


def test_faults_by_name() -> None:
    first, second, *_ = stage.faults()
    assert stage.fault("") == first
    assert stage.fault(second.name) == second
    with pytest.raises(UsageError, match=f"no fault 'none'. It has {first.name}, "):
        stage.fault("none")


def test_without_git(tmp_path: Path) -> None:
    """In a process of its own: GitPython looks for git once."""
    import sys

    program = (
        "import sys; from pathlib import Path; from swe_sleep.demo import stage\n"
        "from swe_sleep.errors import NotARepository\n"
        "try: stage.set_up(Path(sys.argv[1]))\n"
        "except NotARepository as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "git is not installed. Install git and try again.\n"
