"""A run: texts are read when the first question on them needs it, and questions are answered, by
several threads, as what takes time is the model's.

What is finished is kept at once. One bad problem never stops the rest; a limit or a server that is
gone does, and the same command goes on from there.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from swe_sleep.errors import BudgetExceeded, StoreError, SweSleepError
from swe_sleep.evaluate.runs.folder import RESULTS, RunFolder
from swe_sleep.evaluate.runs.records import Lost, Result
from swe_sleep.evaluate.stateful.asking import Till
from swe_sleep.evaluate.stateful.bench import Bench, Finished
from swe_sleep.evaluate.stateful.plan import Asked, Nap
from swe_sleep.evaluate.stateful.reading import Reading
from swe_sleep.evaluate.stateful.records import Answered, Lines
from swe_sleep.model.faults import ModelFault
from swe_sleep.records import Usage

ANSWERS, REPLIES = "answers.jsonl", "replies.jsonl"
MOST_FOLDERS = 5_000
"""Of more answers than these the prompts and replies have no folder each; `replies.jsonl` has
every reply."""
POLL_S = 0.2
GONE = frozenset({"no_key", "denied", "unknown_model", "money"})
"""Faults that every other request would meet."""
AWAY = frozenset({"limited", "overloaded", "server", "connection", "timeout"})
MOST_AWAY = 5
"""So many of these in a row end the run: the SDK has retried each several times already."""


@dataclass(frozen=True, slots=True)
class Summary:
    answers: Mapping[str, Answered]
    readings: Mapping[str, Reading]
    lost: tuple[Lost, ...]
    left: int
    """Questions that the run did not come to."""
    made: int
    """Answers of this run; the others were there."""
    spent: Usage
    """By all runs in the folder."""
    foresight: Usage
    """What the lists of expected questions took that this run needed."""
    wall_s: float
    ended: str = ""
    """Why it ended before all was done; empty where a person stopped it."""

    @property
    def whole(self) -> bool:
        return not (self.lost or self.left)


def run(
    asked: Sequence[Asked],
    bench: Bench,
    folder: RunFolder,
    till: Till,
    *,
    jobs: int = 1,
    progress: Callable[[str], None] = lambda line: None,
    stop: Callable[[], bool] = lambda: False,
) -> Summary:
    """Answer what is not answered yet. The caller holds the folder's lock. Once `stop` is true,
    what is under way is given up; a limit only keeps more from being begun. Raises StoreError."""
    began = time.monotonic()
    work = _Work(folder, till, asked, progress)
    units = _units(work.waiting(), ahead=jobs)
    flying: dict[Future[Finished | None], Asked | Nap] = {}
    with ThreadPoolExecutor(max_workers=jobs) as threads:
        try:
            while True:
                if stop():
                    till.over.set()
                while not (till.over.is_set() or work.ended) and len(flying) < jobs:
                    unit = next(units, None)
                    if unit is None:
                        break
                    flying[threads.submit(_do, bench, unit)] = unit
                if not flying:
                    break
                for future in wait(flying, POLL_S, FIRST_COMPLETED).done:
                    work.take(flying.pop(future), future)
        finally:
            till.over.set()  # where we leave by an error, the threads are not waited for long
    found = {each.key: work.answers[each.key] for each in asked if each.key in work.answers}
    return Summary(
        found,
        dict(bench.readings),
        tuple(work.lost.values()),
        left=len(asked) - len(found) - len(work.lost),
        made=work.made,
        spent=till.budget.spent,
        foresight=bench.foresight,
        wall_s=time.monotonic() - began,
        ended=work.ended,
    )


def _do(bench: Bench, unit: Asked | Nap) -> Finished | None:
    if isinstance(unit, Asked):
        return bench.answer(unit)
    bench.read(unit)
    return None


def _units(waiting: Sequence[Asked], ahead: int) -> Iterator[Asked | Nap]:
    """Questions in their order. The readings that they need are begun some texts before them, so
    that no thread waits for another's."""
    by_text: dict[str, list[Asked]] = {}
    for each in waiting:
        by_text.setdefault(each.query.text_id, []).append(each)
    texts = list(by_text.values())
    begun: set[str] = set()

    def naps(place: int) -> Iterator[Nap]:
        for each in texts[place] if place < len(texts) else ():
            for nap in each.naps:
                if nap.key not in begun:
                    begun.add(nap.key)
                    yield nap

    for place in range(ahead):
        yield from naps(place)
    for place, group in enumerate(texts):
        yield from naps(place + ahead)
        yield from group


