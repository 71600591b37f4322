"""Years of the past as exam questions: what stood at a cut, and what the fixes after it touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from swe_sleep.anticipate.risk.items import Cut, Table
from swe_sleep.anticipate.risk.measure import Measured
from swe_sleep.anticipate.risk.replay import OTHER, OWNER, YEAR, Replay

Truth = np.ndarray[Any, np.dtype[np.bool_]]

MOST_TOUCHED = 20
"""A fix that touches more functions than this points at none of them."""


@dataclass
class Window:
    """The year after a cut. The truths are filled in when the replay is through it."""

    begin: float
    done: int
    """Steps before it."""
    files: Table
    functions: Table
    row: int
    file_truth: Truth = field(default_factory=lambda: np.zeros(0, np.bool_))
    function_truth: Truth = field(default_factory=lambda: np.zeros(0, np.bool_))
    fixes: list[set[int]] = field(default_factory=list)
    """Of each fix that touched any of the files: their numbers."""

    def close(self, replay: Replay) -> None:
        """What the fixes of the year touched."""
        touched: set[int] = set()
        hit = np.zeros(len(self.functions.items), np.bool_)
        known = set(self.files.numbers.tolist())
        steps = np.array(replay.events.step, np.int64)
        shift = int(self.row == OTHER)
        for step in range(self.done, replay.done):
            if not replay.fixing[step] or replay.times[step] >= self.begin + YEAR:
                continue
            first, last = np.searchsorted(steps, [step, step + 1]).tolist()
            files = known.intersection(replay.events.file[first:last])
            if files:
                self.fixes.append(files)
                touched |= files
            marks = replay.touched.get(step, ())
            mine = [each >> 1 for each in marks if each & 1 == shift]
            if len(mine) <= MOST_TOUCHED:
                hit[mine] = True
        self.file_truth = np.array([n in touched for n in self.files.numbers.tolist()], np.bool_)
        self.function_truth = hit


def windows(
    replay: Replay,
    cuts: Sequence[float],
    tree_at: Callable[[str], Mapping[str, str]],
    measured: Callable[[str, str], Measured],
) -> list[Window]:
    """Play a replay to its end, with the windows that begin at the cuts, oldest first: a year apart
    at least, or every second one of them. `tree_at` gives the path and blob of each file of a
    commit."""
    found: list[Window] = []
    for n, begin in enumerate(cuts):
        replay.play(begin)
        if not replay.done:
            continue
        cut = Cut(replay, tree_at(replay.steps[replay.done - 1].id), measured)
        row = (OWNER, OTHER)[n % 2]
        replay.mark(row, cut.marks())
        found.append(Window(begin, replay.done, cut.files(), cut.functions(), row))
    replay.play(float("inf"))
    for window in found:
        window.close(replay)
    return found
