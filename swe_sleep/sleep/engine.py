"""The engine: a small incremental build system whose artefacts are notes.

A pass plans units of work; a unit's key is the hash of the pass, its version, its subject and the
content it reads. A unit that is finished under that key is never done again, in this process or any
later one. Among the units known at a moment the most urgent (`schedule`) runs next; what it made is
written in one transaction, so that a kill at any point loses at most the unit under way. After a
unit, the passes that read what it made plan again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from swe_sleep.errors import SnapshotChanged, StoreError, SweSleepError
from swe_sleep.notes.store import Spent
from swe_sleep.records import Note, State, Usage
from swe_sleep.sleep.budget import Stopped
from swe_sleep.sleep.schedule import urgency
from swe_sleep.sleep.situation import Situation
from swe_sleep.sleep.units import Made as Made
from swe_sleep.sleep.units import Unit as Unit


class Pass(Protocol):
    """A step from content to notes. Pure but for `Situation`: the same inputs give the same notes,
    as far as the tests of the repository do."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def reads(self) -> tuple[str, ...]:
        """Passes whose products it needs; it is planned again after each of their units."""
        ...

    def plan(self, work: Situation) -> Iterable[Unit]:
        """The units that are worth doing for the situation as it is. Cheap: no test is run."""
        ...

    def run(self, unit: Unit, work: Situation) -> Made: ...


def producer_of(step: Pass) -> str:
    return f"{step.name}@{step.version}"


@dataclass(frozen=True, slots=True)
class Event:
    """Something the engine tells whoever watches: a proven issue is known already, or a unit
    began, was finished, or failed."""

    kind: Literal["known", "begin", "done", "failed"]
    unit: Unit | None
    """None for what is known already."""
    seconds: float = 0.0
    notes: tuple[Note, ...] = ()
    problem: str = ""


Listener = Callable[[Event], None]


@dataclass
class SleepReport:
    """What one pass over the repository did."""

    seconds: float = 0.0
    usage: Usage = Usage()
    units: dict[str, int] = field(default_factory=dict)
    """Finished units per pass."""
    seconds_by_pass: dict[str, float] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    issues: list[Note] = field(default_factory=list)
    """Proven issues that stand at the end."""
    left_by_pass: dict[str, int] = field(default_factory=dict)
    """Units known but not done, because the budget ended, or their own time did."""
    stopped: bool = False
    """Somebody asked it to stop."""
    moved: bool = False
    """The work tree moved on under it, and the content it was to study is gone."""

    @property
    def left(self) -> int:
        """All of them."""
        return sum(self.left_by_pass.values())

    def add(self, later: SleepReport) -> None:
        """Take in what a later part of the same pass did."""
        self.seconds += later.seconds
        self.usage += later.usage
        for name, count in later.units.items():
            self.units[name] = self.units.get(name, 0) + count
        for name, seconds in later.seconds_by_pass.items():
            self.seconds_by_pass[name] = self.seconds_by_pass.get(name, 0.0) + seconds
        self.notes += later.notes
        self.problems += later.problems
        self.issues = later.issues
        self.left_by_pass = later.left_by_pass
        self.stopped, self.moved = later.stopped, later.moved


class Engine:
    """Runs passes over one situation."""

    def __init__(self, passes: Sequence[Pass], listener: Listener | None = None) -> None:
        self._passes = {step.name: step for step in passes}
        self._listener = listener or (lambda event: None)

    def plan(self, work: Situation) -> list[Unit]:
        """What would be done now, best first. Runs nothing."""
        waiting: dict[str, Unit] = {}
        for step in self._passes.values():
            self._plan(step, work, waiting, set())
        return sorted(waiting.values(), key=urgency, reverse=True)

    def sleep(self, work: Situation) -> SleepReport:
        """Do what is worth doing until it is done, the budget ends, somebody asks to stop, or the
        work tree moves on."""
        report = SleepReport()
        began = time.monotonic()
        waiting: dict[str, Unit] = {}
        tried: set[str] = set()
        unit: Unit | None = None
        for note in _proven(work):
            # Such as when a person makes an edit again that an earlier pass has studied.
            self._listener(Event("known", None, notes=(note,)))
        try:
            for step in self._passes.values():
                self._plan(step, work, waiting, tried)
            while waiting and not work.budget.exhausted():
                unit = max(waiting.values(), key=urgency)
                step = self._passes[unit.step]
                tried.add(unit.key)
                del waiting[unit.key]
                if self._run(step, unit, work, report):
                    for reader in self._passes.values():
                        if step.name in reader.reads:
                            self._replan(reader, work, waiting, tried)
        except Stopped:
            _count(report.left_by_pass, unit)
        except SnapshotChanged:
            report.moved = True
        for unit in waiting.values():
            _count(report.left_by_pass, unit)
        report.issues = _proven(work)
        report.stopped = work.budget.stop.is_set()
        report.seconds = time.monotonic() - began
        return report

    def _replan(
        self, step: Pass, work: Situation, waiting: dict[str, Unit], tried: set[str]
    ) -> None:
        for key in [key for key, unit in waiting.items() if unit.producer == producer_of(step)]:
            del waiting[key]
        self._plan(step, work, waiting, tried)

    @staticmethod
    def _plan(step: Pass, work: Situation, waiting: dict[str, Unit], tried: set[str]) -> None:
        units = {unit.key: unit for unit in step.plan(work)}
        finished = work.store.finished(units)
        waiting.update(
            (key, unit) for key, unit in units.items() if key not in finished and key not in tried
        )

    def _run(self, step: Pass, unit: Unit, work: Situation, report: SleepReport) -> bool:
        self._listener(Event("begin", unit))
        began = time.monotonic()
        try:
            made = step.run(unit, work)
            work.store.record(
                notes=made.notes,
                artefacts=made.artefacts,
                unit=(unit.key, step.name, unit.subject, "done") if made.done else None,
                spent=_spent(step, unit, made, time.monotonic() - began),
            )
        except (Stopped, SnapshotChanged, StoreError):
            raise  # without the content, or without a store, there is no use in going on
        except SweSleepError as error:
            seconds = time.monotonic() - began
            report.problems.append(f"{step.name}: {error}")
            self._listener(Event("failed", unit, seconds, problem=str(error)))
            return False
        seconds = time.monotonic() - began
        report.usage += made.usage
        _count(report.units if made.done else report.left_by_pass, unit)
        report.seconds_by_pass[step.name] = report.seconds_by_pass.get(step.name, 0.0) + seconds
        report.notes.extend(made.notes)
        self._listener(Event("done", unit, seconds, made.notes))
        return True


def _count(counts: dict[str, int], unit: Unit | None) -> None:
    if unit is not None:
        counts[unit.step] = counts.get(unit.step, 0) + 1


def _proven(work: Situation) -> list[Note]:
    return [seen.note for seen in work.view.issues(State.PATCHED, State.REPRODUCED)]


def _spent(step: Pass, unit: Unit, made: Made, seconds: float) -> Spent | None:
    """A ledger line for work that ran tests or asked a model; the rest is too small to list."""
    if not (made.usage.tokens or made.usage.test_runs):
        return None
    usage = made.usage + Usage(wall_s=seconds - made.usage.wall_s)
    return Spent(0.0, "sleep", step.name, "", usage)
