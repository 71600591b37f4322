"""Changes in numbers: what is known of one before anybody knows what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from swe_sleep.anticipate.risk.learn import LOOSE as LOOSE
from swe_sleep.anticipate.risk.learn import RIDGE, vector
from swe_sleep.anticipate.risk.model import WORST, fit, log_odds, sigmoid
from swe_sleep.anticipate.risk.replay import YEAR, Replay

Floats = np.ndarray[Any, np.dtype[np.float64]]
Places = np.ndarray[Any, np.dtype[np.int64]]

FEWEST = 60
"""Steps, and a tenth as many that were blamed, without which nothing is learned here."""
UNKNOWN = 0.5 * YEAR
"""A change younger than this was often not found out yet: it teaches nothing."""

NAMES = (
    "added", "removed", "files", "folders", "entropy", "hunks", "branches", "new", "new.lines",
    "insertions", "tests", "experience", "experience.here", "gap", "gap.least", "file.changes",
    "file.fixes", "file.most", "file.people", "file.lines", "file.longest", "heat.fixes",
    "heat.changes", "heat.age", "heat.lines", "branching", "adding",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps that changed source, a row each."""

    numbers: Places
    times: Floats
    values: Floats
    found_out: Floats
    """When each was blamed first; infinite where it never was."""
    wide: np.ndarray[Any, np.dtype[np.bool_]]


def steps(replay: Replay) -> Steps:
    """All that a replay has played."""
    known = [(n, each) for n, each in enumerate(replay.changes) if each is not None]
    numbers = np.array([n for n, _ in known], np.int64)
    first: dict[int, float] = {}
    for blame in replay.blames:
        time = replay.times[blame.fix]
        first[blame.origin] = min(first.get(blame.origin, np.inf), time)
    return Steps(
        numbers,
        np.array([replay.times[n] for n in numbers.tolist()]),
        in_numbers([each for _, each in known]),
        np.array([first.get(n, np.inf) for n in numbers.tolist()]),
        np.array([replay.wide[n] for n in numbers.tolist()], np.bool_),
    )


def in_numbers(changes: Sequence[Mapping[str, float]]) -> Floats:
    """As the model takes them: logarithms where a few more mean little."""
    found: Floats = np.array([_row(each) for each in changes], float).reshape(-1, len(NAMES))
    return found


def _row(change: Mapping[str, float]) -> list[float]:
    logs = {name: float(np.log1p(max(value, 0.0))) for name, value in change.items()}
    lines = max(change.get("heat.lines", 0.0), 1.0)
    added, removed = change["added"], change["removed"]
    return [
        *(logs[name] for name in ("added", "removed", "files", "folders")),
        change["entropy"],
        *(logs[name] for name in ("hunks", "branches", "new", "new.lines")),
        change["insertions"] / max(change["hunks"], 1.0),
        *(logs[name] for name in ("tests", "experience", "experience.here")),
        *(float(np.log(change[name] + 0.02)) for name in ("gap", "gap.least")),
        *(logs[name] for name in ("file.changes", "file.fixes", "file.most", "file.people")),
        *(logs[name] for name in ("file.lines", "file.longest")),
        *(logs.get(name, 0.0) for name in ("heat.fixes", "heat.changes")),
        float(np.log1p(change.get("heat.age", 0.0) / lines)),
        logs.get("heat.lines", 0.0),
        logs["branches"] - logs["added"],
        added / max(added + removed, 1.0),
    ]


@dataclass(frozen=True, slots=True)
class Scale:
    """What is usual here, so that the model sees how far from it a change is."""

    mean: tuple[float, ...]
    spread: tuple[float, ...]

    @classmethod
    def of(cls, values: Floats) -> Scale:
        if not len(values):
            return cls((0.0,) * len(NAMES), (1.0,) * len(NAMES))
        spread = values.std(axis=0)
        spread = np.where(spread > 1e-9, spread, 1.0)
        return cls(tuple(values.mean(axis=0).tolist()), tuple(spread.tolist()))

    def __call__(self, values: Floats) -> Floats:
        found: Floats = np.clip(
            (values - np.array(self.mean)) / np.array(self.spread), -WORST, WORST
        )
        return found


@dataclass(frozen=True, slots=True)
class Judge:
    """How changes are scored here."""

    scale: Scale
    weights: Mapping[str, float]
    usual: tuple[float, ...] = ()
    """The scores of past changes at each hundredth, lowest first."""

    def chances(self, values: Floats) -> Floats:
        found: Floats = sigmoid(log_odds(self.scale(values), vector(NAMES, self.weights)))
        return found

    def above(self, chance: float) -> float:
        """The share of past changes that are less risky."""
        if not self.usual:
            return 0.0
        return float(np.searchsorted(np.array(self.usual), chance)) / len(self.usual)


def learn(known: Steps, until: float, prior: Mapping[str, float]) -> Judge:
    """From what was known at a time."""
    before = (known.times < until) & ~known.wide
    scale = Scale.of(known.values[before])
    old = before & (known.times < until - UNKNOWN)
    truth = (known.found_out < until)[old].astype(float)
    weights = prior
    if old.sum() >= FEWEST and truth.sum() >= FEWEST / 10:
        ridge = np.full(len(NAMES) + 1, RIDGE["changes"])
        ridge[0] = LOOSE
        found = fit(scale(known.values[old]), truth, vector(NAMES, prior), ridge)
        weights = dict(zip(["constant", *NAMES], found.tolist(), strict=True))
    judge = Judge(scale, weights)
    if not before.any():
        return judge
    usual = np.quantile(judge.chances(known.values[before]), np.arange(100) / 100)
    return Judge(scale, weights, tuple(usual.tolist()))
