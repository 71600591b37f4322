"""Repositories out of patches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.errors import RepositoryError
from swe_sleep.repo.replay import is_whole, replay

Git = Callable[..., str]


@pytest.fixture
def patches(make_repository: Callable[..., Path], git: Git, tmp_path: Path) -> list[Path]:
    root = make_repository({"a b.txt": "one\r\ntwo\n", "run.sh": "#!/bin/sh\n"})
    (root / "run.sh").chmod(0o755)
    (root / "ä.txt").write_text("From here\n--- on\n", "utf-8")
    git(root, "rm", "-q", "a b.txt")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Größer\n\nFrom me\nwith a body")
    options = ("--root", "--zero-commit", "--no-signature", "--full-index", "-q")
    git(root, "format-patch", *options, "-o", str(tmp_path / "patches"), "main")
    return sorted((tmp_path / "patches").iterdir())


def test_the_same_files_and_messages(patches: list[Path], git: Git, tmp_path: Path) -> None:
    made = tmp_path / "made.git"
    commits = replay(patches, made)
    assert git(made, "rev-parse", "main") == commits[-1]
    for old, new in zip(("main~1", "main"), commits, strict=True):
        for what in ("--format=%T", "--format=%an %ae %ad%n%B"):
            told = git(tmp_path / "repo", "show", "-s", what, old)
            assert git(made, "show", "-s", what, new) == told
    assert git(made, "show", "-s", "--format=%cn, %ae", commits[0]).startswith("swe-sleep, ")
    assert replay(patches, tmp_path / "again.git") == commits


def test_what_is_missing_is_noticed(patches: list[Path], git: Git, tmp_path: Path) -> None:
    made = tmp_path / "made.git"
    commits = replay(patches, made)
    assert is_whole(made, commits)
    assert not is_whole(made, ["0" * 40])
    assert not is_whole(tmp_path / "nowhere", commits)
    blob = git(made, "rev-parse", f"{commits[0]}:run.sh")
    (made / "objects" / blob[:2] / blob[2:]).unlink()
    assert not is_whole(made, commits)


def test_a_patch_that_git_refuses_is_named(patches: list[Path], tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match=r"0002-.*git am failed"):
        replay(patches[1:], tmp_path / "made.git")
    (tmp_path / "0003.patch").write_text("no mail\n")
    with pytest.raises(RepositoryError, match=r"0003\.patch: git am failed"):
        replay([*patches, tmp_path / "0003.patch"], tmp_path / "other.git")
