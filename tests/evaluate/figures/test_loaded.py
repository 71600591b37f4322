"""Run folders as they are read, and which are put together."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.figures.loaded import grouped, read_run
from swe_sleep.evaluate.runs.records import Arm, Lost, Trial

OFF = Trial("one", Arm.OFF, "candidates=200", "")
ON = Trial("one", Arm.ON, "candidates=200", "default")


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run"):
        read_run(tmp_path)


def test_a_run_that_was_killed_is_read_as_far_as_it_is_whole(
    tmp_path: Path, made_runs: Any
) -> None:
    what = made_runs.manifest(tasks=["one"])
    folder = made_runs.write(tmp_path / "run", what, [made_runs.result(OFF, resolved=True)])
    with (folder / "results.jsonl").open("a") as file:
        file.write('{"key": "half of a li')
    (group,) = grouped([read_run(folder)])
    assert [each.task for each in group.results] == ["one"]
    assert group.planned == (OFF, ON)
    assert group.homes[OFF] == folder


def test_runs_of_the_same_are_put_together_and_the_last_result_counts(
    tmp_path: Path, made_runs: Any
) -> None:
    off = made_runs.manifest(tasks=["one"], arms=[Arm.OFF])
    both = made_runs.manifest(tasks=["one"])
    first = made_runs.write(tmp_path / "first", off, [made_runs.result(OFF)])
    results = [made_runs.result(OFF, resolved=True), made_runs.result(ON, slept="s")]
    second = made_runs.write(tmp_path / "second", both, results, [made_runs.slept("s")])
    (group,) = grouped([read_run(first), read_run(second)])
    assert group.name == "bundled · search"
    assert len(group.results) == 2
    assert group.results[OFF].resolved
    assert group.homes[OFF] == second
    assert list(group.sleeps) == ["s"]
    assert "1 results are of a trial that has another" in group.remarks[0]


@pytest.mark.parametrize(
    "change",
    [
        {"suite_digest": "other"},
        {"settings": {"solve.candidates": 7}},
        {"versions": {"swe-sleep": "0.2.0"}},
    ],
)
def test_runs_of_something_else_stand_side_by_side(
    tmp_path: Path, made_runs: Any, change: dict[str, Any]
) -> None:
    what = made_runs.manifest(tasks=["one"])
    other = dataclasses.replace(what, **change)
    runs = [made_runs.write(tmp_path / "a", what), made_runs.write(tmp_path / "b", other)]
    groups = grouped([read_run(each) for each in runs])
    assert [group.name for group in groups] == ["bundled · search (a)", "bundled · search (b)"]
    assert "2 groups are of bundled" in groups[0].remarks[0]


def test_models_are_told_apart_by_name(tmp_path: Path, made_runs: Any) -> None:
    names = ["claude-a", "claude-b"]
    whats = [made_runs.manifest(tasks=["one"], model=name) for name in names]
    runs = [made_runs.write(tmp_path / w.model, w) for w in whats]
    groups = grouped([read_run(each) for each in runs])
    assert [group.name for group in groups] == ["bundled · claude-a", "bundled · claude-b"]


def test_lost_trials_are_known_by_record_or_by_name_and_made_up_for(
    tmp_path: Path, made_runs: Any
) -> None:
    two = Trial("two", Arm.OFF, "candidates=200", "")
    lost = [
        Lost("k1", f"one {ON.name}", "an older record"),
        Lost("k2", "whatever", "the engine stopped", "", two),
        Lost(made_runs.result(OFF).key, f"one {OFF.name}", "made up for since"),
        Lost("k3", "sleep of parser", "no commit"),
    ]
    what = made_runs.manifest(tasks=["one", "two"])
    folder = made_runs.write(tmp_path / "run", what, [made_runs.result(OFF)], (), lost)
    (group,) = grouped([read_run(folder)])
    assert {trial: each.reason for trial, each in group.lost.items()} == {
        ON: "an older record",
        two: "the engine stopped",
    }
    assert group.remarks == ("lost: sleep of parser: no commit",)
