"""What every test does: its outcome, its duration and the lines it covers, one note a test file.

A test file's note was made from the file itself, pytest's settings, the conftests above it and
every file its tests ran. When one of these changes, the note is carried over rather than made
again: tests that did not run the changed lines keep their outcome (with their lines renumbered),
the others are pending and run next, most telling first.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import msgspec

from swe_sleep.notes import kinds
from swe_sleep.notes.kinds import TestsOfFile
from swe_sleep.notes.view import Seen
from swe_sleep.records import TREE, Coverage, Note, Outcome, Place, TestResult, TestRun, Usage
from swe_sleep.repo.lines import LineChange, line_change
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation
from swe_sleep.testing.discovery import configuration_of, find_test_files
from swe_sleep.testing.impact import FunctionOf, Reach, impacted_tests

BATCH_FILES = 12
"""Test files per run where nothing is known yet: what a kill can lose, against start-up time."""
BATCH_NEAR = 4
"""The same for test files near a change, after the nearest, which runs alone."""
SLICE_S = 10.0
"""Seconds of pending tests (as they took last time) that one unit runs."""
START_S = 1.5
"""What starting pytest takes."""
CONFIRMED = 20
"""Newly failing tests that are run a second time, to tell faults from flakes."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A test file's record brought to the content of now: what still holds, and what must run."""

    data: TestsOfFile
    coverage: Coverage
    inputs: Mapping[str, str]
    """The content that the record was made from."""
    whole_file: bool = False
    """The whole file must run: it is new, or changed itself."""


