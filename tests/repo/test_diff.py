"""Diffs: what we make applies, and what others make is read."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from swe_sleep.errors import RepositoryError
from swe_sleep.records import Entry, Patch
from swe_sleep.repo.diff import Block, FileDiff, apply_in_memory, apply_with_modes, diff, files_of
from swe_sleep.repo.hashing import blob_of
from swe_sleep.repo.paths import from_os
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot

Git = Callable[..., str]
Make = Callable[..., Path]
Opened = Callable[[Path], Repository]


class Memory:
    """Contents that are only in memory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files

    def read(self, path: str, entry: Entry) -> bytes:
        return self.files[path]


def snapshot_of(files: Mapping[str, bytes], modes: Mapping[str, int] | None = None) -> Snapshot:
    modes = modes or {}
    entries = {p: Entry(blob_of(c, "sha1"), modes.get(p, 0o100644)) for p, c in files.items()}
    return Snapshot(entries, None, None, Memory(files))


NAME = st.binary(min_size=1, max_size=8).filter(
    lambda n: b"\0" not in n and b"/" not in n and n not in (b".", b"..") and n.lower() != b".git"
)
LINES = [b"a\n", b"b\n", b"--- a/x\n", b"+++\n", b"\r\n", b"x"]
CONTENT = st.one_of(
    st.binary(max_size=40),
    st.lists(
        st.sampled_from([b"a\n", b"b\n", b"--- a/x\n", b"+++\n", b"\r\n", b"x"]), max_size=12
    ).map(b"".join),
)
FILES = st.dictionaries(NAME.map(lambda name: from_os(b"d/" + name)), CONTENT, max_size=4)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILES, FILES)
@example({"a": b"1"}, {"a": b"1\n"})
@example({"a": b""}, {})
@example({}, {"a": b""})
@example({'"caf\\351\\n"': b"1\n"}, {'"caf\\351\\n"': b"2\n"})
@example({"b/a b b/a": b"1\n"}, {"b/a b b/a": b"2\n"})
@example({"a": b"caf\xe9\n"}, {"a": b"cafe\n"})
@example({"a": b"x\0y"}, {"a": b"x\0z"})
@example({"a": b"1\r\n"}, {"a": b"2\r\n"})
@example({"a": b"x\n"}, {"a/b": b"x\n"})
@example({"d": b"x \n\t\n"}, {"d": b" x\n\n"})
def test_a_diff_leads_from_before_to_after(
    before: dict[str, bytes], after: dict[str, bytes]
) -> None:
    text = diff(before, after)
    expected = {
        p: after.get(p) for p in before.keys() | after.keys() if before.get(p) != after.get(p)
    }
    assert apply_in_memory(Patch(text, (), "test"), snapshot_of(before)) == expected
    assert {f.path for f in files_of(text)} == expected.keys()


def test_it_is_what_git_apply_takes(make_repository: Make, git: Git) -> None:
    root = make_repository({"a.py": "1\n2\n", "gone.py": "x\n", "run.sh": "1\n", "bin": b"\0"})
    text = diff(
        {"a.py": b"1\n2\n", "gone.py": b"x\n", "run.sh": b"1\n", "bin": b"\0", "same": b"1"},
        {"a.py": b"1\n3\n", "gone.py": None, "run.sh": b"1\n", "bin": b"\1", "same": b"1",
         "new/deep.py": b"y", "link": b"a.py"},
        modes={"run.sh": 0o100755, "link": 0o120000},
        old_modes={},
    )  # fmt: skip
    subprocess.run(["git", "apply", "-"], cwd=root, input=text.encode(), check=True)
    assert (root / "a.py").read_text() == "1\n3\n"
    assert not (root / "gone.py").exists()
    assert (root / "run.sh").stat().st_mode & 0o100
    assert (root / "bin").read_bytes() == b"\1"
    assert (root / "new" / "deep.py").read_text() == "y"
    assert (root / "link").readlink() == Path("a.py")
    assert text.startswith("diff --git a/a.py b/a.py\n")
    assert diff({"a": b"1"}, {"a": b"1"}) == ""


