"""A run: first the sleeps, then the trials that need them, spread over an executor.

One bad task never stops the rest: what gives nothing is written down as lost, with the reason, and
is tried again when the run is taken up again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from swe_sleep.evaluate.executors.protocol import Executor
from swe_sleep.evaluate.pool import Done, Failed
from swe_sleep.evaluate.runs.folder import RunFolder
from swe_sleep.evaluate.runs.plan import Plan
from swe_sleep.evaluate.runs.records import Lost, Result, Slept
from swe_sleep.evaluate.runs.sleeping import STORE, Nap, Woke, sleep
from swe_sleep.evaluate.runs.trial import Asked, Finished, carry_out

R = TypeVar("R", Nap, Asked)


@dataclass(frozen=True, slots=True)
class Told:
    """How far a run is, for whoever watches it."""

    doing: str
    """"sleeping" or "solving"."""
    done: int
    total: int
    lost: int
    resolved: int
    seconds_left: float | None
    """At the pace so far; None where there is none yet."""
    text: str = ""
    """What one of the processes is at, in a line."""


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run, or this part of it, ended."""

    results: Mapping[str, Result]
    sleeps: Mapping[str, Slept]
    lost: tuple[Lost, ...]
    made: int
    """Trials that were carried out now; the others were there."""
    left: int
    """Trials that a stopped run did not come to."""
    wall_s: float

    @property
    def whole(self) -> bool:
        return not (self.lost or self.left)


def run(
    plan: Plan,
    folder: RunFolder,
    executor: Executor,
    *,
    tell: Callable[[Told], None] = lambda told: None,
    stop: Callable[[], bool] = lambda: False,
) -> Summary:
    """Carry out what is not done yet. The caller holds the folder's lock. Raises UsageError, and
    SweSleepError where the folder cannot be written to."""
    began = time.monotonic()
    arms = plan.arms  # of an arm that is left out as a whole the report need not speak
    for each in (*plan.lost, *(e for e in plan.left_out if e.trial and e.trial.arm in arms)):
        folder.write_lost(each)
    results = folder.results()
    slept = {key for key in folder.sleeps() if (folder.stores / key / STORE).is_file()}
    left = plan.without(results, slept)
    waiting, naps = left.asked, left.naps

    clock = _Clock("sleeping", len(naps), tell)
    failed: dict[str, str] = {}
    for event in executor.run(sleep, naps, stop=stop):
        if isinstance(event, Done):
            woke: Woke = event.answer
            folder.write_slept(woke.slept, woke.files)
            clock.tick()
        elif isinstance(event, Failed):
            nap = event.request
            failed[nap.key] = event.reason
            what = f"sleep on {nap.repo} {nap.commit[:10]}"
            folder.write_lost(Lost(nap.key, what, event.reason, event.detail))
            clock.tick(lost=True)
        else:
            clock.say(f"{event.request.repo}: {event.text}")

    able = []
    for asked in waiting:
        if asked.slept in failed:
            reason = f"there are no notes: {failed[asked.slept]}"
            folder.write_lost(Lost(asked.key, _what(asked), reason, trial=asked.trial))
        else:
            able.append(asked)
    clock = _Clock("solving", 0 if stop() else len(able), tell)
    if clock.total:
        for outcome in executor.run(carry_out, able, stop=stop):
            if isinstance(outcome, Done):
                finished: Finished = outcome.answer
                folder.write_result(finished.result, finished.files)
                clock.tick(resolved=finished.result.resolved)
            elif isinstance(outcome, Failed):
                request = outcome.request
                said = outcome.reason, outcome.detail
                folder.write_lost(Lost(request.key, _what(request), *said, trial=request.trial))
                clock.tick(lost=True)
            else:
                clock.say(f"{_what(outcome.request)}: {outcome.text}")
    keys = {each.key for each in plan.asked}
    found = {key: each for key, each in folder.results().items() if key in keys}
    ours = keys | {each.key for each in plan.lost} | {nap.key for nap in plan.naps}
    lost_now = tuple(each for key, each in folder.lost().items() if key in ours)
    lost_trials = {each.key for each in lost_now} & keys
    return Summary(
        found,
        folder.sleeps(),
        lost_now,
        made=clock.done - clock.lost,
        left=len(keys) - len(found) - len(lost_trials),
        wall_s=time.monotonic() - began,
    )


def _what(asked: Asked) -> str:
    return f"{asked.trial.task} {asked.trial.name}"


class _Clock:
    """Counts what is done, and guesses how long the rest takes at the pace so far."""

    def __init__(self, doing: str, total: int, tell: Callable[[Told], None]) -> None:
        self._doing, self.total, self._tell = doing, total, tell
        self.done = self.lost = self._resolved = 0
        self._began = time.monotonic()
        if total:
            self.say("")

    def tick(self, *, lost: bool = False, resolved: bool = False) -> None:
        self.done += 1
        self.lost += lost
        self._resolved += resolved
        self.say("")

    def say(self, text: str) -> None:
        left = None
        if self.done:
            pace = (time.monotonic() - self._began) / self.done
            left = pace * (self.total - self.done)
        self._tell(Told(self._doing, self.done, self.total, self.lost, self._resolved, left, text))
