from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from swe_sleep.repo.earlier import RECENT, earlier
from swe_sleep.repo.repository import Repository


def test_what_files_held_before_their_last_change(
    make_repository: Callable[..., Path], git: Callable[..., str]
) -> None:
    root = make_repository({"a.py": "one\n", "b.py": "one\n", "old.py": "one\n"})
    for text in ("two\n", "three\n"):
        (root / "a.py").write_text(text)
        git(root, "commit", "-q", "-a", "-m", "Change a")
    (root / "new.py").write_text("one\n")
    git(root, "add", "new.py")
    git(root, "commit", "-q", "-m", "Add new")
    (root / "b.py").write_text("edited\n")
    with Repository.open(root) as repository:
        snapshot = repository.snapshot()
        paths = ["a.py", "b.py", "new.py", "old.py", "gone.py"]
        found = earlier(repository.git, snapshot, paths)
    assert found == {"a.py": b"two\n", "b.py": b"one\n"}


def test_what_changed_long_ago_is_left_out(
    make_repository: Callable[..., Path], git: Callable[..., str]
) -> None:
    root = make_repository({"a.py": "one\n", "b.py": "0\n"})
    (root / "a.py").write_text("two\n")
    git(root, "commit", "-q", "-a", "-m", "Change a")
    for number in range(1, RECENT + 1):
        (root / "b.py").write_text(f"{number}\n")
        git(root, "commit", "-q", "-a", "-m", f"Change b to {number}")
    with Repository.open(root) as repository:
        found = earlier(repository.git, repository.snapshot(), ["a.py", "b.py"])
    assert found == {"b.py": f"{RECENT - 1}\n".encode()}


def test_before_the_first_commit(tmp_path: Path, git: Callable[..., str]) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("one\n")
    with Repository.open(tmp_path) as repository:
        assert earlier(repository.git, repository.snapshot(), ["a.py"]) == {}
