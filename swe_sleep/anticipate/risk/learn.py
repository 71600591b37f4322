"""What a repository's own past makes of the prior, and whether that is better than size alone."""

from __future__ import annotations

import importlib.resources
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from swe_sleep.anticipate.risk import accuracy
from swe_sleep.anticipate.risk.items import Table
from swe_sleep.anticipate.risk.model import fit, log_odds, sigmoid, standard
from swe_sleep.anticipate.risk.replay import YEAR
from swe_sleep.anticipate.risk.windows import Truth, Window

Floats = np.ndarray[Any, np.dtype[np.float64]]

RIDGE = {"files": 800.0, "functions": 5000.0, "changes": 2000.0}
"""What it costs a weight to leave the prior. Of functions few are ever mended, so that hardly more
than how many is learned here; where more was, the next year was told worse."""
LOOSE = 0.01
"""The same for the constant: how much is fixed in a year differs most."""
FEWEST_FIXES = 5
"""A year with fewer fixes measures nothing."""
TRUSTED = 4
"""Windows that are learned from: older ones tell of another program."""
SIZE = "size"
MODEL = "model"
CONSTANT = "constant"


@dataclass(frozen=True, slots=True)
class Prior:
    """Weights by name, as other repositories have them; of the full model, and of size alone."""

    files: Mapping[str, float]
    functions: Mapping[str, float]
    changes: Mapping[str, float]
    files_by_size: Mapping[str, float]
    functions_by_size: Mapping[str, float]

    @classmethod
    def load(cls) -> Prior:
        source = importlib.resources.files(__package__).joinpath("weights.toml")
        data = tomllib.loads(source.read_text("utf-8"))
        return cls(
            data["files"],
            data["functions"],
            data["changes"],
            data["files_by_size"],
            data["functions_by_size"],
        )


@dataclass(frozen=True, slots=True)
class Learned:
    """How items are scored here. `weights` are by name, the constant among them."""

    measure: str
    weights: Mapping[str, float]
    accuracy: Mapping[str, float]
    windows: int
    fixes: int


@dataclass(frozen=True, slots=True)
class Question:
    """The items of a window, and what came."""

    begin: float
    table: Table
    truth: Truth
    fixes: Sequence[set[int]]


def questions(windows: Sequence[Window]) -> tuple[list[Question], list[Question]]:
    """Those of files and of functions that measure anything."""
    rich = [w for w in windows if len(w.fixes) >= FEWEST_FIXES]
    files = [Question(w.begin, w.files, w.file_truth, w.fixes) for w in rich]
    functions = [Question(w.begin, w.functions, w.function_truth, w.fixes) for w in rich]
    return [q for q in files if _mixed(q.truth)], [q for q in functions if _mixed(q.truth)]


def _mixed(truth: Truth) -> bool:
    return bool(truth.any()) and not bool(truth.all())


def chances(table: Table, weights: Mapping[str, float]) -> Floats:
    """The probability of each item."""
    found: Floats = sigmoid(log_odds(standard(table.values), vector(table.names, weights)))
    return found


def vector(names: Sequence[str], weights: Mapping[str, float]) -> Floats:
    return np.array([weights.get(CONSTANT, 0.0), *(weights.get(name, 0.0) for name in names)])


def own(asked: Sequence[Question], prior: Mapping[str, float], ridge: float) -> Mapping[str, float]:
    """The weights after what some windows taught; the prior's where there is none."""
    if not asked:
        return prior
    names = [name for name in asked[-1].table.names if name in prior]
    values = np.concatenate([_chosen(each.table, names) for each in asked])
    truth = np.concatenate([each.truth for each in asked]).astype(float)
    costs = np.full(len(names) + 1, ridge)
    costs[0] = LOOSE
    found = fit(values, truth, vector(names, prior), costs)
    return dict(zip([CONSTANT, *names], found.tolist(), strict=True))


def _chosen(table: Table, names: Sequence[str]) -> Floats:
    places = [table.names.index(name) for name in names]
    found: Floats = standard(table.values)[:, places]
    return found


def learn(
    asked: Sequence[Question],
    prior: Mapping[str, float],
    by_size: Mapping[str, float],
    measures: Callable[[Question, Floats], Mapping[str, float]],
    ridge: float,
) -> Learned:
    """Walk forward: each window is told from those that were over when it began. Where the model
    orders no better than size does, size is what is used."""
    seen: list[tuple[Mapping[str, float], Mapping[str, float]]] = []
    measured = asked[-2:]
    for each in measured:
        earlier = [q for q in asked if q.begin + 0.99 * YEAR <= each.begin][-TRUSTED:]
        pair = [
            measures(each, chances(each.table, own(earlier, weights, ridge)))
            for weights in (prior, by_size)
        ]
        seen.append((pair[0], pair[1]))
    told: dict[str, float] = {}
    for name in seen[0][0] if seen else ():
        told[name] = float(np.mean([one[name] for one, _ in seen]))
        told[f"{name} by size"] = float(np.mean([other[name] for _, other in seen]))
    gains = bool(seen) and told["auc"] > told["auc by size"]
    return Learned(
        MODEL if gains else SIZE,
        own(asked[-TRUSTED:], prior if gains else by_size, ridge),
        told,
        len(seen),
        sum(len(each.fixes) for each in measured),
    )


def of_files(asked: Question, score: Floats) -> Mapping[str, float]:
    numbers = asked.table.numbers.tolist()
    return {
        "auc": accuracy.auc(score, asked.truth),
        "fixes in the top ten": accuracy.fixes_in_top(score, numbers, asked.fixes),
        "found in a fifth of the lines": accuracy.recall_of_lines(
            per_line(score, asked.table.lines), asked.table.lines, asked.truth
        ),
    }


def of_functions(asked: Question, score: Floats) -> Mapping[str, float]:
    return {
        "auc": accuracy.auc(score, asked.truth),
        "right of the top ten": accuracy.precision_at(score, asked.truth, 10),
        "found in the top fifty": accuracy.recall_at(score, asked.truth, 50),
        "found in a fifth of the lines": accuracy.recall_of_lines(
            per_line(score, asked.table.lines), asked.table.lines, asked.truth
        ),
    }


def per_line(chance: Floats, lines: Floats) -> Floats:
    found: Floats = chance / np.maximum(lines, 1)
    return found
