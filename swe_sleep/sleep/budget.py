"""The hard limits of one pass over the repository."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from swe_sleep.errors import SweSleepError


class Stopped(SweSleepError):
    """Somebody asked the pass to stop. What was finished is kept; the unit under way is not."""

    exit_code = 130


@dataclass
class Budget:
    """Seconds and money for one pass, and the person's wish to stop.

    Units ask before they begin; long ones hand `exhausted` to whatever they wait for.
    """

    seconds: float
    usd: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)
    spent_usd: float = 0.0

    @property
    def left_s(self) -> float:
        return max(0.0, self.seconds - (time.monotonic() - self.started))

    @property
    def left_usd(self) -> float:
        return max(0.0, self.usd - self.spent_usd)

    def exhausted(self) -> bool:
        """Whether work under way has to end now."""
        return self.stop.is_set() or self.left_s <= 0

    def checkpoint(self) -> None:
        """Raises Stopped once somebody asked to stop."""
        if self.stop.is_set():
            raise Stopped("stopped; what was finished is kept.")
