"""Where the repository is that tasks are to be made of, and what it is called."""

from __future__ import annotations

import re
from pathlib import Path

from swe_sleep.errors import NotARepository, UsageError
from swe_sleep.evaluate.instances import REPOSITORY
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.repo.bare import git_dir_of
from swe_sleep.repo.plumbing import Git

LOCAL = "local"
"""The owner of what has none: `local/NAME` is found again as NAME below `--repos`."""

_REMOTE = re.compile(r"^(?:\w+://[^/]+/|[\w.-]+@[\w.-]+:)(?:.*/)?([^/]+)/([^/]+?)(?:\.git)?/?$")
_FLAT = re.compile(r"([A-Za-z0-9][\w.-]*?)(?:__|\+)([\w.-]+)")
_ODD = re.compile(r"[^\w.-]+", re.ASCII)


def source_of(repo: str, repos: Path | None, name: str = "") -> tuple[Path, str]:
    """The git directory, and `owner/name`: of a folder, or of a name below a folder of mirrors.
    `name` says it instead. Raises UsageError, NotARepository."""
    if name and not REPOSITORY.fullmatch(name):
        raise UsageError(f"{name!r} is not owner/name.")
    folder = Path(repo).expanduser()
    if repos is not None and REPOSITORY.fullmatch(repo) and not folder.is_dir():
        found = Mirrors(repos).find(repo)
        if not found:
            raise UsageError(
                f"{repo} is not below {repos}.",
                "Put a clone or a mirror there, as owner/name, owner__name or owner+name.",
            )
        return found[0], name or repo
    if not folder.is_dir():
        raise NotARepository(
            f"there is no folder {repo}.", "Give a repository, or OWNER/NAME with --repos DIR."
        )
    git_dir = git_dir_of(folder)
    if git_dir is None:
        raise NotARepository(f"{repo} is no git repository.", "Give a clone or a mirror.")
    return git_dir.resolve(), name or _name(folder.resolve(), git_dir.resolve())


def _name(folder: Path, git_dir: Path) -> str:
    url = Git(git_dir, folder).ask("config", "--get", "remote.origin.url") or b""
    remote = _REMOTE.match(url.decode("utf-8", "replace").strip())
    if remote and REPOSITORY.fullmatch(f"{remote[1]}/{remote[2]}"):
        return f"{remote[1]}/{remote[2]}"
    if folder.name in ("repo", "repo.git", ".git"):
        folder = folder.parent
    flat = _FLAT.fullmatch(folder.name.removesuffix(".git"))
    if flat:
        return f"{flat[1]}/{flat[2]}"
    plain = _ODD.sub("-", folder.name.removesuffix(".git")).strip(".-") or "repository"
    return f"{LOCAL}/{plain}"
