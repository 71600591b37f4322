"""What each arm lets the solver know, and what of that it saw."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from swe_sleep.config import Settings
from swe_sleep.evaluate.runs.sleeping import at_commit
from swe_sleep.notes.evidence import Failing
from swe_sleep.notes.store import Store
from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import ContextLine, Coverage, Patch, TestResult
from swe_sleep.repair.lessons import Lesson
from swe_sleep.repo.repository import Repository
from swe_sleep.solve.knowledge import Knowledge, Nothing
from swe_sleep.wiring.known import NOTES_FILE, Known
from swe_sleep.wiring.solving import knowledge


@dataclass(frozen=True, slots=True)
class Notes:
    """Which notes a trial is given."""

    store: Path
    sources: tuple[Path, ...]
    commit: str
    """The commit that they are of."""
    trusted: bool = False
    """Taken for fresh as they are, although the code is not that commit's: what the product never
    does, for comparison."""
    text: str = ""
    """What they are asked instead of the issue: another issue's text."""

    def moved(self, places: Mapping[Path, Path]) -> Self:
        sources = tuple(places[each] for each in self.sources)
        return replace(self, store=places[self.store], sources=sources)


@contextmanager
def known_of(repository: Repository, notes: Notes | None) -> Iterator[Known]:
    """The repository with a store of its own: a copy of the notes where they are judged against
    it, else an empty one."""
    if notes is not None and not notes.trusted:
        shutil.copyfile(notes.store, repository.state_dir / NOTES_FILE)
    store = Store(repository.state_dir / NOTES_FILE)
    try:
        yield Known.of(repository, store)
    finally:
        store.close()


@contextmanager
def told_of(known: Known, notes: Notes | None, folder: Path) -> Iterator[Known]:
    """What the notes are of: `known`, of the commit that is worked on, unless they are another's
    and taken for its own."""
    if notes is None or not notes.trusted:
        yield known
        return
    with at_commit(notes.sources, notes.commit, folder / "other") as other:
        shutil.copyfile(notes.store, folder / NOTES_FILE)
        store = Store(folder / NOTES_FILE)
        try:
            yield Known.of(other, store)
        finally:
            store.close()


def knowledge_of(told: Known, notes: Notes | None, settings: Settings) -> Knowledge:
    """What the solver may ask."""
    if notes is None:
        return Nothing()
    known = knowledge(told, settings)
    return AnotherIssue(known, notes.text) if notes.text else known


class AnotherIssue(Nothing):
    """What is known of another issue, whatever is asked: a placebo for a repository without
    company. What is true of the code in any case (tests, coverage) is not told."""

    def __init__(self, knowledge: Knowledge, text: str) -> None:
        self._knowledge = knowledge
        self._text = text

    def search(self, text: str, limit: int) -> Sequence[ContextLine]:
        return self._knowledge.search(self._text, limit)

    def about(self, subject: str, limit: int) -> Sequence[ContextLine]:
        lines = self._knowledge.located(self._text)
        return self._knowledge.about(str(lines[0].place.path), limit) if lines else ()

    def located(self, text: str) -> Sequence[ContextLine]:
        return self._knowledge.located(self._text)


@dataclass
class Watched:
    """Knowledge that remembers which of its lines were handed out."""

    knowledge: Knowledge
    shown: list[ContextLine] = field(default_factory=list)
    placed: list[str] = field(default_factory=list)
    """Paths that were named for the issue, the likeliest first."""

    def used(self, patch: Patch | None, subjects: Iterable[str]) -> int:
        """Of what was shown, how much the patch came from (subjects of notes) or is about."""
        paths = set(patch.paths) if patch else set()
        places = {str(line.place) for line in self.shown}
        came = {subject for subject in subjects if subject not in places}
        return len(came) + sum(line.place.path in paths for line in self.shown)

    def issues(self) -> Sequence[SeenIssue]:
        return self.knowledge.issues()

    def failing(self) -> Sequence[Failing]:
        return self.knowledge.failing()

    def flaky(self) -> frozenset[str]:
        return self.knowledge.flaky()

    def complete(self) -> bool:
        return self.knowledge.complete()

    def suite_s(self) -> float | None:
        return self.knowledge.suite_s()

    def coverage_of(self, paths: Iterable[str]) -> tuple[Coverage, list[TestResult]]:
        return self.knowledge.coverage_of(paths)

    def old_texts(self, tests: Iterable[Failing]) -> Mapping[str, bytes]:
        return self.knowledge.old_texts(tests)

    def lessons(self, paths: Sequence[str]) -> Sequence[Lesson]:
        return self.knowledge.lessons(paths)

    def search(self, text: str, limit: int) -> Sequence[ContextLine]:
        return self._seen(self.knowledge.search(text, limit))

    def about(self, subject: str, limit: int) -> Sequence[ContextLine]:
        return self._seen(self.knowledge.about(subject, limit))

    def located(self, text: str) -> Sequence[ContextLine]:
        lines = self._seen(self.knowledge.located(text))
        self.placed += [line.place.path for line in lines if line.place.path not in self.placed]
        return lines

    def _seen(self, lines: Sequence[ContextLine]) -> Sequence[ContextLine]:
        self.shown += [line for line in lines if line not in self.shown]
        return lines
