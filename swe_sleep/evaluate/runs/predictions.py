"""A run's patches as predictions, a file for each arm, so that the official harness can judge them
too."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from swe_sleep.evaluate.runs.folder import RunFolder
from swe_sleep.evaluate.runs.records import Result, Trial
from swe_sleep.evaluate.runs.trial import PATCH
from swe_sleep.evaluate.tasks.predictions import Prediction, write_predictions

PREDICTIONS = "predictions"


def write(folder: RunFolder, results: Iterable[Result], by: str) -> list[Path]:
    """The files, one for each arm, budget and seed; `by` says whose patches they are. Of two
    results of the same trial the later one counts. Raises SweSleepError."""
    groups: dict[str, dict[str, Prediction]] = {}
    for each in results:
        name = name_of(each.trial)
        file = folder.path / each.folder / PATCH
        patch = file.read_bytes().decode("utf-8", "replace") if file.is_file() else ""
        made = Prediction(each.trial.task, f"{by}-{name}", patch)
        groups.setdefault(name, {})[each.trial.task] = made
    written = []
    for name, predictions in groups.items():
        path = folder.path / PREDICTIONS / f"{name}.jsonl"
        write_predictions(path, predictions.values())
        written.append(path)
    return written


def name_of(trial: Trial) -> str:
    """One name for the same arm, budgets and seed; the harness makes folders of it."""
    return re.sub(r"[^A-Za-z0-9.=_-]+", "-", trial.name)
