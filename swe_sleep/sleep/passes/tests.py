"""What every test does: its outcome, its duration and the lines it covers, one note a test file.

A test file's note was made from the file itself, pytest's settings, the conftests above it and
every file its tests ran. When one of these changes, the note is carried over rather than made
again (`carrying`), and what the change may have touched runs next, most telling first. Whatever
a run came to is kept, however it ended. After a change the tests run on a warm server; what that
says of a test that changed its outcome is heard again from a fresh process.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import msgspec

from swe_sleep.notes import kinds
from swe_sleep.notes.kinds import TestsOfFile
from swe_sleep.records import (
    TREE,
    Coverage,
    Note,
    Outcome,
    Place,
    TestResult,
    TestRun,
    Usage,
    file_of,
)
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.passes.carrying import Carried, Carrying
from swe_sleep.sleep.passes.inputs import import_inputs, missing_inputs, unseen_inputs
from swe_sleep.sleep.passes.order import FIRST_SLICE_S, SLICE_S, by_interest, choose, touched
from swe_sleep.sleep.schedule import Product
from swe_sleep.sleep.situation import Situation
from swe_sleep.testing.discovery import configuration_of, find_test_files
from swe_sleep.testing.tests import NO_SUCH_TEST

BATCH_FILES = 12
"""Test files per run where nothing is known yet: what a kill can lose, against start-up time."""
BATCH_NEAR = 4
"""The same for test files near a change, after the nearest, which runs alone."""
START_S = 1.5
"""What starting pytest takes."""
NEW, STALE = "new", "stale"
"""Subjects of units: files of which nothing is known, and what the last change touched."""
CONFIRMED = 20
"""Newly failing tests that are run a second time, to tell faults from flakes."""


@dataclass(frozen=True, slots=True)
class Runs:
    """What the runs of one unit gave."""

    asked: frozenset[str]
    """Tests, and files as a whole, that were to run."""
    run: TestRun
    flaky: frozenset[str]
    """What newly failed, and passed on the same code."""
    passed: frozenset[str]
    """What failed at first and does not count as failing."""
    unconfirmed: frozenset[str]
    """What newly fails and did not come to run a second time."""
    before: TestRun
    """Of what fails and was not known, on the content before the last change."""
    cut: bool
    """Our own time ended, or somebody asked to stop."""
    count: int
    """Runs of pytest."""


class TestsPass:
    __test__ = False

    name = "tests"
    version = 2
    reads = ("outline", "graph", "tests")

    def plan(self, work: Situation) -> Iterator[Unit]:
        if work.outlines.missing():
            return
        seen = {each.note.subject: each for each in work.view.all(kinds.TESTS)}
        files = find_test_files(work.snapshot)
        stale = [f for f in files if f in seen and not seen[f].fresh]
        pending = {
            f: data
            for f in files
            if f in seen and seen[f].fresh and (data := seen[f].data(TestsOfFile)).pending
        }
        if stale:
            cost_s = START_S + FIRST_SLICE_S
            yield self._unit(work, schedule.TESTS_TOUCHED, STALE, stale, cost_s=cost_s)
        near, far = by_interest(work, files)
        # The nearest file comes at once; the others after the patch for what it shows.
        nearest, others, far = ([f for f in g if f not in seen] for g in (near[:1], near[1:], far))
        cost_s = 2 * START_S
        yield from self._batches(work, schedule.TESTS_NEAREST, nearest, 1, cost_s=cost_s)
        yield from self._batches(work, schedule.TESTS_NEAR, others, BATCH_NEAR, cost_s=cost_s)
        yield from self._rest(work, pending)
        yield from self._batches(work, schedule.TESTS_FAR, far, BATCH_FILES, cost_s=5.0)

    def _rest(self, work: Situation, pending: Mapping[str, TestsOfFile]) -> Iterator[Unit]:
        """Tests that are still to run. What passed before the last change comes at once, as long
        as none of it fails: then there is a patch to look for."""
        shown = any(test.passed_with is not None for test in work.evidence.failing())
        touched = [] if shown else [f for f, data in pending.items() if _passed_once(data)]
        for product, files in (
            (schedule.TESTS_TOUCHED, touched),
            (schedule.TESTS_PENDING, [f for f in pending if f not in touched]),
        ):
            if files:
                why = f"{sum(len(pending[f].pending) for f in files)} pending"
                yield self._unit(work, product, why, files, cost_s=SLICE_S)

    def _batches(
        self, work: Situation, product: Product, files: list[str], size: int, *, cost_s: float
    ) -> Iterator[Unit]:
        """Runs of files that nothing is known of."""
        for number, start in enumerate(range(0, len(files), size)):
            batch = files[start : start + size]
            chance = 1 / (1 + number)
            yield self._unit(work, product, NEW, batch, cost_s=cost_s, chance=chance)

    def _unit(
        self,
        work: Situation,
        product: Product,
        why: str,
        files: Sequence[str],
        *,
        cost_s: float,
        chance: float = 1.0,
    ) -> Unit:
        inputs = {path: work.snapshot.blob(path) for path in files}
        if why != NEW:  # their inputs are many; the whole tree stands for them
            inputs[TREE] = work.snapshot.id
        producer = f"{self.name}@{self.version}"
        return product.unit(producer, why, inputs, cost_s=cost_s, chance=chance, paths=tuple(files))

    def run(self, unit: Unit, work: Situation) -> Made:
        carrying = Carrying(work)
        carried = {p: carrying.carry(p, work.view.get(kinds.TESTS, p)) for p in unit.paths}
        if unit.subject == NEW:
            asked = list(carried)
        elif unit.subject == STALE:  # what was pending before can wait for its own turn
            asked = choose(touched(list(carried.values())), FIRST_SLICE_S)
        else:
            asked = choose(list(carried.values()))
        runs = self._run_all(work, carried, asked, warm=unit.subject != NEW)
        # Where the time ended before a new file was read there is nothing to write down.
        known = [c for c in carried.values() if not (c.new and runs.cut) or _came_to(work, c, runs)]
        notes = tuple(self._note(work, unit, each, runs) for each in known)
        usage = Usage(test_runs=runs.count)
        return Made(notes, usage=usage, done=not runs.cut)

    # -- running ---------------------------------------------------------------------------------

    def _run_all(
        self, work: Situation, carried: Mapping[str, Carried], asked: Sequence[str], *, warm: bool
    ) -> Runs:
        run = self._run(work, asked, coverage=True, warm=warm)
        known = {r.test_id for each in carried.values() for r in _bad(each.data.results)}
        newly = [
            r.test_id for r in run.results if r.outcome is Outcome.FAILED and r.test_id not in known
        ][:CONFIRMED]
        mended = sorted(known & run.passed) if warm else []
        again = self._run(work, [*newly, *mended])
        passed = again.passed & set(newly)
        flaky, third = passed, TestRun()
        if warm and passed:  # unless it fails each time on the server alone
            third = self._run(work, sorted(passed), warm=True)
            flaky = passed & third.passed
        heard = {r.test_id: r for r in again.results if r.test_id in mended}
        results = tuple(heard.get(r.test_id, r) for r in run.results)
        before = self._before(work, carried, run.bad - passed)
        return Runs(
            asked=frozenset(asked),
            run=replace(run, results=results),
            flaky=flaky,
            passed=passed,
            unconfirmed=frozenset(newly) - {r.test_id for r in again.results},
            before=before,
            cut=work.budget.exhausted(),
            count=sum(bool(each.results) for each in (run, again, third, before)),
        )

    @staticmethod
    def _run(
        work: Situation, ids: Sequence[str], *, coverage: bool = False, warm: bool = False
    ) -> TestRun:
        if not ids or work.budget.exhausted():
            return TestRun(unfinished=tuple(ids))
        timeout_s = min(work.settings.tests.timeout_s, max(work.budget.left_s, START_S * 4))
        test_timeout_s, stop = work.settings.tests.test_timeout_s, work.budget.cut
        if warm:
            run = work.warm.run(
                ids,
                coverage=coverage,
                timeout_s=timeout_s,
                test_timeout_s=test_timeout_s,
                fail_fast=False,
                stop=stop,
            )
        else:
            run = work.tests.run(
                ids,
                coverage=coverage,
                timeout_s=timeout_s,
                test_timeout_s=test_timeout_s,
                strict=False,
                stop=stop,
            )
        if not work.budget.cut():
            work.sandbox.reset()  # a test may have deleted what the next run needs
        return run

    def _before(
        self, work: Situation, carried: Mapping[str, Carried], bad: Collection[str]
    ) -> TestRun:
        """Failing tests that nothing was known of, on the content before the last change: those
        that pass there were broken by it, the others failed already."""
        known = {r.test_id for each in carried.values() for r in each.data.results}
        unknown = [t for t in sorted(bad) if t not in known and "::" in t][:CONFIRMED]
        old = _old_sources(work, carried) if unknown else {}
        if not old:
            return TestRun()
        work.sandbox.put(old)
        try:
            return self._run(work, unknown)
        finally:
            work.sandbox.reset()

    # -- writing down ----------------------------------------------------------------------------

    def _note(self, work: Situation, unit: Unit, carried: Carried, runs: Runs) -> Note:
        path, data = carried.path, carried.data
        lines = (runs.run.coverage or Coverage()).lines
        ran = _results_of(work, path, runs.run)
        mine = Coverage({t: files for t, files in lines.items() if t in ran or not t})
        if path in runs.asked and _came_to(work, carried, runs):
            left = [t for t in runs.run.unfinished if file_of(t) == path]
            # What the run neither ran nor left is no longer there.
            results = {r.test_id: r for r in data.results if r.test_id in left} | ran
            coverage, pending = mine, left
        else:
            gone = {test for test, result in ran.items() if result.message == NO_SUCH_TEST}
            results = {r.test_id: r for r in data.results} | ran
            results = {test: result for test, result in results.items() if test not in gone}
            coverage = carried.coverage.merged(mine) if ran else carried.coverage
            # A test that is gone may have got another name.
            pending = [path] if gone else [test for test in data.pending if test not in ran]
        for test in runs.unconfirmed & ran.keys():  # as if it had not run
            pending.append(test)
            results.pop(test)
            results |= {r.test_id: r for r in data.results if r.test_id == test}
        problem = ""
        if not runs.cut and not runs.asked.isdisjoint(data.pending) and (pending or not results):
            problem = runs.run.problem
            if problem and all(file_of(test) == path for test in runs.asked):
                pending = []  # it had a run of its own: there is no use in another
                results = {t: r for t, r in results.items() if t in ran}
        flaky = runs.flaky & ran.keys()
        for test in runs.passed & ran.keys():
            results[test] = replace(results[test], outcome=Outcome.PASSED)
        data = TestsOfFile(
            results=tuple(_slim(r) for r in results.values()),
            coverage=kinds.pack_coverage(coverage),
            problem=problem,
            flaky=tuple(sorted(results.keys() & {*data.flaky, *flaky})),
            pending=tuple(dict.fromkeys(pending)),
        )
        data = msgspec.structs.replace(data, passed_with=_passed_with(work, carried, data, runs))
        return Note(
            kind=kinds.TESTS,
            subject=path,
            body=_body(data),
            producer=unit.producer,
            inputs=_inputs(work, path, coverage, data),
            data=kinds.encode(data),
            evidence=_evidence(path, data),
            usage=Usage(test_runs=int(bool(ran))),
        )


def _results_of(work: Situation, path: str, run: TestRun) -> dict[str, TestResult]:
    """A file's results; the failure of a conftest or folder above it is its own."""
    ran = {r.test_id: r for r in run.results if file_of(r.test_id) == path}
    if not ran:
        above = {*configuration_of(path, work.snapshot), *map(str, PurePosixPath(path).parents)}
        broken = next((r for r in _bad(run.results) if r.test_id in above), None)
        if broken is not None:
            ran[path] = replace(broken, test_id=path)
    elif ran.keys() == {path} and ran[path].message == NO_SUCH_TEST:
        return {}  # a file of tests that has none
    return ran


