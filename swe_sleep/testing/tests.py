"""Running a repository's Python tests inside an open sandbox, and reading what happened."""

from __future__ import annotations

import difflib
import itertools
import json
import posixpath
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from swe_sleep.errors import TestsError, UnknownTest
from swe_sleep.records import Coverage, Outcome, TestResult, TestRun, file_of
from swe_sleep.testing.reading import Reading, inward, read_lines

if TYPE_CHECKING:
    from swe_sleep.sandbox.protocol import Completed, Sandbox

PROGRAMS = ("runner", "probe", "lines", "events", "bytecode")
NO_SUCH_TEST = "there is no such test"
"""The message of the result that stands for an unknown id."""
BACKSTOP_S = 30.0
"""The runner inside keeps the time limit; the sandbox's own comes this much later."""
MOST_BYTES = 2_000_000_000
MOST_LOST = 3
"""How often a run goes on after the sandbox had to end everything for memory."""

ENVIRONMENT: Mapping[str, str] = {
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTEST_ADDOPTS": "",
    "NO_COLOR": "1",
    "COLUMNS": "100",
    "OMP_NUM_THREADS": "1",  # quicker to start, the same result every time, and safe to fork
    "OPENBLAS_NUM_THREADS": "1",
}

OnResult = Callable[[TestResult], None]
Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Collection:
    """The tests there are. `errors` are files that could not be read; `problem` is empty, or says
    in one line why this is not all."""

    test_ids: tuple[str, ...]
    problem: str = ""
    errors: tuple[TestResult, ...] = ()


class Tests:
    """The tests of the repository in one open sandbox. Raises TestsError where pytest can not be
    started at all, and what the sandbox raises."""

    __test__ = False

    def __init__(
        self, sandbox: Sandbox, *, import_timeout_s: float = 60.0, most_restarts: int = 20
    ) -> None:
        self.sandbox = sandbox
        self._import_timeout_s = import_timeout_s
        self._most_restarts = most_restarts
        self._numbers = itertools.count(1)
        self._installed = False

    def collect(self, *, timeout_s: float) -> Collection:
        """Every test id, in pytest's order. Test files are imported, nothing is run."""
        job = self.job(None, timeout_s=timeout_s, test_timeout_s=timeout_s)
        outcome = self._execute(job | {"collect_only": True})
        collected = outcome.reading.collected or ()
        errors = tuple(r for r in outcome.reading.results.values() if r.outcome.bad)
        return Collection(collected, outcome.problem(empty=not collected and not errors), errors)

    def run(
        self,
        test_ids: Sequence[str] | None,
        *,
        timeout_s: float,
        test_timeout_s: float,
        coverage: bool = False,
        fail_fast: bool = False,
        strict: bool = True,
        on_result: OnResult | None = None,
        stop: Stop | None = None,
    ) -> TestRun:
        """Run these tests in this order, or all of them.

        An id may also name a class, a function with all its parameters, a file or a folder.
        Raises UnknownTest for one that names nothing; where `strict` is false it becomes an
        ERROR result instead. A test file that can not be read is a result of its own whose id is
        the path, and so are the ids asked for in it. `fail_fast` ends the run at the first bad
        result. Once `stop` is true the run is cancelled, with what it has.
        """
        if test_ids is not None and not test_ids:
            return TestRun(problem="no tests were asked for")
        job = self.job(test_ids, timeout_s=timeout_s, test_timeout_s=test_timeout_s)
        job |= {"coverage": coverage, "fail_fast": fail_fast, "strict": strict}
        return self._execute(job, on_result, stop).run(job)

    # shared with the warm runner ----------------------------------------------------------------

    def job(
        self, test_ids: Sequence[str] | None, *, timeout_s: float, test_timeout_s: float
    ) -> dict[str, Any]:
        """What `inside/runner.py` takes; written out there."""
        self.install()
        root = self.sandbox.workdir
        environment = self.sandbox.environment
        return {
            "root": root,
            "scratch": self.folder,
            "folder": self.new_folder("run"),
            "path": [posixpath.join(root, part) for part in environment.python_path],
            "paths": list(environment.test_paths),
            "options": list(environment.test_arguments),
            "ids": None if test_ids is None else [inward(i).rstrip("/") for i in test_ids],
            "timeout_s": timeout_s,
            "test_timeout_s": min(test_timeout_s, timeout_s),
            "import_timeout_s": min(self._import_timeout_s, timeout_s),
            "grace_s": min(5.0, max(0.5, test_timeout_s)),
            "most_restarts": self._most_restarts,
            "collect_only": False,
            "coverage": False,
            "fail_fast": False,
            "strict": True,
        }

    def new_folder(self, kind: str) -> str:
        """A name in the scratch folder that nothing has yet."""
        return posixpath.join(self.folder, f"{kind}-{next(self._numbers)}")

    def install(self, *, anew: bool = False) -> None:
        """Put the programs into the sandbox's scratch folder, once; `anew` where what ran there
        may have changed them."""
        if anew or not self._installed:
            inside = files("swe_sleep.testing.inside")
            self.sandbox.put(
                {
                    posixpath.join(self.folder, f"{name}.py"): (inside / f"{name}.py").read_bytes()
                    for name in PROGRAMS
                }
            )
            self._installed = True

    @property
    def folder(self) -> str:
        return posixpath.join(self.sandbox.scratch, "tests")

    def file(self, job: Mapping[str, Any], name: str) -> bytes:
        """A file that a run wrote, empty where it did not."""
        try:
            return self.sandbox.get(posixpath.join(job["folder"], name), limit_bytes=MOST_BYTES)
        except FileNotFoundError:
            return b""

    def forget(self, job: Mapping[str, Any]) -> None:
        """Remove what a run wrote, once it is read."""
        names = ("events.jsonl", "lines.jsonl", "log")
        self.sandbox.put({posixpath.join(job["folder"], name): None for name in names})

    # one run ------------------------------------------------------------------------------------

    def _execute(
        self, job: dict[str, Any], on_result: OnResult | None = None, stop: Stop | None = None
    ) -> Execution:
        """One run, gone on with where the sandbox had to end everything for memory."""
        execution = Execution()
        until = time.monotonic() + job["timeout_s"]
        for _ in range(1 + MOST_LOST):
            completed = self._start(job, execution.reading, on_result, stop)
            if job["coverage"]:
                execution.read_lines(self.file(job, "lines.jsonl"))
            self.forget(job)
            execution.completed = completed
            if completed.cut != "memory" or not execution.reading.lost_for_memory():
                break
            rest = execution.reading.rest()
            if not rest or job["fail_fast"]:
                break
            job = job | {
                "ids": list(map(inward, rest)),
                "strict": False,
                "timeout_s": max(1.0, until - time.monotonic()),
                "folder": self.new_folder("run"),
            }
        return execution

    def _start(
        self,
        job: dict[str, Any],
        reading: Reading,
        on_result: OnResult | None,
        stop: Stop | None,
    ) -> Completed:
        reading.next_file()
        look = _Look(lambda: reading.take(self.file(job, "events.jsonl")), on_result)

        def polled() -> bool:
            look.now_and_then()
            return stop is not None and stop()

        completed = self.sandbox.run(
            [self.sandbox.environment.python, posixpath.join(self.folder, "runner.py"), "run"],
            timeout_s=job["timeout_s"] + BACKSTOP_S,
            env=ENVIRONMENT,
            stdin=json.dumps(job).encode(),
            stop=polled if stop or on_result else None,
        )
        look.at_last()
        if not completed.cut and not reading.done:
            last = (completed.stderr.strip().splitlines() or ["it ended without a word"])[-1]
            raise TestsError(
                f"The tests can not be run: {reading.fatal or last}.",
                "Look at the interpreter and the dependencies that `swe-sleep doctor` shows.",
            )
        return completed


