"""`swe-sleep eval run`, from the command line to the folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.cli import output, runs_shown
from swe_sleep.evaluate.runs.records import Arm, Result, Trial
from swe_sleep.evaluate.runs.run import Summary
from swe_sleep.repo.diff import diff

SOURCE = """\
def first(items):
    return items[1]


def total(prices, voucher=0):
    return sum(prices) + voucher


def longest(words):
    return min(words, key=len)
"""
VISIBLE = "from tools import total\n\n\ndef test_nothing():\n    assert total([]) == 0\n"
TASKS = {
    "first": ("[1]", "[0]", "assert tools.first([3, 4]) == 3", "first([7, 8]) returns 8, not 7"),
    "total": (
        "+ voucher",
        "- voucher",
        "assert tools.total([5], 2) == 3",
        "Wrong total: total([250, 120], voucher=70) returns 440 instead of 300",
    ),
    "longest": (
        "min(",
        "max(",
        "assert tools.longest(['a', 'bb']) == 'bb'",
        "longest(['a', 'bbb', 'cc']) returns 'a' instead of 'bbb'",
    ),
}


@pytest.fixture
def tasks(make_repository: Callable[..., Path], git: Callable[..., str], tmp_path: Path) -> Path:
    """A file in SWE-bench's form, beside the folder `repos` with the repository."""
    (tmp_path / "repos" / "acme").mkdir(parents=True)
    root = make_repository({"tools.py": SOURCE, "test_tools.py": VISIBLE}, name="repos/acme/tools")
    base = git(root, "rev-parse", "HEAD").strip()
    lines = []
    for name, (wrong, right, check, issue) in TASKS.items():
        gold = SOURCE.replace(wrong, right).encode()
        hidden = f"import tools\n\n\ndef test_it():\n    {check}\n".encode()
        file = f"test_hidden_{name}.py"
        lines.append(
            {
                "instance_id": f"acme__tools-{name}",
                "repo": "acme/tools",
                "base_commit": base,
                "problem_statement": issue,
                "patch": diff({"tools.py": SOURCE.encode()}, {"tools.py": gold}),
                "test_patch": diff({file: None}, {file: hidden}),
                "FAIL_TO_PASS": json.dumps([f"{file}::test_it"]),
                "PASS_TO_PASS": json.dumps(["test_tools.py::test_nothing"]),
            }
        )
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def arguments(tasks: Path, *more: str) -> list[str]:
    common = ["eval", "run", "--tasks", str(tasks), "--repos", str(tasks.parent / "repos")]
    return [*common, "--run", "out", "--budget", "seconds=90", *more]


def lines_of(file: Path) -> list[dict[str, Any]]:
    found = []
    for line in file.read_text().splitlines() if file.exists() else ():
        if line.strip():
            found.append(json.loads(line))
    return found


def test_killed_and_gone_on_with(
    process: Callable[..., Any],
    clean_environment: Callable[..., dict[str, str]],
    tasks: Path,
    tmp_path: Path,
) -> None:
    """kill -9 after the first result: the next run does the rest, and nothing twice."""
    results = tmp_path / "out" / "results.jsonl"
    command = [sys.executable, "-m", "swe_sleep", *arguments(tasks, "--arms", "off")]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        deadline = time.monotonic() + 120
        while not lines_of(results) and time.monotonic() < deadline:
            assert running.poll() is None, "it ended before it could be killed"
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGKILL)
    first = lines_of(results)
    assert 1 <= len(first) < 3

    ran = process(arguments(tasks, "--arms", "off", "--json"), tmp_path)
    assert ran.code == 0, ran
    said = json.loads(ran.out)
    assert said["made"] == 3 - len(first)
    after = lines_of(results)
    assert after[: len(first)] == first
    assert sorted(each["trial"]["task"] for each in after) == sorted(
        f"acme__tools-{name}" for name in TASKS
    )
    assert all(each["resolved"] for each in after), after
    (predictions,) = (tmp_path / "out" / "predictions").iterdir()
    patches = lines_of(predictions)
    assert {each["model_name_or_path"] for each in patches} == {
        f"swe-sleep-search-{predictions.stem}"
    }
    assert sorted(each["instance_id"] for each in patches) == sorted(
        f"acme__tools-{name}" for name in TASKS
    )
    assert all(each["model_patch"].startswith("diff --git") for each in patches)
    manifest = json.loads((tmp_path / "out" / "run.json").read_text())
    assert manifest["solver"] == "search" and manifest["versions"]["python"]
    assert manifest["settings"]["sandbox"]["backend"] == "local"

    again = process(arguments(tasks, "--arms", "off"), tmp_path)
    assert again.code == 0 and "0 trials made now" in again.out, again
    assert "3 trials on 3 tasks (3 made), 0 sleeps" in again.err, again
    other = process(arguments(tasks, "--arms", "off", "--solver", "agent"), tmp_path)
    assert other.code == 2 and "Claude cannot be asked" in other.err, other


