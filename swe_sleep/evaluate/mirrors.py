"""Where the repositories of instances are on this machine.

People keep mirrors in many ways. For `owner/name`, below one folder, these are found: `owner/name`,
`owner__name`, `owner+name` and `name`; the same as a mirror of SWE-bench's own copy
(`swe-bench+owner__name`); each as a work tree, as a bare repository with or without `.git` at its
end, or as a folder that has one of these as `repo` or `.git`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from swe_sleep.errors import NotARepository, RepositoryError, SweSleepError, UsageError
from swe_sleep.repo.bare import git_dir_of
from swe_sleep.repo.repository import Repository

_MIRRORED = "swe-bench"
"""The owner of the copies, `swe-bench/owner__name`."""


class Mirrors:
    """The repositories below one folder. Nothing is ever written there."""

    def __init__(self, folder: Path) -> None:
        """Raises UsageError where there is no such folder."""
        if not folder.is_dir():
            raise UsageError(
                f"there is no folder {folder}.", "Give the one that holds the repositories."
            )
        self.folder = folder.resolve()

    def find(self, repo: str) -> tuple[Path, ...]:
        """The git directories that `owner/name` may be, the surest first; none is missing."""
        found = (git_dir_of(place) for place in self._places(repo))
        return tuple(dict.fromkeys(each.resolve() for each in found if each is not None))

    def _places(self, repo: str) -> Iterator[Path]:
        owner, _, name = repo.partition("/")
        flat = f"{owner}__{name}"
        names = [repo, flat, f"{owner}+{name}"]
        names += [f"{_MIRRORED}+{flat}", f"{_MIRRORED}/{flat}", f"{_MIRRORED}__{flat}", name]
        for each in names:
            place = self.folder / each
            yield from (place, place.with_name(f"{place.name}.git"))
            yield from (place / "repo", place / "repo.git")


def at_commit(sources: Sequence[Path], commit: str, folder: Path) -> Repository:
    """The commit in the first source that has it, knowing of nothing younger (as
    `Repository.at_commit`). Raises RepositoryError, NotARepository."""
    problem: SweSleepError
    problem = RepositoryError(f"there is no repository that may have the commit {commit}.")
    for number, source in enumerate(sources):
        try:
            return Repository.at_commit(source, commit, folder / str(number))
        except (RepositoryError, NotARepository) as error:
            problem = error
    raise problem
