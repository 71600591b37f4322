"""Reading folders of tasks: repositories built alike everywhere, and every fault named."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.tasks import bundled
from swe_sleep.evaluate.tasks.bundled import bundled_folder, read_bundled
from swe_sleep.evaluate.tasks.task import Case

BASE = "365e4cce"
HIDDEN = "tests/test_hidden_twice.py"


@pytest.fixture
def read(tasks: Any, tmp_path: Path) -> Callable[..., tuple[Case, ...]]:
    def run(**more: Any) -> tuple[Case, ...]:
        return read_bundled(tasks.folder, scratch=tmp_path / "built", **more).cases

    return run


def test_a_task_is_read(read: Callable[..., tuple[Case, ...]], tasks: Any, git: Any) -> None:
    (case,) = read()
    task, answer = case.task, case.answer
    assert (case.id, task.repo, task.difficulty) == ("counter-twice", "counter", "easy")
    assert task.text.startswith("# twice(3) is 5")
    (source,) = task.sources
    log = git(source, "log", "--format=%H %s|%an|%cn|%ad|%cd").splitlines()
    assert [line.split(" ", 1)[1].split("|")[0] for line in log] == [
        "Add twice",
        "Count — from anywhere",
        "Begin",
    ]
    assert all(line.split("|")[1:3] == ["Ann Author", "swe-sleep"] for line in log)
    assert all(line.split("|")[3] == line.split("|")[4] for line in log)
    assert task.base_commit == log[0].split()[0]
    assert task.older == log[1].split()[0]
    assert answer.fail_to_pass == (f"{HIDDEN}::test_doubling_of_three",)
    assert (answer.pass_to_pass, answer.rest) == ((), True)
    assert answer.patch == (tasks.issue / "gold.patch").read_text()
    assert list(answer.test_files) == [HIDDEN]


def test_commit_ids_are_the_same_everywhere(
    read: Callable[..., tuple[Case, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever the person's configuration, hooks and environment say."""
    (first,) = read()
    home = tmp_path / "home"
    hooks = home / "hooks"
    hooks.mkdir(parents=True)
    for name in ("applypatch-msg", "pre-applypatch", "post-applypatch", "commit-msg"):
        (hooks / name).write_text("#!/bin/sh\ntouch ran\nexit 1\n")
        (hooks / name).chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[core]\n\thooksPath = {hooks}\n\tautocrlf = true\n[user]\n\tname = Somebody Else\n"
        "[am]\n\tthreeWay = true\n\tkeepcr = false\n[commit]\n\tgpgSign = true\n"
        "[i18n]\n\tcommitEncoding = latin1\n[init]\n\tdefaultObjectFormat = sha256\n"
        "[mailinfo]\n\tscissors = true\n[apply]\n\twhitespace = fix\n"
    )
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Somebody Else")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2001-01-01T00:00:00Z")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    monkeypatch.setenv("GIT_DIR", str(home))
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    shutil.rmtree(tmp_path / "built")
    (second,) = read()
    assert second.task.base_commit == first.task.base_commit
    assert second.task.base_commit.startswith(BASE)
    assert not list(tmp_path.rglob("ran"))


