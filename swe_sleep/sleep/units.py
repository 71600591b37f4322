"""A unit of work, what it makes, and who waits for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from swe_sleep.notes.store import content_key
from swe_sleep.records import Note, Usage


class Level(IntEnum):
    """Who waits for a unit. All of a lower level that is known comes before any of a higher one;
    within a level value per cost decides."""

    PROOF = 0
    """Whoever made the edit: whether it broke something, why, and the patch. Never delayed."""
    CHANGE = 1
    """What else the change puts at risk. Delayed a little while the machine is busy."""
    SLEEP = 2
    """Nobody. Delayed as long as the machine is busy with the person's own work."""
    SPARE = 3
    """Nobody, and it may go on for ever: what is done once all else is."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of work. `value` is what it is worth to have it done now, in seconds that it is
    expected to save somebody; `cost_s` is a guess at the seconds that it takes, which the engine
    corrects by what such units took here."""

    producer: str
    subject: str
    inputs: Mapping[str, str]
    value: float
    cost_s: float
    paths: tuple[str, ...] = ()
    """The files or tests it works on, where a pass wants them again; not part of the key."""
    level: Level = Level.SLEEP
    product: str = ""
    """The name of the `schedule.Product` that it makes."""
    tokens: int = 0
    """Tokens that it may cost at most; 0 for one that asks no model."""
    usd: float = 0.0
    """US dollars that it may cost at most."""

    @property
    def step(self) -> str:
        """The name of the pass."""
        return self.producer.partition("@")[0]

    @property
    def key(self) -> str:
        text = f"{self.producer}\0{self.subject}\0{content_key(self.inputs)}"
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Made:
    """What a unit made; everything in it is written together."""

    notes: tuple[Note, ...] = ()
    artefacts: tuple[tuple[str, str, bytes], ...] = ()
    usage: Usage = Usage()
    done: bool = True
    """False where the time ran out: keep what is here, but plan the unit again next time."""
