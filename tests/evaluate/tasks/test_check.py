"""That a right task is found right, and that each way of being wrong is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.evaluate.mirrors import at_commit
from swe_sleep.evaluate.tasks.bundled import read_bundled
from swe_sleep.evaluate.tasks.check import (
    Checked,
    Request,
    check,
    check_all,
    gold_problems,
    younger,
)
from swe_sleep.evaluate.tasks.task import Answer, Case, Related, Stated, Suite, Task
from swe_sleep.repo.repository import Repository

HIDDEN = "tests/test_hidden_twice.py"
THREE, TWO = f"{HIDDEN}::test_doubling_of_three", f"{HIDDEN}::test_doubling_of_two"


@pytest.fixture
def checked(built: Path, tasks: Any, tmp_path: Path) -> Callable[..., Checked]:
    """`checked()` checks the task as it is in the folder, in this process."""

    def run(backend: Any = "local") -> Checked:
        (case,) = read_bundled(tasks.folder, scratch=built).cases
        return check(Request(case, backend), lambda line: None)

    return run


@pytest.mark.parametrize("backend", ["local", pytest.param("docker", marks=pytest.mark.docker)])
def test_a_right_task(checked: Callable[..., Checked], backend: str) -> None:
    found = checked(backend)
    assert found.problems == ()
    assert (found.visible, found.fail_to_pass, found.pass_to_pass) == (1, 1, 2)


def test_tests_that_do_not_fail_before(checked: Callable[..., Checked], tasks: Any) -> None:
    wrong = '["tests/test_hidden_twice.py::test_doubling_of_two", "tests/test_x.py::test_y"]'
    tasks.change("task.toml", f'["{THREE}"]', wrong)
    problems = checked().problems
    assert f"is passed before the fix, and should fail: {TWO}" in problems
    assert "does not run before the fix, and should fail: tests/test_x.py::test_y" in problems
    assert any(
        each.startswith("should pass with the gold patch, and does not: tests/test_x.py::test_y")
        for each in problems
    )


def test_a_gold_patch_that_does_not_mend(checked: Callable[..., Checked], tasks: Any) -> None:
    tasks.change("gold.patch", "+    return n * 2", "+    return n * 3")
    problems = checked().problems
    assert problems == (
        f"should pass with the gold patch, and does not: {THREE} (failed)",
        f"should go on passing with the gold patch, and does not: {TWO} (failed)",
    )


def test_a_failure_for_want_of_an_import(checked: Callable[..., Checked], tasks: Any) -> None:
    file = tasks.change(
        f"{HIDDEN}", "    expected = 6\n", "    from counter import six as expected\n"
    )
    name = f"{THREE} fails before the fix for the wrong reason: ImportError"
    assert any(each.startswith(name) for each in checked().problems)
    file.write_text(file.read_text().replace("from counter import twice", "import counted", 1))
    problems = checked().problems
    reason = "the wrong reason: ModuleNotFoundError: No module named 'counted'"
    assert any(reason in each for each in problems)
    tasks.change("task.toml", "difficulty", "missing_import = true\ndifficulty")
    assert not any("wrong reason" in each for each in checked().problems)


def test_a_hidden_test_that_cannot_be_read(checked: Callable[..., Checked], tasks: Any) -> None:
    tasks.change("task.toml", "difficulty", "missing_import = true\ndifficulty")
    tasks.change(HIDDEN, "expected = 6", "expected = = 6")
    assert any("its file cannot be read: SyntaxError" in each for each in checked().problems)


def test_what_fails_visibly_must_be_stated(
    checked: Callable[..., Checked], tasks: Any, tmp_path: Path
) -> None:
    patch = next((tasks.package / "history").glob("0002-*"))
    patch.write_text(patch.read_text().replace("counter.START == 0", "counter.START == 1"))
    visible = "tests/test_counter.py::test_start"
    assert checked().problems == (f"fails visibly, which is not stated: {visible}",)
    tasks.change("task.toml", "difficulty", f'failing = ["{visible}"]\ndifficulty')
    assert checked().problems == ()
    patch.write_text(patch.read_text().replace("counter.START == 1", "counter.START == 0"))
    assert checked().problems == (f"is stated to fail visibly, and does not: {visible}",)


def test_listed_tests_must_pass_before(checked: Callable[..., Checked], tasks: Any) -> None:
    listed = f'pass_to_pass = ["{TWO}", "tests/test_counter.py::test_none"]\ndifficulty'
    tasks.change("task.toml", "difficulty", listed)
    found = checked()
    assert found.pass_to_pass == 2
    name = "tests/test_counter.py::test_none"
    assert f"should pass before the fix, and does not: {name}" in found.problems


def test_a_test_that_is_there_is_not_hidden(checked: Callable[..., Checked], tasks: Any) -> None:
    visible = "import counter\n\n\ndef test_start():\n    assert counter.START == 0\n"
    (tasks.issue / "tests" / "test_counter.py").write_text(visible)
    problem = "the hidden tests/test_counter.py is in the sandbox before grading"
    assert checked().problems == (problem,)


def test_gold_patches_that_are_none(built: Path, tasks: Any, tmp_path: Path) -> None:
    (case,) = read_bundled(tasks.folder, scratch=built).cases
    repository = Repository.at_commit(
        case.task.sources[0], case.task.base_commit, tmp_path / "opened"
    )
    with repository:
        snapshot = repository.snapshot()

        def problems(patch: str) -> list[str]:
            return gold_problems(Answer(patch), snapshot)

        assert problems(case.answer.patch) == []
        (refused,) = problems(case.answer.patch.replace("n + 2", "n + 9"))
        assert refused.startswith("the gold patch does not apply: ")
        mode = "diff --git a/counter/__init__.py b/counter/__init__.py\nold mode 100644\n"
        assert problems(f"{mode}new mode 100755\n") == ["the gold patch changes nothing"]
        test = "tests/test_counter.py"
        diff = f"--- a/{test}\n+++ b/{test}\n@@ -4,2 +4,2 @@\n def test_start():\n"
        diff += "-    assert counter.START == 0\n+    assert counter.START == 1\n"
        assert problems(diff) == [f"the gold patch touches the test {test}"]


def test_what_is_called_older_has_to_be(built: Path, tasks: Any, tmp_path: Path) -> None:
    (case,) = read_bundled(tasks.folder, scratch=built).cases
    task = case.task
    with at_commit(task.sources, task.older, tmp_path / "opened") as repository:
        assert younger(task, repository) == []
        named = replace(task, related=(Related(task.older, "a"), Related(task.base_commit, "b")))
        (problem,) = younger(named, repository)
        base = task.base_commit[:10]
        assert problem == f"`related` is {base}, which is not before the base commit"
        (problem,) = younger(replace(task, older=task.base_commit), repository)
        assert problem == f"`older` is {base}, which is not before the base commit"


def test_many_are_checked_and_one_bad_task_stops_no_other(
    built: Path, tasks: Any, tmp_path: Path
) -> None:
    (case,) = read_bundled(tasks.folder, scratch=built).cases
    lost = Case(Task("gone-1", "a/gone", "0" * 40, "text"), Answer("x"), Stated())
    no_commit = Case(Task("gone-2", "a/b", "0" * 40, "t", case.task.sources), Answer("x"))
    said: list[str] = []
    suite = Suite("all", (lost, no_commit, case))
    found = {each.task: each for each in check_all(suite, backend="local", progress=said.append)}
    assert found["gone-1"].problems[0].startswith("the repository a/gone is not here")
    assert found["gone-2"].problems[0].startswith("There is no commit '0000")
    assert found["counter-twice"].problems == ()
    assert said[0] == "checking: 0/3 done"
    assert said[-1] == "checking: 3/3 done"
    assert any("running the visible suite" in line for line in said)


def test_a_stopped_check_is_left(built: Path, tasks: Any, tmp_path: Path) -> None:
    suite = read_bundled(tasks.folder, scratch=built)
    assert list(check_all(suite, backend="local", stop=lambda: True)) == []
