"""Making a repository with a history, for the demo and for bundled tasks; through GitPython."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from swe_sleep.errors import NotARepository, RepositoryError


@dataclass(frozen=True, slots=True)
class Chapter:
    """One commit: its subject and the files that it brings, relative to the root."""

    subject: str
    paths: tuple[str, ...]


def tell(root: Path, chapters: Sequence[Chapter], *, author: str, email: str) -> str:
    """Make `root` a repository whose commits bring its files one after another; the last commit.

    The person's configuration, hooks and environment play no part. Raises RepositoryError.
    """
    with _no_git_variables():
        if shutil.which("git") is None:
            raise NotARepository("git is not installed.", "Install git and try again.")
        import git

        try:
            with git.Repo.init(root, initial_branch="main") as repo:
                person = git.Actor(author, email)
                for chapter in chapters:
                    repo.index.add(list(chapter.paths))
                    made = repo.index.commit(
                        chapter.subject, author=person, committer=person, skip_hooks=True
                    )
                return made.hexsha
        except (git.GitError, OSError) as error:
            raise RepositoryError(f"git could not make {root}: {error}.") from error


@contextmanager
def _no_git_variables() -> Iterator[None]:
    """GitPython hands the whole environment to git; inside a hook that names another repository."""
    taken = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("GIT_")}
    ours = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_PYTHON_REFRESH": "quiet",  # else its import fails half-way where git does, for good
    }
    os.environ |= ours
    try:
        yield
    finally:
        for name in ours:
            del os.environ[name]
        os.environ |= taken