def test_one_task_alone_and_the_folder_as_it_is_pasted(
    process: Callable[..., Any], tasks: Path, tmp_path: Path
) -> None:
    """By default there are arms for which one task has no notes. With -C paths are below there, as
    git has it, and what is printed is meant for the shell that the person is in."""
    more = ("--only", "acme__tools-first", "--sleep-budget", "seconds=2")
    (tmp_path / "here").mkdir()
    ran = process(["-C", str(tmp_path), *arguments(tasks, *more)], tmp_path / "here")
    assert ran.code == 0, ran
    said = ran.err.replace("\n", " ")
    assert "left out is the arm shuffled: there is no other issue" in said
    assert "left out is the arm stale: acme/tools has no commit before" in said
    command = ran.out.partition("For the figures: ")[2].split()
    assert command[:3] == ["swe-sleep", "eval", "report"]
    report = process([*command[1:], "--json"], tmp_path / "here")
    assert report.code == 0, report
    assert not (tmp_path / "out" / "lost.jsonl").exists()


def test_what_would_be_done(cli: Any, tasks: Path, tmp_path: Path) -> None:
    ran = cli(tmp_path, *arguments(tasks, "--dry-run", "--seeds", "2"))
    assert ran.code == 0
    assert "18 trials on 3 tasks" in ran.out.replace("\n", " ")
    assert "left out is the arm stale: acme/tools has no commit before" in ran.out
    assert "by the budgets at most 32 min, " in ran.out  # 18 of 90 s, and a sleep of 300
    planned = json.loads(cli(tmp_path, *arguments(tasks, "--dry-run", "--json")).out)
    names = ("trials", "sleeps", "lost", "left_out")
    assert [len(planned[name]) for name in names] == [9, 1, 0, 3]
    assert planned["trials"][0]["budget"] == "seconds=90" and planned["most_usd"] is None
    assert not (tmp_path / "out").exists()


def test_budgets_that_differ_at_their_end_can_be_told_apart(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    trials = [
        Trial("a", Arm.ON, f"seconds=20,candidates={most}", "seconds=15,follow=3")
        for most in (20, 40)
    ]
    results = {str(n): Result(str(n), each, "r", False) for n, each in enumerate(trials)}
    runs_shown.show(output.console(), "out", Summary(results, {}, (), made=1, left=1, wall_s=1))
    said = capsys.readouterr().out
    assert "…" not in said and max(map(len, said.splitlines())) <= 80
    assert "1 trial made now" in said and "1 trial left" in said


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--arms", "on,odd"), ("no arm 'odd'", "shuffled")),
        (("--budget", "apples=3"), ("'apples=3' is no part of a budget", "candidates")),
        (("--budget", "candidates=0"), ("search_candidates", "greater than or equal to 1")),
        (("--only", "nobody"), ("no task and no repository 'nobody'",)),
        (("--arms", "stale"), ("no trial can be made: acme/tools has no commit before",)),
        (("--tasks", "nowhere.jsonl"), ("there is no nowhere.jsonl",)),
    ],
)
def test_bad_input_is_named(
    cli: Any,
    tasks: Path,
    tmp_path: Path,
    refused: Callable[..., None],
    more: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    refused(cli(tmp_path, *arguments(tasks, *more)), *words)
    assert not (tmp_path / "out").exists()
