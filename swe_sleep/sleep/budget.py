"""The hard limits of one pass over the repository."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from swe_sleep.errors import SweSleepError
from swe_sleep.sleep.processor import Meter


class Stopped(SweSleepError):
    """Somebody asked the pass to stop. What was finished is kept; the unit under way is not."""

    exit_code = 130


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that ended something."""

    limit: str
    """In words, such as "300 s of wall time"."""
    at: float
    """Unix time."""
    left: Mapping[str, int] = field(default_factory=dict)
    """Units that were left undone because of it, by pass."""


@dataclass
class Budget:
    """Wall and processor seconds and money for one pass, and the person's wish to stop.

    Units ask before they begin; long ones hand `exhausted` to whatever they wait for. Money and
    tokens are counted where they are spent, at the `Desk`.
    """

    seconds: float
    usd: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)
    spent_usd: float = 0.0
    cpu_s: float = float("inf")
    """Processor seconds for this process and all that it starts."""
    meter: Meter = field(default_factory=Meter)

    @property
    def left_s(self) -> float:
        return max(0.0, self.seconds - (time.monotonic() - self.started))

    @property
    def left_usd(self) -> float:
        return max(0.0, self.usd - self.spent_usd)

    @property
    def overworked(self) -> bool:
        """Whether the processor time is used up."""
        return self.cpu_s < float("inf") and self.meter.seconds() >= self.cpu_s

    @property
    def limit(self) -> str:
        """The limit that was reached, in words; empty for none."""
        if self.left_s <= 0:
            return f"{self.seconds:g} s of wall time"
        return f"{self.cpu_s:g} s of processor time" if self.overworked else ""

    def exhausted(self) -> bool:
        """Whether work under way has to end now."""
        return self.stop.is_set() or self.left_s <= 0 or self.overworked

    def cut(self) -> bool:
        """Whether work under way that has a time limit of its own has to end now."""
        return self.stop.is_set() or self.overworked

    def checkpoint(self) -> None:
        """Raises Stopped once somebody asked to stop."""
        if self.stop.is_set():
            raise Stopped("stopped; what was finished is kept.")

    def waited(self, seconds: float) -> None:
        """Time in which nothing was done, out of regard for others, is not counted."""
        self.started += seconds
