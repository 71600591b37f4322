from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.errors import RepositoryError
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.story import Chapter, tell


def test_the_history_is_told_in_order(tmp_path: Path, git: Callable[..., str]) -> None:
    for name in ("a.py", "b.py", "c.py"):
        (tmp_path / name).write_text(f"{name = }\n")
    chapters = [Chapter("First", ("a.py",)), Chapter("Then", ("b.py", "c.py"))]
    last = tell(tmp_path, chapters, author="Sam", email="sam@example.org")
    with Repository.open(tmp_path) as repository:
        told = list(repository.commits())
        assert [commit.subject for commit in told] == ["Then", "First"]
        assert [file.path for file in told[0].files] == ["b.py", "c.py"]
        assert told[0].id == last == repository.snapshot().head
    assert git(tmp_path, "status", "--porcelain") == ""
    assert git(tmp_path, "log", "-1", "--format=%an <%ae>") == "Sam <sam@example.org>"


def test_a_hook_around_us_is_not_touched(
    tmp_path: Path, make_repository: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_repository({"x.py": "x = 1\n"}, name="other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    root = tmp_path / "new"
    root.mkdir()
    (root / "a.py").write_text("a = 1\n")
    tell(root, [Chapter("First", ("a.py",))], author="Sam", email="sam@example.org")
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    with Repository.open(other) as repository:
        assert [commit.subject for commit in repository.commits()] == ["First commit"]
    with Repository.open(root) as repository:
        assert list(repository.snapshot().files) == ["a.py"]


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="git could not make"):
        tell(tmp_path, [Chapter("First", ("no.py",))], author="Sam", email="s@example.org")
