"""What the branch that is checked out has changed of the default branch."""

from __future__ import annotations

from swe_sleep.repo import plumbing
from swe_sleep.repo.paths import from_os
from swe_sleep.repo.repository import Repository

_REMOTE_HEAD = "refs/remotes/origin/HEAD"
_DEFAULTS = (
    "refs/remotes/origin/main",
    "refs/remotes/origin/master",
    "refs/heads/main",
    "refs/heads/master",
)


def ahead(repository: Repository) -> frozenset[str]:
    """The paths that differ between HEAD and where it left the default branch; none on the default
    branch itself, or where there is no telling which one that is."""
    default = _default(repository)
    base = repository.git.ask("merge-base", "HEAD", default) if default else None
    if not base:
        return frozenset()
    listed = repository.git.ask(
        "diff-tree", "-r", "-z", "--name-only", "--no-renames", base.decode().strip(), "HEAD"
    )
    return frozenset(from_os(name) for name in plumbing.records(listed or b""))


def _default(repository: Repository) -> str:
    for name in (_REMOTE_HEAD, *_DEFAULTS):
        if repository.git.ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
            return name
    return ""
