"""`swe-sleep eval grade`, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.cli.eval_grade import plain, show
from swe_sleep.cli.output import console
from swe_sleep.repo.diff import diff

SOURCE = "def first(items):\n    return items[1]\n\n\ndef last(items):\n    return items[-1]\n"
VISIBLE = "from tools import last\n\n\ndef test_last():\n    assert last([1, 2]) == 2\n"
HIDDEN = "from tools import first\n\n\ndef test_first():\n    assert first([1, 2]) == 1\n"
GOOD = SOURCE.replace("items[1]", "items[0]")


def made(source: str) -> str:
    return diff({"tools.py": SOURCE.encode()}, {"tools.py": source.encode()})


def write(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    return path


@pytest.fixture
def tasks(make_repository: Callable[..., Path], git: Callable[..., str], tmp_path: Path) -> Path:
    """A file in SWE-bench's form, beside the folder `repos` with the repository of two tasks, and
    without that of the third."""
    (tmp_path / "repos" / "acme").mkdir(parents=True)
    root = make_repository({"tools.py": SOURCE, "test_tools.py": VISIBLE}, name="repos/acme/tools")
    task = {
        "instance_id": "acme__tools-1",
        "repo": "acme/tools",
        "base_commit": git(root, "rev-parse", "HEAD"),
        "problem_statement": "first([7, 8]) returns 8",
        "patch": made(GOOD),
        "test_patch": diff({}, {"test_hidden.py": HIDDEN.encode()}),
        "FAIL_TO_PASS": json.dumps(["test_hidden.py::test_first"]),
        "PASS_TO_PASS": json.dumps(["test_tools.py::test_last"]),
    }
    second = {**task, "instance_id": "acme__tools-2"}
    third = {**task, "instance_id": "acme__other-1", "repo": "acme/other"}
    return write(tmp_path / "tasks.jsonl", task, second, third)


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    patches = {"acme__tools-1": made(GOOD), "acme__tools-2": "", "acme__none-1": "x"}
    return write(
        tmp_path / "predictions.jsonl",
        *(
            {"instance_id": name, "model_name_or_path": "someone", "model_patch": patch}
            for name, patch in patches.items()
        ),
    )


def arguments(tasks: Path, *more: str) -> list[str]:
    repos = str(tasks.parent / "repos")
    return ["eval", "grade", "--tasks", str(tasks), "--repos", repos, "--backend", "local", *more]


def test_predictions_are_graded(
    process: Callable[..., Any], tasks: Path, predictions: Path, tmp_path: Path
) -> None:
    both = ["--predictions", str(predictions), "--gold", "--jobs", "2", "--official"]
    ran = process(arguments(tasks, *both), tmp_path)
    assert ran.code == 0, ran
    lines = [line.split() for line in ran.out.splitlines()]
    rows = [line[:6] for line in lines]
    assert ["acme__tools-1", "someone", "resolved", "1/1", "1/1", "resolved"] in rows
    assert ["acme__tools-2", "someone", "not", "applied", "-", "-"] in rows
    assert "acme__tools-2, someone: the patch is empty" in ran.out
    assert "3 of 4 resolved; SWE-bench's functions say the same of 4 of 4" in ran.out
    assert "not graded: acme__other-1: the repository acme/other is not here" in ran.out
    assert "not graded: acme__none-1: there is no such task" in ran.out


def test_for_programs(cli: Any, process: Callable[..., Any], tasks: Path, tmp_path: Path) -> None:
    wrong = write(
        tmp_path / "wrong.jsonl",
        {"instance_id": "acme__tools-1", "model_patch": made(GOOD.replace("-1", "0"))},
    )
    ran = process(arguments(tasks, "--predictions", str(wrong), "--json"), tmp_path)
    assert ran.code == 0, ran
    said = json.loads(ran.out)
    (verdict,) = said["verdicts"]
    assert said["left_out"] == {}, "nobody asked for the others"
    assert verdict["task"] == "acme__tools-1"
    assert verdict["by"] == "unknown"
    assert verdict["grade"]["resolved"] is False
    assert verdict["grade"]["fail_to_pass"] == {"test_hidden.py::test_first": "passed"}
    assert verdict["grade"]["pass_to_pass"] == {"test_tools.py::test_last": "failed"}
    assert verdict["official"] is None
    assert verdict["where"].startswith("Python 3")


def test_what_cannot_be_graded(
    process: Callable[..., Any], tasks: Path, predictions: Path, tmp_path: Path
) -> None:
    records = [json.loads(line) for line in tasks.read_text().splitlines()[:2]]
    records[1]["test_patch"] = diff({"test_tools.py": b"a\n"}, {"test_tools.py": b"b\n"})
    write(tasks, *records)
    ran = process(arguments(tasks, "--gold"), tmp_path)
    assert ran.code == 1
    assert "acme__tools-1" in ran.out and "1 of 1 resolved" in ran.out
    assert "failed: acme__tools-2: The hidden tests do not fit the base commit." in ran.out


def test_bad_usage(
    cli: Any, refused: Callable[..., None], tasks: Path, predictions: Path, tmp_path: Path
) -> None:
    refused(cli(tmp_path, *arguments(tasks)), "there is nothing to grade")
    gone = arguments(tasks, "--predictions", "gone.jsonl")
    refused(cli(tmp_path, *gone), "cannot read gone.jsonl")
    other = arguments(tasks, "--only", "nobody", "--gold")
    refused(cli(tmp_path, *other), "nobody")
    untested = json.loads(tasks.read_text().splitlines()[0]) | {"FAIL_TO_PASS": "[]"}
    records = tasks.read_text()
    write(tasks, untested)
    refused(cli(tmp_path, *arguments(tasks, "--gold")), "none of these tasks has tests")
    tasks.write_text(records)
    none = write(tmp_path / "none.jsonl", {"instance_id": "b", "model_patch": ""})
    refused(cli(tmp_path, *arguments(tasks, "--predictions", str(none))), "no patch is for one")


def test_what_a_stopped_run_did_not_come_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert plain([], [], {}, {}, ["a", "b"]) == {
        "verdicts": [],
        "failed": [],
        "left_out": {},
        "left": ["a", "b"],
    }
    show(console(), [], [], {}, {}, ["a", "b"])
    assert capsys.readouterr().out == "stopped: 2 tasks not graded\n"
