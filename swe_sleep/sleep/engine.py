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
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from swe_sleep.errors import BudgetExceeded, SnapshotChanged, StoreError, SweSleepError
from swe_sleep.notes.ledger import Ended, Run, Spent
from swe_sleep.records import Note, State, Usage
from swe_sleep.sleep.budget import Reached, Stopped
from swe_sleep.sleep.desk import Later
from swe_sleep.sleep.schedule import Experience, urgency
from swe_sleep.sleep.situation import Situation
from swe_sleep.sleep.units import Level
from swe_sleep.sleep.units import Made as Made
from swe_sleep.sleep.units import Unit as Unit

LISTED_S = 0.05
"""Work that took less is too small for the ledger."""


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
    began, was finished, failed, or waits for a reply that comes later."""

    kind: Literal["known", "begin", "done", "failed", "later"]
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
    posted_by_pass: dict[str, int] = field(default_factory=dict)
    """Units that wait for a model's reply, which comes with a batch."""
    limits: list[Reached] = field(default_factory=list)
    """Limits that were reached."""
    cpu_s: float = 0.0
    """Processor seconds, with those of all that was started."""
    stopped: bool = False
    """Somebody asked it to stop."""
    moved: bool = False
    """The work tree moved on under it, and the content it was to study is gone."""

    @property
    def left(self) -> int:
        """All of them."""
        return sum(self.left_by_pass.values())

    def reach(self, limit: str, unit: Unit) -> None:
        """A limit that is not the whole pass's left a unit undone."""
        known = next((each for each in self.limits if each.limit == limit), None)
        left = dict(known.left) if known else {}
        _count(left, unit)
        self.limits = [each for each in self.limits if each is not known]
        self.limits.append(Reached(limit, known.at if known else time.time(), left))

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
        self.posted_by_pass = later.posted_by_pass
        self.limits, self.cpu_s = later.limits, later.cpu_s
        self.stopped, self.moved = later.stopped, later.moved