class _Look:
    """Looks at a growing event file now and then, the more rarely the longer a look takes."""

    def __init__(self, read: Callable[[], list[TestResult]], on_result: OnResult | None) -> None:
        self._read, self._on_result, self._next = read, on_result, 0.0

    def now_and_then(self) -> None:
        if self._on_result is not None and time.monotonic() >= self._next:
            began = time.monotonic()
            self.at_last()
            self._next = time.monotonic() + max(0.3, 10 * (time.monotonic() - began))

    def at_last(self) -> None:
        for result in self._read():
            if self._on_result is not None:
                self._on_result(result)


@dataclass
class Execution:
    """What came of a job."""

    reading: Reading = field(default_factory=Reading)
    coverage: Coverage = field(default_factory=Coverage)
    completed: Completed | None = None

    def read_lines(self, data: bytes) -> None:
        self.coverage = self.coverage.merged(read_lines(data))

    def run(self, job: Mapping[str, Any]) -> TestRun:
        """The record of it. Raises UnknownTest."""
        reading = self.reading
        if reading.unknown and job["strict"]:
            raise _unknown(reading.unknown[0], reading.known)
        results = dict(reading.results)
        for test_id in reading.unread:
            file = reading.results[file_of(test_id)]
            results.setdefault(test_id, replace(file, test_id=test_id, detail=""))
        for test_id in reading.unknown:
            gone = TestResult(test_id, Outcome.ERROR, message=NO_SUCH_TEST)
            results.setdefault(test_id, gone)
        return TestRun(
            results=tuple(results.values()),
            duration_s=self.completed.duration_s if self.completed else 0.0,
            problem=self.problem(empty=not results),
            coverage=self.coverage if job["coverage"] and self.coverage.lines else None,
            log=self.completed.stdout if self.completed else "",
            unfinished=reading.rest(),
        )

    def problem(self, *, empty: bool) -> str:
        problems = list(self.reading.problems)
        cut = self.completed.cut if self.completed else ""
        if cut:
            unfinished = self.reading.rest()
            count = f"; {len(unfinished)} tests did not finish" if unfinished else ""
            problems.append(f"{_CUTS[cut]}{count}")
        if empty and not problems:
            problems.append("the repository has no tests that pytest finds")
        return "; ".join(problems)


_CUTS = {
    "timeout": "the tests were stopped at the sandbox's time limit",
    "memory": "the tests were stopped at the sandbox's memory limit",
    "cancelled": "the run was cancelled",
}


def _unknown(test_id: str, known: Sequence[str]) -> UnknownTest:
    near = difflib.get_close_matches(test_id, known, n=1, cutoff=0.3)
    if not near and "::" in test_id:
        near = difflib.get_close_matches(file_of(test_id), known, n=1, cutoff=0.3)
    advice = f"The nearest is {near[0]}." if near else "`pytest --collect-only -q` lists them."
    return UnknownTest(f"There is no test {test_id}.", advice)
