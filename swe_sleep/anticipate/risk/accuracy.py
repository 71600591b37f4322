"""How good a ranking was, against what came."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Truth = np.ndarray[Any, np.dtype[np.bool_]]

TOP_FILES = 10
LINES = 0.2


def auc(score: Floats, truth: Truth) -> float:
    """The chance that one that came stands before one that did not; NaN without both."""
    right = int(truth.sum())
    wrong = len(truth) - right
    if not right or not wrong:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks = ((last - count + 1 + last) / 2)[place]
    return float((ranks[truth].sum() - right * (right + 1) / 2) / (right * wrong))


def best(score: Floats, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.argsort(-score, kind="stable")[:count]


def precision_at(score: Floats, truth: Truth, count: int) -> float:
    return float(truth[best(score, count)].mean()) if len(truth) else float("nan")


def recall_at(score: Floats, truth: Truth, count: int) -> float:
    return float(truth[best(score, count)].sum() / max(int(truth.sum()), 1))


def recall_of_lines(score: Floats, lines: Floats, truth: Truth, share: float = LINES) -> float:
    """The share of what came that is found by reading down the ranking until a share of all lines
    is read."""
    order = np.argsort(-score, kind="stable")
    read = np.cumsum(lines[order]) <= share * lines.sum()
    return float(truth[order][read].sum() / max(int(truth.sum()), 1))


def fixes_in_top(
    score: Floats,
    numbers: Sequence[int],
    fixes: Sequence[Collection[int]],
    count: int = TOP_FILES,
) -> float:
    """The share of the fixes that touch one of the first."""
    top = {numbers[n] for n in best(score, count).tolist()}
    return float(np.mean([not top.isdisjoint(fix) for fix in fixes])) if fixes else float("nan")
