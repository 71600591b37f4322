from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.repo.hooks import hooks_folder, hooks_setting, tracked
from swe_sleep.repo.repository import Repository

Git = Callable[..., str]
Opened = Callable[[Path], Repository]


def test_the_folder_without_a_setting_is_shared_by_worktrees(
    make_repository: Callable[..., Path], opened: Opened, git: Git, tmp_path: Path
) -> None:
    root = make_repository({"a": "a"})
    other = tmp_path / "other"
    git(root, "worktree", "add", "-q", str(other))
    for each in (root, other):
        assert hooks_setting(opened(each)) is None
        assert hooks_folder(opened(each)) == root / ".git" / "hooks"


@pytest.mark.parametrize(
    ("setting", "folder"), [(".hooks", "{root}/.hooks"), ("/a b", "/a b"), ("~/h", "{home}/h")]
)
def test_a_setting_is_read_as_git_reads_it(
    make_repository: Callable[..., Path],
    opened: Opened,
    git: Git,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    folder: str,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    root = make_repository({"a": "a"})
    settings = tmp_path / "global"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    git(root, "config", "--global", "core.hooksPath", "/elsewhere")
    assert hooks_folder(opened(root)) == Path("/elsewhere")
    git(root, "config", "core.hooksPath", setting)
    assert hooks_folder(opened(root)) == Path(folder.format(root=root, home=tmp_path))


def test_an_empty_setting_is_not_the_work_tree(
    make_repository: Callable[..., Path], opened: Opened, git: Git
) -> None:
    root = make_repository({"a": "a"})
    git(root, "config", "core.hooksPath", "")
    assert hooks_folder(opened(root)) == Path("/")


def test_tracked_names(make_repository: Callable[..., Path], opened: Opened, git: Git) -> None:
    root = make_repository({"h/a": "a", "h/*": "star", "b": "b"})
    (root / "h" / "new").touch()
    (root / "link").symlink_to("h")
    git(root, "add", "link")
    (root / "h" / "gone").touch()
    odd = root / os.fsdecode(b"h/caf\xe9")
    odd.touch()
    git(root, "add", "h/gone", str(odd))
    (root / "h" / "gone").unlink()
    names = [
        root / "h" / "a",
        root / "h" / "new",
        root / "h" / "gone",
        root / "link" / "a",
        odd,
        root / ".git" / "config",
        Path("/etc/passwd"),
    ]
    expected = {root / "h" / "a", root / "h" / "gone", root / "link" / "a", odd}
    assert tracked(opened(root), names) == expected
    assert tracked(opened(root), [root / "h" / "?"]) == set()
    assert tracked(opened(root), []) == set()
