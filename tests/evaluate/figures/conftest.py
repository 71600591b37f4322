"""Runs of a few results that are known one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.evaluate.figures.figures import Figures, report
from swe_sleep.evaluate.figures.loaded import read_run
from swe_sleep.evaluate.figures.units import Unit
from swe_sleep.evaluate.runs.records import Arm, Lost, Trial
from swe_sleep.records import Usage

BUDGET = "candidates=200"


@pytest.fixture
def figures(tmp_path: Path, made_runs: Any) -> Callable[..., Figures]:
    """`figures({task: {arm: [resolved of each seed]}}, seconds={(task, arm): s})`: the figures of
    such a run. None is a lost trial. Every repository is slept over once, in 60 seconds, or in
    `slept_s`, for all or by repository."""

    def figures_(
        resolved: Mapping[str, Mapping[Arm, Sequence[bool | None]]],
        *,
        seconds: Mapping[tuple[str, Arm], float] | None = None,
        repos: Mapping[str, str] | None = None,
        foreseen: Mapping[str, int] | None = None,
        expected: Mapping[str, int] | None = None,
        slept_s: float | Mapping[str, float] = 60.0,
        unit: Unit | None = None,
        unpriced: Sequence[str] = (),
        model: str = "",
    ) -> Figures:
        arms = sorted({arm for each in resolved.values() for arm in each}, key=list(Arm).index)
        seeds = range(max(len(s) for each in resolved.values() for s in each.values()))
        results, sleeps, lost = [], {}, []
        for task, by_arm in resolved.items():
            repo = (repos or {}).get(task, "parser")
            for arm, outcomes in by_arm.items():
                for seed, outcome in enumerate(outcomes):
                    sleep = "" if arm is Arm.OFF else "default"
                    trial = Trial(task, arm, BUDGET, sleep, seed)
                    if outcome is None:
                        lost.append(Lost(f"{trial}", trial.name, "the engine stopped", "", trial))
                        continue
                    key = "" if arm is Arm.OFF else f"sleep-{arm}-{repo}"
                    if key:
                        took = slept_s if isinstance(slept_s, float) else slept_s[repo]
                        sleeps[key] = made_runs.slept(key, repo, wall_s=took)
                    wall_s = (seconds or {}).get((task, arm), 10.0)
                    usage = Usage(
                        wall_s=wall_s,
                        test_runs=5,
                        candidates=20,
                        output_tokens=100 if model else 0,
                        cost_usd=None if task in unpriced else wall_s / 100,
                    )
                    results.append(
                        made_runs.result(
                            trial,
                            resolved=outcome,
                            repo=repo,
                            usage=usage,
                            slept=key,
                            foreseen=(foreseen or {}).get(task) if arm is Arm.ON else None,
                            expected=(expected or {}).get(task) if arm is Arm.ON else None,
                            expected_of=100 if expected and arm is Arm.ON else 0,
                        )
                    )
        what = made_runs.manifest(tasks=list(resolved), arms=arms, seeds=list(seeds), model=model)
        folder = made_runs.write(tmp_path / "run", what, results, list(sleeps.values()), lost)
        (found,) = report([read_run(folder)], unit=unit).groups
        return found

    return figures_
