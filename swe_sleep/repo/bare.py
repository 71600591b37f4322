"""One commit of a git directory, as a repository that knows of nothing younger.

For reading the past as it was: a mirror holds the answer as well as the question. Here a private
git directory borrows the mirror's objects and has exactly one name, HEAD, for the commit. So
whatever walks refs or history from here meets the commit and its ancestors alone, and nothing is
ever written into the mirror.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from swe_sleep.errors import NotARepository, RepositoryError
from swe_sleep.repo import plumbing
from swe_sleep.repo.paths import quote

_PARTS = ("HEAD", "objects", "refs")
"""What git itself looks for in a git directory."""


@dataclass(frozen=True)
class Opened:
    """The private git directory, its empty work tree, and the commit that its HEAD is."""

    git_dir: Path
    root: Path
    commit: str
    object_format: str


def git_dir_of(folder: Path) -> Path | None:
    """The git directory that a folder is (bare, or a mirror) or has (a work tree's `.git`)."""
    inner = folder / ".git"
    for candidate in (inner, folder):
        if all((candidate / part).exists() for part in _PARTS):
            return candidate
    return _linked(inner)


def _linked(file: Path) -> Path | None:
    """The git directory that the `.git` file of a worktree or a submodule names."""
    try:
        text = os.fsdecode(file.read_bytes()) if file.is_file() else ""
    except OSError:
        return None
    if not text.startswith("gitdir:"):
        return None
    named = file.parent / text.removeprefix("gitdir:").strip()
    return named if (named / "HEAD").is_file() else None


def lay_out(source: Path, revision: str, folder: Path) -> Opened:
    """Make the private git directory in `folder`, which is empty or not there yet.

    `source` is a git directory or a folder that has one. Raises NotARepository for anything else,
    and RepositoryError where it does not have the revision.
    """
    git_dir = git_dir_of(source)
    if git_dir is None:
        raise NotARepository(
            f"{source} is no git repository.", "Give a clone, a bare clone, or a mirror."
        )
    mirror = plumbing.Git(git_dir.resolve(), source.resolve())
    commit = _commit(mirror, revision)
    object_format = mirror.run("rev-parse", "--show-object-format").decode().strip()
    objects, shallow = _place(mirror, "objects"), _place(mirror, "shallow")
    own, root = folder / "git", folder / "tree"
    for made in (own / "objects" / "info", own / "refs", root):
        made.mkdir(parents=True)
    (own / "HEAD").write_text(f"{commit}\n")
    (own / "objects" / "info" / "alternates").write_bytes(_line(objects))
    (own / "config").write_text(_config(object_format, partial=_partial(mirror)))
    if shallow.is_file():
        shutil.copyfile(shallow, own / "shallow")
    return Opened(own, root, commit, object_format)


def _commit(git: plumbing.Git, revision: str) -> str:
    found = None
    if revision and not revision.startswith("-") and "\0" not in revision:
        found = git.ask("rev-parse", "-q", "--verify", f"{revision}^{{commit}}")
    if not found:
        raise RepositoryError(f"There is no commit {revision!r} in {git.git_dir}.")
    return found.decode().strip()


def _place(git: plumbing.Git, name: str) -> Path:
    """Where a part of the repository is; of a linked worktree, in the common directory."""
    found = os.fsdecode(git.run("rev-parse", "--git-path", name)).removesuffix("\n")
    return (git.work_tree / found).resolve()


def _partial(git: plumbing.Git) -> bool:
    pattern = r"^(extensions\.partialclone|remote\..*\.promisor)$"
    return git.ask("config", "--get-regexp", pattern) is not None


def _line(objects: Path) -> bytes:
    name = os.fsencode(objects)
    plain = b"\n" not in name and not name.startswith((b'"', b"#"))
    return (name if plain else quote(name).encode()) + b"\n"


def _config(object_format: str, *, partial: bool) -> str:
    lines = ["[core]", "\trepositoryFormatVersion = 1", "\tbare = false", "[extensions]"]
    lines.append(f"\tobjectFormat = {object_format}")
    if partial:
        lines.append("\tpartialClone = origin")
    return "\n".join(lines) + "\n"


def day_of(source: Path, commit: str) -> str:
    """The day of a commit, such as 2024-05-31; "" where the git directory does not have it."""
    git_dir = git_dir_of(source)
    if git_dir is None or not commit or commit.startswith("-"):
        return ""
    git = plumbing.Git(git_dir.resolve(), source.resolve())
    said = git.ask("show", "-s", "--format=%cs", f"{commit}^{{commit}}", "--")
    return said.decode().strip() if said else ""
