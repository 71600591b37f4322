"""`swe-sleep tasks`, as a user runs it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TABLE = """\
id = "counter-{name}"
repository = "counter"
title = "twice"
difficulty = "easy"
fail_to_pass = ["tests/test_hidden_{name}.py::test_doubling_of_{name}"]
"""
GOLD = """\
diff --git a/counter/__init__.py b/counter/__init__.py
--- a/counter/__init__.py
+++ b/counter/__init__.py
@@ -1,2 +1,2 @@
 def twice(n):
-    return n + 2
+    return n * 2
"""
VISIBLE = "import counter\n\n\ndef test_it():\n    assert counter.twice\n"
HIDDEN = """\
from counter import twice


def test_doubling_of_{name}():
    assert twice({number}) == {number} * 2
"""


@pytest.fixture
def folder(tmp_path: Path, make_repository: Callable[..., Path], git: Any) -> Path:
    """Two tasks of one package: a right one, and one that passes before."""
    source = make_repository(
        {
            "counter/__init__.py": "def twice(n):\n    return n + 2\n",
            "tests/test_counter.py": VISIBLE,
        },
        name="authored",
    )
    package = tmp_path / "suite" / "counter"
    options = ("--root", "--zero-commit", "--no-signature", "--full-index", "-q", "-o")
    git(source, "format-patch", *options, str(package / "history"), "main")
    for name, number in (("three", 3), ("two", 2)):
        issue = package / name
        (issue / "tests").mkdir(parents=True)
        (issue / "task.toml").write_text(TABLE.format(name=name))
        (issue / "issue.md").write_text(f"# Doubling {name}\n\n\x1b[31mIt is wrong.\n")
        (issue / "gold.patch").write_text(GOLD)
        text = HIDDEN.format(name=name, number=number)
        (issue / "tests" / f"test_hidden_{name}.py").write_text(text)
    return package.parent


@pytest.fixture
def run(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`run(*arguments)`: of `swe-sleep tasks`, with a cache of repositories of its own."""
    monkeypatch.setattr(
        "swe_sleep.evaluate.tasks.suite.cache_folder", lambda: tmp_path / "cache" / "tasks"
    )
    return lambda *arguments: cli(tmp_path, "tasks", *arguments)


def test_list(run: Callable[..., Any], folder: Path) -> None:
    ran = run("list", "--tasks", str(folder))
    assert ran.code == 0, ran.err
    lines = [line.split() for line in ran.out.splitlines()]
    assert lines == [
        ["task", "level", "tests", "issue"],
        ["counter-three", "easy", "1", "Doubling", "three"],
        ["counter-two", "easy", "1", "Doubling", "two"],
        ["2", "tasks", "of", "1", "repository"],
    ]
    ran = run("list", "--tasks", str(folder), "--only", "counter-two", "--json")
    (told,) = json.loads(ran.out)
    assert (told["id"], told["pass_to_pass"], told["here"]) == ("counter-two", "rest", True)
    assert not {"patch", "test_files", "test_patch"} & set(told)


def test_the_bundled_tasks_are_listed(run: Callable[..., Any]) -> None:
    ran = run("list", "--json")
    assert ran.code == 0, ran.err
    names = {each["id"] for each in json.loads(ran.out)}
    folders = {
        f"{each.parent.parent.name}-{each.parent.name}"
        for each in (ROOT / "tasks").glob("*/*/task.toml")
    }
    assert names == folders


def test_list_says_what_is_missing(run: Callable[..., Any], tmp_path: Path) -> None:
    record = {
        "instance_id": "a__b-1",
        "repo": "a/b",
        "base_commit": "0" * 40,
        "problem_statement": "p",
        "patch": "x",
    }
    (tmp_path / "t.jsonl").write_text(json.dumps(record))
    ran = run("list", "--tasks", "t.jsonl", "--repos", ".")
    assert (ran.code, "missing: a/b is not below --repos; 1 task of it" in ran.out) == (0, True)


def test_show_gives_no_answer_unasked(run: Callable[..., Any], folder: Path) -> None:
    ran = run("show", "counter-three", "--tasks", str(folder))
    assert ran.code == 0, ran.err
    assert "# Doubling three" in ran.out
    assert "\x1b" not in ran.out
    assert "n * 2" not in ran.out
    assert "hidden" not in ran.out
    ran = run("show", "counter-three", "--tasks", str(folder), "--answer")
    assert "+    return n * 2" in ran.out
    assert "assert twice(3) == 3 * 2" in ran.out
    told = json.loads(run("show", "counter-three", "--tasks", str(folder), "--json").out)
    assert "patch" not in told
    more = run("show", "counter-three", "--tasks", str(folder), "--json", "--answer")
    assert json.loads(more.out)["patch"] == GOLD


