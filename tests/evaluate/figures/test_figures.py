"""All figures of a run, of ordinary ones and of odd ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.evaluate.figures.figures import Figures, report
from swe_sleep.evaluate.figures.loaded import read_run
from swe_sleep.evaluate.runs.records import Arm, Trial

ODD: dict[str, dict[str, Any]] = {
    "one task": {"tasks": 1},
    "only off": {"arms": [Arm.OFF]},
    "only on": {"arms": [Arm.ON]},
    "no pair": {"arms": [Arm.OFF, Arm.ON], "tasks": 4, "lose": 1.0},
    "all resolved": {"resolved": True},
    "none resolved": {"resolved": False},
    "no price": {"model": "claude", "priced": False},
    "many lost": {"lose": 0.4},
    "half run": {"leave": 0.5},
    "several of all": {"seeds": (0, 1), "sleeps": ("default", "seconds=9"), "tasks": 8},
    "files": {"by_files": True},
    "hostile": {"hostile": True},
}


def figures(folder: Path) -> Figures:
    (found,) = report([read_run(folder)]).groups
    return found


@pytest.mark.parametrize("options", ODD.values(), ids=ODD)
def test_counts_add_up(tmp_path: Path, made_runs: Any, options: dict[str, Any]) -> None:
    small = {"tasks": 10, "budgets": ("candidates=200",)}
    found = figures(made_runs.draw(tmp_path / "run", **(small | options)))
    (_, manifest) = found.manifests[0]
    assert len(found.rows) == len(manifest.tasks)
    for cell in found.cells:
        assert cell.planned == cell.trials + cell.lost + cell.not_run
        states = [entry.state for row in found.rows for entry in row.entries[cell.key]]
        assert len(states) == cell.planned
        assert states.count("lost") == cell.lost
        resolved = states.count("resolved")
        assert (cell.rate.resolved > 0) is (resolved > 0)
        if len(manifest.seeds) == 1:
            assert (cell.rate.resolved, cell.rate.tasks) == (resolved, cell.trials)
        assert cell.without_patch <= cell.trials
    for comparison in found.comparisons:
        for each in comparison.differences:
            assert each.difference == pytest.approx(each.mean - each.against, abs=1e-9)
            if each.interval is not None:
                assert each.interval.low <= each.difference <= each.interval.high


def test_what_was_not_begun_and_what_is_weakly_proven(tmp_path: Path, made_runs: Any) -> None:
    facts: list[dict[str, Any]] = [
        {"begun": False},
        {"patch_s": 1.0, "proven": True, "weak": True},
        {"patch_s": 1.0, "proven": True, "weak": True, "resolved": True},
        {"patch_s": 1.0, "proven": True},
    ]
    plain: dict[str, Any] = {
        "begun": True,
        "patch_s": None,
        "proven": False,
        "weak": False,
        "resolved": False,
    }
    results = []
    for number, fact in enumerate(facts):
        trial = Trial(f"task-{number}", Arm.OFF, "candidates=200", "")
        results.append(replace(made_runs.result(trial), **(plain | fact)))
    what = made_runs.manifest(tasks=[each.trial.task for each in results], arms=[Arm.OFF])
    (cell,) = figures(made_runs.write(tmp_path / "run", what, results)).cells
    assert (cell.without_patch, cell.not_begun) == (1, 1)
    assert (cell.proven, cell.weakly_proven) == (3, 2)
    assert (cell.wrongly_proven, cell.weakly_wrong) == (2, 1)


def test_means_are_over_the_tasks(tmp_path: Path, made_runs: Any) -> None:
    folder = made_runs.draw(tmp_path / "run", model="claude", tasks=6, budgets=("turns=5",))
    run = read_run(folder)
    (found,) = report([run]).groups
    for cell in found.cells:
        key = cell.key
        mine = [
            each
            for each in run.results.values()
            if (each.trial.arm, each.trial.budget, each.trial.sleep) == key
        ]
        assert cell.input_tokens == pytest.approx(sum(r.usage.input_tokens for r in mine) / 6)
        assert cell.cached_tokens == pytest.approx(sum(r.usage.cache_read_tokens for r in mine) / 6)
        assert cell.output_tokens == pytest.approx(sum(r.usage.output_tokens for r in mine) / 6)
        assert cell.note_chars == pytest.approx(sum(r.shown_chars for r in mine) / 6)
        assert cell.localisation is not None
        assert cell.localisation.hit_files == sum(r.hit_files for r in mine)
        ranks = [r.first_right for r in mine if r.first_right]
        assert cell.localisation.named == len(ranks)
        assert cell.localisation.reciprocal_rank == pytest.approx(sum(1 / r for r in ranks) / 6)


def test_nothing_of_a_run_that_has_only_begun(tmp_path: Path, made_runs: Any) -> None:
    folder = made_runs.write(tmp_path / "run", made_runs.manifest(tasks=["one"]))
    found = figures(folder)
    assert [cell.rate.share for cell in found.cells] == [None, None]
    assert found.comparisons == ()
    assert found.remarks == ("2 planned trials have not been run",)


def test_the_same_again_gives_the_same(tmp_path: Path, made_runs: Any) -> None:
    folder = made_runs.draw(tmp_path / "run", tasks=8, arms=[Arm.OFF, Arm.ON])
    assert report([read_run(folder)], seed=3) == report([read_run(folder)], seed=3)
    assert report([read_run(folder)], seed=3) != report([read_run(folder)], seed=4)


def test_sleeps_without_a_record_are_said(tmp_path: Path, made_runs: Any) -> None:
    folder = made_runs.draw(tmp_path / "run", arms=[Arm.OFF, Arm.ON], tasks=6)
    (folder / "sleeps.jsonl").unlink()
    found = figures(folder)
    assert "6 sleeps that trials used are not recorded; their cost is unknown" in found.remarks
    on = next(cell for cell in found.cells if cell.key.arm is Arm.ON)
    assert on.costs[0].per_issue[1] is None
    assert on.costs[0].break_even == ()
