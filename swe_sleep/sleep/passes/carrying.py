"""Bringing what is known of a test file to the content of now, without running anything.

Tests that did not run the changed lines keep their outcome, with their lines renumbered. The others
are pending. A change that acts when a module is imported may change which tests there are, so it
leaves the whole file pending.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec

from swe_sleep.notes import kinds
from swe_sleep.notes.kinds import TestsOfFile
from swe_sleep.notes.view import Seen
from swe_sleep.records import TREE, Coverage, Outcome
from swe_sleep.repo.lines import LineChange, line_change
from swe_sleep.sleep.situation import Situation
from swe_sleep.testing.discovery import configuration_of, find_test_files
from swe_sleep.testing.impact import Reach, acts_at_import, impacted_tests

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """A test file's record at the content of now. What it claims of tests that are not pending
    still holds."""

    path: str
    data: TestsOfFile
    coverage: Coverage
    new: bool = False
    """Nothing was known of it."""
    touched: tuple[str, ...] = ()
    """Of what is pending: that which the last change may have touched."""

    @property
    def whole(self) -> bool:
        """Whether all of the file is pending."""
        return self.path in self.data.pending


class Carrying:
    """Carries the records of many test files over the same change."""

    def __init__(self, work: Situation) -> None:
        self._work = work
        self._graph = work.outlines.graph()
        self._changes: dict[tuple[str, str], LineChange | None] = {}
        self._spans: dict[tuple[str, str], Spans] = {}
        self._users: dict[str, frozenset[str]] = {}

    def carry(self, path: str, seen: Seen | None) -> Carried:
        """`seen` is the newest note of the test file, or the fresh one."""
        if seen is None:
            return Carried(path, TestsOfFile((), pending=(path,)), Coverage(), new=True)
        data = seen.data(TestsOfFile)
        coverage = kinds.unpack_coverage(data.coverage)
        if seen.fresh:
            return Carried(path, data, coverage)
        changed = self._changed(seen)
        if self._touches_all(path, data, coverage, changed, seen):
            touched: tuple[str, ...] = (path,)
            pending = touched
        else:
            touched = tuple(self._touched(path, data, coverage, changed, seen))
            pending = (*touched, *data.pending)
        data = msgspec.structs.replace(
            data,
            problem="",
            pending=tuple(dict.fromkeys(pending)),
            passed_with=self._passed_with(path, data, pending, coverage, changed, seen),
        )
        return Carried(path, data, _moved(coverage, changed), touched=touched)

    def _changed(self, seen: Seen) -> dict[str, LineChange | None]:
        """The inputs that changed: how, or None where that is not known, or the file is gone."""
        snapshot = self._work.snapshot
        changed = [p for p, blob in seen.note.inputs.items() if snapshot.blob(p) != blob]
        languages = self._work.outlines.languages
        if TREE in changed and not any(path in languages for path in self._work.changed()):
            changed.remove(TREE)  # no program changed
        return {path: self._change(path, seen.note.inputs[path]) for path in changed}

    def _change(self, path: str, blob: str) -> LineChange | None:
        if (path, blob) not in self._changes:
            before = self._work.contents.get(path, blob)
            known = before is not None and path in self._work.snapshot.files
            self._changes[path, blob] = (
                line_change(before, self._work.snapshot.read(path))
                if known and before is not None
                else None
            )
        return self._changes[path, blob]

    def _touches_all(
        self,
        path: str,
        data: TestsOfFile,
        coverage: Coverage,
        changed: Mapping[str, LineChange | None],
        seen: Seen,
    ) -> bool:
        unread = any(result.test_id == path for result in data.results)
        if unread or not coverage.lines or path in data.pending:
            return True
        settings = configuration_of(path, self._work.snapshot)
        if path in changed or not settings.keys().isdisjoint(changed):
            return True
        outside = coverage.lines.get("", {})
        for file, change in changed.items():
            lines = change.touched_before if change else None
            if not acts_at_import(file, lines, coverage, self._function_of(seen)):
                continue
            users = self._users_of(file)
            if path in users or not settings.keys().isdisjoint(users):
                return True
            # Imported in a way that the graph does not see, or by what is gone with it.
            if file in outside and self._roots.isdisjoint(users):
                return True
        return False

    def _touched(
        self,
        path: str,
        data: TestsOfFile,
        coverage: Coverage,
        changed: Mapping[str, LineChange | None],
        seen: Seen,
    ) -> list[str]:
        found = impacted_tests(
            {file: set(c.touched_before) if c else None for file, c in changed.items()},
            coverage,
            {path: [r.test_id for r in data.results]},
            lambda file: (),
            self._function_of(seen),
        )
        # A test that runs other functions of a changed file can't tell the difference.
        return [each.test_id for each in found if each.reach <= Reach.MODULE]

    def _passed_with(
        self,
        path: str,
        data: TestsOfFile,
        pending: Iterable[str],
        coverage: Coverage,
        changed: Mapping[str, LineChange | None],
        seen: Seen,
    ) -> dict[str, dict[str, str]]:
        """For each test that fails or is pending, but passed once: what changed since, as it
        was."""
        found = {test: dict(files) for test, files in data.passed_with.items()}
        waiting = set(pending)
        settled = {result.test_id for result in data.settled}
        imported = {file for file in changed if path in self._users_of(file)}
        imported |= configuration_of(path, self._work.snapshot).keys() & changed.keys()
        for result in data.results:
            test = result.test_id
            if test in settled and result.outcome is Outcome.PASSED:
                if test not in waiting and path not in waiting:
                    continue  # it passes still
                found.setdefault(test, {})
            if test in found:
                ran = coverage.lines.get(test, {}).keys() & changed.keys()
                for file in (imported | ran) - {TREE}:
                    found[test].setdefault(file, seen.note.inputs[file])
                if TREE in ran:
                    for file, (before, _) in self._work.changed().items():
                        found[test].setdefault(file, before)
        return found

    @cached_property
    def _roots(self) -> frozenset[str]:
        """Where imports begin: the test files and the conftests."""
        files = self._work.snapshot.files
        conftests = (path for path in files if path.rpartition("/")[2] == "conftest.py")
        return frozenset([*find_test_files(self._work.snapshot), *conftests])

    def _users_of(self, path: str) -> frozenset[str]:
        """The file and all that import it, directly or through others."""
        if path not in self._users:
            self._users[path] = self._graph.importers_of(path, transitive=True) | {path}
        return self._users[path]

    def _function_of(self, seen: Seen) -> _FunctionOf:
        return _FunctionOf(self, seen.note.inputs)

    def spans(self, path: str, blob: str) -> Spans:
        """The functions of a file as it was."""
        if (path, blob) not in self._spans:
            content = self._work.contents.get(path, blob)
            outline = self._work.outlines.of_content(path, content) if content else None
            self._spans[path, blob] = tuple(
                (symbol.line, symbol.end_line)
                for symbol in (outline.symbols if outline else ())
                if symbol.kind in ("function", "method")
            )
        return self._spans[path, blob]


@dataclass(frozen=True, slots=True)
class _FunctionOf:
    """The function around a line of a file as it was when a note was made."""

    carrying: Carrying
    inputs: Mapping[str, str]

    def __call__(self, path: str, line: int) -> tuple[int, int] | None:
        spans = self.carrying.spans(path, self.inputs.get(path, ""))
        return max((span for span in spans if span[0] <= line <= span[1]), default=None)


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
