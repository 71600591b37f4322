"""What work is counted in, and what is measured of a trial."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from swe_sleep.evaluate.runs.records import Result
from swe_sleep.records import Usage


class Unit(StrEnum):
    """Work counts in money where a model was asked and its price is known, else in what the
    built-in solver spends."""

    USD = "usd"
    TOKENS = "tokens"
    SECONDS = "seconds"
    TEST_RUNS = "test-runs"
    CANDIDATES = "candidates"

    @property
    def plural(self) -> str:
        return _TITLES[self]

    def of(self, usage: Usage) -> float | None:
        """None where the price is not known."""
        if self is Unit.USD:
            return usage.cost_usd
        if self is Unit.TOKENS:
            return float(usage.tokens)
        if self is Unit.SECONDS:
            return usage.wall_s
        return float(usage.test_runs if self is Unit.TEST_RUNS else usage.candidates)


_TITLES = {
    Unit.USD: "US dollars",
    Unit.TOKENS: "tokens",
    Unit.SECONDS: "wall-clock seconds",
    Unit.TEST_RUNS: "test runs",
    Unit.CANDIDATES: "candidates",
}


def told(usages: Iterable[Usage]) -> tuple[Unit, ...]:
    """The units that say anything of this work, the one to count costs in first."""
    found = list(usages)
    units = [unit for unit in (Unit.TEST_RUNS, Unit.CANDIDATES) if any(map(unit.of, found))]
    if any(each.tokens for each in found):
        priced = all(each.cost_usd is not None for each in found)
        return (*((Unit.USD,) if priced else ()), Unit.TOKENS, Unit.SECONDS, *units)
    return (Unit.SECONDS, *units)


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is known of every trial, and how it is named."""

    name: str
    title: str
    of: Callable[[Result], float | None]


RESOLVED = Measure("resolved", "resolved", lambda result: float(result.resolved))
F1 = Measure("f1", "F1 of the modified files", lambda result: result.f1)
TURNS = Measure("turns", "turns", lambda result: float(result.usage.turns))


def of_unit(unit: Unit) -> Measure:
    """Work at test time."""
    return Measure(unit.value, f"{unit.plural} at test time", lambda result: unit.of(result.usage))
