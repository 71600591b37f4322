"""What files held before they were last changed: where to look for what broke."""

from __future__ import annotations

from collections.abc import Iterable

from swe_sleep.repo import plumbing
from swe_sleep.repo.snapshot import REGULAR_FILES, Snapshot

MOST = 20
"""Files that are looked up: each takes git a walk of its own."""
RECENT = 20
"""Commits in which a file may have been changed. What was there longer is less likely new."""


def earlier(git: plumbing.Git, snapshot: Snapshot, paths: Iterable[str]) -> dict[str, bytes]:
    """Of each file: its content in HEAD where the work tree has another, else its content before
    the last commit that changed it, if that is one of the newest. Files that are new, or have names
    that git must quote, are left out."""
    found: dict[str, bytes] = {}
    if snapshot.head is None:
        return found
    listed = git.ask("rev-list", f"--max-count={RECENT}", "--no-merges", snapshot.head)
    recent = frozenset((listed or b"").decode().split())
    for path in list(paths)[:MOST]:
        entry = snapshot.files.get(path)
        if entry is None or entry.mode not in REGULAR_FILES or path.startswith(('"', ":")):
            continue
        now = snapshot.read(path)
        before = git.ask("cat-file", "blob", f"{snapshot.head}:{path}")
        if before == now:
            before = _before_last_commit(git, snapshot.head, path, recent)
        if before is not None and before != now:
            found[path] = before
    return found


def _before_last_commit(
    git: plumbing.Git, head: str, path: str, recent: frozenset[str]
) -> bytes | None:
    listed = git.ask("rev-list", "--max-count=1", "--no-merges", head, "--", path)
    commit = (listed or b"").decode().strip()
    return git.ask("cat-file", "blob", f"{commit}^:{path}") if commit in recent else None