class Engine:
    """Runs passes over one situation."""

    def __init__(self, passes: Sequence[Pass], listener: Listener | None = None) -> None:
        self._passes = {step.name: step for step in passes}
        self._listener = listener or (lambda event: None)

    def plan(self, work: Situation) -> list[Unit]:
        """What would be done now, best first, at the cost that is to be expected here. Runs
        nothing."""
        waiting: dict[str, Unit] = {}
        for step in self._passes.values():
            self._plan(step, work, waiting, set())
        experience = Experience.of(work.store)
        return sorted(map(experience.adjusted, waiting.values()), key=urgency, reverse=True)

    def sleep(self, work: Situation) -> SleepReport:
        """Do what is worth doing until it is done, the budget ends, somebody asks to stop, or the
        work tree moves on."""
        report = SleepReport()
        began = time.monotonic()
        waiting: dict[str, Unit] = {}
        tried: set[str] = set()
        unit: Unit | None = None
        experience = Experience.of(work.store)
        desk = work.desk
        if desk is not None:
            desk.begin()
        for note in _proven(work):
            # Such as when a person makes an edit again that an earlier pass has studied.
            self._listener(Event("known", None, notes=(note,)))
        try:
            for step in self._passes.values():
                self._plan(step, work, waiting, tried)
            while not work.budget.exhausted():
                if not waiting and not self._asked_for_more(work, waiting, tried):
                    break
                unit = max(waiting.values(), key=lambda unit: urgency(experience.adjusted(unit)))
                if unit.level >= Level.SLEEP and desk is not None and desk.collect():
                    for each in self._passes.values():
                        self._replan(each, work, waiting, tried)
                    continue
                work.ready(unit.level)
                if work.budget.exhausted():
                    break
                step = self._passes[unit.step]
                tried.add(unit.key)
                del waiting[unit.key]
                if desk is not None:
                    desk.work_on(unit.key)
                if self._run(step, unit, work, report, experience):
                    for reader in self._passes.values():
                        if step.name in reader.reads:
                            self._replan(reader, work, waiting, tried)
                elif desk is not None and unit.key in desk.waiting():
                    tried.discard(unit.key)  # it is planned again once its reply is here
        except Stopped:
            _count(report.left_by_pass, unit)
        except SnapshotChanged:
            report.moved = True
        if desk is not None:
            if not report.moved:
                desk.post()
            if desk.problem:
                report.problems.append(desk.problem)
            report.usage += desk.taken()
            report.posted_by_pass = desk.waiting_by_pass()
        for unit in waiting.values():
            _count(report.left_by_pass, unit)
        report.issues = _proven(work)
        report.stopped = work.budget.stop.is_set()
        report.seconds = time.monotonic() - began
        report.cpu_s = work.budget.meter.seconds(stale_s=0.0)
        if work.budget.limit and report.left and not (report.stopped or report.moved):
            report.limits.append(Reached(work.budget.limit, time.time(), report.left_by_pass))
        return report

    def _asked_for_more(self, work: Situation, waiting: dict[str, Unit], tried: set[str]) -> bool:
        """Nothing is left to do: send what was gathered for a model, and collect what it answered;
        whether there is something to do now."""
        desk = work.desk
        if desk is not None and (desk.collect() or desk.post()):
            for step in self._passes.values():
                self._replan(step, work, waiting, tried)
        return bool(waiting)

    def _replan(
        self, step: Pass, work: Situation, waiting: dict[str, Unit], tried: set[str]
    ) -> None:
        for key in [key for key, unit in waiting.items() if unit.producer == producer_of(step)]:
            del waiting[key]
        self._plan(step, work, waiting, tried)

    @staticmethod
    def _plan(step: Pass, work: Situation, waiting: dict[str, Unit], tried: set[str]) -> None:
        units = {unit.key: unit for unit in step.plan(work)}
        over = tried | work.store.finished(units).keys()
        if work.desk is not None:
            over |= work.desk.waiting()
        waiting.update((key, unit) for key, unit in units.items() if key not in over)

    def _run(
        self, step: Pass, unit: Unit, work: Situation, report: SleepReport, experience: Experience
    ) -> bool:
        """Run a unit and write down what it made; whether it came to an end of its own."""
        self._listener(Event("begin", unit))
        began = time.monotonic()

        def ran(ended: Ended) -> Run:
            took_s = time.monotonic() - began
            run = Run(unit.key, step.name, unit.product, ended, unit.cost_s, took_s)
            experience.learn(run)
            return run

        try:
            made = step.run(unit, work)
            run = ran("done" if made.done else "cut")
            work.store.record(
                notes=made.notes,
                artefacts=made.artefacts,
                unit=(unit.key, step.name, unit.subject, "done") if made.done else None,
                run=run,
                spent=_spent(step, made, run.took_s),
            )
        except (Stopped, SnapshotChanged, StoreError):
            raise  # without the content, or without a store, there is no use in going on
        except Later:
            self._listener(Event("later", unit))
            return False
        except BudgetExceeded as error:
            _count(report.left_by_pass, unit)
            report.reach(str(error), unit)
            return False
        except SweSleepError as error:
            run = ran("failed")
            work.store.record(run=run)
            report.problems.append(f"{step.name}: {error}")
            self._listener(Event("failed", unit, run.took_s, problem=str(error)))
            return False
        seconds = run.took_s
        report.usage += _own(made.usage)
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


def _spent(step: Pass, made: Made, seconds: float) -> Spent | None:
    """A ledger line for work of some size. What a model took is none of it: that was written down
    when its reply came."""
    if seconds < LISTED_S and not made.usage.test_runs:
        return None
    return Spent(0.0, "sleep", step.name, "", replace(_own(made.usage), wall_s=seconds))


def _own(usage: Usage) -> Usage:
    """Without what a model took: the desk counts that, once, when a reply comes."""
    return Usage(wall_s=usage.wall_s, test_runs=usage.test_runs, candidates=usage.candidates)
