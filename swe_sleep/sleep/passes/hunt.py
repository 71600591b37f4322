"""Faults where no test looks: risky functions are called with values that fit them.

It is what sleep does last, when every test has run and nothing else is left, and only for a few
functions in one pass; another change ends it at once. Where somebody waits for the end of the pass,
it is left out of one that still had tests to run. What is found stands as long as the files that
its test runs stay as they are; after that `prove` runs the test again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from swe_sleep.anticipate.hunting.hunt import (
    Finding,
    Ground,
    find_target,
    hunt,
    passes_with,
)
from swe_sleep.anticipate.hunting.ranking import Ranked, ranked
from swe_sleep.anticipate.hunting.writing import reasons, text_of, title_of
from swe_sleep.anticipate.risk.noted import risky
from swe_sleep.notes import kinds
from swe_sleep.notes.kinds import TestsOfFile
from swe_sleep.records import AnticipatedIssue, Note, Place, State, Suspicion, Usage
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation
from swe_sleep.testing.discovery import configuration_of, find_test_files

LEAD = "hunt"
A_PASS = 6
"""Functions that one pass hunts."""
RANKED = 300
"""Functions that are hunted at all; the rest is not risky enough."""
SURE = {"seen": 0.85, "annotation": 0.8, "docstring": 0.75, "default": 0.8, "guess": 0.3}
CHANGED = 0.95
"""Where the test passes on the version before the last change."""

Lines = Mapping[str, frozenset[int]]


class HuntPass:
    name = "hunt"
    version = 1
    reads = ("tests", "risk")

    def __init__(self) -> None:
        self._covered: dict[str, tuple[bytes, Lines]] = {}
        """By test file: its note's data, and the lines that its tests run."""
        self._began: tuple[Situation, bool] | None = None
        """The situation that was planned for last, and whether all tests had run at its start."""

    def plan(self, work: Situation) -> Iterator[Unit]:
        if not work.settings.sleep.hunt or not self._has_leisure(work):
            return
        units = [self._unit(work, each) for each in self._ranked(work)]
        done = work.store.finished(unit.key for unit in units)
        yield from [unit for unit in units if unit.key not in done][:A_PASS]

    def _has_leisure(self, work: Situation) -> bool:
        ready = not work.outlines.missing() and _all_ran(work)
        if self._began is None or self._began[0] is not work:
            self._began = (work, ready)
        return ready and (work.nobody_waits or self._began[1])

    def _unit(self, work: Situation, each: Ranked) -> Unit:
        graph = work.outlines.graph()
        paths = {each.path, *graph.imports_of(each.path)}
        return schedule.HUNT.unit(
            f"{self.name}@{self.version}",
            f"{each.path}::{each.qualname}",
            {path: work.snapshot.blob(path) for path in paths},
            cost_s=work.settings.sleep.hunt_s / 2,
            chance=work.interest.of(each.path),
        )

    def _ranked(self, work: Situation) -> list[Ranked]:
        graph = work.outlines.graph()
        outlines = [
            (path, graph.module_name(path), outline)
            for path in graph
            if (outline := graph.outline(path)) is not None
        ]
        scores = risky(work.view)
        most = max((score for _, _, score in scores), default=0.0) or 1.0
        risk = {(path, name): score / most for path, name, score in scores}
        test_files = find_test_files(work.snapshot)
        return ranked(outlines, self._lines(work), risk, test_files)[:RANKED]

    def _lines(self, work: Situation) -> dict[str, set[int]]:
        """The lines that any test runs."""
        found: dict[str, set[int]] = {}
        for seen in work.view.fresh(kinds.TESTS):
            kept = self._covered.get(seen.note.subject)
            if kept is None or kept[0] != seen.note.data:
                kept = (seen.note.data, _lines_of(seen.data(TestsOfFile)))
                self._covered[seen.note.subject] = kept
            for path, lines in kept[1].items():
                found.setdefault(path, set()).update(lines)
        return found

    def run(self, unit: Unit, work: Situation) -> Made:
        path, _, qualname = unit.subject.partition("::")
        graph = work.outlines.graph()
        ground = Ground(
            work.tests,
            work.sources,
            find_test_files(work.snapshot),
            {each: graph.module_name(each) for each in graph},
            min(work.settings.sleep.hunt_s, max(work.budget.left_s, 1.0)),
            work.budget.exhausted,
        )
        target = find_target(ground, path, qualname)
        if target is None:
            return Made()
        hunted = hunt(ground, target, _covering(work, path, target.line, target.end_line))
        usage = Usage(test_runs=hunted.test_runs)
        if work.budget.exhausted() and not hunted.findings:
            return Made(usage=usage, done=False)
        if hunted.why and not hunted.exercised.calls and "hypothesis" in hunted.why:
            work.progress(f"no hunt: {hunted.why}")
        for finding in hunted.findings:
            if not _known(work, finding):
                return Made((_note(unit, work, ground, finding, usage),), usage=usage)
        return Made(usage=usage)


