"""Whether a patch is right, by a task's hidden tests, as SWE-bench judges it.

The patch is put on the base commit; then every file that holds a judging test is made what the
task says it is, whatever the patch did to it; then those files run whole, as in SWE-bench's harness
(swebench 5, `harness/grading.py`), so that tests that disturb each other do so here too.

In two things it is stricter than the harness, which believes the log: what a patch changes of how
tests run may not be what makes them pass, and a test that passed may not be skipped.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from swe_sleep.errors import EngineLost, RepositoryError, TestsError
from swe_sleep.evaluate import applying
from swe_sleep.evaluate.naming import Outcomes, files_named, is_runnable
from swe_sleep.evaluate.suspecting import (
    BELIED,
    Impostor,
    beside_tests,
    compiled_sources,
    steering,
)
from swe_sleep.evaluate.tasks.grade import Grade
from swe_sleep.evaluate.tasks.task import Answer
from swe_sleep.evaluate.unittests import Runner
from swe_sleep.records import TestRun, file_of
from swe_sleep.repo.diff import apply_in_memory, files_of
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.protocol import Progress, Sandbox
from swe_sleep.testing.tests import Tests

TIMEOUT_S = 1800.0
"""What the harness gives all tests of an instance."""
TEST_TIMEOUT_S = 300.0
NAMED = 5
"""So many files are named in a doubt."""
SHOWN = 20
"""So many failures are told in full in the log."""


@dataclass(frozen=True, slots=True)
class _Bench:
    """Where a patch is tried."""

    snapshot: Snapshot
    sandbox: Sandbox
    tests: Tests
    timeout_s: float
    test_timeout_s: float
    runner: Runner | None

    def run(self, layers: Sequence[applying.Files], names: Sequence[str] | None) -> TestRun:
        """Of the base commit with these files put in, one layer after the other."""
        self.sandbox.reset()
        for files in layers:
            applying.put(files, self.sandbox)
        if self.runner is not None:
            return self.runner.run(self.sandbox, names or (), timeout_s=self.timeout_s)
        return self.tests.run(
            names, timeout_s=self.timeout_s, test_timeout_s=self.test_timeout_s, strict=False
        )


def grade(
    answer: Answer,
    snapshot: Snapshot,
    patch: str,
    sandbox: Sandbox,
    *,
    progress: Progress = lambda text: None,
    timeout_s: float = TIMEOUT_S,
    test_timeout_s: float = TEST_TIMEOUT_S,
    rest: Sequence[str] | None = None,
    runner: Runner | None = None,
) -> Grade:
    """The verdict on a patch. The sandbox is open on `snapshot`, the base commit's, and is left
    reset. Where the answer wants the `rest`, the tests that these are may be given, else they are
    found out first, by `rest_of`. `runner` is the project's own; without it pytest runs the tests.

    No patch raises anything: one that is empty, does not apply, or leaves nothing that runs is not
    resolved. Raises RepositoryError where the hidden tests themselves do not fit the commit, and
    EngineLost.
    """
    began = time.monotonic()
    tests = Tests(sandbox, import_timeout_s=max(60.0, test_timeout_s))
    bench = _Bench(snapshot, sandbox, tests, timeout_s, test_timeout_s, runner)
    try:
        found = _grade(answer, patch, bench, progress, rest)
    finally:
        with contextlib.suppress(EngineLost):  # said already
            sandbox.reset()
    return replace(found, seconds=time.monotonic() - began)


def rest_of(
    answer: Answer,
    snapshot: Snapshot,
    sandbox: Sandbox,
    *,
    progress: Progress = lambda text: None,
    timeout_s: float = TIMEOUT_S,
    test_timeout_s: float = TEST_TIMEOUT_S,
) -> tuple[str, ...]:
    """Every test that passes on the base commit with the hidden tests put in and is not among
    those that must fail there; none where the answer does not want the rest."""
    bench = _Bench(snapshot, sandbox, Tests(sandbox), timeout_s, test_timeout_s, None)
    try:
        return _rest(answer, bench, hidden_files(answer, snapshot), progress)
    finally:
        with contextlib.suppress(EngineLost):
            sandbox.reset()


def runs_here(
    answer: Answer, snapshot: Snapshot, sandbox: Sandbox, *, timeout_s: float = TIMEOUT_S
) -> bool:
    """Whether any judging test comes to a result by pytest here, without anybody's patch."""
    bench = _Bench(snapshot, sandbox, Tests(sandbox), timeout_s, TEST_TIMEOUT_S, None)
    hidden = hidden_files(answer, snapshot)
    places = files_named((*answer.fail_to_pass, *answer.pass_to_pass), _in_order(answer, hidden))
    try:
        return bool(bench.run((_judging(places, hidden, snapshot),), places).results)
    except TestsError:
        return False
    finally:
        with contextlib.suppress(EngineLost):
            sandbox.reset()


