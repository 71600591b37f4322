"""From the event files that the programs inside write, to records."""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec

from swe_sleep.errors import TestsError
from swe_sleep.records import Coverage, Outcome, Place, TestResult
from swe_sleep.repo.paths import from_os, to_os


class Event(msgspec.Struct):
    """One line of the event file; which fields are set depends on `e`."""

    e: str
    id: str = ""
    ids: list[str] = []
    known: list[str] = []
    outcome: str = ""
    duration_s: float = 0.0
    message: str = ""
    frames: list[tuple[str, int]] = []
    detail: str = ""
    expected: bool = False
    text: str = ""
    problem: str = ""


class _Lines(msgspec.Struct):
    id: str
    lines: dict[str, str]


class Reading:
    """What the events say so far; `take` may be called again with the longer file."""

    def __init__(self) -> None:
        self.results: dict[str, TestResult] = {}
        """One a test; for a file that could not be read, or was skipped whole, one a file."""
        self.collected: tuple[str, ...] | None = None
        self.unread: tuple[str, ...] = ()
        """Tests that were asked for in files that could not be read."""
        self.unknown: tuple[str, ...] = ()
        self.known: tuple[str, ...] = ()
        self.running = ""
        self.problems: list[str] = []
        self.fatal = ""
        self.done = False
        self._offset = 0

    def take(self, data: bytes) -> list[TestResult]:
        """The results that are new since the last call. A half-written last line is left. Raises
        TestsError where code of the tests wrote into the file: then nothing in it is sure."""
        end = data.rfind(b"\n") + 1
        new = []
        decoder = msgspec.json.Decoder(Event)
        for line in data[self._offset : end].splitlines():
            try:
                result = self._one(decoder.decode(line))
            except (msgspec.DecodeError, ValueError) as error:
                raise TestsError(
                    "The tests can not be run: something else wrote where their results are kept."
                ) from error
            if result is not None:
                new.append(result)
        self._offset = max(self._offset, end)
        return new

    def next_file(self) -> None:
        """The run goes on in another file."""
        self._offset, self.done, self.running = 0, False, ""

    def rest(self) -> tuple[str, ...]:
        """What was to run and has no result."""
        return tuple(i for i in self.collected or () if i not in self.results)

    def lost_for_memory(self) -> bool:
        """Everything was ended for memory: blame the test that was running; False if none was."""
        if not self.running:
            return False
        self.results[self.running] = TestResult(
            self.running, Outcome.ERROR, message="stopped at the sandbox's memory limit"
        )
        return True

    def _one(self, event: Event) -> TestResult | None:
        match event.e:
            case "collected" if self.collected is None:
                self.collected = tuple(map(outward, event.ids))
            case "start":
                self.running = outward(event.id)
            case "result" | "file":
                return self._result(event)
            case "unread":
                self.unread = tuple(map(outward, event.ids))
            case "unknown":
                self.unknown = (*self.unknown, *map(outward, event.ids))
                self.known = (*self.known, *map(outward, event.known))
            case "problem":
                self.problems.append(event.text)
            case "fatal":
                self.fatal = event.text
            case "done":
                self.done = True
                if event.problem:
                    self.problems.append(event.problem)
            case _:
                pass
        return None

    def _result(self, event: Event) -> TestResult:
        if event.e == "result":
            self.running = ""
        result = TestResult(
            test_id=outward(event.id),
            outcome=Outcome(event.outcome),
            duration_s=event.duration_s,
            message=_text(event.message),
            frames=tuple(Place(outward(path), line) for path, line in event.frames),
            detail=_text(event.detail),
            expected=event.expected,
        )
        self.results[result.test_id] = result
        return result


def read_lines(data: bytes) -> Coverage:
    """The coverage of a run; a half-written last line is left out."""
    known: dict[str, tuple[int, ...]] = {}  # most tests run the same lines of most files
    lines: dict[str, dict[str, tuple[int, ...]]] = {}
    decoder = msgspec.json.Decoder(_Lines)
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        entry = decoder.decode(line)
        of_test = lines.setdefault(outward(entry.id), {})
        for path, ranges in entry.lines.items():
            numbers = known.get(ranges)
            if numbers is None:
                numbers = known[ranges] = tuple(_numbers(ranges))
            name = outward(path)
            before = of_test.get(name)
            of_test[name] = numbers if before is None else tuple(sorted({*before, *numbers}))
    return Coverage(lines)


def _numbers(ranges: str) -> Iterator[int]:
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def outward(test_id: str) -> str:
    """A test id, or path, as the tests' process knows it -> as we write it."""
    path, mark, inner = test_id.partition("::")
    return (from_os(os.fsencode(path)) if path else "") + mark + _text(inner)


def inward(test_id: str) -> str:
    """And back."""
    path, mark, inner = test_id.partition("::")
    return (os.fsdecode(to_os(path)) if path else "") + mark + inner


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