def test_check(run: Callable[..., Any], folder: Path) -> None:
    ran = run("check", "counter-three", "--tasks", str(folder))
    assert ran.code == 0, ran
    assert ran.out.splitlines()[1].split()[:4] == ["counter-three", "1", "1", "1"]
    assert ran.out.splitlines()[-1] == "1 task right"
    ran = run("check", "--tasks", str(folder), "--jobs", "2", "--json")
    assert ran.code == 1, ran
    told = json.loads(ran.out)
    assert (told["right"], told["left"]) == (1, 0)
    assert [each["task"] for each in told["tasks"]] == ["counter-three", "counter-two"]
    assert told["tasks"][0]["problems"] == []
    assert "is passed before the fix" in told["tasks"][1]["problems"][0]


def test_check_tells_what_is_wrong(run: Callable[..., Any], folder: Path) -> None:
    gold = folder / "counter" / "three" / "gold.patch"
    gold.write_text(GOLD.replace("n + 2", "n + 9"))
    (folder / "counter" / "three" / "issue.md").write_text("see test_doubling_of_three")
    shutil.rmtree(folder / "counter" / "two")
    ran = run("check", "--tasks", str(folder))
    assert ran.code == 1
    assert "  the gold patch does not apply: " in ran.out
    assert "  the issue names the hidden test_doubling_of_three" in ran.out
    assert ran.out.splitlines()[-1] == "0 tasks right, 1 wrong"


def test_export_and_back(run: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    ran = run(
        *("export", "--tasks", str(folder), "--out", "out.jsonl", "--repositories", "repos"),
        *("--only", "counter-three", "--run"),
    )
    assert ran.code == 0, ran
    assert ran.out.splitlines()[0] == "1 task written to out.jsonl"
    ran = run("check", "--tasks", "out.jsonl", "--repos", "repos", "--json")
    assert ran.code == 0, ran
    told = json.loads(run("list", "--tasks", "out.jsonl", "--repos", "repos", "--json").out)
    assert [(each["id"], each["pass_to_pass"]) for each in told] == [("counter-three", 1)]
    ran = run("export", "--tasks", "out.jsonl", "--out", "again.jsonl", "--json")
    assert json.loads(ran.out) == {"tasks": 1, "file": "again.jsonl", "repositories": {}}
    again, first = (
        json.loads((tmp_path / name).read_text()) for name in ("again.jsonl", "out.jsonl")
    )
    assert again == first


def test_bad_input_is_one_line(
    run: Callable[..., Any], folder: Path, refused: Callable[..., None], tmp_path: Path
) -> None:
    suite = ("--tasks", str(folder))
    refused(run("list", "--tasks", "nowhere"), "there is no nowhere", "owner/name")
    refused(run("show", "counter-four", *suite), "no task and no package 'counter-four'")
    refused(run("show", "counter", *suite), "counter is no task's id", "counter-three")
    refused(run("check", "x", *suite), "no task and no package 'x'", "Its packages: counter")
    refused(run("export", *suite, "--out", "out.csv"), "should end in .jsonl")
    refused(run("list", "--tasks", "nowhere.jsonl"), "there is no nowhere.jsonl")
    refused(run("check", *suite, "--backend", "podman"), "podman")
    file = tmp_path / "tasks.jsonl"
    file.write_text("{}")
    refused(run("list", "--tasks", "tasks.jsonl"), "line 1: there is no `instance_id`")
    refused(run("list", "--tasks", "tasks.jsonl", "--repos", "no"), "there is no folder no")
    toml = folder / "counter" / "two" / "task.toml"
    toml.write_text(toml.read_text() + "colour = 1\n")
    refused(run("list", *suite), "two/task.toml: object contains unknown field `colour`")


@pytest.mark.parametrize("command", ["list", "show", "check", "export"])
def test_help_teaches_with_examples(run: Callable[..., Any], command: str) -> None:
    ran = run(command, "--help")
    assert ran.code == 0
    assert f"swe-sleep tasks {command}" in ran.out
