"""What a question costs: `t * test + sleep / N`, for N questions on a text.

In money; in tokens, all that are read and written, what was noted being read again at each
question; and in generated tokens alone, which is how the paper counts (Lin et al., 2025, section
5.3): there reading the notes is free.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from swe_sleep.evaluate.figures.costs import SHARED, BreakEven, break_even
from swe_sleep.evaluate.figures.statistics import Chance
from swe_sleep.evaluate.runs.records import Arm, Slept
from swe_sleep.evaluate.stateful.grid import Grid, Key
from swe_sleep.records import Usage


class Measure(StrEnum):
    USD = "usd"
    TOKENS = "tokens"
    GENERATED = "generated"
    """The paper's."""

    def of(self, usage: Usage) -> float | None:
        if self is Measure.USD:
            return usage.cost_usd
        return float(usage.tokens if self is Measure.TOKENS else usage.output_tokens)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one arm with its budgets, in one measure. Means over the questions."""

    key: Key
    measure: Measure
    test: float
    test_off: float | None
    """Of the arm `off` at the same budget."""
    sleep: float
    """Of one text."""
    shared_by: float
    """Questions that shared a text's sleep, on average."""
    per_query: Mapping[float, float]
    """By t, for the N that really shared each sleep."""
    off_per_query: Mapping[float, float]
    curve: Mapping[float, Mapping[int, float]]
    """By t, by N."""
    break_even: Mapping[float, BreakEven]
    """By t: from how many questions on a text on the arm costs less than `off` at the same budget,
    on the questions that both answered."""
    matched: str = ""
    """The cheapest budget of `off` that is right at least as often; empty where none is."""
    break_even_matched: Mapping[float, BreakEven] | None = None
    """The same against that one."""


def cost(
    grid: Grid,
    sleeps: Mapping[str, Slept],
    key: Key,
    measure: Measure,
    weights: tuple[float, ...],
    chance: Chance,
) -> Cost | None:
    """None where something has no known cost, or nothing was answered."""
    test = grid.mean(key, lambda each: measure.of(each.usage))
    users: dict[str, int] = {}
    for answers in grid.cells.get(key, {}).values():
        for each in answers:
            users[each.slept] = users.get(each.slept, 0) + 1
    slept = [measure.of(sleeps[name].usage) if name in sleeps else None for name in users]
    known = [each for each in slept if each is not None]
    if test is None or not users or len(known) < len(slept):
        return None
    sleep, shared = math.fsum(known) / len(known), sum(users.values()) / len(users)
    offs = {
        other: value
        for other in grid.cells
        if other.arm is Arm.OFF
        and (value := grid.mean(other, lambda each: measure.of(each.usage))) is not None
    }
    same = Key(Arm.OFF, key.budget, "")
    off = offs.get(same)
    matched = _matched(grid, key, offs)

    def even(other: Key) -> dict[float, BreakEven]:
        return _even(grid, sleeps, users, key, other, measure, weights, chance)

    return Cost(
        key=key,
        measure=measure,
        test=test,
        test_off=off,
        sleep=sleep,
        shared_by=shared,
        per_query={t: t * test + sleep / shared for t in weights},
        off_per_query={} if off is None else {t: t * off for t in weights},
        curve={t: {n: t * test + sleep / n for n in SHARED} for t in weights},
        break_even={} if off is None else even(same),
        matched=matched.budget if matched else "",
        break_even_matched=even(matched) if matched else None,
    )


def _even(
    grid: Grid,
    sleeps: Mapping[str, Slept],
    users: Mapping[str, int],
    key: Key,
    off: Key,
    measure: Measure,
    weights: tuple[float, ...],
    chance: Chance,
) -> dict[float, BreakEven]:
    """All costs are known."""
    spent = grid.pairs(key, off, lambda each: measure.of(each.usage) or 0.0)
    asleep, parts = [], []
    for query in spent:
        slept = [each.slept for each in grid.cells[key][query]]
        shares = [1 / users[name] for name in slept]
        took = [measure.of(sleeps[name].usage) or 0.0 for name in slept]
        parts.append(math.fsum(shares))
        asleep.append(math.fsum(map(math.prod, zip(took, shares, strict=True))) / parts[-1])
    saved = [other - mine for mine, other in spent.values()]
    clusters = grid.clusters(spent)
    if not saved:
        return {}
    return {t: break_even(t, saved, asleep, parts, chance, clusters) for t in weights}


def _matched(grid: Grid, key: Key, offs: Mapping[Key, float]) -> Key | None:
    """On the questions that both have."""
    able = []
    for off in offs:
        pairs = grid.pairs(key, off).values()
        if pairs and sum(b for _, b in pairs) >= sum(a for a, _ in pairs):
            able.append(off)
    return min(able, key=lambda off: offs[off], default=None)