def test_a_repository_is_built_once(
    read: Callable[..., tuple[Case, ...]], tasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = read()

    def never(*arguments: object) -> tuple[str, ...]:
        raise AssertionError("built again")

    with monkeypatch.context() as patched:
        patched.setattr(bundled, "replay", never)
        assert read() == (first,)
    patch = next((tasks.package / "history").glob("0003-*"))
    patch.write_text(patch.read_text().replace("n + 2", "n + 3"))
    (other,) = read()
    assert other.task.base_commit != first.task.base_commit
    assert other.task.sources != first.task.sources
    assert first.task.sources[0].is_dir()


def test_a_damaged_repository_is_built_anew(
    read: Callable[..., tuple[Case, ...]], git: Callable[..., str]
) -> None:
    (first,) = read()
    source = first.task.sources[0]
    blob = git(source, "rev-parse", "HEAD:counter/__init__.py")
    (source / "objects" / blob[:2] / blob[2:]).unlink()
    assert read() == (first,)
    assert git(source, "show", "HEAD:counter/__init__.py").endswith("return n + 2")
    (source / bundled._LISTING).write_text("")
    assert read() == (first,)


def test_two_processes_may_build_at_once(tasks: Any, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from swe_sleep.evaluate.tasks.bundled import read_bundled\n"
        "input()\n"
        "suite = read_bundled(Path(sys.argv[1]), scratch=Path(sys.argv[2]))\n"
        "print(suite.cases[0].task.base_commit)\n"
    )
    scratch = tmp_path / "built"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tasks.folder), str(scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert len(set(said)) == 1
    assert said[0].startswith(BASE)
    assert len(list(scratch.iterdir())) == 1  # and nothing half-made is left


def test_base_and_older_are_numbers_of_patches(
    read: Callable[..., tuple[Case, ...]], tasks: Any, git: Callable[..., str]
) -> None:
    tasks.change("task.toml", 'title = "', 'base = "0002"\nolder = "0001"\ntitle = "')
    (case,) = read()
    source = case.task.sources[0]
    assert case.task.base_commit == git(source, "rev-parse", "main~1")
    assert case.task.older == git(source, "rev-parse", "main~2")


def test_what_an_author_states_is_kept(read: Callable[..., tuple[Case, ...]], tasks: Any) -> None:
    tasks.change(
        "task.toml",
        "difficulty",
        'failing = ["tests/test_a.py::test_b"]\nmissing_import = true\n'
        f'pass_to_pass = ["{HIDDEN}::test_doubling_of_two"]\ncommit = "{BASE}"\ndifficulty',
    )
    (case,) = read()
    assert case.stated.failing == ("tests/test_a.py::test_b",)
    assert case.stated.missing_import
    assert case.answer.pass_to_pass == (f"{HIDDEN}::test_doubling_of_two",)
    assert not case.answer.rest


FAULTS = {
    "unknown key": ('title = "', 'titel = "x"\ntitle = "', "unknown field `titel`"),
    "no title": ('title = "twice adds two"\n', "", "missing required field `title`"),
    "empty title": ('title = "twice adds two"', 'title = " "', "`title` is empty"),
    "wrong type": ('tags = ["wrong-operator"]', 'tags = "x"', "`tags`: expected `array`"),
    "wrong id": ('id = "counter-twice"', 'id = "twice"', "`id` is 'twice', but by its folder"),
    "wrong repository": ('"counter"\n', '"x"\n', "`repository` is 'x'"),
    "difficulty": ('"easy"', '"mild"', "`difficulty`: invalid enum value 'mild'"),
    "no such patch": ('title = "', 'base = "0009"\ntitle = "', "`base` is '0009'; the history has"),
    "older not older": ('title = "', 'older = "0003"\ntitle = "', "which is not before the base"),
    "another commit": ('title = "', 'commit = "0123"\ntitle = "', "the history builds to"),
    "no tests": (
        '["tests/test_hidden_twice.py::test_doubling_of_three"]',
        "[]",
        "is empty; a task",
    ),
    "no test's id": ("::test_doubling_of_three", "", "is no test's id"),
    "not TOML": ("tags", "=tags", "is not TOML"),
    "rest misspelt": ('title = "', 'pass_to_pass = "all"\ntitle = "', "`pass_to_pass`: "),
    "twice": (
        'title = "',
        'pass_to_pass = ["tests/test_hidden_twice.py::test_doubling_of_three"]\ntitle = "',
        "is in `fail_to_pass` already",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_table_is_named(
    name: str, read: Callable[..., tuple[Case, ...]], tasks: Any
) -> None:
    old, new, said = FAULTS[name]
    file = tasks.change("task.toml", old, new)
    with pytest.raises(UsageError) as caught:
        read()
    assert said in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_strange_is_named(
    read: Callable[..., tuple[Case, ...]], tasks: Any
) -> None:
    def refused(said: str) -> None:
        with pytest.raises(UsageError) as caught:
            read()
        assert said in str(caught.value)

    extra = tasks.issue / "notes.txt"
    extra.write_text("x")
    refused("notes.txt is not known")
    extra.unlink()
    link = tasks.issue / "tests" / "link.py"
    link.symlink_to(tasks.issue / "gold.patch")
    refused("link.py is no plain file")
    link.unlink()
    os.mkfifo(link)  # reading it would wait for ever
    refused("link.py is no plain file")
    link.unlink()
    (tasks.issue / "tests" / "data.bin").write_bytes(b"\xff\xfe")
    refused("data.bin is not UTF-8 text")
    (tasks.issue / "tests" / "data.bin").unlink()
    cache = tasks.issue / "tests" / "__pycache__"
    cache.mkdir()
    (cache / "x.pyc").write_bytes(b"\xff")
    assert len(read()) == 1
    (tasks.issue / "issue.md").write_text("\n")
    refused("issue.md is empty")
    (tasks.issue / "gold.patch").unlink()
    (tasks.issue / "issue.md").write_text("text")
    refused("gold.patch: No such file or directory")
    shutil.rmtree(tasks.issue / "tests")
    (tasks.issue / "gold.patch").write_text("x")
    refused("tests holds no hidden test")


def test_a_fault_in_the_history_is_named(
    read: Callable[..., tuple[Case, ...]], tasks: Any, tmp_path: Path
) -> None:
    history = tasks.package / "history"
    second = next(history.glob("0002-*"))
    kept = second.read_bytes()
    second.write_bytes(kept.replace(b"@@ -0,0 +1,5 @@", b"@@ -3,2 +1,5 @@"))
    with pytest.raises(UsageError, match=r"0002-.*git am failed"):
        read()
    assert not list((tmp_path / "built").iterdir())
    second.write_bytes(kept)
    (history / "0002-again.patch").write_bytes(kept)
    with pytest.raises(UsageError, match="two patches numbered 0002"):
        read()
    (history / "0002-again.patch").rename(history / "again.patch")
    with pytest.raises(UsageError, match=r"again\.patch is not named like"):
        read()


def test_what_was_named_alone_is_read(
    read: Callable[..., tuple[Case, ...]], tasks: Any, tmp_path: Path
) -> None:
    half = tasks.folder / "half-done"
    (half / "history").mkdir(parents=True)
    (half / "issue").mkdir()
    assert [case.id for case in read(only=["counter"])] == ["counter-twice"]
    assert [case.id for case in read(only=["counter-twice"])] == ["counter-twice"]
    with pytest.raises(UsageError, match="holds no patch"):
        read()
    with pytest.raises(UsageError, match="no task and no package 'other'"):
        read(only=["counter", "other"])
    with pytest.raises(UsageError, match="there is no folder"):
        read_bundled(tmp_path / "nowhere", scratch=tmp_path)
    with pytest.raises(UsageError, match="holds no tasks"):
        read_bundled(tmp_path, scratch=tmp_path)


def test_a_cache_that_cannot_be_written_is_one_line(tasks: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot keep a repository in"):
        read_bundled(tasks.folder, scratch=tmp_path / "file" / "built")


def test_the_bundled_folder_is_that_of_the_checkout() -> None:
    assert bundled_folder() == Path(__file__).parents[3] / "tasks"


@pytest.mark.parametrize(
    "place",
    [
        "counter",
        "counter/history",
        "counter/history/0003-Add-twice.patch",
        "counter/twice",
        "counter/twice/task.toml",
        "counter/twice/issue.md",
        "counter/twice/gold.patch",
        "counter/twice/tests",
        "counter/twice/tests/test_hidden_twice.py",
    ],
)
def test_a_link_brings_nothing_of_this_machine_in(
    place: str, read: Callable[..., tuple[Case, ...]], tasks: Any, tmp_path: Path
) -> None:
    linked = tasks.folder / place
    linked.rename(tmp_path / "elsewhere")
    linked.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=f"{re.escape(str(linked))} is no plain file or folder"):
        read()
