"""Repositories and environments that try to make git do something else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.records import Patch
from swe_sleep.repo.diff import diff
from swe_sleep.repo.repository import Repository

Git = Callable[..., str]
Make = Callable[..., Path]
Opened = Callable[[Path], Repository]


def everything(repository: Repository) -> None:
    """What we do with a repository, from end to end."""
    snapshot = repository.snapshot()
    for path in snapshot.files:
        snapshot.read(path)
    head = repository.snapshot_of("HEAD")
    for path in head.files:
        head.read(path)
    list(repository.commits())
    repository.dirty_paths()
    text = diff({"a.py": b"1\n"}, {"a.py": b"2\n"})
    repository.land(Patch(text, ("a.py",), "test"), branch="patch")
    repository.land(Patch(text, ("a.py",), "test"), commit=True)


def test_programs_that_the_repository_names_are_not_run(
    make_repository: Make, git: Git, opened: Opened, tmp_path: Path
) -> None:
    root = make_repository(
        {"a.py": "1\n", "b.x": "1\n", ".gitattributes": "*.x diff=evil\n*.py diff=evil\n"}
    )
    trap = tmp_path / "trap"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{trap}'\n")
    program.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for hook in ("reference-transaction", "post-index-change", "pre-commit", "post-commit"):
        (hooks / hook).write_text(program.read_text())
        (hooks / hook).chmod(0o755)
    for key, value in {
        "core.fsmonitor": str(program),
        "core.hooksPath": str(hooks),
        "core.sshCommand": str(program),
        "core.pager": str(program),
        "core.editor": str(program),
        "core.alternateRefsCommand": str(program),
        "diff.external": str(program),
        "diff.evil.textconv": str(program),
        "diff.evil.command": str(program),
        "gpg.program": str(program),
        "log.showSignature": "true",
    }.items():
        git(root, "config", key, value)
    (root / "b.x").write_text("2\n")
    everything(opened(root))
    assert not trap.exists(), trap.read_text()


def test_a_filter_does_not_see_the_files(
    make_repository: Make, git: Git, opened: Opened, tmp_path: Path
) -> None:
    root = make_repository({"a.py": "1\n", "f.x": "1\n"})
    trap = tmp_path / "trap"
    (root / ".gitattributes").write_text("*.x filter=evil\n")
    git(root, "config", "filter.evil.clean", f"tee -a '{trap}'")
    git(root, "config", "filter.evil.smudge", f"tee -a '{trap}'")
    (root / "f.x").write_text("2\n")
    repository = opened(root)
    snapshot = repository.snapshot()
    assert snapshot.read("f.x") == b"2\n"
    repository.snapshot_of("HEAD").read("f.x")
    text = diff({"f.x": b"2\n"}, {"f.x": b"3\n"})
    repository.land(Patch(text, ("f.x",), "test"))
    assert (root / "f.x").read_text() == "3\n"
    assert not trap.exists()


def test_the_environment_of_a_hook_changes_nothing(
    make_repository: Make, git: Git, opened: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = make_repository({"a.py": "1\n"})
    other = make_repository({"other.py": "1\n"}, name="other")
    trap = tmp_path / "trap"
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "no-index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("GIT_PREFIX", "x/")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", f"touch {trap};")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    repository = opened(root)
    assert list(repository.snapshot().files) == ["a.py"]
    everything(repository)
    assert not trap.exists()
    assert not (tmp_path / "no-index").exists()


def test_a_lost_git_directory_does_not_lead_to_the_one_around(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    outer = make_repository({"outer.py": "1\n"})
    git(outer, "init", "-q", "inner")
    repository = opened(outer / "inner")
    repository.snapshot()
    (outer / "inner" / ".git").rename(outer / "moved")
    with pytest.raises(Exception, match="gone"):
        repository.snapshot()