@dataclass
class _Work:
    """What is done of a run, and keeping it."""

    folder: RunFolder
    till: Till
    asked: Sequence[Asked]
    progress: Callable[[str], None]
    lines: Lines[Answered] = field(init=False)
    results: Lines[Result] = field(init=False)
    answers: dict[str, Answered] = field(init=False)
    slept: set[str] = field(init=False)
    lost: dict[str, Lost] = field(default_factory=dict)
    made: int = 0
    ended: str = ""
    away: int = 0
    _before: int = 0
    _began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.lines = Lines(self.folder.path / ANSWERS, Answered)
        self.results = Lines(self.folder.path / RESULTS, Result)
        self.answers = self.lines.read()
        self.slept = set(self.folder.sleeps())
        written = self.folder.results().keys()
        for each in self.asked:  # a run may have been killed between the two
            found = self.answers.get(each.key)
            if found is not None and not found.sample and found.key not in written:
                self._write(found, {})
        self._before = sum(each.key in self.answers for each in self.asked)
        self._tell()

    def waiting(self) -> list[Asked]:
        return [each for each in self.asked if each.key not in self.answers]

    def take(self, unit: Asked | Nap, future: Future[Finished | None]) -> None:
        """Keep what a thread has made, or why it has not."""
        try:
            finished = future.result()
        except StoreError:
            raise
        except BudgetExceeded as error:
            if not self.till.over.is_set():
                self.ended = self.ended or str(error)
        except ModelFault as fault:
            if fault.kind == "stopped":
                return
            self._lose(unit, str(fault))
            self.away = self.away + 1 if fault.kind in AWAY else 0
            if fault.kind in GONE or self.away >= MOST_AWAY:
                self.ended = self.ended or str(fault)
        except SweSleepError as error:
            self._lose(unit, str(error))
        except Exception as error:
            detail = "".join(traceback.format_exception(error))
            self._lose(unit, f"{type(error).__name__}: {error}", detail)
        else:
            self.away = 0
            if finished is not None:
                self._keep(finished)
        self._tell()

    def _keep(self, finished: Finished) -> None:
        slept, answered = finished.slept, finished.answered
        if slept is not None and slept.key not in self.slept:
            self.folder.write_slept(slept, finished.slept_files)
            self.slept.add(slept.key)
        self.lines.write(answered)
        self.answers[answered.key] = answered
        self.made += 1
        if not answered.sample:
            self._write(answered, finished.files)

    def _write(self, answered: Answered, files: Mapping[str, bytes]) -> None:
        if len(self.asked) <= MOST_FOLDERS:
            self.folder.write_result(answered.result(), files)
        else:
            self.results.write(answered.result())

    def _lose(self, unit: Asked | Nap, reason: str, detail: str = "") -> None:
        if isinstance(unit, Nap):
            return  # whoever needs it will say so
        trial = None if unit.sample else unit.trial
        what = f"{unit.trial.task} {unit.trial.name}"
        self.lost[unit.key] = Lost(unit.key, what, reason, detail, trial)
        self.folder.write_lost(self.lost[unit.key])

    def _tell(self) -> None:
        done, lost = self._before + self.made, len(self.lost)
        text = f"answering: {done}/{len(self.asked)} done"
        if lost:
            text += f", {lost} lost"
        spent = self.till.budget.spent.cost_usd
        if spent is not None:
            text += f", ${spent:.2f} spent"
        left = len(self.asked) - done - lost
        if self.made and left:
            seconds = (time.monotonic() - self._began) / self.made * left
            rest = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
            text += f", about {rest} left"
        self.progress(text)
