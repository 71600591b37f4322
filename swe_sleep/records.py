"""Frozen types that cross rooms.

A *path* is text everywhere: relative to the repository's root, POSIX separators, always valid
UTF-8 and printable. Names that are not (undecodable bytes, control characters, a leading double
quote) stand in git's own C-quoted form, `"caf\\351.py"`; only `repo/` and `sandbox/` turn paths
into names of the operating system and back (`swe_sleep.repo.paths`).

A *blob* is the git object id of a file's content. Lines are 1-based, ranges inclusive, durations
seconds. All records are plain data: they encode to JSON with `msgspec` and come back equal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

ABSENT = ""
"""The blob of a path that does not exist: a note may depend on a file's absence."""

TREE = "<tree>"
"""Pseudo-path in a note's inputs: the id of the whole snapshot."""

HEAD = "<head>"
"""Pseudo-path in a note's inputs: the commit that is checked out."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in the code: a file, a line of it, or a range of lines."""

    path: str
    line: int | None = None
    end_line: int | None = None

    def __str__(self) -> str:
        if self.line is None:
            return self.path
        if self.end_line is None or self.end_line == self.line:
            return f"{self.path}:{self.line}"
        return f"{self.path}:{self.line}-{self.end_line}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a snapshot: its blob id and git mode (0o100644, 0o100755, 0o120000 a symlink,
    0o160000 a submodule that is not checked out)."""

    blob: str
    mode: int


Cause = Literal["start", "edit", "checkout", "overflow", "request"]


@dataclass(frozen=True, slots=True)
class Change:
    """A settled set of changed files between two snapshots."""

    added: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    cause: Cause = "edit"

    @property
    def paths(self) -> tuple[str, ...]:
        return (*self.added, *self.modified, *self.deleted)

    def __bool__(self) -> bool:
        return bool(self.added or self.modified or self.deleted)


def file_of(test_id: str) -> str:
    """The file that a test is in; a path stands for itself."""
    return test_id.partition("::")[0]


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    """The test ran and its assertion, or the code it calls, raised."""
    ERROR = "error"
    """A fixture, or the collection of the test's file, raised."""
    SKIPPED = "skipped"
    """Skipped, or failed where a failure is expected (xfail)."""
    TIMEOUT = "timeout"
    """Stopped at its time limit."""

    @property
    def bad(self) -> bool:
        return self in (Outcome.FAILED, Outcome.ERROR, Outcome.TIMEOUT)


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test's outcome. `frames` are the traceback's places inside the repository, outermost
    first; `message` is the exception's own line, such as `AssertionError: assert 3 == 4`."""

    __test__ = False

    test_id: str
    outcome: Outcome
    duration_s: float = 0.0
    message: str = ""
    frames: tuple[Place, ...] = ()
    detail: str = ""
    """The report a person would read, cut in the middle where it is long."""
    expected: bool = False
    """Of a skipped one: it ran and failed, as it says that it should (xfail)."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which test runs which lines: `lines[test_id][path]` is the sorted lines executed while that
    test ran; the id "" holds what ran outside any test, such as at import."""

    lines: Mapping[str, Mapping[str, tuple[int, ...]]] = field(default_factory=dict)

    def merged(self, other: Coverage) -> Coverage:
        """Both coverages; where a test is in both, the other's."""
        outside: dict[str, tuple[int, ...]] = dict(self.lines.get("", {}))
        for path, lines in other.lines.get("", {}).items():
            outside[path] = tuple(sorted({*outside.get(path, ()), *lines}))
        merged = {**self.lines, **other.lines}
        if outside:
            merged[""] = outside
        return Coverage(merged)


@dataclass(frozen=True, slots=True)
class TestRun:
    """What one run of the tests gave. `problem` is empty, or says in one line why the run is not
    whole (timed out, could not be collected, killed for memory); results until then are kept."""

    __test__ = False

    results: tuple[TestResult, ...] = ()
    duration_s: float = 0.0
    problem: str = ""
    coverage: Coverage | None = None
    log: str = ""
    unfinished: tuple[str, ...] = ()
    """Tests that were asked for and that the run did not come to."""

    @property
    def passed(self) -> frozenset[str]:
        return frozenset(r.test_id for r in self.results if r.outcome is Outcome.PASSED)

    @property
    def bad(self) -> frozenset[str]:
        return frozenset(r.test_id for r in self.results if r.outcome.bad)

    @property
    def skipped(self) -> frozenset[str]:
        return frozenset(r.test_id for r in self.results if r.outcome is Outcome.SKIPPED)

    def result(self, test_id: str) -> TestResult | None:
        return next((r for r in self.results if r.test_id == test_id), None)