def _came_to(work: Situation, carried: Carried, runs: Runs) -> bool:
    """Whether the run read this file, as far as it was to be read as a whole."""
    path = carried.path
    if path not in runs.asked or path in runs.run.unfinished:
        return False
    if not runs.run.problem or _results_of(work, path, runs.run):
        return True
    return any(file_of(test) == path for test in runs.run.unfinished)


def _passed_with(
    work: Situation, carried: Carried, data: TestsOfFile, runs: Runs
) -> dict[str, dict[str, str]]:
    """What was carried, for the tests that fail or are still to run; and for those whose failure
    is new to us but passed before the last change, what that changed."""
    waiting = set(data.pending)
    bad = {result.test_id for result in _bad(data.results)}
    found = {
        test: dict(files)
        for test, files in carried.data.passed_with.items()
        if test in bad or test in waiting or carried.path in waiting
    }
    if runs.before.passed:
        old = {path: was for path, (was, _) in work.changed().items()}
        found |= {test: old for test in runs.before.passed if test in bad}
    return found


def _inputs(work: Situation, path: str, coverage: Coverage, data: TestsOfFile) -> dict[str, str]:
    """Everything that the outcomes of a test file's tests depend on."""
    covered = {file for files in coverage.lines.values() for file in files}
    # An empty __init__.py runs no line, but may come to.
    covered |= {f"{folder}/__init__.py" for file in covered for folder in _folders(file)}
    inputs = {file: work.snapshot.blob(file) for file in covered if file in work.snapshot.files}
    if not covered or any(result.test_id == path for result in _bad(data.results)):
        inputs |= import_inputs(work, path)
    for result in data.results:
        inputs |= missing_inputs(work, result)
    inputs |= unseen_inputs(work, covered)
    return inputs | configuration_of(path, work.snapshot) | {path: work.snapshot.blob(path)}


