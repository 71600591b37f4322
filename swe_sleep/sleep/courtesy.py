"""Courtesy: low priority, and waiting while the machine is busy with the person's own work.

What an edit broke is never waited with: that is what the person wants to know, and it is small.
What else the change puts at risk waits a little (`CHANGE_S` in a pass). What nobody waits for
begins only when others' processes leave most of the machine alone, however long that takes. Only
other processes at a normal priority count: neither ours nor those that give way like ours.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from swe_sleep.sleep import priority, processor
from swe_sleep.sleep.budget import Budget
from swe_sleep.sleep.units import Level

BUSY = 0.5
"""Share of all cores that others take from which on we wait."""
FREE = 0.25
"""Below this share the machine counts as free again."""
QUIET_S = 3.0
"""For so long, so that the pause between two steps of a build is none for us."""
CHANGE_S = 30.0
FIRST_S = 0.25
"""For the first look, which has nothing to compare with."""
LOOK_S = 1.0
NOBODY = 0.0


@dataclass
class Load:
    """The share of the cores that others take, between two looks."""

    cores: int = field(default_factory=lambda: os.cpu_count() or 1)
    elsewhere_s: Callable[[], float] = lambda: NOBODY
    """Processor seconds of sandboxes that are no processes below this one."""
    _last: tuple[float, float] | None = None

    def look(self) -> float | None:
        """The share since the last look; None at the first, and where the system does not tell."""
        machine_s = processor.machine_s()
        if machine_s is None:
            return None
        user_s, system_s = processor.taken()
        # At a low priority, time in our own code is not in what the machine counts here.
        own_s = system_s + (user_s if os.getpriority(os.PRIO_PROCESS, 0) <= 0 else 0.0)
        now, others_s = time.monotonic(), machine_s - own_s - self.elsewhere_s()
        last, self._last = self._last, (now, others_s)
        if last is None or now - last[0] < FIRST_S / 2:
            return None
        return max(0.0, (others_s - last[1]) / (now - last[0]) / self.cores)


@dataclass
class Courtesy:
    """Gives way to others, by who waits for a unit."""

    waits: bool = True
    """False where somebody asked for this pass, and waits for its end."""
    load: Callable[[], float | None] = field(default_factory=lambda: Load().look)
    tell: Callable[[bool], None] = lambda waiting: None
    """Told when the waiting begins, and when it ends."""
    _waited_s: float = field(default=0.0, init=False)
    """For `Level.CHANGE`, in the pass under way."""
    _background: bool = field(default=False, init=False)

    def begin(self) -> None:
        """A new pass begins."""
        self._waited_s = 0.0

    def ready(self, level: Level, budget: Budget) -> None:
        """Wait until a unit of this level may begin, and take its priority."""
        self._wait(level, budget)
        background = level >= Level.SLEEP
        if background != self._background:
            self._background = background
            pids = [0, *(process.pid for process in processor.below(os.getpid()))]
            (priority.background if background else priority.low)(pids)

    def _wait(self, level: Level, budget: Budget) -> None:
        """Until the machine is free, or no longer than this level allows, or somebody asks to
        stop. The time does not count as the budget's."""
        if level is Level.PROOF or not self.waits:
            return
        began = time.monotonic()
        if self._waited_enough(level, 0.0) or not self._busy(budget):
            return
        self.tell(True)
        quiet_since: float | None = None
        try:
            while not budget.stop.wait(LOOK_S):
                now = time.monotonic()
                if self._waited_enough(level, now - began):
                    return
                share = self.load()
                if share is None or share >= FREE:
                    quiet_since = None
                else:
                    quiet_since = quiet_since or now
                    if now - quiet_since >= QUIET_S:
                        return
        finally:
            waited_s = time.monotonic() - began
            if level is Level.CHANGE:
                self._waited_s += waited_s
            budget.waited(waited_s)
            self.tell(False)

    def _waited_enough(self, level: Level, now_s: float) -> bool:
        return level is Level.CHANGE and self._waited_s + now_s >= CHANGE_S

    def _busy(self, budget: Budget) -> bool:
        share = self.load()
        if share is None:
            budget.stop.wait(FIRST_S)
            share = self.load()
        return share is not None and share >= BUSY