def _all_ran(work: Situation) -> bool:
    """Whether there is no test left that did not run on the code as it is."""
    notes = {seen.note.subject: seen for seen in work.view.fresh(kinds.TESTS)}
    return all(
        file in notes and not notes[file].data(TestsOfFile).pending
        for file in find_test_files(work.snapshot)
    )


def _lines_of(data: TestsOfFile) -> Lines:
    found: dict[str, set[int]] = {}
    for test, files in kinds.unpack_coverage(data.coverage).lines.items():
        for path, lines in files.items() if test else ():
            found.setdefault(path, set()).update(lines)
    return {path: frozenset(lines) for path, lines in found.items()}


def _covering(work: Situation, path: str, first: int, last: int) -> list[str]:
    """Tests that run lines of a function's body, the quick ones first."""
    coverage, results = work.evidence.coverage_of([path])
    seconds = {result.test_id: result.duration_s for result in results}
    found = [
        test
        for test, files in coverage.lines.items()
        if test in seconds and any(first < line <= last for line in files.get(path, ()))
    ]
    return sorted(found, key=lambda test: (seconds[test], test))


def _known(work: Situation, finding: Finding) -> bool:
    """Whether an issue that stands is about the same."""
    place = _places(finding)[0]
    for each in work.view.issues(State.PATCHED, State.REPRODUCED):
        first = each.issue.suspicions[0].place if each.issue.suspicions else None
        same = each.issue.symptom.partition(":")[0] == finding.result.message.partition(":")[0]
        if each.fresh and same and first == place:
            return True
    return False


def _places(finding: Finding) -> list[Place]:
    """Where it broke, innermost first."""
    places = [place for place, _ in finding.find.frames][::-1]
    own = Place(finding.target.path, finding.target.line, finding.target.end_line)
    return list(dict.fromkeys([*places, own]))


def _note(unit: Unit, work: Situation, ground: Ground, finding: Finding, usage: Usage) -> Note:
    target, find, written = finding.target, finding.find, finding.written
    places = _places(finding)
    sure = min((SURE.get(why, 0.5) for why in find.evidence.values()), default=0.8)
    before = work.changed().get(target.path, ("", ""))[0]
    old = work.contents.get(target.path, before) if before else None
    since = ""
    if old is not None and passes_with(ground, written, {target.path: old}):
        written = dataclasses.replace(written, passed_with={target.path: before})
        sure, since = CHANGED, " It passes on the version before the last change."
    issue = AnticipatedIssue(
        title=title_of(find, target),
        state=State.SUSPECTED if finding.guessed else State.REPRODUCED,
        symptom=finding.result.message,
        tests=() if finding.guessed else written.tests,
        suspicions=tuple(
            Suspicion(place, 1.0 / (1 + number), "where it broke" if not number else "on the way")
            for number, place in enumerate(places[:4])
        ),
        lead=LEAD,
        written=written,
        text=text_of(find, target),
    )
    why = "\n".join(f"- {line}" for line in reasons(find))
    body = f"{issue.title}. A test of it fails as stated, twice.{since}\n\nWhat was passed:\n{why}"
    covered = finding.run.coverage.lines.get(written.tests[0], {}) if finding.run.coverage else {}
    ran = {target.path, *covered, *(place.path for place in places)}
    inputs = {path: work.snapshot.blob(path) for path in ran if path in work.snapshot.files}
    return Note(
        kind=kinds.ISSUE,
        subject=kinds.issue_subject(target.path, target.qualname, LEAD),
        body=body,
        producer=unit.producer,
        inputs=inputs | configuration_of(written.path, work.snapshot),
        data=kinds.encode(issue),
        evidence=tuple(places[:10]),
        usage=usage,
        confidence=sure,
    )
