"""A regression that leans on what other repositories taught: logistic, drawn towards a prior."""

from __future__ import annotations

from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]

MOST_STEPS = 40
CLOSE = 1e-6
WORST = 4.0
"""Beyond this many deviations a value says no more."""


def standard(values: Floats) -> Floats:
    """Each column by its mean and deviation over these items, so that what a number means is
    relative to its repository at its time."""
    if not len(values):
        return values
    spread = values.std(axis=0)
    scaled: Floats = (values - values.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    return np.clip(scaled, -WORST, WORST)


def fit(
    values: Floats, truth: Floats, prior: Floats, ridge: Floats, weights: Floats | None = None
) -> Floats:
    """The weights, the constant's first, that make the truth likeliest while paying
    `ridge / 2 * (w - prior) ** 2` for each; found by Newton's method, with halved steps."""
    design = np.concatenate([np.ones((len(values), 1)), values], axis=1)
    each = np.ones(len(values)) if weights is None else weights
    found = prior.copy()
    loss = _loss(design, truth, each, found, prior, ridge)
    for _ in range(MOST_STEPS):
        chance = sigmoid(design @ found)
        slope = design.T @ (each * (chance - truth)) + ridge * (found - prior)
        curve = (design * (each * chance * (1 - chance))[:, None]).T @ design
        step = np.linalg.solve(curve + np.diag(ridge + 1e-9), slope)
        size = 1.0
        while size > 1e-3:
            tried = found - size * step
            now = _loss(design, truth, each, tried, prior, ridge)
            if now <= loss:
                break
            size /= 2
        else:
            break
        done = loss - now < CLOSE * max(loss, 1.0)
        found, loss = tried, now
        if done:
            break
    return found


def _loss(
    design: Floats, truth: Floats, each: Floats, tried: Floats, prior: Floats, ridge: Floats
) -> float:
    score = design @ tried
    likely = np.logaddexp(0.0, score) - truth * score
    return float((each * likely).sum() + 0.5 * (ridge * (tried - prior) ** 2).sum())


def sigmoid(score: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-np.clip(score, -35, 35)))
    return found


def log_odds(values: Floats, weights: Floats) -> Floats:
    found: Floats = weights[0] + values @ weights[1:]
    return found
