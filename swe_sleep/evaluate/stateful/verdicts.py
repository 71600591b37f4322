"""Whether a difference in how often questions are answered right is one beyond chance."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from swe_sleep.evaluate.figures.statistics import FEWEST, Interval, holm, shown

if TYPE_CHECKING:
    from swe_sleep.evaluate.stateful.figures import Difference
    from swe_sleep.evaluate.stateful.pass_at import EqualTokens

Tested = TypeVar("Tested", "Difference", "EqualTokens")


def corrected(found: Sequence[Tested]) -> list[Tested]:
    """With p-values that are corrected, by Holm, for there being several."""
    known = {str(n): each.p for n, each in enumerate(found) if each.p is not None}
    by_holm = holm(known)
    return [dataclasses.replace(each, p_holm=by_holm.get(str(n))) for n, each in enumerate(found)]


def verdict(pairs: int, difference: float, interval: Interval | None, p_holm: float | None) -> str:
    if pairs < FEWEST:
        return "too few questions"
    if not shown(interval, p_holm):
        return "no difference shown"
    return "more often right" if difference > 0 else "less often right"
