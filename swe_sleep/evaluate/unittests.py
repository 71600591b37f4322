"""Tests that only their project's own runner can run, where that runs them by unittest: django's.

SWE-bench reads what it prints. Here every outcome is written down where it is made, so that a line
which only looks like one counts for nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import msgspec

from swe_sleep.errors import TestsError
from swe_sleep.records import Outcome, TestResult, TestRun
from swe_sleep.sandbox.protocol import Sandbox

COMMANDS: Mapping[str, str] = {
    "django/django": "./tests/runtests.py --verbosity 2 --settings=test_sqlite --parallel 1",
}
"""By repository; SWE-bench's own."""
RUNNERS: Mapping[str, tuple[str, ...]] = {"django/django": ("django/test/",)}
"""Folders of the product that decide how tests run."""
MOST_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class Runner:
    """A project's own runner, by its command."""

    command: str
    folders: tuple[str, ...] = ()

    @classmethod
    def of(cls, repo: str) -> Runner | None:
        """None where pytest runs the tests of this repository."""
        command = COMMANDS.get(repo)
        return None if command is None else cls(command, RUNNERS[repo])

    def run(self, sandbox: Sandbox, places: Sequence[str], *, timeout_s: float) -> TestRun:
        """The tests of these files. Each is a result under every name that it goes by. Raises
        TestsError where the record cannot be read."""
        inside = files("swe_sleep.evaluate.inside")
        program = posixpath.join(sandbox.scratch, "recorder.py")
        record = posixpath.join(sandbox.scratch, "record.jsonl")
        sandbox.put({program: (inside / "recorder.py").read_bytes(), record: None})
        argv = [sandbox.environment.python, program, record, *self.command.split()]
        try:
            done = sandbox.run([*argv, *map(label, places)], timeout_s=timeout_s)
            try:
                lines = sandbox.get(record, limit_bytes=MOST_BYTES).splitlines()
            except FileNotFoundError:
                lines = []
        finally:
            sandbox.put({program: None, record: None})
        problem = "the tests were stopped at the time limit" if done.cut else ""
        if not lines and not problem:
            said = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
            problem = f"the project's own runner ran no test: {said}"
        results = _results(lines)
        return TestRun(results, done.duration_s, problem, log=f"{done.stdout}\n{done.stderr}")


def label(path: str) -> str:
    """As django's own runner names a file's tests."""
    return path.removesuffix(".py").removeprefix("tests/").replace("/", ".")


def _results(lines: Sequence[bytes]) -> tuple[TestResult, ...]:
    found: dict[str, TestResult] = {}
    decoder = msgspec.json.Decoder(tuple[list[str], Outcome, str])
    for line in lines:
        try:
            names, outcome, detail = decoder.decode(line)
        except msgspec.DecodeError as error:
            raise TestsError(
                "The tests can not be run: something else wrote where their results are kept."
            ) from error
        for name in filter(None, names):
            # Of several that are named alike, one that does not pass counts.
            if name not in found or outcome is not Outcome.PASSED:
                found[name] = TestResult(name, outcome, message=detail.split("\n", 1)[0])
    return tuple(found.values())