class TestsPass:
    __test__ = False

    name = "tests"
    version = 1
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
            # Somebody just changed what these ran: nothing is more likely to be asked about.
            yield self._unit(work, "stale", stale, value=900.0, cost_s=START_S + SLICE_S / 5)
        near, far = self._by_interest(work, [f for f in files if f not in seen])
        yield from self._batches(work, near, (1, BATCH_NEAR), value=600.0, cost_s=2 * START_S)
        if pending:
            left = sum(len(data.pending) for data in pending.values())
            yield self._unit(work, f"{left} pending", list(pending), value=300.0, cost_s=SLICE_S)
        yield from self._batches(work, far, (BATCH_FILES,), value=40.0, cost_s=5.0)

    def _batches(
        self,
        work: Situation,
        files: list[str],
        sizes: Sequence[int],
        *,
        value: float,
        cost_s: float,
    ) -> Iterator[Unit]:
        """Runs of files that nothing is known of; the last of the sizes is for the rest."""
        left = list(files)
        for number in itertools.count():
            if not left:
                return
            size = sizes[min(number, len(sizes) - 1)]
            yield self._unit(work, "new", left[:size], value=value / (1 + number), cost_s=cost_s)
            del left[:size]

    def _unit(
        self, work: Situation, why: str, files: Sequence[str], *, value: float, cost_s: float
    ) -> Unit:
        inputs = {path: work.snapshot.blob(path) for path in files}
        if why != "new":  # their inputs are many; the whole tree stands for them
            inputs[TREE] = work.snapshot.id
        return Unit(f"{self.name}@{self.version}", why, inputs, value, cost_s, tuple(files))

    @staticmethod
    def _by_interest(work: Situation, files: list[str]) -> tuple[list[str], list[str]]:
        """Test files near what changed last (changed themselves, named after it, or importing
        it), nearest first; and the others."""
        changed = {path for path in work.changed() if path in work.outlines.languages}
        graph = work.outlines.graph()
        importing = {file for path in changed for file in graph.importers_of(path)}
        names = {_stem(path) for path in changed}

        def distance(file: str) -> int:
            if file in changed:
                return 0
            return 1 if _stem(file) in names else 2 if file in importing else 3

        order = sorted(files, key=lambda file: (distance(file), file))
        return [f for f in order if distance(f) < 3], [f for f in order if distance(f) == 3]

    def run(self, unit: Unit, work: Situation) -> Made:
        carried = {path: self._carry(work, path) for path in unit.paths}
        whole = [path for path, each in carried.items() if each.whole_file]
        chosen = self._choose(work, carried)
        run = self._run(work, [*whole, *chosen])
        again = self._confirm(work, carried, run)
        before = self._before(work, carried, run, again)
        # Where the time ended before a file was even read there is nothing to write down.
        known = [p for p, c in carried.items() if not c.whole_file or _came_to(run, p)]
        notes = [self._note(work, unit, p, carried[p], run, again, before) for p in known]
        runs = sum(bool(each.results) for each in (run, again, before))
        done = len(known) == len(carried)
        return Made(tuple(notes), usage=Usage(test_runs=runs), done=done)

    # -- carrying over ---------------------------------------------------------------------------

    def _carry(self, work: Situation, path: str) -> Carried:
        seen = work.view.get(kinds.TESTS, path)
        if seen is None:
            return Carried(TestsOfFile(()), Coverage(), {}, whole_file=True)
        data = seen.data(TestsOfFile)
        coverage = kinds.unpack_coverage(data.coverage)
        if seen.fresh:
            return Carried(data, coverage, seen.note.inputs)
        changed = _changed_inputs(work, seen)
        settings = set(configuration_of(path, work.snapshot)) | {path}
        if not coverage.lines or settings.intersection(changed):
            return Carried(data, Coverage(), seen.note.inputs, whole_file=True)
        graph = work.outlines.graph()
        found = impacted_tests(
            {file: set(c.touched_before) if c else None for file, c in changed.items()},
            coverage,
            {path: [r.test_id for r in data.results]},
            lambda file: graph.importers_of(file, transitive=True),
            _functions(work, seen, changed),
        )
        # A test that runs other functions of a changed file can't tell the difference.
        ids = [each.test_id for each in found if each.reach <= Reach.MODULE]
        pending = tuple(dict.fromkeys([*ids, *data.pending]))
        moved = _moved(coverage, changed)
        data = msgspec.structs.replace(data, pending=pending)
        return Carried(data, moved, seen.note.inputs)

    @staticmethod
    def _choose(work: Situation, carried: Mapping[str, Carried]) -> list[str]:
        """The pending tests that fit into one slice of time, most telling first, each file in
        turn. Those that failed last time come first: they are quick to settle."""
        durations = {
            r.test_id: r.duration_s for each in carried.values() for r in each.data.results
        }
        queues = [list(each.data.pending) for each in carried.values() if not each.whole_file]
        chosen: list[str] = []
        seconds = 0.0
        while any(queues):
            for tests in queues:
                if not tests:
                    continue
                seconds += durations.get(tests[0], 0.1)
                if seconds > SLICE_S and chosen:
                    return chosen
                chosen.append(tests.pop(0))
        return chosen

    # -- running ---------------------------------------------------------------------------------

    @staticmethod
    def _run(work: Situation, ids: list[str], *, coverage: bool = True) -> TestRun:
        if not ids:
            return TestRun()
        run = work.tests.run(
            ids,
            coverage=coverage,
            timeout_s=min(work.settings.tests.timeout_s, max(work.budget.left_s, START_S * 4)),
            test_timeout_s=work.settings.tests.test_timeout_s,
            stop=work.budget.stop.is_set,
        )
        work.budget.checkpoint()
        return run

    def _confirm(self, work: Situation, carried: Mapping[str, Carried], run: TestRun) -> TestRun:
        """Run again what fails now and did not before: only what fails twice is a fault."""
        known = {r.test_id for each in carried.values() for r in _bad(each.data.results)}
        newly = [
            r.test_id for r in run.results if r.outcome is Outcome.FAILED and r.test_id not in known
        ]
        return self._run(work, newly[:CONFIRMED], coverage=False)

    def _before(
        self, work: Situation, carried: Mapping[str, Carried], run: TestRun, again: TestRun
    ) -> TestRun:
        """Failing tests that nothing was known of, on the content before the last change: those
        that pass there were broken by it, the others failed already."""
        known = {r.test_id for each in carried.values() for r in each.data.results}
        unknown = [t for t in run.bad - again.passed - known if "::" in t][:CONFIRMED]
        old = _old_sources(work, carried) if unknown else {}
        if not old:
            return TestRun()
        work.sandbox.put(old)
        try:
            return work.tests.run(
                unknown,
                timeout_s=max(work.budget.left_s, START_S * 4),
                test_timeout_s=work.settings.tests.test_timeout_s,
                strict=False,
                stop=work.budget.stop.is_set,
            )
        finally:
            work.sandbox.reset()

    # -- writing down ----------------------------------------------------------------------------

    def _note(
        self,
        work: Situation,
        unit: Unit,
        path: str,
        carried: Carried,
        run: TestRun,
        again: TestRun,
        before: TestRun,
    ) -> Note:
        ran = {r.test_id: r for r in run.results if _file_of(r.test_id) == path}
        left = [test for test in run.unfinished if _file_of(test) == path]
        flaky = again.passed & ran.keys()
        known = {r.test_id: r for r in carried.data.results}
        if carried.whole_file:  # what the run neither ran nor left is no longer there
            known = {test: known[test] for test in left if test in known}
        results = {**known, **ran}
        for test in flaky:
            results[test] = replace(results[test], outcome=Outcome.PASSED)
        lines = (run.coverage or Coverage()).lines
        mine = Coverage({test: files for test, files in lines.items() if test in ran or not test})
        coverage = mine if carried.whole_file else carried.coverage.merged(mine)
        pending = [*([] if carried.whole_file else carried.data.pending), *left]
        passed_with = _passed_with(carried, results, coverage)
        if before.passed:
            old = {path: was for path, (was, _) in work.changed().items()}
            passed_with |= {test: old for test in before.passed if test in ran}
        data = TestsOfFile(
            results=tuple(_slim(r) for r in results.values()),
            coverage=kinds.pack_coverage(coverage),
            problem=run.problem if carried.whole_file else "",
            flaky=tuple(sorted({*carried.data.flaky, *flaky})),
            pending=tuple(dict.fromkeys(test for test in pending if test not in ran)),
            passed_with=passed_with,
        )
        return Note(
            kind=kinds.TESTS,
            subject=path,
            body=_body(data),
            producer=unit.producer,
            inputs=_inputs(work, path, coverage),
            data=kinds.encode(data),
            evidence=_evidence(path, data),
            usage=Usage(test_runs=1),
        )


