"""How likely a change to one function is a fault: a logistic regression, fitted on the past of
public libraries by `python -m benchmarks.leads --fit`, which writes `weights.toml`."""

from __future__ import annotations

import importlib.resources
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from swe_sleep.anticipate.leads.features import Features

FILE = "weights.toml"


@dataclass(frozen=True)
class Weights:
    intercept: float
    least: float
    """The chance from which on a lead is worth a note."""
    least_second: float
    """The same for a second one in one change set."""
    features: Mapping[str, float]
    off: frozenset[str]
    """Kinds of lead that were wrong too often to be worth a note."""

    def chance(self, features: Features) -> float:
        """From 0 to 1; on the scale of the fit, where a fault is as frequent as ordinary work."""
        score = self.intercept
        for name, value in features.items():
            score += self.features.get(name, 0.0) * value
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


@lru_cache(maxsize=1)
def weights() -> Weights:
    text = importlib.resources.files(__package__).joinpath(FILE).read_text("utf-8")
    read = tomllib.loads(text)
    return Weights(
        read["intercept"],
        read["least"],
        read["least_second"],
        read["features"],
        frozenset(read["off"]),
    )
