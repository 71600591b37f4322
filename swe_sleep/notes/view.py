"""The notes as seen from one snapshot: each comes with whether it is fresh there.

A note is fresh while all its inputs have the content it was made from. That is checked here, on
every read, against a snapshot that holds uncommitted edits too; nothing else decides it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from swe_sleep.notes import kinds
from swe_sleep.notes.store import Store, StoredNote
from swe_sleep.records import AnticipatedIssue, Note, State

T = TypeVar("T")


class Content(Protocol):
    """What freshness is judged against; a Snapshot is one."""

    def blob(self, path: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A note, whether it is fresh, and how well it matched where it was searched for."""

    note: Note
    fresh: bool
    score: float = 0.0

    def data(self, kind: type[T]) -> T:
        return kinds.decode(self.note.data, kind)


@dataclass(frozen=True, slots=True)
class SeenIssue:
    """An anticipated issue with the note that holds it."""

    note: Note
    fresh: bool
    issue: AnticipatedIssue


class View:
    """The notes of a store from one snapshot. Make a new one for a new snapshot."""

    def __init__(self, store: Store, content: Content) -> None:
        self._store = store
        self._content = content

    @property
    def empty(self) -> bool:
        """Whether nothing was ever noted, of whatever content."""
        return not self._store.select("id = (SELECT min(id) FROM notes)")

    def _fresh(self, stored: StoredNote) -> bool:
        return all(self._content.blob(path) == blob for path, blob in stored.note.inputs.items())

    def _seen(self, stored: Iterable[StoredNote]) -> Iterator[Seen]:
        for each in stored:
            yield Seen(each.note, self._fresh(each))

    def versions(self, kind: str, subject: str = "") -> list[Seen]:
        """A note as it was made from each content that is kept, newest first."""
        return list(self._seen(self._store.select("kind = ? AND subject = ?", (kind, subject))))

    def get(self, kind: str, subject: str = "") -> Seen | None:
        """The fresh version of a note; where there is none, the newest stale one; or None."""
        versions = self.versions(kind, subject)
        return next((seen for seen in versions if seen.fresh), versions[0] if versions else None)

    def all(self, kind: str) -> list[Seen]:
        """One version of every note of a kind: the fresh one, else the newest."""
        return _best(self._seen(self._store.select("kind = ?", (kind,))))

    def fresh(self, kind: str) -> list[Seen]:
        """The fresh notes of a kind."""
        return [seen for seen in self.all(kind) if seen.fresh]

    def made_from(self, kind: str, paths: Sequence[str]) -> list[Seen]:
        """One version of every note of a kind that has one of the paths among its inputs."""
        if not paths:
            return []
        marks = ", ".join("?" * len(paths))
        return _best(
            self._seen(
                self._store.select(
                    "kind = ? AND id IN (SELECT note FROM note_inputs WHERE input IN"
                    f" (SELECT id FROM inputs WHERE path IN ({marks})))",
                    (kind, *paths),
                )
            )
        )

    def about(self, path: str) -> list[Seen]:
        """Notes whose subject is the path, a symbol or a test in it, or that cite it."""
        direct = self._store.select(
            "subject = ? OR substr(subject, 1, ?) = ?", (path, len(path) + 2, path + "::")
        )
        citing = self._store.select("instr(evidence, CAST(? AS BLOB)) > 0", (kinds.encode(path),))
        return _best(self._seen([*direct, *citing]))

    def search(self, text: str, *, limit: int = 20) -> list[Seen]:
        """The notes that hold words of the text, best first."""
        scores = dict(self._store.matching(text, limit * 4))
        if not scores:
            return []
        marks = ", ".join("?" * len(scores))
        found = [
            Seen(each.note, self._fresh(each), scores[each.id])
            for each in self._store.select(f"id IN ({marks})", tuple(scores))
        ]
        return sorted(_best(found), key=lambda seen: -seen.score)[:limit]

    def issues(self, *states: State, stale: bool = False) -> list[SeenIssue]:
        """Anticipated issues in these states (all, if none is given), most proven first. One whose
        tests are all those of a larger one was found before the rest of them failed."""
        found = [
            SeenIssue(seen.note, seen.fresh, seen.data(AnticipatedIssue))
            for seen in self.all(kinds.ISSUE)
            if seen.fresh or stale
        ]
        order = (State.PATCHED, State.REPRODUCED, State.SUSPECTED, State.REFUTED)
        groups = [frozenset(each.issue.tests) for each in found if each.fresh]
        whole = [
            each
            for each in found
            if not each.issue.tests or not any(set(each.issue.tests) < group for group in groups)
        ]
        return sorted(
            (each for each in whole if not states or each.issue.state in states),
            key=lambda each: (order.index(each.issue.state), -each.note.created),
        )


def _best(seen: Iterable[Seen]) -> list[Seen]:
    """Of each (kind, subject) the fresh version, else the first one given."""
    best: dict[tuple[str, str], Seen] = {}
    for each in seen:
        key = (each.note.kind, each.note.subject)
        if key not in best or (each.fresh and not best[key].fresh):
            best[key] = each
    return list(best.values())
