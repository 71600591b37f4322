"""What each arm lets the solver know, and what of that it saw."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from swe_sleep.config import Settings
from swe_sleep.evaluate.mirrors import at_commit
from swe_sleep.notes.store import Store
from swe_sleep.records import ContextLine, Patch
from swe_sleep.repo.repository import Repository
from swe_sleep.solve.knowledge import Knowledge, OneAtATime
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


def knowledge_of(known: Known, told: Known, notes: Notes | None, settings: Settings) -> Knowledge:
    """What the solver may ask. What needs no notes it may in every arm: with none at all it works
    as in a repository that never slept."""
    if notes is None or not notes.text:
        return knowledge(known, settings, told=told)
    return AnotherIssue(knowledge(known, settings), knowledge(told, settings), notes.text)


class AnotherIssue(OneAtATime):
    """What is noted of another issue, whatever is asked: a placebo for a repository without
    company. What the notes say of the code in any case (tests, coverage) is not told."""

    def __init__(self, own: Knowledge, noted: Knowledge, text: str) -> None:
        super().__init__(own)
        self._noted = noted
        self._text = text

    def answers(self) -> bool:
        return self._noted.answers()

    def search(self, text: str, limit: int) -> Sequence[ContextLine]:
        return self._noted.search(self._text, limit)

    def about(self, subject: str, limit: int) -> Sequence[ContextLine]:
        lines = self._noted.located(self._text)
        return self._noted.about(str(lines[0].place.path), limit) if lines else ()

    def suspected(self, text: str) -> Sequence[ContextLine]:
        return self._noted.suspected(self._text)


class Watched(OneAtATime):
    """Knowledge that remembers what of it was handed out."""

    def __init__(self, knowledge: Knowledge) -> None:
        super().__init__(knowledge)
        self.shown: list[ContextLine] = []
        """Of the notes."""
        self.placed: list[str] = []
        """Paths that were named for the issue, by notes or by its words, the likeliest first."""

    def used(self, patch: Patch | None, subjects: Collection[str]) -> int:
        """Of what was shown, how much the patch came from (subjects of notes) or is about."""
        paths = set(patch.paths) if patch else set()
        return len(subjects) + sum(line.place.path in paths for line in self.shown)

    def search(self, text: str, limit: int) -> Sequence[ContextLine]:
        return self._seen(super().search(text, limit))

    def about(self, subject: str, limit: int) -> Sequence[ContextLine]:
        return self._seen(super().about(subject, limit))

    def suspected(self, text: str) -> Sequence[ContextLine]:
        return self._placed(self._seen(super().suspected(text)))

    def located(self, text: str) -> Sequence[ContextLine]:
        return self._placed(super().located(text))

    def _seen(self, lines: Sequence[ContextLine]) -> Sequence[ContextLine]:
        self.shown = list(dict.fromkeys([*self.shown, *lines]))
        return lines

    def _placed(self, lines: Sequence[ContextLine]) -> Sequence[ContextLine]:
        self.placed = list(dict.fromkeys([*self.placed, *(line.place.path for line in lines)]))
        return lines
