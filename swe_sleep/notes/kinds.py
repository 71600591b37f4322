"""The kinds of notes, and the type of each kind's `data`.

| kind      | subject          | data              | claim                                        |
| --------- | ---------------- | ----------------- | -------------------------------------------- |
| `graph`   | the repository   | GraphData         | which files matter most, entry points        |
| `history` | the repository   | HistoryData       | churn, fixes, files that change together     |
| `tests`   | a test file      | TestsOfFile       | each test's outcome, duration, covered lines |
| `impact`  | a changed file   | ImpactData        | what changed, and call sites at risk         |
| `leads`   | a changed file   | LeadsData         | what the change makes suspect, against what  |
| `issue`   | a test or a path | AnticipatedIssue  | what a user would report next                |
| `risk`    | the repository   | RiskData          | what is likely to need a fix                 |
| `environment` | the repository | EnvironmentData | what the tests run in, and if they collect |
| `summary` | a file, "shop/", or all | SummaryData | what it is for, contracts, pitfalls |

Outlines are not notes but artefacts: pure functions of one blob, stored by its id.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from swe_sleep.records import AnticipatedIssue, Coverage, Place, TestResult, file_of

GRAPH = "graph"
HISTORY = "history"
TESTS = "tests"
IMPACT = "impact"
LEADS = "leads"
ISSUE = "issue"
ENVIRONMENT = "environment"
RISK = "risk"
SUMMARY = "summary"


class GraphData(msgspec.Struct, frozen=True):
    """What the reference and import graph says of the whole repository."""

    files: int
    symbols: int
    languages: Mapping[str, int]
    """Files per language."""
    rank: Mapping[str, float]
    """PageRank of the most central files; the sum over all files is 1."""
    entry_points: tuple[Place, ...] = ()
    problems: Mapping[str, str] = {}
    """Files that could not be read whole, with the reason."""


class HistoryData(msgspec.Struct, frozen=True):
    """What the newest commits say."""

    commits: int
    churn: Mapping[str, int]
    """Commits that touched the file."""
    fixes: Mapping[str, int]
    """Of these, commits whose message says that they fix a bug."""
    co_change: Mapping[str, Mapping[str, int]]
    """For a file, the files most often changed together with it, and how often."""
    newest: str = ""
    """The commit the counting started from."""


class TestsOfFile(msgspec.Struct, frozen=True):
    """The outcomes of one test file's tests, and what each covers."""

    __test__ = False

    results: tuple[TestResult, ...]
    coverage: bytes = b""
    """A packed Coverage; see `pack_coverage`."""
    problem: str = ""
    """Why the file's tests could not be run whole, in one line."""
    flaky: tuple[str, ...] = ()
    """Tests seen to pass and to fail on the same content."""
    pending: tuple[str, ...] = ()
    """Tests that did not run yet on the content of now, most telling first: a change may have
    touched them, or the time ended before them. The file's own path stands for all of it."""
    passed_with: Mapping[str, Mapping[str, str]] = {}
    """For each test that fails or is pending, but passed once: of the files that it ran and that
    changed since it last passed, the content then (path -> blob)."""

    @property
    def settled(self) -> tuple[TestResult, ...]:
        """The results that hold on the content of now."""
        waiting = set(self.pending)
        return tuple(
            result
            for result in self.results
            if waiting.isdisjoint((result.test_id, file_of(result.test_id)))
        )


class ImpactData(msgspec.Struct, frozen=True):
    """What a change puts at risk."""

    before: str
    """The blob that the file had before the change."""
    changed: tuple[str, ...] = ()
    """Each changed symbol with what changed of it, in words."""
    at_risk: tuple[Place, ...] = ()
    """Call sites that no longer fit."""


class LeadsData(msgspec.Struct, frozen=True):
    """Which leads a change of a file gives."""

    before: str
    """The blob of the version that it was compared with; "" where there was none."""
    found: tuple[str, ...] = ()
    """The subjects of the issues that were noted."""


class EnvironmentData(msgspec.Struct, frozen=True):
    """What the tests run in, and whether they can be collected there."""

    asked: str = ""
    """The settings that it was made with, as a hash."""
    python: str = ""
    """The interpreter's version; empty where no environment could be made."""
    chosen: str = ""
    """Why this interpreter."""
    requirements: Mapping[str, tuple[str, ...]] = {}
    """By group, as they were found."""
    command: str = ""
    """The file that says how the tests are started."""
    lock: str = ""
    builds: str = ""
    """What of the project had to be built, in words."""
    generated: tuple[str, ...] = ()
    """Files that the build made and the repository has not."""
    test_paths: tuple[str, ...] = ()
    test_arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = {}
    problem: str = ""
    collected: int = 0
    """Tests, when the note was made."""
    errors: Mapping[str, str] = {}
    """Files that could not be collected, with the reason."""


