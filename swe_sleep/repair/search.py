"""The search: candidates in best-first order, validated cheapest test first.

Follows the generate-and-validate school of program repair (GenProg, Le Goues et al. 2012;
PraPR, Ghanbari et al. 2019; TBar, Liu et al. 2019). A candidate that passes the failing tests and
the passing tests that can reach it is *plausible*. It may still be wrong: several are collected
and ranked, and whoever offers one verifies it with the whole suite.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from swe_sleep.records import (
    Coverage,
    Patch,
    Suspicion,
    TestResult,
    TestRun,
    Usage,
    file_of,
)
from swe_sleep.repair.found import Budget, Ended, Event, Found, Plausible
from swe_sleep.repair.history import changed_lines, undoing
from swe_sleep.repair.lessons import Lesson
from swe_sleep.repair.pairs import MOST_PARTNERS, pairs
from swe_sleep.repair.ranking import Ranked, best_first, smallness
from swe_sleep.repair.runs import Runs
from swe_sleep.repair.source import Library
from swe_sleep.repair.spectrum import localise
from swe_sleep.repair.validation import Judgement, Screening, Stop, Trial, Validator
from swe_sleep.repo.diff import diff
from swe_sleep.testing.discovery import is_test_path

PRODUCER = "repair/search"

FIRST_BATCH, MOST_AT_ONCE = 16, 600
BATCH_S = 2.0
"""A batch is as large as is judged in about this time, so that a stop is soon heard."""
MOST_PASSED = 4
"""A batch ends early at so many that passed, for their sake."""
FRESH_SHARE = 0.3
"""Of the time may go into candidates that only a fresh process can judge, while others wait."""
PAIRING = 0.4
"""With so much of the time left, and nothing plausible, pairs of candidates come before more."""
SCREENED = 6
"""Failing tests that a screening runs, the quickest: all of them have the last word later."""
OPENING_S = 60.0
"""For collecting the tests of a screening."""
LEADING = 20
"""Of the first places the files' past fixes are looked at."""

Learn = Callable[[Sequence[str]], Sequence[Lesson]]


def nothing_learnt(paths: Sequence[str]) -> Sequence[Lesson]:
    return ()


