from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.errors import RepositoryError
from swe_sleep.repo import history
from swe_sleep.repo.history import FileChange, commits
from swe_sleep.repo.paths import from_os
from swe_sleep.repo.repository import Repository

Git = Callable[..., str]
Make = Callable[..., Path]
Opened = Callable[[Path], Repository]


def test_what_each_commit_did(make_repository: Make, git: Git, opened: Opened) -> None:
    root = make_repository({"a.py": "1\n2\n3\n4\n5\n6\n", "bin": b"\0\1"})
    git(root, "mv", "a.py", "b.py")
    (root / "b.py").write_text("1\n2\n3\n4\n5\nsix\nseven\n")
    (root / "bin").write_bytes(b"\0\2")
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9\n.py")).write_text("x\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Rename a\nin two lines\n\nThe why.\n\nMore.")
    git(root, "rm", "-q", "bin")
    git(root, "commit", "-qm", "Remove it", "--author", "Ä. B <a@b>")
    git(root, "commit", "-q", "--allow-empty", "-m", "Nothing")

    found = list(opened(root).commits())

    assert [c.subject for c in found] == [
        "Nothing", "Remove it", "Rename a in two lines", "First commit"
    ]  # fmt: skip
    nothing, removed, renamed, first = found
    assert nothing.files == ()
    assert removed.author == "Ä. B <a@b>"
    assert removed.files == (FileChange("bin", "D"),)
    assert renamed.body == "The why.\n\nMore."
    assert set(renamed.files) == {
        FileChange("b.py", "R", 2, 1, "a.py"),
        FileChange("bin", "M"),
        FileChange('"caf\\351\\n.py"', "A", 1, 0),
    }
    assert first.parents == ()
    assert renamed.parents == (first.id,)
    assert first.id == git(root, "rev-list", "--max-parents=0", "HEAD")
    assert first.time == int(git(root, "log", "-1", "--format=%ct", first.id))


def test_only_the_new_ones(make_repository: Make, git: Git, opened: Opened) -> None:
    root = make_repository({"a.py": "1\n"})
    first = git(root, "rev-parse", "HEAD")
    for number in range(5):
        git(root, "commit", "-q", "--allow-empty", "-m", f"{number}")
    repository = opened(root)
    assert [c.subject for c in repository.commits(after=first)] == ["4", "3", "2", "1", "0"]
    assert [c.subject for c in repository.commits(after=first, limit=2)] == ["4", "3"]
    assert list(repository.commits(after="HEAD")) == []
    assert len(list(repository.commits(after="0" * 40))) == 6
    without = list(commits(repository.git, counts=False))
    assert without[-1].files == (FileChange("a.py", "A"),)


def test_it_can_be_left_half_way(make_repository: Make, opened: Opened, git: Git) -> None:
    root = make_repository({"a.py": "1\n"})
    script = "".join(
        f"commit refs/heads/main\ncommitter A <a@b> {n} +0000\ndata 2\n{n % 9}\n"
        + ("from refs/heads/main^0\n" if n == 1 else "")
        + f"M 644 inline f\ndata 5\n{n:04}\n\n"
        for n in range(1, 5000)
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=root, input=script.encode(), check=True)
    history = opened(root).commits()
    assert next(history).subject == str(4999 % 9)
    history.close()  # type: ignore[attr-defined]
    assert sum(1 for _ in opened(root).commits(limit=300)) == 300


