"""Bringing a patch into the person's repository, where they asked for it.

What is there is never lost: a patch that does not apply cleanly changes nothing, a file that
changed meanwhile is not written over, and what was written is taken back if a later file fails.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from swe_sleep.errors import RepositoryError
from swe_sleep.records import ABSENT, Patch
from swe_sleep.repo import plumbing, underway
from swe_sleep.repo.diff import apply_with_modes
from swe_sleep.repo.hashing import blob_of, read_file
from swe_sleep.repo.paths import from_os, join, to_os
from swe_sleep.repo.snapshot import EXECUTABLE, SYMLINK, Snapshot

if TYPE_CHECKING:
    from swe_sleep.repo.repository import Repository

Files = Mapping[str, tuple[bytes, int] | None]


@dataclass(frozen=True, slots=True)
class Landed:
    """Where a patch went: the files it changed, and the commit and branch if one was made."""

    paths: tuple[str, ...]
    commit: str | None = None
    branch: str | None = None


def land(
    repository: Repository,
    patch: Patch,
    *,
    branch: str | None = None,
    commit: bool = False,
    message: str = "",
) -> Landed:
    """Apply a patch, in one of three ways. Raises RepositoryError and changes nothing where it
    does not apply, or would touch anything outside the work tree or below `.git`.

    Neither `branch` nor `commit`: the files of the work tree are changed, on top of whatever
    uncommitted changes they have; the index is not touched.

    `branch`: a commit on top of HEAD is made through a temporary index, and a new branch of that
    name points to it. Work tree, index and HEAD stay as they are, clean or not.

    `commit`: a commit is added to the branch that is checked out. The files of the patch must have
    no uncommitted changes, staged or not; they get their new content in the work tree and the
    index, and everything else there, however dirty, stays.

    The person's commit hooks do not run, and commits are not signed.
    """
    if branch is not None:
        head = _head(repository, f"make the branch {branch}")
        ref = new_branch(repository, branch)
        made, files = _commit(repository, patch, head, message)
        repository.git.run("update-ref", "-m", "swe-sleep: new branch", ref, made, "0" * len(made))
        return Landed(tuple(files), made, branch)
    if commit:
        return _commit_here(repository, patch, message)
    snapshot = repository.snapshot()
    files = apply_with_modes(patch, snapshot)
    _write_files(repository, files, snapshot)
    return Landed(tuple(files))


def dirty_paths(repository: Repository, *, untracked: bool = True) -> tuple[str, ...]:
    """What differs from HEAD in the work tree or the index, sorted; all there is before the first
    commit."""
    snapshot = repository.snapshot()
    if snapshot.head is None:
        return tuple(sorted(snapshot.files))
    head = repository.snapshot_of(snapshot.head)
    change = snapshot.change_from(head, "request")
    staged = repository.git.run("diff-index", "--cached", "--name-only", "-z", snapshot.head)
    index = {from_os(name) for name in plumbing.records(repository.git.run("ls-files", "-z"))}
    changed = set(change.paths)
    # Of a file that git converts, the work tree and HEAD have different contents by design. Only
    # git can tell then, and may run the person's filter for it, as it would for `git status`.
    converted = repository.converted
    if doubtful := sorted(changed & converted.keys()):
        changed -= set(doubtful)
        names = [os.fsdecode(to_os(path)) for path in doubtful if not converted[path]]
        if names:
            status = ("--literal-pathspecs", "status", "--porcelain", "-z", "--no-renames")
            output = repository.git.run(*status, "--untracked-files=no", "--", *names)
            changed |= {from_os(record[3:]) for record in plumbing.records(output)}
    changed |= {from_os(name) for name in plumbing.records(staged)}
    if not untracked:
        changed &= index | head.files.keys()
    return tuple(sorted(changed))


def _head(repository: Repository, purpose: str) -> str:
    head, _ = repository.head()
    if head is None:
        raise RepositoryError(f"There is no commit yet, so swe-sleep cannot {purpose}.")
    return head


def new_branch(repository: Repository, branch: str) -> str:
    """The reference of a branch that can be made. Raises RepositoryError where it cannot."""
    checked = None
    if not branch.startswith("-"):
        checked = repository.git.ask("check-ref-format", "--branch", branch)
    if checked is None or checked.decode().strip() != branch:
        raise RepositoryError(f"{branch!r} is not a name that a branch can have.")
    ref = f"refs/heads/{branch}"
    if repository.git.ask("rev-parse", "-q", "--verify", ref) is not None:
        raise RepositoryError(f"There is a branch {branch} already.", "Give another name.")
    return ref


def ready_to_commit(repository: Repository, *, here: bool) -> None:
    """Whether a commit could be made: git knows who commits, and, for one on the branch checked
    out (`here`), nothing is under way there. Raises RepositoryError where not."""
    if here and (doing := underway.operation(repository.git_dir)):
        raise RepositoryError(f"{doing.capitalize()} is under way.", "Finish it first.")
    for who in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        if repository.git.ask("var", who) is None:
            raise _nobody()


def _nobody() -> RepositoryError:
    return RepositoryError(
        "git does not know who you are.",
        "Set it with `git config user.name` and `git config user.email`.",
    )


def _commit(repository: Repository, patch: Patch, head: str, message: str) -> tuple[str, Files]:
    """Make a commit on top of `head`, which nothing points to yet."""
    snapshot = repository.snapshot_of(head)
    files = apply_with_modes(patch, snapshot)
    if not files:
        raise RepositoryError("The patch changes nothing.")
    _check(repository, files)
    git = repository.git
    with tempfile.TemporaryDirectory(prefix="swe-sleep-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git.run("read-tree", head, env=index)
        git.run("update-index", "-z", "--index-info", stdin=_index_info(git, files), env=index)
        tree = git.run("write-tree", env=index).decode().strip()
    text = (message or patch.summary or "Apply a patch made by swe-sleep").strip() + "\n"
    try:
        made = git.run("commit-tree", tree, "-p", head, "-F", "-", stdin=text.encode())
    except RepositoryError as error:
        if "dentity" not in str(error) and "ident name" not in str(error):
            raise
        raise _nobody() from error
    return made.decode().strip(), files


def _index_info(git: plumbing.Git, files: Files) -> bytes:
    removed, written = b"", b""
    for path, found in files.items():
        if found is None:
            removed += b"0 %s\t%s\0" % (b"0" * 40, to_os(path))
        else:
            content, mode = found
            blob = git.run("hash-object", "-w", "--stdin", "--no-filters", stdin=content).strip()
            written += b"%o %s\t%s\0" % (mode, blob, to_os(path))
    return removed + written  # in this order: a file may give its name to a folder


def _commit_here(repository: Repository, patch: Patch, message: str) -> Landed:
    git = repository.git
    if doing := underway.operation(repository.git_dir):
        raise RepositoryError(f"{doing.capitalize()} is under way.", "Finish it first.")
    head = _head(repository, "commit to it")
    _, branch = repository.head()
    # First, since a patch for a changed file need not apply to what is committed of it.
    if dirty := sorted(set(patch.paths) & set(dirty_paths(repository))):
        raise RepositoryError(
            f"{dirty[0]} has uncommitted changes, and the patch changes it too.",
            "Commit or stash them; or use --apply, or --branch for a branch of its own.",
        )
    made, files = _commit(repository, patch, head, message)
    snapshot = repository.snapshot()
    on_disk = apply_with_modes(patch, snapshot)
    written = _write_files(repository, on_disk, snapshot)
    try:
        git.run("update-index", "-z", "--index-info", stdin=_index_info(git, files))
        try:
            git.run("update-ref", "-m", "commit: swe-sleep", "HEAD", made, head)
        except RepositoryError:
            before = repository.snapshot_of(head)
            old = {
                p: (before.read(p), before.files[p].mode) if p in before.files else None
                for p in files
            }
            git.run("update-index", "-z", "--index-info", stdin=_index_info(git, old))
            raise
    except RepositoryError:
        written.undo()
        raise
    git.ask("update-index", "-q", "--refresh")  # else the next `git status` reads those files
    return Landed(tuple(files), made, branch)


def _check(repository: Repository, files: Files) -> None:
    """Refuse what is no business of a patch, before anything is written."""
    for path in files:
        name = to_os(path)
        join(repository.root, path)
        if any(part.lower() == b".git" for part in name.split(b"/")):
            raise RepositoryError(f"The patch would change {path}, which belongs to git.")


@dataclass
class _Written:
    """What was written to the work tree, and how to take it back."""

    root: bytes
    before: list[tuple[bytes, tuple[bytes, int] | None]]

    def undo(self) -> None:
        for name, found in reversed(self.before):
            with contextlib.suppress(OSError):
                if found is None:
                    _remove(name, self.root)
                else:
                    _replace(name, *found)


def _write_files(repository: Repository, files: Files, snapshot: Snapshot) -> _Written:
    _check(repository, files)
    root = os.fsencode(repository.root)
    before: list[tuple[bytes, tuple[bytes, int] | None]] = []
    removed = {join(repository.root, path) for path, found in files.items() if found is None}
    for path in files:
        name = join(repository.root, path)
        _check_folders(name, root, path)
        content = read_file(name)
        expected = snapshot.blob(path)
        if expected == ABSENT and os.path.lexists(name) and not _is_emptied(name, removed):
            raise RepositoryError(f"The patch would write over {path}, which git does not track.")
        known = snapshot.files.get(path)
        if known is not None:
            format_ = "sha256" if len(expected) == 64 else "sha1"
            if content is None or blob_of(content, format_) != expected:
                raise RepositoryError(f"{path} has just changed; nothing was written.")
            before.append((name, (content, known.mode)))
        else:
            before.append((name, None))
    written = _Written(root, [])
    try:
        # Removals first: a file may give its name to a folder.
        for (name, was), found in sorted(
            zip(before, files.values(), strict=True), key=lambda pair: pair[1] is not None
        ):
            written.before.append((name, was))
            if found is None:
                _remove(name, root)
            else:
                _replace(name, *found)
    except OSError as error:
        written.undo()
        raise RepositoryError(
            f"{os.fsdecode(error.filename or b'A file')} cannot be written: {error.strerror}; "
            "nothing was changed."
        ) from error
    return written


def _check_folders(name: bytes, root: bytes, path: str) -> None:
    folder = name.rpartition(b"/")[0]
    while len(folder) > len(root):
        try:
            if stat.S_ISLNK(os.lstat(folder).st_mode):
                raise RepositoryError(f"The patch would write {path} behind a symlink.")
        except (FileNotFoundError, NotADirectoryError):
            pass
        folder = folder.rpartition(b"/")[0]


def _is_emptied(name: bytes, removed: set[bytes]) -> bool:
    """Whether this is a folder that holds nothing but what is removed."""
    if os.path.islink(name) or not os.path.isdir(name):  # noqa: PTH112, PTH114
        return False
    return all(
        os.path.join(folder, file) in removed  # noqa: PTH118
        for folder, folders, files in os.walk(name)
        for file in (*files, *(f for f in folders if os.path.islink(os.path.join(folder, f))))  # noqa: PTH114, PTH118
    )


def _replace(name: bytes, content: bytes, mode: int) -> None:
    """Write a file, or a symlink, in one step, with the permissions of the one before."""
    folder = name.rpartition(b"/")[0]
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103
    try:
        bits = os.lstat(name).st_mode
    except OSError:
        bits = 0
    if stat.S_ISDIR(bits):
        for inner, _, _ in os.walk(name, topdown=False):
            os.rmdir(inner)  # noqa: PTH106
    new = os.path.join(folder, b".swe-sleep-%d.tmp" % os.getpid())  # noqa: PTH118
    try:
        if mode == SYMLINK:
            os.symlink(content, new)  # noqa: PTH211
        else:
            with open(new, "xb") as file:  # noqa: PTH123
                file.write(content)
                own = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                kept = stat.S_IMODE(bits) if stat.S_ISREG(bits) else own
                executable = (kept & 0o444) >> 2 if mode == EXECUTABLE else 0
                os.fchmod(file.fileno(), kept & ~0o111 | executable)
        os.replace(new, name)  # noqa: PTH105
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)  # noqa: PTH108
        raise


def _remove(name: bytes, root: bytes) -> None:
    """Remove a file, and the folders that are empty without it, as git does."""
    os.unlink(name)  # noqa: PTH108
    folder = name.rpartition(b"/")[0]
    with contextlib.suppress(OSError):
        while len(folder) > len(root):
            os.rmdir(folder)  # noqa: PTH106
            folder = folder.rpartition(b"/")[0]