def hidden_files(answer: Answer, snapshot: Snapshot) -> dict[str, bytes | None]:
    """The hidden tests as they are to stand on the base commit. Raises RepositoryError."""
    try:
        files = apply_in_memory(answer.test_patch, snapshot)
    except RepositoryError as error:
        raise RepositoryError(f"The hidden tests do not fit the base commit. {error}") from error
    return {**files, **{path: text.encode() for path, text in answer.test_files.items()}}


def hidden_tests(answer: Answer, hidden: Mapping[str, bytes | None]) -> tuple[str, ...]:
    """The hidden tests' files that a runner can be given, in the order of the patch."""
    return tuple(path for path in _in_order(answer, hidden) if path.endswith(".py"))


def _in_order(answer: Answer, hidden: Mapping[str, bytes | None]) -> list[str]:
    paths = [each.path for each in files_of(answer.test_patch)] + sorted(answer.test_files)
    return [path for path in dict.fromkeys(paths) if hidden.get(path) is not None]


def _grade(
    answer: Answer,
    patch: str,
    bench: _Bench,
    progress: Callable[[str], None],
    rest: Sequence[str] | None,
) -> Grade:
    hidden = hidden_files(answer, bench.snapshot)
    if not patch.strip():
        return Grade(False, applied=False, problem="the patch is empty")
    named = (*answer.fail_to_pass, *answer.pass_to_pass)
    strange = [name for name in named if not is_runnable(name)]
    if strange and bench.runner is None:
        return Grade(
            False, problem=f"pytest runs no test with a name like {strange[0]!r}; use --official"
        )
    try:
        files = applying.applied(patch, bench.snapshot, bench.sandbox)
    except RepositoryError as error:
        return Grade(False, applied=False, problem=_line(error))
    if answer.rest:
        rest = _rest(answer, bench, hidden, progress) if rest is None else rest
        named = tuple(dict.fromkeys((*named, *rest)))
    kept = tuple(name for name in named if name not in set(answer.fail_to_pass))
    if bench.runner is not None:
        places = hidden_tests(answer, hidden)
    else:
        places = files_named(named, _in_order(answer, hidden))
    judging = _judging(places, hidden, bench.snapshot)
    trial = _Trial(bench, answer.fail_to_pass, kept, judging, places, Impostor.of(patch, places))
    # What the fix itself changes is part of the task.
    fixed = {*judging, *_paths(answer.patch)}
    tried = {path: content for path, content in files.items() if path not in fixed}
    own = steering(
        tried,
        bench.snapshot,
        bench.sandbox.environment.python_path,
        () if bench.runner is None else bench.runner.folders,
    )
    beside = [path for path in beside_tests(tried, places) if path not in own]
    progress(f"running the tests of {len(places)} files")
    found = trial.of(files, without={*own, *beside})
    doubts = []
    if own and found.resolved:
        progress("running them again with what the patch changes of how tests run")
        found = trial.of(files, without=beside)
        so = "; it is resolved without that too" if found.resolved else ""
        doubts.append(f"the patch changes how tests run: {_some(own)}{so}")
    elif own:
        doubts.append(f"the patch changes how tests run: {_some(own)}")
        doubts.append("without that it is not resolved")
    if beside and not found.resolved:
        doubts.append(f"left out, as it lies with the tests that judge: {_some(beside)}")
    compiled = compiled_sources(files)
    if compiled:
        doubts.append(f"nothing was compiled anew, though the patch changes {_some(compiled)}")
    return replace(found, doubts=tuple(doubts))


