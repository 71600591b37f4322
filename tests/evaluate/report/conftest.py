"""Reports on runs that are made up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.evaluate.figures.figures import Report, report
from swe_sleep.evaluate.figures.loaded import read_run
from swe_sleep.evaluate.runs.records import Arm


@pytest.fixture
def reported(tmp_path: Path, made_runs: Any) -> Callable[..., Report]:
    """`reported(options, ...)`: a report on as many drawn runs."""

    def reported_(*options: dict[str, Any]) -> Report:
        arms = (Arm.OFF, Arm.ON, Arm.SHUFFLED)
        small = {"tasks": 8, "budgets": ("candidates=200",), "arms": arms}
        folders = [
            made_runs.draw(tmp_path / f"run-{number}", **(small | each))
            for number, each in enumerate(options)
        ]
        return report([read_run(folder) for folder in folders])

    return reported_