class SummaryLine(msgspec.Struct, frozen=True):
    """One thing worth knowing, with its place."""

    place: Place
    sort: str
    """"does", "contract", "invariant", "pitfall", or "asserts" for what a test asserts."""
    text: str


class SummaryData(msgspec.Struct, frozen=True):
    """What a file, a folder or the repository is for, and what one must know to change it."""

    purpose: str = ""
    lines: tuple[SummaryLine, ...] = ()
    model: str = ""
    """Which model wrote it; empty where it was read off the code."""


class RiskItem(msgspec.Struct, frozen=True):
    """A file or function, and how likely a fix of the next twelve months touches it."""

    path: str
    qualname: str
    """Empty for a file."""
    score: float
    """The probability."""
    lines: int
    """Of code: what it costs to read."""
    line: int = 0
    why: tuple[str, ...] = ()
    """What speaks for it, most telling first."""
    uncovered: float | None = None
    """The share of its lines that no test ran when the note was made; None where unknown."""

    @property
    def density(self) -> float:
        """What a line read is worth: rank by it where there is time for some lines only."""
        return self.score / max(self.lines, 1)


class RiskyChange(msgspec.Struct, frozen=True):
    """A step of late, and how likely it needs a fix."""

    commit: str
    title: str
    score: float
    above: float
    """The share of this repository's own steps that are less risky."""
    why: tuple[str, ...] = ()


class RiskData(msgspec.Struct, frozen=True):
    """What is likely to need a fix: ranked, most likely first."""

    files: tuple[RiskItem, ...]
    functions: tuple[RiskItem, ...]
    changes: tuple[RiskyChange, ...] = ()
    file_measure: str = "size"
    """"model", or "size" where the repository's own past shows no gain over it."""
    function_measure: str = "size"
    accuracy: Mapping[str, float] = {}
    """On this repository's own past, in windows that the model had not seen: "files auc" and beside
    it "files auc by size", and so on."""
    windows: int = 0
    """Of twelve months, that this was measured on."""
    fixes: int = 0
    """Fixes in these."""
    steps: int = 0
    """Steps of the history that were read."""


DATA: Mapping[str, type[Any]] = {
    GRAPH: GraphData,
    HISTORY: HistoryData,
    TESTS: TestsOfFile,
    IMPACT: ImpactData,
    LEADS: LeadsData,
    ISSUE: AnticipatedIssue,
    ENVIRONMENT: EnvironmentData,
    RISK: RiskData,
    SUMMARY: SummaryData,
}

T = TypeVar("T")


def issue_subject(path: str, qualname: str, lead: str) -> str:
    """The subject of an issue that no test of the repository's own shows: each lead to a symbol has
    a note of its own. A pass that carries it on (proves, refutes, patches) keeps the subject."""
    return f"{path}::{qualname or '<module>'} ({lead})"


def encode(data: object) -> bytes:
    """A kind's data as the JSON that a note holds."""
    return msgspec.json.encode(data)


def decode(data: bytes, kind: type[T]) -> T:
    """The data of a note; raises ValueError where it is of another shape."""
    return msgspec.json.decode(data, type=kind)


def pack_coverage(coverage: Coverage) -> bytes:
    """A Coverage in little space: paths once, lines as gaps and runs, compressed.

    One line set is packed as [gap, run, gap, run, ...]: lines 3, 4, 5, 9 are [3, 3, 4, 1].
    """
    paths = sorted({path for files in coverage.lines.values() for path in files})
    number = {path: i for i, path in enumerate(paths)}
    tests = {
        test: [[number[path], *_runs(lines)] for path, lines in sorted(files.items())]
        for test, files in coverage.lines.items()
    }
    return zlib.compress(msgspec.msgpack.encode((paths, tests)), 6)


def unpack_coverage(packed: bytes) -> Coverage:
    """The inverse of `pack_coverage`; nothing packed is an empty Coverage."""
    if not packed:
        return Coverage()
    paths, tests = msgspec.msgpack.decode(
        zlib.decompress(packed), type=tuple[list[str], dict[str, list[list[int]]]]
    )
    return Coverage(
        {
            test: {paths[entry[0]]: _lines(entry[1:]) for entry in entries}
            for test, entries in tests.items()
        }
    )


def _runs(lines: tuple[int, ...]) -> list[int]:
    runs: list[int] = []
    end = 0  # the line after the last run
    for line in lines:
        if runs and line == end:
            runs[-1] += 1
        else:
            runs += [line - end, 1]
        end = line + 1
    return runs


def _lines(runs: list[int]) -> tuple[int, ...]:
    lines: list[int] = []
    end = 0
    for gap, run in zip(runs[::2], runs[1::2], strict=True):
        lines.extend(range(end + gap, end + gap + run))
        end += gap + run
    return tuple(lines)
