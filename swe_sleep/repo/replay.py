"""A repository out of patches of `git format-patch`, with the same commit ids everywhere.

A commit's id depends on its files, its message, and who made it when. All of that is in the patch
but the committer, who is always the same here and made the commit when its author did. The
person's configuration, hooks, attributes and environment play no part.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from swe_sleep.errors import RepositoryError
from swe_sleep.repo import plumbing

COMMITTER = ("swe-sleep", "tasks@swe-sleep.example")
BRANCH = "main"

_ALONE = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_COMMITTER_NAME": COMMITTER[0],
    "GIT_COMMITTER_EMAIL": COMMITTER[1],
}
_CONFIG = f"""\
[core]
\trepositoryFormatVersion = 0
\tbare = true
\tfileMode = true
\tautocrlf = false
\tattributesFile = {os.devnull}
"""
_APPLY = (
    "am",
    "--quiet",
    "--patch-format=mbox",
    "--keep-cr",
    "--no-3way",
    "--no-scissors",
    "--no-gpg-sign",
    "--whitespace=nowarn",
    "--committer-date-is-author-date",
)


def replay(patches: Sequence[Path], git_dir: Path) -> tuple[str, ...]:
    """Make a bare repository in `git_dir`, which is not there yet, whose branch `main` has one
    commit for each patch; the commits' ids, in order.

    Raises RepositoryError, which names the patch that git refuses, and NotARepository without git.
    """
    for made in (git_dir / "objects" / "info", git_dir / "refs" / "heads"):
        made.mkdir(parents=True)
    (git_dir / "config").write_text(_CONFIG)
    (git_dir / "HEAD").write_text(f"ref: refs/heads/{BRANCH}\n")
    commits = []
    with tempfile.TemporaryDirectory(prefix="swe-sleep-replay-") as folder:
        git = plumbing.Git(git_dir, Path(folder))
        for patch in patches:
            try:
                git.run(*_APPLY, str(patch.resolve()), env=_ALONE)
            except RepositoryError as error:
                raise RepositoryError(f"{patch}: {error}") from error
            commits.append(git.run("rev-parse", "HEAD").decode().strip())
    (git_dir / "index").unlink(missing_ok=True)  # of a work tree that is gone
    return tuple(commits)


def is_whole(git_dir: Path, commits: Sequence[str]) -> bool:
    """Whether every object of these commits and their history is there."""
    if not git_dir.is_dir():
        return False
    git = plumbing.Git(git_dir, git_dir)
    return git.ask("rev-list", "--objects", "--quiet", *commits, "--") is not None
