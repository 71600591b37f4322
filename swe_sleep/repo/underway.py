"""Whether git is in the middle of something."""

from __future__ import annotations

from pathlib import Path

_LOCKS = ("index.lock", "HEAD.lock")
# A bisect is not here: between its steps the person works on what is checked out, and a step
# itself holds the index's lock.
_OPERATIONS = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
}


def locked(git_dir: Path) -> bool:
    """Whether some git holds, or left behind, the lock of the index or of HEAD."""
    return any((git_dir / name).exists() for name in _LOCKS)


def operation(git_dir: Path) -> str:
    """The operation that has begun and has not ended, such as `a merge`; "" for none."""
    return next((what for name, what in _OPERATIONS.items() if (git_dir / name).exists()), "")