class Repair:
    """The built-in solver. One search at a time."""

    def __init__(
        self,
        validator: Validator,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._validator = validator
        self._clock = clock

    def search(
        self,
        sources: Mapping[str, bytes],
        failing: Sequence[TestResult],
        passing: Sequence[str],
        *,
        coverage: Coverage | None = None,
        recent: Mapping[str, bytes] | None = None,
        told: Sequence[Suspicion] = (),
        learn: Learn = nothing_learnt,
        protected: Iterable[str] = (),
        modes: Mapping[str, int] | None = None,
        budget: Budget | None = None,
        stop: Stop | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> Found:
        """Look for patches that make `failing` pass and keep `passing` passing.

        `sources` are the repository's Python files (path -> content, a lazy mapping is welcome);
        `recent` the old content of files that changed since the tests last passed, `told` the
        places that an issue's text points at; `learn` gives what past fixes of files taught.
        Without `coverage` of the failing tests it is measured first, which counts. Tests,
        conftest files and `protected` paths are never edited. `modes` are the git modes of files
        that are not plain ones, for the diff. Raises what the validator raises."""
        search = _Search(
            self,
            Library(sources),
            failing,
            passing,
            recent or {},
            told,
            learn,
            frozenset(protected),
            modes or {},
            budget or Budget(),
            stop or (lambda: False),
            on_event or (lambda event: None),
        )
        return search.run(coverage)


class _Search:
    """The state of one search."""

    def __init__(
        self,
        repair: Repair,
        library: Library,
        failing: Sequence[TestResult],
        passing: Sequence[str],
        recent: Mapping[str, bytes],
        told: Sequence[Suspicion],
        learn: Learn,
        protected: frozenset[str],
        modes: Mapping[str, int],
        budget: Budget,
        stop: Stop,
        tell: Callable[[Event], None],
    ) -> None:
        self.runs = Runs(repair._validator, failing, passing, budget.seconds, stop, repair._clock)
        self.validator = repair._validator
        self.screening: Screening | None = None
        self.values = True
        """Whether candidates may be ruled out by values; once all others were tried, they are not:
        values are looked at on one line, and an expression may do more than it gives."""
        self.rate = FIRST_BATCH / BATCH_S
        self.patience_s = 2 * BATCH_S
        self.fresh_s = 0.0
        self.clock = repair._clock
        self.learn = learn
        self.library, self.recent, self.told, self.budget = library, recent, told, budget
        self.outside_stop, self.tell = stop, tell
        test_files = {file_of(r.test_id) for r in failing} | {file_of(t) for t in passing}
        self.closed, self.modes = protected, modes
        self.test_files = test_files
        self.tried = 0
        self.plausible: list[Plausible] = []
        self.since_plausible = 0
        self.plausible_at = 0.0
        self.partial: list[Ranked] = []
        self.failed: list[Ranked] = []
        self.paired = False

    # -- the course of a search -----------------------------------------------------------------

    def run(self, coverage: Coverage | None) -> Found:
        if not self.runs.observe(coverage):
            return self._found((), "stopped" if self.outside_stop() else "does not fail")
        if self.runs.measured:
            self._say("measured", f"measured the coverage of {self.runs.measured} tests")
        undone = {p: t for p, t in self.recent.items() if self._editable(p)}
        if undone and undone.keys() <= self.library.contents.keys():
            self.runs.time_passing(undone)
        runs = self.runs
        lines = changed_lines(self.recent, self.library.contents)
        suspicions = tuple(
            s
            for s in localise(
                runs.coverage, runs.failing, runs.passing, self.library, lines, self.told
            )
            if s.place.path not in self.closed
        )
        self._say("localised", f"{len(suspicions)} suspicious statements")
        past = Library(self.recent)
        editable = [path for path in self.recent if self._editable(path)]
        order = best_first(
            suspicions,
            self.library,
            past=past,
            lessons=self.learn(tuple(dict.fromkeys(s.place.path for s in suspicions[:LEADING]))),
            first=undoing(self.recent, self.library, editable),
        )
        try:
            ended = self._go_through(order)
        finally:
            if self.screening is not None:
                self.screening.close()
        return self._found(suspicions, ended)

    def _go_through(self, order: Iterator[Ranked]) -> Ended:
        """Screen the candidates in batches; what a screening can't judge waits for its share of
        the time, what the values rule out for the end."""
        fresh: deque[Ranked] = deque()
        waiting: deque[Ranked] = deque()
        idle: deque[Ranked] = deque()
        budget_s = self.budget.seconds
        self._open_screening()
        while (over := self._over()) is None:
            if not self.paired and not self.plausible and self.runs.left() < PAIRING * budget_s:
                self.paired, order = True, itertools.chain(self._pairs(), order)
            size = max(FIRST_BATCH, min(MOST_AT_ONCE, int(self.rate * BATCH_S)))
            waiting.extend(itertools.islice(order, max(0, size - len(waiting))))
            if not waiting and not fresh:
                if not self.paired and not self.plausible:
                    self.paired, order = True, self._pairs()
                elif idle and not self.plausible:
                    waiting, idle, self.values = idle, waiting, False
                else:
                    return "exhausted"
            left = self.budget.candidates - self.tried
            for judgement in self._screen(list(itertools.islice(waiting, left))):
                ranked = waiting.popleft()
                if judgement.verdict == "idle":
                    idle.append(ranked)
                elif judgement.verdict == "unknown":
                    fresh.append(ranked)
                else:
                    self._take(ranked, judgement)
            while fresh and self._over() is None and self._time_for_fresh(bool(waiting)):
                began = self.clock()
                self._try(fresh.popleft(), screened=False)
                self.fresh_s += self.clock() - began
        return over

    def _time_for_fresh(self, others_wait: bool) -> bool:
        spent = self.runs.spent()
        return not others_wait or self.fresh_s <= FRESH_SHARE * spent

    def _keep_for_pairs(self, ranked: Ranked, *, mended: bool) -> None:
        if mended:
            self.partial.append(ranked)
        elif len(self.failed) < MOST_PARTNERS:
            self.failed.append(ranked)

    def _pairs(self) -> Iterator[Ranked]:
        return pairs(self.partial, self.failed)

    def _take(self, ranked: Ranked, judgement: Judgement) -> None:
        if judgement.verdict == "passed":
            self._try(ranked, screened=True)
        elif judgement.verdict != "same":
            self._keep_for_pairs(ranked, mended=judgement.mended > 0)
            self.tried += 1
            self.since_plausible += 1
            self._say("tried", ranked.candidate.summary)

    def _editable(self, path: str) -> bool:
        return path not in self.closed and not is_test_path(path, self.test_files)

    def _open_screening(self) -> None:
        """Collect the failing tests and those that share a suspicious file with them."""
        runs = self.runs
        lines = runs.coverage.lines
        ids = [r.test_id for r in runs.failing[:SCREENED]]
        shared = {p for i in ids for p in lines.get(i, {}) if self._editable(p)}
        others = [t for t in runs.passing if shared & lines.get(t, {}).keys()]
        limit = max(1.0, min(OPENING_S, runs.left()))
        self.screening = self.validator.screening(ids, others, timeout_s=limit)

    def _screen(self, waiting: Sequence[Ranked]) -> Sequence[Judgement]:
        """Judge a first part of what waits; where there is no screening, all is unknown."""
        if self.screening is None or not waiting:
            return [Judgement("unknown")] * len(waiting)
        began = self.clock()
        judged = self.screening.judge(
            [
                Trial(r.candidate.edits, self.runs.reaching(r.candidate, self.library))
                for r in waiting
            ],
            timeout_s=max(0.5, min(self.patience_s, self.runs.left())),
            test_timeout_s=self.runs.test_limit_s,
            most_passed=MOST_PASSED,
            values=self.values,
        )
        runs = sum(1 for j in judged if j.verdict not in ("idle", "same", "unknown"))
        self.runs.count += runs
        self.rate = max(1.0, len(judged) / max(0.05, self.clock() - began))
        if not self.screening.alive:
            self.screening = None
        elif not judged:  # not one was through: slow tests, or a busy machine
            self.patience_s *= 2
        return judged

    def _try(self, ranked: Ranked, *, screened: bool) -> None:
        """In a fresh process, cheapest first: one failing test, the others, the tests that it can
        reach; what passed the screening most likely passes, and gets one run for all."""
        candidate = ranked.candidate
        files = candidate.apply(self.library.contents)
        self.tried += 1
        self.since_plausible += 1
        ids = [r.test_id for r in self.runs.failing]
        runs: list[TestRun] = []
        impacted = list(self.runs.reaching(candidate, self.library))
        batches = [[*ids, *impacted]] if screened else [ids[:1], ids[1:], impacted]
        for batch in batches:
            if not batch:
                continue
            # Few candidates come so far, and the tests here have their own length.
            sure = screened or batch is impacted
            run = self.runs.run(files, batch, generous=sure)
            if not set(batch) <= run.passed | run.skipped:
                self._say("tried", candidate.summary)
                self._keep_for_pairs(ranked, mended=bool(runs))
                return
            runs.append(run)
        passed = TestRun(
            results=tuple(r for run in runs for r in run.results),
            duration_s=sum(run.duration_s for run in runs),
        )
        before = {path: self.library.contents[path] for path in files}
        patch = Patch(
            diff=diff(before, files, modes=self.modes),
            paths=tuple(files),
            producer=PRODUCER,
            summary=candidate.summary,
        )
        score = _merit(ranked)
        self.plausible.append(Plausible(patch, files, candidate, score, passed))
        self.plausible.sort(key=lambda p: -p.score)
        self.since_plausible = 0
        self.plausible_at = self.clock()
        self._say("plausible", candidate.summary)

    def _over(self) -> Ended | None:
        undone = sum(1 for p in self.plausible if p.kind == "change undone")
        if self.outside_stop():
            return "stopped"
        if len(self.plausible) - max(0, undone - 1) >= self.budget.plausible:
            return "enough"
        waited = self.clock() - self.plausible_at
        if self.plausible and (
            self.since_plausible >= self.budget.patience or waited >= self.budget.patience_s
        ):
            return "patience"
        if self.runs.left() <= 0:
            return "seconds"
        return "candidates" if self.tried >= self.budget.candidates else None

    def _say(self, kind: Literal["measured", "localised", "tried", "plausible"], text: str) -> None:
        seconds = self.runs.spent()
        self.tell(Event(kind, text, self.tried, len(self.plausible), seconds))

    def _found(self, suspicions: tuple[Suspicion, ...], ended: Ended) -> Found:
        seconds = self.runs.spent()
        usage = Usage(wall_s=seconds, test_runs=self.runs.count, candidates=self.tried)
        found = Found(tuple(self.plausible), suspicions, ended, usage, self.runs.coverage)
        self.tell(Event("ended", found.summary, self.tried, len(self.plausible), seconds))
        return found


def _merit(ranked: Ranked) -> float:
    """How a plausible patch compares with the others: its prior and the smallness of its edit
    count in full, the suspiciousness of its place half, as both passed the same tests."""
    candidate = ranked.candidate
    small = smallness(candidate)
    suspicion = ranked.score / (candidate.prior * small) if candidate.prior else 0.0
    return candidate.prior * small * small * (0.5 + 0.5 * min(1.0, suspicion))
