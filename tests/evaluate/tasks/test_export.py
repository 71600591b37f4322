"""Tasks written in SWE-bench's form, and read back as the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.errors import SweSleepError, UsageError
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.evaluate.tasks.bundled import read_bundled
from swe_sleep.evaluate.tasks.check import Request, check
from swe_sleep.evaluate.tasks.export import copy_repositories, write_instances
from swe_sleep.evaluate.tasks.swebench import read_instances
from swe_sleep.evaluate.tasks.task import Answer, Case, Suite, Task
from swe_sleep.sandbox.local import LocalBackend

HIDDEN = "tests/test_hidden_twice.py"


@pytest.fixture
def suite(built: Path, tasks: Any) -> Suite:
    return read_bundled(tasks.folder, scratch=built)


def test_a_bundled_task_is_read_back_as_the_same(suite: Suite, tmp_path: Path) -> None:
    file, folder = tmp_path / "out" / "tasks.jsonl", tmp_path / "repositories"
    assert write_instances(suite, file) == 1
    place = folder / "swe-sleep__counter.git"
    assert copy_repositories(suite, folder) == {"swe-sleep/counter": place}
    assert copy_repositories(suite, folder) == {"swe-sleep/counter": place}
    (record,) = map(json.loads, file.read_text().splitlines())
    assert json.loads(record["FAIL_TO_PASS"]) == [f"{HIDDEN}::test_doubling_of_three"]
    assert (record["PASS_TO_PASS"], record["rest"]) == ("[]", True)
    (case,) = read_instances(str(file), Mirrors(folder)).cases
    (before,) = suite.cases
    assert case.task.base_commit == before.task.base_commit
    assert (case.task.day, case.task.older) == ("", before.task.older)
    assert (case.task.difficulty, case.task.tags) == ("easy", ("wrong-operator",))
    assert case.task.text == before.task.text
    assert case.answer.patch == before.answer.patch
    assert case.task.sources == (place,)
    found = check(Request(case, "local"), lambda line: None)
    assert (found.problems, found.pass_to_pass) == ((), 2)
    assert [each.name for each in file.parent.iterdir()] == ["tasks.jsonl"]


def test_the_rest_is_written_out_where_it_may_be_run(suite: Suite, tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    write_instances(suite, file, backend=LocalBackend)
    record = json.loads(file.read_text())
    assert json.loads(record["PASS_TO_PASS"]) == [
        "tests/test_counter.py::test_start",
        f"{HIDDEN}::test_doubling_of_two",
    ]
    assert "rest" not in record


def test_what_is_not_here_or_cannot_be_written_is_said(suite: Suite, tmp_path: Path) -> None:
    (case,) = suite.cases
    gone = Suite("gone", (Case(Task("a-1", "a/b", "0" * 40, "t"), case.answer),))
    with pytest.raises(UsageError, match="the repository a/b is not here"):
        write_instances(gone, tmp_path / "x.jsonl")
    with pytest.raises(UsageError, match="the repository a/b is not here"):
        copy_repositories(gone, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(SweSleepError, match="cannot write"):
        write_instances(suite, tmp_path / "file" / "x.jsonl")
    with pytest.raises(SweSleepError, match="cannot copy swe-sleep/counter"):
        copy_repositories(suite, tmp_path / "file")
    # without whole files of tests, nothing has to be read of the repository
    plain = Suite("plain", (Case(Task("a-1", "a/b", "0" * 40, "t"), Answer("diff")),))
    assert write_instances(plain, tmp_path / "x.jsonl") == 1