def _inputs(work: Situation, path: str, coverage: Coverage) -> dict[str, str]:
    """Everything that the outcomes of a test file's tests depend on."""
    covered = {file for files in coverage.lines.values() for file in files}
    if not covered:  # it could not even be imported: any file that it imports may be why
        covered = work.outlines.closure(path)
    inputs = {file: work.snapshot.blob(file) for file in covered if file in work.snapshot.files}
    return inputs | configuration_of(path, work.snapshot) | {path: work.snapshot.blob(path)}


def _evidence(path: str, data: TestsOfFile) -> tuple[Place, ...]:
    raised = tuple(result.frames[-1] for result in _bad(data.results) if result.frames)
    return raised[:10] or (Place(path),)


def _came_to(run: TestRun, path: str) -> bool:
    """Whether a run of whole files read this one at least; one without tests counts as read."""
    found = (*(result.test_id for result in run.results), *run.unfinished)
    return not run.problem or any(_file_of(test) == path for test in found)


def _old_sources(work: Situation, carried: Mapping[str, Carried]) -> dict[str, bytes | None]:
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


def _stem(path: str) -> str:
    """What a source file and the tests named after it have in common."""
    name = PurePosixPath(path).stem
    return name.removeprefix("test_").removesuffix("_test").lstrip("_")


def _changed_inputs(work: Situation, seen: Seen) -> dict[str, LineChange | None]:
    """The inputs of a stale note that changed: what changed, or None where that is not known."""
    changed: dict[str, LineChange | None] = {}
    for path, blob in seen.note.inputs.items():
        now = work.snapshot.blob(path)
        if now == blob:
            continue
        before = work.contents.get(path, blob)
        changed[path] = (
            line_change(before, work.snapshot.read(path)) if before is not None and now else None
        )
    return changed


def _functions(work: Situation, seen: Seen, changed: Mapping[str, LineChange | None]) -> FunctionOf:
    """The function around a line of a changed file as it was before."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for path, change in changed.items():
        content = work.contents.get(path, seen.note.inputs[path]) if change else None
        outline = work.outlines.of_content(path, content) if content is not None else None
        spans[path] = [
            (symbol.line, symbol.end_line)
            for symbol in (outline.symbols if outline else ())
            if symbol.kind in ("function", "method")
        ]

    def function_of(path: str, line: int) -> tuple[int, int] | None:
        around = [span for span in spans.get(path, ()) if span[0] <= line <= span[1]]
        return max(around, default=None)

    return function_of


def _moved(coverage: Coverage, changed: Mapping[str, LineChange | None]) -> Coverage:
    """The coverage with its lines where they stand now; lines that are gone are left out."""

    def renumber(path: str, lines: tuple[int, ...]) -> tuple[int, ...]:
        if path not in changed:
            return lines
        change = changed[path]
        return tuple(change.moved[n] for n in lines if n in change.moved) if change else ()

    return Coverage(
        {
            test: {path: renumber(path, lines) for path, lines in files.items()}
            for test, files in coverage.lines.items()
        }
    )


def _passed_with(
    carried: Carried, results: Mapping[str, TestResult], coverage: Coverage
) -> dict[str, dict[str, str]]:
    """For what fails: the content it last passed with. Newly failing: what the record was of."""
    passed = {r.test_id for r in carried.data.results if r.outcome is Outcome.PASSED}
    found: dict[str, dict[str, str]] = {}
    for test, result in results.items():
        if not result.outcome.bad:
            continue
        if test in carried.data.passed_with:
            found[test] = dict(carried.data.passed_with[test])
        elif test in passed:
            files = {*coverage.lines.get(test, {}), *coverage.lines.get("", {}), _file_of(test)}
            found[test] = {f: carried.inputs[f] for f in files if f in carried.inputs}
    return found


def _file_of(test_id: str) -> str:
    return test_id.partition("::")[0]


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
