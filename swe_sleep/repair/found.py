"""What a search may take, what it tells on its way, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from swe_sleep.records import Coverage, Patch, Suspicion, TestRun, Usage
from swe_sleep.repair.candidates import Candidate, Kind


@dataclass(frozen=True, slots=True)
class Budget:
    seconds: float = 60.0
    candidates: int = 50_000
    plausible: int = 8
    """So many plausible patches are enough; ways to undo the change count as one."""
    patience: int = 300
    """Once there is a plausible patch, so many candidates in a row without another end it."""
    patience_s: float = 4.0
    """Once there is a plausible patch, so many seconds without another end it."""


Ended = Literal[
    "enough", "patience", "seconds", "candidates", "exhausted", "stopped", "does not fail"
]

ENDED: Mapping[Ended, str] = {
    "enough": "enough plausible patches were found",
    "patience": "no further plausible patch came up for a while",
    "seconds": "the time was up",
    "candidates": "the limit of candidates was reached",
    "exhausted": "every candidate was tried",
    "stopped": "it was stopped",
    "does not fail": "the tests that should fail passed",
}


@dataclass(frozen=True, slots=True)
class Event:
    """Live progress. `text` is one line for a person."""

    kind: Literal["measured", "localised", "tried", "plausible", "ended"]
    text: str
    tried: int = 0
    plausible: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Plausible:
    """A patch that passed. `kind` says how it stands to the person's recent change; `score`
    orders plausible patches, the best first."""

    patch: Patch
    files: Mapping[str, bytes]
    candidate: Candidate
    score: float
    run: TestRun

    @property
    def kind(self) -> Kind:
        return self.candidate.kind


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to: plausible patches, best first, and what it took."""

    plausible: tuple[Plausible, ...]
    suspicions: tuple[Suspicion, ...]
    ended: Ended
    usage: Usage
    coverage: Coverage = field(default_factory=Coverage)
    """What it searched with: the one given, or the one it measured."""

    @property
    def best(self) -> Plausible | None:
        return self.plausible[0] if self.plausible else None

    @property
    def summary(self) -> str:
        count = len(self.plausible)
        patches = f"{count or 'no'} plausible patch{'' if count == 1 else 'es'}"
        return (
            f"{patches}; {self.usage.candidates} candidates tried in {self.usage.test_runs} test "
            f"runs and {self.usage.wall_s:.1f} s; {ENDED[self.ended]}"
        )
