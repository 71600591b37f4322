"""What commands that only read begin with: a repository, as it is now, and its notes.

Apart from `wiring`, whose imports take longer than these commands may.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from swe_sleep.cli import output
from swe_sleep.errors import UsageError
from swe_sleep.notes.outlines import Outlines
from swe_sleep.notes.store import Store
from swe_sleep.notes.view import View
from swe_sleep.repo.paths import from_os
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot

if TYPE_CHECKING:
    from swe_sleep.locate.locator import Locator
    from swe_sleep.model.secrets import Masker

NOTES_FILE = "notes.db"
TRAJECTORIES = "trajectories"


@dataclass(frozen=True)
class Known:
    """A repository with its notes, for commands that read."""

    repository: Repository
    snapshot: Snapshot
    store: Store
    view: View
    outlines: Outlines

    def masker(self) -> Masker:
        """Takes secrets out of what notes say, with the same placeholders that a model sees."""
        from swe_sleep.model.known_secrets import masker

        return masker(os.environ, self.snapshot, self.repository.state_dir / TRAJECTORIES)


@contextmanager
def reading(directory: Path | None = None) -> Iterator[Known]:
    """The repository around a directory, as it is now, and its notes."""
    with Repository.open(directory or output.here()) as repository:
        store = Store(repository.state_dir / NOTES_FILE)
        try:
            snapshot = repository.snapshot()
            yield Known(
                repository, snapshot, store, View(store, snapshot), Outlines(store, snapshot)
            )
        finally:
            store.close()


def inside(repository: Repository, name: str) -> str:
    """A path, symbol or test id as a person types it (from the current directory, or from the
    repository's root as we print it), seen from the root. Raises UsageError."""
    path, mark, rest = name.partition("::")
    here, root = output.here(), repository.root
    typed = Path(os.path.normpath(here / path))
    if not typed.is_relative_to(root) and typed.exists():  # by way of a symbolic link
        typed = typed.parent.resolve() / typed.name
    printed = path.startswith('"') or (root / path).exists()
    if not os.path.lexists(typed) and printed and not Path(path).is_absolute():
        return name
    if not typed.is_relative_to(root):
        raise UsageError(f"{path} is outside the repository at {root}.")
    return from_os(bytes(typed.relative_to(root))) + mark + rest


def locator(known: Known, progress: Callable[[str], None] = lambda line: None) -> Locator:
    """What ranks the places of the work tree as it is; what little it lacks is made now."""
    from swe_sleep.locate import present

    return present.locator(known.repository, known.snapshot, known.store, progress=progress)