def test_modes_and_symlinks_are_applied() -> None:
    before = snapshot_of({"run.sh": b"1\n", "l": b"old"}, {"l": 0o120000})
    text = diff(
        {"run.sh": b"1\n", "l": b"old"},
        {"run.sh": b"1\n", "l": b"new"},
        modes={"run.sh": 0o100755, "l": 0o120000},
        old_modes={"l": 0o120000},
    )
    assert apply_with_modes(text, before) == {
        "run.sh": (b"1\n", 0o100755),
        "l": (b"new", 0o120000),
    }


def test_changed_lines() -> None:
    before = b"".join(b"%d\n" % n for n in range(1, 31))
    lines = before.splitlines(keepends=True)
    after = b"".join([b"top\n", *lines[:4], b"five\n", *lines[5:19], *lines[21:], b"end\n"])
    (found,) = files_of(diff({"a.py": before}, {"a.py": after}))
    assert found.blocks == (
        Block(1, 0, 1, 1), Block(5, 1, 6, 1), Block(20, 2, 21, 0), Block(31, 0, 30, 1)
    )  # fmt: skip
    assert found.old_lines == (5, 20, 21)
    assert found.new_lines == (1, 6, 30)


def test_new_and_deleted_files_have_one_side() -> None:
    new, gone = files_of(diff({"b": b"1\n2\n"}, {"a": b"1\n"}))
    assert new == FileDiff(None, "a", (Block(1, 0, 1, 1),))
    assert gone == FileDiff("b", None, (Block(1, 2, 1, 0),))
    (empty,) = files_of(diff({}, {"a b": b""}))
    assert empty == FileDiff(None, "a b")
    (binary,) = files_of(diff({"x": b"\0"}, {"x": b"\1"}))
    assert binary == FileDiff("x", "x", (), binary=True)


def test_diffs_that_others_make() -> None:
    text = (
        "Here is the patch:\n"
        "--- a/x.py\t2026-01-01 00:00:00\n+++ b/x.py\n@@ -1,3 +1,2 @@ def f():\n a\n-b\n\n"
        "diff --git a/old.py b/new.py\nsimilarity index 90%\nrename from old.py\nrename to new.py\n"
        "--- a/old.py\n+++ b/new.py\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n"
        "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n"
    )
    assert files_of(text) == (
        FileDiff("x.py", "x.py", (Block(2, 1, 2, 0),)),
        FileDiff("old.py", "new.py", (Block(1, 1, 1, 1),)),
        FileDiff("run.sh", "run.sh"),
    )
    assert files_of("") == ()
    with pytest.raises(RepositoryError, match="cut short"):
        files_of("--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n a")


def test_a_rename_is_applied() -> None:
    text = (
        "diff --git a/old.py b/new.py\nsimilarity index 50%\nrename from old.py\nrename to new.py\n"
        "--- a/old.py\n+++ b/new.py\n@@ -1 +1 @@\n-a\n+b"
    )
    assert apply_in_memory(text, snapshot_of({"old.py": b"a\n"})) == {
        "old.py": None,
        "new.py": b"b\n",
    }


@pytest.mark.parametrize(
    ("text", "files", "said"),
    [
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n", {"x": b"other\n"}, "x"),
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n", {}, "x"),
        ("no patch at all", {"x": b"1\n"}, "No valid patches"),
        ("--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+1\n", {"x": b"1\n"}, "already exists"),
        ("--- /dev/null\n+++ b/../x\n@@ -0,0 +1 @@\n+1\n", {}, "invalid path"),
        ("--- /dev/null\n+++ b/.git/hooks/x\n@@ -0,0 +1 @@\n+1\n", {}, "invalid path"),
        ("--- /dev/null\n+++ b/x/.GIT/config\n@@ -0,0 +1 @@\n+1\n", {}, "invalid path"),
        ("--- /dev/null\n+++ b/x/y\n@@ -0,0 +1 @@\n+1\n", {"x": b"1\n"}, "not a folder"),
    ],
)  # fmt: skip
def test_what_does_not_apply_is_refused_with_the_reason(
    text: str, files: dict[str, bytes], said: str
) -> None:
    with pytest.raises(RepositoryError, match=said) as caught:
        apply_in_memory(text, snapshot_of(files))
    assert "\n" not in str(caught.value)
