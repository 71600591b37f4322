from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.runs.folder import LOCK, RESULTS, RunFolder, named, new_folder
from swe_sleep.evaluate.runs.records import Arm, Lost, Manifest, Result, Trial

TRIAL = Trial("a-task", Arm.ON, "default", "default")
OTHER = Trial("a-task", Arm.OFF, "default", "")


def result(key: str, **facts: object) -> Result:
    known: dict[str, object] = {"trial": TRIAL, "repo": "repo", "resolved": False}
    return Result(key, **(known | facts))  # type: ignore[arg-type]


def manifest(**facts: object) -> Manifest:
    known: dict[str, object] = {
        "created": "2024-05-31T00:00:00Z",
        "suite": "little",
        "suite_digest": "d",
        "tasks": ("a",),
        "arms": (Arm.OFF,),
        "budgets": ("default",),
        "sleeps": (),
        "seeds": (0,),
        "solver": "search",
        "model": "",
    }
    return Manifest(**(known | facts))  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    with made.lock():
        return made


def test_what_is_written_is_read(folder: RunFolder) -> None:
    kept = folder.write_result(result("k1"), {"patch.diff": b"diff\n"})
    assert (folder.path / kept.folder / "patch.diff").read_bytes() == b"diff\n"
    folder.write_result(result("k2", trial=OTHER, resolved=True), {})
    folder.write_result(result("k1", resolved=True), {})
    assert {key: each.resolved for key, each in folder.results().items()} == {
        "k1": True,
        "k2": True,
    }


def test_a_line_that_a_killed_run_left_half_counts_for_nothing(folder: RunFolder) -> None:
    folder.write_result(result("k1"), {})
    with (folder.path / RESULTS).open("ab") as file:
        file.write(b'{"key": "k2", "trial": {"ta')
    folder.write_result(result("k3", trial=OTHER), {})
    assert folder.results().keys() == {"k1", "k3"}


def test_what_was_lost_and_made_up_for_is_not_lost(folder: RunFolder) -> None:
    folder.write_lost(Lost("k1", "a", "no engine"))
    folder.write_lost(Lost("k2", "b", "no engine"))
    folder.write_result(result("k1"), {})
    assert folder.lost().keys() == {"k2"}


def test_a_run_may_grow_but_not_become_another(folder: RunFolder) -> None:
    folder.begin(manifest())
    grown = folder.begin(manifest(tasks=("b",), arms=(Arm.ON,), created="later"))
    assert (grown.tasks, grown.arms) == (("a", "b"), (Arm.OFF, Arm.ON))
    assert folder.manifest() == grown
    assert grown.created == "2024-05-31T00:00:00Z"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"model": "claude"}, "otherwise: model was nothing, and is claude. Give another folder"),
        (
            {"versions": {"commit": "b", "git": "2.39"}},
            "otherwise: versions.commit was a, and is b; versions.git was nothing, and is 2.39.",
        ),
        (
            {"settings": {"solve": {"search_s": 5, "x": 1, "y": 2, "z": 3}}},
            "settings.solve.search_s was 60, and is 5; .*; and 1 more",
        ),
    ],
)
def test_what_a_run_that_goes_on_was_made_otherwise_is_said(
    folder: RunFolder, changed: dict[str, Any], words: str
) -> None:
    made = {"versions": {"commit": "a"}, "settings": {"solve": {"search_s": 60}}}
    folder.begin(manifest(**made))
    with pytest.raises(UsageError, match=words):
        folder.begin(manifest(**made | changed))


def test_no_folder_of_something_else_is_taken(folder: RunFolder) -> None:
    (folder.path / "thesis.tex").write_text("")
    with pytest.raises(UsageError, match="not empty"):
        folder.begin(manifest())
    with pytest.raises(UsageError, match="holds no run"):
        RunFolder.open(folder.path)


def test_two_at_once_are_told_apart(folder: RunFolder) -> None:
    with (
        folder.lock(),
        pytest.raises(UsageError, match="another run"),
        RunFolder(folder.path).lock(),
    ):
        pass
    with folder.lock():
        pass


def test_of_a_trial_whose_task_changed_the_later_result_counts(folder: RunFolder) -> None:
    folder.write_result(result("k1"), {})
    folder.write_result(result("k2", resolved=True), {})
    assert folder.results().keys() == {"k2"}


@pytest.mark.parametrize("task", ["../../etc/passwd", "a/b", "", "x" * 300, "tä\nsk", "-rf"])
def test_no_task_name_leaves_the_folder(task: str) -> None:
    parts = named(Trial(task, Arm.ON, "seconds=1,effort=low", "default"), "k" * 20).split("/")
    assert len(parts) == 2
    assert all(part and ".." not in part and len(part) < 100 for part in parts)
    assert not parts[0].startswith("-")


def test_what_a_killed_start_left_is_no_run_of_something_else(folder: RunFolder) -> None:
    (folder.path / ".run.json.4711").write_text('{"created"')
    assert folder.begin(manifest()) == folder.manifest()


def test_a_folder_that_cannot_be_locked_is_no_bug_of_ours(tmp_path: Path) -> None:
    (tmp_path / LOCK).mkdir()
    with pytest.raises(UsageError, match="cannot write to"), RunFolder(tmp_path).lock():
        pass


@pytest.mark.parametrize(
    ("name", "begins"), [("a-org/set v2", "a-org-set-v2-2"), ("../../x", "x-2"), ("日本", "task-2")]
)
def test_a_new_folder_is_below_runs_whatever_it_is_of(name: str, begins: str) -> None:
    folder = new_folder(name)
    assert folder.parent == Path("runs")
    assert folder.name.startswith(begins)
