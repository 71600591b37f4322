"""Snapshots of real work trees, held against what git itself would store."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.errors import NotARepository, RepositoryError, SnapshotChanged
from swe_sleep.records import ABSENT, HEAD, TREE, Change, Entry
from swe_sleep.repo import hashing
from swe_sleep.repo.paths import from_os
from swe_sleep.repo.repository import Repository

Git = Callable[..., str]
Make = Callable[..., Path]
Opened = Callable[[Path], Repository]


def as_git_would(folder: Path, index: Path) -> dict[str, Entry]:
    """The files that `git add -A` and `git ls-files` give, in an index of their own."""
    env = {**os.environ, "GIT_INDEX_FILE": str(index)}
    real = folder / ".git" / "index"
    if real.is_file():
        shutil.copy(real, index)
    subprocess.run(["git", "add", "-A"], cwd=folder, env=env, check=True, capture_output=True)
    listed = subprocess.run(
        ["git", "ls-files", "-s", "-z"], cwd=folder, env=env, check=True, capture_output=True
    )
    files = {}
    for record in listed.stdout.split(b"\0")[:-1]:
        facts, _, name = record.partition(b"\t")
        mode, blob, _ = facts.decode().split()
        files[from_os(name)] = Entry(blob, int(mode, 8))
    return files


def test_every_kind_of_file_is_as_git_would_store_it(
    make_repository: Make, git: Git, opened: Opened, tmp_path: Path
) -> None:
    root = make_repository(
        {"clean.py": "1\n", "edited.py": "1\n", "gone.py": "1\n", "staged.py": "1\n",
         "run.sh": "#!/bin/sh\n", "deep/er/est.txt": "x", ".gitignore": "*.log\nbuild/\n"}
    )  # fmt: skip
    (root / "edited.py").write_text("2\n")
    (root / "gone.py").unlink()
    (root / "staged.py").write_text("2\n")
    git(root, "add", "staged.py")
    (root / "run.sh").chmod(0o755)
    (root / "new.bin").write_bytes(bytes(range(256)))
    (root / "link").symlink_to("clean.py")
    (root / "dangling").symlink_to("/nowhere/at all")
    (root / "to-folder").symlink_to("deep")
    (root / "empty").touch()
    (root / "noise.log").write_text("no")
    (root / "build").mkdir()
    (root / "build" / "out.o").write_text("no")
    for name in (b"caf\xe9.py", b"new\nline", b'"quoted"', "naïve.py".encode(), b"a b"):
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(name)
    os.mkfifo(root / "pipe")

    snapshot = opened(root).snapshot()

    assert dict(snapshot.files) == as_git_would(root, tmp_path / "index")
    assert snapshot.files['"caf\\351.py"'].mode == 0o100644
    assert snapshot.read('"caf\\351.py"') == b"caf\xe9.py"
    assert snapshot.read("link") == b"clean.py"
    assert snapshot.branch == "main"
    assert snapshot.head == git(root, "rev-parse", "HEAD")
    assert snapshot.blob(HEAD) == snapshot.head
    assert snapshot.blob(TREE) == snapshot.id
    assert snapshot.blob("gone.py") == ABSENT


def test_taking_one_writes_nothing(make_repository: Make, opened: Opened) -> None:
    root = make_repository({"a.py": "1\n"})
    os.utime(root / "a.py")  # git status would refresh the index now
    before = {p: p.stat().st_mtime_ns for p in (root / ".git").rglob("*")}
    opened(root).snapshot()
    assert {p: p.stat().st_mtime_ns for p in (root / ".git").rglob("*")} == before


def test_an_edit_that_keeps_size_and_time_is_seen(make_repository: Make, opened: Opened) -> None:
    root = make_repository({"a.py": "1\n"})
    repository = opened(root)
    # Many times, as fast as can be: within one tick of the clock each.
    for number in range(200):
        content = b"%d\n" % (number % 10)
        (root / "a.py").write_bytes(content)
        assert repository.snapshot().read("a.py") == content


def test_an_edit_in_the_moment_of_the_commit_is_seen(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n"})
    times = (root / "a.py").stat()
    (root / "a.py").write_text("2\n")
    os.utime(root / "a.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    git(root, "config", "core.trustctime", "false")
    # As if the index had been written in the same tick as the file: then no time tells them apart.
    os.utime(root / ".git" / "index", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert opened(root).snapshot().read("a.py") == b"2\n"


def test_a_touched_file_is_the_same(make_repository: Make, opened: Opened) -> None:
    root = make_repository({"a.py": "1\n"})
    repository = opened(root)
    before = repository.snapshot()
    os.utime(root / "a.py", (1, 1))
    assert repository.snapshot().id == before.id
    assert not repository.snapshot().change_from(before, "edit")


def test_a_huge_file_is_read_once(
    make_repository: Make, opened: Opened, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repository({"a.py": "1\n"})
    with (root / "huge").open("wb") as file:
        file.truncate(300_000_000)
        file.write(b"!")
    os.utime(root / "huge", (1, 1))
    repository = opened(root)
    first = repository.snapshot()
    # Its times are trusted a moment after it was written; from then on it is not read.
    while not hashing.settled((root / "huge").stat().st_ctime_ns, time.time_ns()):
        time.sleep(0.005)
    repository.snapshot()
    monkeypatch.setattr(hashing, "_open", lambda name: pytest.fail(f"{name!r} was read again"))
    assert repository.snapshot().id == first.id
    assert first.blob("huge") == git(root, "hash-object", "huge")


def test_a_fresh_clone_equals_its_commit(
    make_repository: Make, git: Git, opened: Opened, tmp_path: Path
) -> None:
    origin = make_repository({f"d{n % 7}/f{n}.py": f"{n}\n" for n in range(100)})
    git(tmp_path, "clone", "-q", str(origin), "clone")
    repository = opened(tmp_path / "clone")
    snapshot, commit = repository.snapshot(), repository.snapshot_of("HEAD")
    assert snapshot.id == commit.id
    assert all(commit.read(p) == snapshot.read(p) for p in snapshot.files)
    with pytest.raises(RepositoryError, match="no commit"):
        repository.snapshot_of("nowhere")
    with pytest.raises(RepositoryError, match="no commit"):
        repository.snapshot_of("--help")


def test_read_gives_the_described_content_or_says_so(make_repository: Make, opened: Opened) -> None:
    root = make_repository({"committed.py": "1\n"})
    (root / "new.py").write_text("new\n")
    snapshot = opened(root).snapshot()
    (root / "committed.py").write_text("2\n")
    (root / "new.py").write_text("2\n")
    assert snapshot.read("committed.py") == b"1\n"
    with pytest.raises(SnapshotChanged, match=r"new\.py"):
        snapshot.read("new.py")
    with pytest.raises(RepositoryError, match="not in the snapshot"):
        snapshot.read("other.py")


def test_no_commits_yet_and_empty(make_repository: Make, opened: Opened) -> None:
    root = make_repository()
    snapshot = opened(root).snapshot()
    assert (dict(snapshot.files), snapshot.head, snapshot.branch) == ({}, None, "main")
    (root / "a.py").write_text("1\n")
    assert list(opened(root).snapshot().files) == ["a.py"]
    assert opened(root).dirty_paths() == ("a.py",)
    assert list(opened(root).commits()) == []


def test_sha256(tmp_path: Path, git: Git, opened: Opened) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", "r")
    (tmp_path / "r" / "a.py").write_text("1\n")
    git(tmp_path / "r", "add", ".")
    git(tmp_path / "r", "commit", "-qm", "One")
    (tmp_path / "r" / "b.py").write_text("2\n")
    snapshot = opened(tmp_path / "r").snapshot()
    assert snapshot.blob("b.py") == git(tmp_path / "r", "hash-object", "b.py")
    assert snapshot.read("a.py") == b"1\n"
    assert opened(tmp_path / "r").snapshot_of("HEAD").read("a.py") == b"1\n"


def test_worktrees_share_the_state(make_repository: Make, git: Git, opened: Opened) -> None:
    root = make_repository({"a.py": "1\n"})
    git(root, "worktree", "add", "-q", "-b", "side", "../side")
    (root.parent / "side" / "a.py").write_text("2\n")
    main, side = opened(root), opened(root.parent / "side")
    assert side.snapshot().branch == "side"
    assert side.snapshot().read("a.py") == b"2\n"
    assert main.snapshot().read("a.py") == b"1\n"
    assert main.state_dir == side.state_dir
    assert main.state_dir.is_dir()


def test_a_worktree_inside_is_not_part_of_it(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n"})
    git(root, "worktree", "add", "-q", "inner")
    git(root, "init", "-q", "other")
    (root / "other" / "b.py").write_text("1\n")
    assert list(opened(root).snapshot().files) == ["a.py"]


def test_a_sparse_checkout_holds_what_is_there(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"in/a.py": "1\n", "out/b.py": "1\n", "top.py": "1\n"})
    git(root, "sparse-checkout", "set", "--cone", "--sparse-index", "in")
    snapshot = opened(root).snapshot()
    assert sorted(snapshot.files) == ["in/a.py", "top.py"]
    assert "out/b.py" in opened(root).snapshot_of("HEAD").files


def test_a_merge_conflict_shows_what_is_on_disk(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n", "b.py": "1\n"})
    git(root, "switch", "-qc", "side")
    (root / "a.py").write_text("side\n")
    (root / "b.py").unlink()
    git(root, "commit", "-qam", "Side")
    git(root, "switch", "-q", "main")
    (root / "a.py").write_text("main\n")
    (root / "b.py").write_text("main\n")
    git(root, "commit", "-qam", "Main")
    with pytest.raises(subprocess.CalledProcessError):
        git(root, "merge", "side")
    snapshot = opened(root).snapshot()
    assert b"<<<<<<<" in snapshot.read("a.py")
    assert snapshot.read("b.py") == b"main\n"
    (root / "b.py").unlink()
    assert "b.py" not in opened(root).snapshot().files


def test_bits_that_hide_changes_hide_nothing(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n", "b.py": "1\n"})
    git(root, "update-index", "--assume-unchanged", "a.py")
    git(root, "update-index", "--skip-worktree", "b.py")
    (root / "a.py").write_text("2\n")
    (root / "b.py").write_text("2\n")
    (root / "c.py").write_text("3\n")
    git(root, "add", "-N", "c.py")
    snapshot = opened(root).snapshot()
    assert [snapshot.read(p) for p in ("a.py", "b.py", "c.py")] == [b"2\n", b"2\n", b"3\n"]


def test_a_folder_that_became_a_symlink_is_not_followed(
    make_repository: Make, opened: Opened, tmp_path: Path
) -> None:
    root = make_repository({"d/a.py": "1\n"})
    (root / "d").rename(tmp_path / "outside")
    (root / "d").symlink_to(tmp_path / "outside")
    snapshot = opened(root).snapshot()
    assert {p: e.mode for p, e in snapshot.files.items()} == {"d": 0o120000}
    (root / "d").unlink()
    (root / "d").write_text("a file\n")
    assert list(opened(root).snapshot().files) == ["d"]


def test_submodules(make_repository: Make, git: Git, opened: Opened, tmp_path: Path) -> None:
    library = make_repository({"lib.py": "1\n"}, name="library")
    root = make_repository({"a.py": "1\n"})
    add = ("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library))
    git(root, *add, "deps/one")
    git(root, *add, "two")
    git(root, "commit", "-qm", "Add submodules")
    git(root, "submodule", "deinit", "-q", "-f", "two")
    (root / "deps" / "one" / "lib.py").write_text("2\n")
    (root / "deps" / "one" / "new.py").write_text("3\n")
    repository = opened(root)
    snapshot = repository.snapshot()
    assert sorted(snapshot.files) == [
        ".gitmodules",
        "a.py",
        "deps/one/lib.py",
        "deps/one/new.py",
        "two",
    ]
    assert snapshot.files["two"] == Entry(git(library, "rev-parse", "HEAD"), 0o160000)
    assert snapshot.read("deps/one/lib.py") == b"2\n"
    with pytest.raises(RepositoryError, match="not checked out"):
        snapshot.read("two")
    commit = repository.snapshot_of("HEAD")
    assert commit.read("deps/one/lib.py") == b"1\n"
    assert repository.dirty_paths() == ("deps/one/lib.py", "deps/one/new.py")
    (root / "deps" / "one" / "lib.py").write_text("4\n")
    assert commit.read("deps/one/lib.py") == b"1\n"


def test_converted_files_are_what_is_on_disk(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository()
    git(root, "config", "filter.up.clean", "tr a-z A-Z")
    git(root, "config", "filter.up.smudge", "tr A-Z a-z")
    (root / ".gitattributes").write_text("*.up filter=up\n*.bat eol=crlf\n")
    (root / "f.up").write_text("text\n")
    (root / "f.bat").write_bytes(b"echo\r\n")
    git(root, "add", ".")
    git(root, "commit", "-qm", "One")
    repository = opened(root)
    before = repository.snapshot()
    assert before.read("f.up") == b"text\n"
    assert before.read("f.bat") == b"echo\r\n"
    os.utime(root / "f.up", (1, 1))
    git(root, "status")
    assert repository.snapshot().id == before.id
    assert repository.dirty_paths() == ()
    (root / "f.up").write_text("other\n")
    assert repository.dirty_paths() == ("f.up",)


def test_modes_that_the_filesystem_does_not_keep(
    make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.sh": "1\n", "l": "target"})
    git(root, "update-index", "--chmod=+x", "a.sh")
    git(root, "config", "core.fileMode", "false")
    (root / "a.sh").write_text("2\n")
    (root / "new.sh").write_text("2\n")
    (root / "new.sh").chmod(0o755)
    files = opened(root).snapshot().files
    assert (files["a.sh"].mode, files["new.sh"].mode) == (0o100755, 0o100644)


def test_change_from_sorts_and_tells_apart(make_repository: Make, opened: Opened) -> None:
    root = make_repository({"a.py": "1\n", "b.py": "1\n", "c.sh": "1\n"})
    repository = opened(root)
    before = repository.snapshot()
    (root / "b.py").write_text("2\n")
    (root / "a.py").unlink()
    (root / "c.sh").chmod(0o755)
    (root / "d.py").write_text("1\n")
    after = repository.snapshot()
    assert after.change_from(before, "edit") == Change(
        ("d.py",), ("b.py", "c.sh"), ("a.py",), "edit"
    )
    assert after.change_from(None, "start").added == ("b.py", "c.sh", "d.py")
    recalled = repository.recall(before.files, before.head, before.branch)
    assert recalled.id == before.id
    assert recalled.read("a.py") == b"1\n"


def test_what_is_no_repository_is_refused_with_advice(
    tmp_path: Path, make_repository: Make, git: Git, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n"})
    git(tmp_path, "init", "-q", "--bare", "bare")
    (tmp_path / "plain").mkdir()
    for folder, said in (
        (tmp_path / "plain", "git init"),
        (tmp_path / "bare", "no work tree"),
        (root / ".git", "no work tree"),
        (tmp_path / "nothing", "There is no"),
    ):
        with pytest.raises(NotARepository, match=said) as caught:
            opened(folder)
        assert "\n" not in str(caught.value)
    assert opened(root / "a.py").root == root


def test_git_that_is_not_installed(
    make_repository: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = make_repository({"a.py": "1\n"})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotARepository, match="not installed"):
        Repository.open(root)


def test_another_git_output_only_costs_time(make_repository: Make, opened: Opened) -> None:
    from swe_sleep.repo.worktree import _parse_index

    root = make_repository({"a.py": "1\n"})
    plain = opened(root).git.run("ls-files", "-z", "--stage")
    index = _parse_index(plain, ())
    assert index is not None
    assert index.tracked[0].stats is None
    assert _parse_index(plain + b"something else", ()) is None
