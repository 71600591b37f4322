"""Patches in the person's repository: all or nothing, and nothing of theirs is lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.errors import RepositoryError
from swe_sleep.records import Patch
from swe_sleep.repo.diff import diff
from swe_sleep.repo.repository import Repository

Git = Callable[..., str]
Make = Callable[..., Path]
Opened = Callable[[Path], Repository]

TEN = "".join(f"{n}\n" for n in range(10))


def patch(before: dict[str, bytes | None], after: dict[str, bytes | None]) -> Patch:
    return Patch(diff(before, after), tuple(after), "test", "Mend it")


def state(root: Path, git: Git) -> tuple[str, str, str]:
    return (
        git(root, "status", "--porcelain=v2", "-uall"),
        git(root, "diff", "HEAD"),
        git(root, "for-each-ref") + git(root, "rev-parse", "--symbolic-full-name", "HEAD"),
    )


def test_apply_changes_the_files_and_nothing_else(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.py": TEN, "gone/b.py": "1\n", "run.sh": "1\n", "other.py": "1\n"})
    (root / "run.sh").chmod(0o750)
    (root / "a.py").write_text(TEN + "mine\n")
    (root / "other.py").write_text("mine\n")
    git(root, "add", "other.py")
    done = opened(root).land(
        patch(
            {"a.py": TEN.encode(), "gone/b.py": b"1\n", "run.sh": b"1\n"},
            {"a.py": TEN.replace("0", "zero").encode(), "run.sh": b"2\n", "new/c.py": b"new\n"},
        )
    )
    assert done.paths == ("a.py", "gone/b.py", "new/c.py", "run.sh")
    assert (root / "a.py").read_text() == TEN.replace("0", "zero") + "mine\n"
    assert not (root / "gone").exists()
    assert (root / "run.sh").stat().st_mode & 0o777 == 0o750
    assert (root / "new" / "c.py").read_text() == "new\n"
    assert git(root, "diff", "--cached", "--name-only") == "other.py"
    assert not list(root.rglob(".swe-sleep*"))


def test_what_does_not_apply_changes_nothing(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n", "b.py": "1\n"})
    (root / "b.py").write_text("mine\n")
    before = state(root, git)
    change = patch({"a.py": b"1\n", "b.py": b"1\n"}, {"a.py": b"2\n", "b.py": b"2\n"})
    for options in ({}, {"commit": True}):
        with pytest.raises(RepositoryError, match=r"b\.py"):
            opened(root).land(change, **options)  # type: ignore[arg-type]
        assert state(root, git) == before


def test_an_ignored_file_is_not_written_over(make_repository: Make, opened: Opened) -> None:
    root = make_repository({"a.py": "1\n", ".gitignore": "*.log\n"})
    (root / "x.log").write_text("mine\n")
    with pytest.raises(RepositoryError, match="does not track"):
        opened(root).land(patch({}, {"x.log": b"theirs\n"}))
    assert (root / "x.log").read_text() == "mine\n"


def test_nothing_is_written_behind_a_symlink(
    make_repository: Make, opened: Opened, tmp_path: Path
) -> None:
    root = make_repository({"a.py": "1\n", ".gitignore": "hidden\n"})
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "seen").symlink_to(outside)
    (root / "hidden").symlink_to(outside)
    for name in ("seen", "hidden"):
        with pytest.raises(RepositoryError):
            opened(root).land(patch({}, {f"{name}/x.py": b"1\n"}))
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", ["../x", ".git/config", "sub/.git/hooks/post-commit", ".GIT/x"])
def test_paths_that_are_none_of_its_business(
    make_repository: Make, opened: Opened, name: str, git: Git
) -> None:
    root = make_repository({"a.py": "1\n"})
    before = state(root, git)
    bad = Patch(f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+1\n", (name,), "test")
    for options in ({}, {"commit": True}, {"branch": "new"}):
        with pytest.raises(RepositoryError):
            opened(root).land(bad, **options)
    assert state(root, git) == before


def test_a_write_that_fails_is_taken_back(
    make_repository: Make, git: Git, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repository({"a.py": "1\n", "b.py": "1\n", "c.py": "1\n"})
    replace = os.replace

    def full(source: bytes, target: bytes) -> None:
        if target.endswith(b"c.py") and (root / "a.py").read_text() == "2\n":
            raise OSError(28, "No space left on device", target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    change = patch(
        {"a.py": b"1\n", "b.py": b"1\n", "c.py": b"1\n"}, {"a.py": b"2\n", "c.py": b"2\n"}
    )
    before = state(root, git)
    for options in ({}, {"commit": True}):
        with pytest.raises(RepositoryError, match="No space left"):
            opened(root).land(change, **options)  # type: ignore[arg-type]
        assert state(root, git) == before


def test_a_branch_leaves_everything_else_alone(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n", "b.py": "1\n", "d/c.py": "1\n"})
    (root / "a.py").write_text("mine\n")
    git(root, "add", "a.py")
    (root / "a.py").write_text("mine again\n")
    (root / "untracked").touch()
    before = state(root, git)[:2]
    done = opened(root).land(
        patch({"a.py": b"1\n", "d/c.py": b"1\n"}, {"a.py": b"2\n", "d": b"3\n"}),
        branch="fix/it",
        message="Mend a\n\nBecause.",
    )
    assert state(root, git)[:2] == before
    assert git(root, "symbolic-ref", "--short", "HEAD") == "main"
    assert git(root, "rev-parse", "fix/it") == done.commit
    assert git(root, "rev-parse", "fix/it^") == git(root, "rev-parse", "HEAD")
    assert git(root, "ls-tree", "-r", "--name-only", "fix/it").split() == ["a.py", "b.py", "d"]
    assert git(root, "show", "fix/it:a.py") == "2"
    assert git(root, "log", "-1", "--format=%B", "fix/it") == "Mend a\n\nBecause."
    assert git(root, "fsck", "--strict") == ""
    with pytest.raises(RepositoryError, match="already"):
        opened(root).land(patch({"b.py": b"1\n"}, {"b.py": b"2\n"}), branch="fix/it")
    for name in ("", "a..b", "-x", "a b", "@{-1}", "x.lock"):
        with pytest.raises(RepositoryError, match="not a name"):
            opened(root).land(patch({"b.py": b"1\n"}, {"b.py": b"2\n"}), branch=name)


def test_a_commit_on_a_clean_tree(make_repository: Make, git: Git, opened: Opened) -> None:
    root = make_repository({"a.py": "1\n", "d/b.py": "1\n"})
    head = git(root, "rev-parse", "HEAD")
    done = opened(root).land(
        patch({"a.py": b"1\n", "d/b.py": b"1\n"}, {"a.py": b"2\n", "d": b"now a file\n"}),
        commit=True,
    )
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "log", "--format=%H %s") == f"{done.commit} Mend it\n{head} First commit"
    assert (done.branch, (root / "d").read_text()) == ("main", "now a file\n")


def test_a_commit_beside_uncommitted_changes(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n", "b.py": "1\n", "c.py": "1\n"})
    (root / "b.py").write_text("staged\n")
    git(root, "add", "b.py")
    (root / "b.py").write_text("mine\n")
    (root / "new.py").write_text("mine\n")
    before = git(root, "status", "--porcelain"), git(root, "diff", "HEAD")
    opened(root).land(patch({"a.py": b"1\n"}, {"a.py": b"2\n"}), commit=True)
    assert (git(root, "status", "--porcelain"), git(root, "diff", "HEAD")) == before
    assert git(root, "show", "--name-only", "--format=") == "a.py"
    # Staged only, or in the work tree only: both are in the way.
    (root / "c.py").write_text("mine\n")
    for name in ("b.py", "c.py"):
        with pytest.raises(RepositoryError, match="--branch"):
            opened(root).land(patch({name: b"1\n"}, {name: b"2\n"}), commit=True)
    assert (root / "c.py").read_text() == "mine\n"


def test_a_commit_while_something_else_is_going_on(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n"})
    change = patch({"a.py": b"1\n"}, {"a.py": b"2\n"})
    before = state(root, git)
    (root / ".git" / "index.lock").touch()
    with pytest.raises(RepositoryError, match=r"index\.lock"):
        opened(root).land(change, commit=True)
    (root / ".git" / "index.lock").unlink()
    (root / ".git" / "MERGE_HEAD").write_text(git(root, "rev-parse", "HEAD") + "\n")
    with pytest.raises(RepositoryError, match="merge is under way"):
        opened(root).land(change, commit=True)
    (root / ".git" / "MERGE_HEAD").unlink()
    assert state(root, git) == before


def test_before_the_first_commit(make_repository: Make, opened: Opened) -> None:
    root = make_repository()
    (root / "a.py").write_text("1\n")
    change = patch({"a.py": b"1\n"}, {"a.py": b"2\n"})
    with pytest.raises(RepositoryError, match="no commit yet"):
        opened(root).land(change, branch="new")
    with pytest.raises(RepositoryError, match="no commit yet"):
        opened(root).land(change, commit=True)
    opened(root).land(change)
    assert (root / "a.py").read_text() == "2\n"


def test_git_that_does_not_know_the_person(
    make_repository: Make, git: Git, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repository({"a.py": "1\n"})
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{who}_NAME")
        monkeypatch.delenv(f"GIT_{who}_EMAIL")
    git(root, "config", "user.useConfigOnly", "true")
    with pytest.raises(RepositoryError, match=r"git config user\.name"):
        opened(root).land(patch({"a.py": b"1\n"}, {"a.py": b"2\n"}), branch="new")


def test_in_a_worktree(make_repository: Make, git: Git, opened: Opened) -> None:
    root = make_repository({"a.py": "1\n"})
    git(root, "worktree", "add", "-q", "-b", "side", "../side")
    side = root.parent / "side"
    opened(side).land(patch({"a.py": b"1\n"}, {"a.py": b"2\n"}), commit=True)
    assert git(side, "status", "--porcelain") == ""
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "show", "side:a.py") == "2"
