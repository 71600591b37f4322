"""A repository with its notes, for whoever reads them.

Apart from the other rooms' parts, whose imports take longer than the commands that only read may.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from swe_sleep.notes.outlines import Outlines
from swe_sleep.notes.store import Store
from swe_sleep.notes.view import View
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot

if TYPE_CHECKING:
    from swe_sleep.locate.locator import Locator
    from swe_sleep.model.secrets import Masker

NOTES_FILE = "notes.db"
TRAJECTORIES = "trajectories"


@dataclass(frozen=True)
class Known:
    """A repository as it is, and the notes that are about it."""

    repository: Repository
    snapshot: Snapshot
    store: Store
    view: View
    outlines: Outlines

    @classmethod
    def of(cls, repository: Repository, store: Store, snapshot: Snapshot | None = None) -> Known:
        snapshot = snapshot or repository.snapshot()
        return cls(repository, snapshot, store, View(store, snapshot), Outlines(store, snapshot))

    @property
    def trajectories(self) -> Path:
        return self.repository.state_dir / TRAJECTORIES

    def masker(self) -> Masker:
        """Takes secrets out of what notes say, with the same placeholders that a model sees."""
        from swe_sleep.model.known_secrets import masker

        return masker(os.environ, self.snapshot, self.trajectories)


@contextmanager
def reading(directory: Path) -> Iterator[Known]:
    """The repository around a directory, as it is now, and its notes."""
    with Repository.open(directory) as repository:
        store = Store(repository.state_dir / NOTES_FILE)
        try:
            yield Known.of(repository, store)
        finally:
            store.close()


def locator(known: Known, progress: Callable[[str], None] = lambda line: None) -> Locator:
    """What ranks the places of the work tree as it is; what little it lacks is made now."""
    from swe_sleep.locate import present

    return present.locator(known.repository, known.snapshot, known.store, progress=progress)