def test_a_merge_and_messages_that_are_not_utf8(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n"})
    git(root, "switch", "-qc", "side")
    (root / "b.py").write_text("1\n")
    git(root, "add", ".")
    subprocess.run(["git", "commit", "-qF", "-"], cwd=root, input=b"caf\xe9 \1 \xff", check=True)
    git(root, "switch", "-q", "main")
    git(root, "commit", "-q", "--allow-empty", "-m", "Main")
    git(root, "merge", "-q", "--no-ff", "-m", "Merge", "side")
    merge, *rest = opened(root).commits()
    assert (merge.subject, len(merge.parents), merge.files) == ("Merge", 2, ())
    assert "café \1 ÿ" in [c.subject for c in rest]


def test_the_main_line_has_of_a_merge_all_that_it_brought(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n"})
    git(root, "switch", "-qc", "side")
    for name in ("b.py", "c.py"):
        (root / name).write_text("1\n")
        git(root, "add", ".")
        git(root, "commit", "-qm", name)
    git(root, "switch", "-q", "main")
    (root / "a.py").write_text("2\n")
    git(root, "commit", "-qam", "Main")
    git(root, "merge", "-q", "--no-ff", "-m", "Merge", "side")
    found = list(commits(opened(root).git, mainline=True))
    assert [c.subject for c in found] == ["Merge", "Main", "First commit"]
    assert found[0].files == (FileChange("b.py", "A", 1, 0), FileChange("c.py", "A", 1, 0))
    assert found[1].files == (FileChange("a.py", "M", 1, 1),)


def test_a_shallow_clone(make_repository: Make, git: Git, opened: Opened, tmp_path: Path) -> None:
    root = make_repository({"a.py": "1\n", "b.py": "1\n"})
    for number in range(3):
        (root / "a.py").write_text(f"{number}\n" * 2)
        git(root, "commit", "-qam", f"{number}")
    git(tmp_path, "clone", "-q", "--depth=2", root.as_uri(), "shallow")
    newest, oldest = opened(tmp_path / "shallow").commits()
    assert newest.files == (FileChange("a.py", "M", 2, 2),)
    assert (oldest.subject, oldest.files) == ("1", ())


def test_a_partial_clone_fetches_nothing(
    make_repository: Make, git: Git, opened: Opened, tmp_path: Path
) -> None:
    root = make_repository({"a.py": "1\n"})
    (root / "a.py").write_text("2\n")
    git(root, "commit", "-qam", "Two")
    git(root, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", root.as_uri(), "partial")
    repository = opened(tmp_path / "partial")
    root.rename(tmp_path / "moved")
    assert [c.files for c in repository.commits()] == [
        (FileChange("a.py", "M"),),
        (FileChange("a.py", "A"),),
    ]
    assert repository.snapshot().read("a.py") == b"2\n"


def test_names_that_begin_like_a_commit(make_repository: Make, git: Git, opened: Opened) -> None:
    root = make_repository({"a.py": "1\n2\n3\n"})
    first = git(root, "rev-parse", "HEAD")
    names = [f"\x01{first} 1 {first}\nA <a@b>\nFix", "\x01", "\nM", "\n:100644\tx", "R100"]
    for name in names:
        (root / name).write_text(f"{name}\n" * 9)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Weird")
    git(root, "mv", names[1], "\x01plain")
    git(root, "commit", "-qm", "Renamed")
    git(root, "rm", "-q", names[0])
    git(root, "commit", "-qm", "Removed")
    repository = opened(root)
    quoted = {name: from_os(name.encode()) for name in names}
    for counts in (True, False):
        removed, renamed, weird, _ = repository.commits(counts=counts)
        assert {(f.status, f.path) for f in removed.files} == {("D", quoted[names[0]])}
        (move,) = renamed.files
        assert (move.status, move.path, move.old_path) == ("R", '"\\001plain"', '"\\001"')
        assert {f.path for f in weird.files} == set(quoted.values())
        assert {f.added for f in weird.files} <= ({9, 18, 27} if counts else {None})


def test_some_commits_by_name_and_what_tells_heads_apart(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n"})
    first = git(root, "rev-parse", "HEAD")
    git(root, "switch", "-qc", "side")
    git(root, "commit", "-q", "--allow-empty", "-m", "Side")
    side = git(root, "rev-parse", "HEAD")
    git(root, "switch", "-q", "main")
    git(root, "commit", "-q", "--allow-empty", "-m", "Main")
    main = git(root, "rev-parse", "HEAD")
    git(root, "merge", "-q", "--no-ff", "-m", "Merge", "side")
    plumbing = opened(root).git

    assert [c.id for c in history.commits_named(plumbing, [first, main, side])] == [
        first, main, side
    ]  # fmt: skip
    assert list(history.commits_named(plumbing, [])) == []
    assert set(history.ids(plumbing, "HEAD")) == {first, main, side}
    assert history.ids(plumbing, "nowhere") == []
    assert history.difference(plumbing, "main", side) == ([main], [])
    assert history.difference(plumbing, main, "side") == ([main], [side])
    assert history.difference(plumbing, main, "0" * 40) is None
    only = commits(plumbing, revision="side", merges=False)
    assert [c.id for c in only] == [side, first]
    assert list(commits(plumbing, revision="--all")) == []


def test_a_commit_that_is_missing_is_said(make_repository: Make, git: Git, opened: Opened) -> None:
    root = make_repository({"a.py": "1\n"})
    first = git(root, "rev-parse", "HEAD")
    git(root, "commit", "-q", "--allow-empty", "-m", "Two")
    (root / ".git" / "objects" / first[:2] / first[2:]).unlink()
    with pytest.raises(RepositoryError, match="git log failed"):
        list(opened(root).commits())


def test_a_content_that_is_missing_costs_only_renames(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n2\n3\n4\n5\n6\n"})
    blob = git(root, "rev-parse", "HEAD:a.py")
    git(root, "mv", "a.py", "b.py")
    (root / "b.py").write_text("1\n2\n3\n4\n5\nsix\n")
    git(root, "commit", "-qam", "Rename")
    git(root, "commit", "-q", "--allow-empty", "-m", "Nothing")
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()

    found = list(opened(root).commits())

    assert [c.subject for c in found] == ["Nothing", "Rename", "First commit"]
    assert {file.path: file.status for file in found[1].files} == {"a.py": "D", "b.py": "A"}