@dataclass(frozen=True, slots=True)
class Usage:
    """What some work took. `cost_usd` is None where no price is known."""

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    turns: int = 0
    wall_s: float = 0.0
    test_runs: int = 0
    candidates: int = 0

    @property
    def prompt_tokens(self) -> int:
        """All that was read, whether the cache had it or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        def add(name: str) -> float | None:
            mine, theirs = getattr(self, name), getattr(other, name)
            return None if mine is None or theirs is None else mine + theirs

        return Usage(**{f.name: add(f.name) for f in dataclasses.fields(Usage)})  # type: ignore[arg-type]

    @staticmethod
    def total(usages: Iterable[Usage]) -> Usage:
        return sum(usages, Usage())


@dataclass(frozen=True, slots=True)
class Issue:
    """What is to be solved: a text as a user would write it, failing tests, or both."""

    text: str = ""
    test_ids: tuple[str, ...] = ()
    background: str = ""
    """What else may help whoever reads the text, such as older changes. It says nothing of what is
    wrong."""

    @property
    def title(self) -> str:
        first = next((line.strip() for line in self.text.splitlines() if line.strip()), "")
        return first.lstrip("# ") or ", ".join(self.test_ids)


Standing = Literal["fact", "proven", "suspicion"]
"""Of a line of context: read off the code, shown by running it, or only guessed."""


@dataclass(frozen=True, slots=True)
class ContextLine:
    """One line of what is known, with its place in the code, as it reaches a prompt."""

    place: Place
    text: str
    standing: Standing = "fact"


@dataclass(frozen=True, slots=True)
class Patch:
    """A change to the repository as a diff that `git apply` takes, and who made it."""

    diff: str
    paths: tuple[str, ...]
    producer: str
    summary: str = ""

    def __bool__(self) -> bool:
        return bool(self.diff)


@dataclass(frozen=True, slots=True)
class Proof:
    """The test runs that stand behind a patch.

    `before` and `after` are the runs of the reproducing tests; `impacted` and `suite` those of the
    tests that the patch can reach and of everything. `broken` are the tests that the patch made
    fail; tests that failed before it too are `known_failures`.
    """

    before: TestRun
    after: TestRun
    impacted: TestRun | None = None
    suite: TestRun | None = None
    broken: tuple[str, ...] = ()
    known_failures: tuple[str, ...] = ()
    refused: str = ""
    """Empty, or why the patch is not to be offered, in one line."""
    flaky: tuple[str, ...] = ()
    """Tests that failed with the patch, and passed with it when they ran again."""

    @property
    def holds(self) -> bool:
        return not self.refused


class State(StrEnum):
    """Of an anticipated issue. Only what was reproduced is shown unasked."""

    SUSPECTED = "suspected"
    REPRODUCED = "reproduced"
    PATCHED = "patched"
    REFUTED = "refuted"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A place that may hold the fault, with its suspiciousness from 0 to 1 and the reason."""

    place: Place
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class WrittenTest:
    """A test that a pass wrote. It is in no file of the repository: whoever runs it puts it there,
    and takes it away again."""

    path: str
    content: str
    tests: tuple[str, ...]
    """The ids in it that show the issue."""
    passed_with: Mapping[str, str] = field(default_factory=dict)
    """Of the files that changed since it passed, the content then (path -> blob); empty where it
    was never seen to pass."""

    @property
    def files(self) -> dict[str, bytes | None]:
        return {self.path: self.content.encode()}


@dataclass(frozen=True, slots=True)
class AnticipatedIssue:
    """The `data` of an `issue` note: what a user would report next, and how far it is proven."""

    title: str
    state: State
    symptom: str
    tests: tuple[str, ...] = ()
    """The tests that show it; empty while it is only suspected."""
    suspicions: tuple[Suspicion, ...] = ()
    cause: tuple[Place, ...] = ()
    """The lines of the change that brought it, where known."""
    patches: tuple[Patch, ...] = ()
    """Candidate patches that already passed, best first."""
    proof: Proof | None = None
    lead: str = ""
    """What led to it, such as "guard", "ruff F821", "hunt" or "model"; empty where it was a failing
    test of the repository's own."""
    written: WrittenTest | None = None
    """The test that a pass wrote to show it, where the repository's own do not."""
    text: str = ""
    """The issue as a user would write it, where that says more than the title."""
    check: str = ""
    """How it can be tested, in words, while no test shows it."""


@dataclass(frozen=True, slots=True)
class Note:
    """One claim about the repository, with what it was made from.

    A note is fresh while every one of `inputs` (path, or pseudo-path, to blob) is unchanged.
    `data` is JSON whose type the `kind` decides. `subject` is a path, `path::qualname`, a test id,
    or "" for the repository. `confidence` is from 0 to 1.
    """

    kind: str
    subject: str
    body: str
    producer: str
    inputs: Mapping[str, str]
    data: bytes = b"null"
    evidence: tuple[Place, ...] = ()
    usage: Usage = Usage()
    confidence: float = 1.0
    created: float = 0.0
    """Unix time; the store fills it in."""
