"""What is gained by how well something was foreseen: in fifths, and as a trend over all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from swe_sleep.evaluate.extras import need
from swe_sleep.evaluate.figures.statistics import FEWEST

GROUPS = 5


def divided(values: Mapping[str, float], parts: int = GROUPS) -> list[list[str]]:
    """In at most so many groups about equally large, least first. Equal values stay together, where
    the middle of them falls, so there may be fewer."""
    ordered = sorted(values, key=lambda name: (values[name], name))
    places: dict[float, list[int]] = {}
    for place, name in enumerate(ordered):
        places.setdefault(values[name], []).append(place)
    groups: list[list[str]] = [[] for _ in range(parts)]
    for name in ordered:
        same = places[values[name]]
        middle = (same[0] + same[-1]) / 2
        groups[int(parts * (middle + 0.5) / len(ordered))].append(name)
    return [group for group in groups if group]


def trend(values: Sequence[float], gains: Sequence[float]) -> tuple[float | None, float | None]:
    """Kendall's tau-b, above 0 where more of the one goes with more of the other, and its p-value:
    gains are -1, 0 or 1, and tau-b minds that most are equal. None where all are alike or too few
    to tell."""
    if len(values) < FEWEST or len(set(values)) < 2 or len(set(gains)) < 2:
        return None, None
    found = need("scipy.stats", extra="eval").kendalltau(values, gains)
    return float(found.statistic), float(found.pvalue)