def _folders(path: str) -> list[str]:
    return [str(folder) for folder in PurePosixPath(path).parents if folder.name]


def _passed_once(data: TestsOfFile) -> bool:
    """Whether what is pending of a file passed before something changed."""
    waiting = set(data.pending)
    return any(test in waiting or file_of(test) in waiting for test in data.passed_with)


def _evidence(path: str, data: TestsOfFile) -> tuple[Place, ...]:
    raised = tuple(result.frames[-1] for result in _bad(data.results) if result.frames)
    return raised[:10] or (Place(path),)


def _old_sources(work: Situation, carried: Collection[str]) -> dict[str, bytes | None]:
    """The source files as they were before the last change; the tests stay as they are."""
    old: dict[str, bytes | None] = {}
    for path, (before, _) in work.changed().items():
        if path in carried or path not in work.outlines.languages:
            continue
        content = work.contents.get(path, before)
        if before and content is None:
            return {}  # half of a change proves nothing
        old[path] = content
    return old


def _slim(result: TestResult) -> TestResult:
    """A passing test needs no report."""
    return result if result.outcome.bad else replace(result, detail="", frames=())


def _body(data: TestsOfFile) -> str:
    counts: dict[Outcome, int] = {}
    for result in data.results:
        counts[result.outcome] = counts.get(result.outcome, 0) + 1
    seconds = sum(r.duration_s for r in data.results)
    said = ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())) or "no test ran"
    lines = [f"{said} in {seconds:.2f} s."]
    lines += [f"- `{r.test_id}` {r.outcome}: {r.message}" for r in _bad(data.results)[:10]]
    if data.flaky:
        lines.append(f"Flaky (failed, then passed on the same code): {', '.join(data.flaky[:10])}.")
    if data.pending:
        lines.append(f"{len(data.pending)} tests did not run on this content yet.")
    if data.problem:
        lines.append(f"Not whole: {data.problem}.")
    return "\n".join(lines)


def _bad(results: Iterable[TestResult]) -> list[TestResult]:
    return [r for r in results if r.outcome.bad]
