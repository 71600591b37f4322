"""What commands that only read begin with: where the person is, and what they name.

Apart from `wiring`, whose imports take longer than these commands may.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

from swe_sleep.cli import output
from swe_sleep.errors import UsageError
from swe_sleep.repo.paths import from_os
from swe_sleep.repo.repository import Repository
from swe_sleep.wiring import known
from swe_sleep.wiring.known import NOTES_FILE as NOTES_FILE
from swe_sleep.wiring.known import Known as Known
from swe_sleep.wiring.known import locator as locator


def reading(directory: Path | None = None) -> AbstractContextManager[Known]:
    """The repository around a directory, the current one unless another is given, and its notes."""
    return known.reading(directory or output.here())


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