@dataclass(frozen=True, slots=True)
class _Trial:
    """The judging tests, to be run with what a patch makes of the files."""

    bench: _Bench
    wanted: Sequence[str]
    kept: Sequence[str]
    judging: applying.Files
    places: Sequence[str]
    impostor: Impostor | None

    def of(self, files: applying.Files, *, without: Collection[str]) -> Grade:
        files = {path: content for path, content in files.items() if path not in without}
        layers, names = [files, self.judging], [*self.places]
        if self.impostor is not None:
            layers.append(self.impostor.files)
            names.append(self.impostor.path)
        try:
            run = self.bench.run(layers, names)
        except RepositoryError as error:
            return Grade(False, applied=False, problem=_line(error))
        except TestsError as error:
            return Grade(False, problem=_line(error))
        found = _judge(self.wanted, self.kept, run)
        if self.impostor is not None and self.impostor.passed(run):
            return replace(found, resolved=False, problem=BELIED)
        return found


def _rest(
    answer: Answer,
    bench: _Bench,
    hidden: Mapping[str, bytes | None],
    progress: Callable[[str], None],
) -> tuple[str, ...]:
    if not answer.rest:
        return ()
    progress("finding out which tests pass on the base commit")
    run = bench.run((applying.with_modes(hidden, bench.snapshot),), None)
    outside = {*answer.fail_to_pass, *answer.pass_to_pass}
    return tuple(r.test_id for r in run.results if r.test_id in run.passed - outside)


def _judging(
    places: Iterable[str], hidden: Mapping[str, bytes | None], snapshot: Snapshot
) -> applying.Files:
    """The judging tests' files, as the task has them: no patch may change what judges it."""
    files: dict[str, bytes | None] = {}
    for path in places:
        if path in snapshot.files:
            files[path] = snapshot.read(path)
    return applying.with_modes({**files, **hidden}, snapshot)


def _judge(wanted: Sequence[str], kept: Sequence[str], run: TestRun) -> Grade:
    outcomes = Outcomes(run)
    fail_to_pass = {name: outcomes.of(name) for name in wanted}
    pass_to_pass = {name: outcomes.of(name) for name in kept}
    named = {**fail_to_pass, **pass_to_pass}
    # A test that is skipped now is not kept. By SWE-bench's functions it would be; but pytest's log
    # names no skipped test, so for most parsers such a one is gone.
    resolved = bool(fail_to_pass) and all(said == "passed" for said in named.values())
    lost = any(said == "missing" for said in named.values())
    return Grade(
        resolved,
        fail_to_pass=fail_to_pass,
        pass_to_pass=pass_to_pass,
        problem=run.problem if lost else "",
        log=_log(run, named),
    )


def _log(run: TestRun, named: Mapping[str, str]) -> str:
    bad = {name for name, said in named.items() if said != "passed"}
    bad |= {file_of(name) for name in bad}
    told = [
        f"== {result.test_id}: {result.outcome}\n{result.detail or result.message}"
        for result in run.results
        if result.test_id in bad and result.outcome.bad
    ]
    more = [f"== and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
    return "\n".join([*told[:SHOWN], *more, run.log])


def _paths(patch: str) -> set[str]:
    try:
        return {each.path for each in files_of(patch)}
    except RepositoryError:  # a gold patch that is none: it is not what is judged here
        return set()


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return ", ".join(paths[:NAMED]) + more


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
