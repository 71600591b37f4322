"""The commits that led to HEAD, one at a time: a long history is never held in memory."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BufferedReader
from itertools import islice
from typing import cast

from swe_sleep.errors import RepositoryError
from swe_sleep.repo import plumbing
from swe_sleep.repo.paths import from_os

_FORMAT = "%x01%H %ct %P%n%an <%ae>%n%B"
_BEGIN = b"\0\1"
# The statuses that one name follows; a line break comes before the first of a commit.
_PLAIN = frozenset(b"%s%c" % (before, letter) for before in (b"", b"\n") for letter in b"ADMT")
_CHUNK = 1 << 16
_NAMES = 1 << 13
# Looking for renames compares every added file with every deleted one; beyond this many, git
# keeps to those with equal content, which cost nothing.
_RENAMES = 200
# Git maps packs and keeps bases of deltas as if it had the machine to itself. A walk goes through
# them nearly in order, so that little of either is enough: a quarter of the memory, the same time.
_LITTLE_MEMORY = (
    "core.packedGitWindowSize=1m",
    "core.packedGitLimit=32m",
    "core.deltaBaseCacheLimit=8m",
)


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a commit. `status` is git's letter: A added, M modified, D deleted, R renamed,
    C copied, T another type. The counts are of lines; None for a binary file, or where they are
    not known."""

    path: str
    status: str
    added: int | None = None
    removed: int | None = None
    old_path: str | None = None
    """Where a renamed or copied file was before."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. `files` is empty for a merge (but see `commits`), and for the oldest commit of a
    shallow clone, whose changes are not known."""

    id: str
    time: int
    """When it was committed, Unix time."""
    author: str
    """`Name <address>`"""
    subject: str
    body: str
    parents: tuple[str, ...]
    files: tuple[FileChange, ...]


def commits(
    git: plumbing.Git,
    *,
    limit: int | None = None,
    after: str | None = None,
    counts: bool = True,
    revision: str = "HEAD",
    merges: bool = True,
    mainline: bool = False,
) -> Iterator[Commit]:
    """Yield the commits that led to a revision, newest first, as git log orders them.

    `after` leaves out that commit and all that led to it; one that the repository does not have
    (any more) leaves out nothing. Without `counts` line counts are not made, which is about eight
    times as fast. A partial clone gives no counts: they would need contents it does not have.
    Where there is no such revision there are no commits. With `mainline` only first parents are
    followed, and the files of a merge are all that it brought.
    """
    tip = _commit(git, revision)
    if tip is None:
        return
    arguments = [] if merges else ["--no-merges"]
    # Of two settings git takes the last, which this is.
    arguments += ["--first-parent", "--diff-merges=first-parent"] if mainline else []
    if limit is not None:
        arguments.append(f"--max-count={limit}")
    known = _commit(git, after) if after else None
    arguments += [tip, *([f"^{known}"] if known else []), "--"]
    yield from _log(git, arguments, counts=counts)


def commits_named(git: plumbing.Git, ids: Sequence[str]) -> Iterator[Commit]:
    """Yield these commits, in this order, without counts of lines."""
    # A file and not a pipe: git may say much before it has read all.
    with tempfile.TemporaryFile() as names:
        names.write("".join(f"{commit}\n" for commit in ids).encode())
        names.seek(0)
        if ids:
            arguments = ["--no-walk=unsorted", "--stdin"]
            yield from _log(git, arguments, counts=False, stdin=names.fileno())


def ids(git: plumbing.Git, revision: str) -> list[str]:
    """The commits that led to a revision, newest first, without merges."""
    tip = _commit(git, revision)
    return git.run("rev-list", "--no-merges", tip, "--").decode().split() if tip else []


def difference(git: plumbing.Git, one: str, other: str) -> tuple[list[str], list[str]] | None:
    """The commits, merges left out, that led only to the one, newest first, and those that led only
    to the other; None where the repository does not have both (any more)."""
    left, right = _commit(git, one), _commit(git, other)
    if left is None or right is None:
        return None
    listed = git.run("rev-list", "--no-merges", "--left-right", f"{left}...{right}", "--")
    marked = listed.decode().split()
    return [c[1:] for c in marked if c[0] == "<"], [c[1:] for c in marked if c[0] == ">"]


def _commit(git: plumbing.Git, revision: str) -> str | None:
    if not revision or revision.startswith("-") or "\0" in revision:
        return None
    found = git.ask("rev-parse", "-q", "--verify", f"{revision}^{{commit}}")
    return None if found is None else found.decode().strip()


def _log(
    git: plumbing.Git, which: Sequence[str], *, counts: bool, stdin: int = subprocess.DEVNULL
) -> Iterator[Commit]:
    done = 0
    try:
        for commit in _walk(git, which, counts=counts, renames=not _partial(git), stdin=stdin):
            done += 1
            yield commit
    except RepositoryError:
        # Renames are found by comparing contents, and a damaged clone may lack a few of them.
        # Paths alone need none.
        if stdin != subprocess.DEVNULL:
            os.lseek(stdin, 0, os.SEEK_SET)
        rest = _walk(git, which, counts=False, renames=False, stdin=stdin)
        yield from islice(rest, done, None)


def _walk(
    git: plumbing.Git, which: Sequence[str], *, counts: bool, renames: bool, stdin: int
) -> Iterator[Commit]:
    settings = [word for setting in _LITTLE_MEMORY for word in ("-c", setting)]
    arguments = ["log", "-z", f"--format={_FORMAT}", "--encoding=UTF-8", "--no-notes"]
    arguments += ["--no-ext-diff", "--no-textconv", "--no-color", "--root"]
    arguments += ["--ignore-submodules=none", "--submodule=short", "--diff-merges=off"]
    counts = counts and renames
    arguments += ["-M", f"-l{_RENAMES}"] if renames else ["--no-renames"]
    arguments += ["--raw", "--no-abbrev", "--numstat"] if counts else ["--name-status"]
    cut = shallow(git)
    with git.start(*settings, *arguments, *which, stdin=stdin) as process:
        try:
            yield from _parse(_pieces(process), cut)
        except GeneratorExit:
            process.kill()
            raise


def _partial(git: plumbing.Git) -> bool:
    pattern = r"^(extensions\.partialclone|remote\..*\.promisor)$"
    return git.ask("config", "--get-regexp", pattern) is not None


def shallow(git: plumbing.Git) -> frozenset[str]:
    """The commits whose parents a shallow clone does not have."""
    common = git.git_dir
    try:
        # The folder that a worktree shares with the others: asking git would take a process.
        with contextlib.suppress(FileNotFoundError):
            common /= (git.git_dir / "commondir").read_text().strip()
        return frozenset((common / "shallow").read_text().split())
    except OSError:
        return frozenset()


def _pieces(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """What git prints, cut where a record begins with our mark: a commit each, most likely. Raises
    RepositoryError at the end where git failed."""
    rest = b"\0"
    stream = cast("BufferedReader", process.stdout)
    while chunk := stream.read1(_CHUNK):
        *whole, rest = (rest + chunk).split(_BEGIN)
        yield from whole
    plumbing.finish(process, "log")
    yield rest.removesuffix(b"\0")


def _parse(pieces: Iterator[bytes], cut: frozenset[str]) -> Iterator[Commit]:
    """Commits from the output of `git log -z`: of each a header that starts with our mark, then
    the records of its files."""
    change = lru_cache(_NAMES)(_change)  # most are the same few hundred files again
    begun: list[bytes] = []
    next(pieces, None)  # what stands before the first one
    for piece in pieces:
        fields = _BEGIN.join([*begun, piece]).split(b"\0") if begun else piece.split(b"\0")
        if len(fields) % 2 and _PLAIN.issuperset(fields[1::2]):
            files = tuple(map(change, fields[2::2], fields[1::2]))
        else:
            read = _files(fields)
            if read is None:  # that was no mark, but a name that begins like one
                begun.append(piece)
                continue
            files = read
        begun.clear()
        facts, author, message = fields[0].decode("utf-8", "replace").split("\n", 2)
        commit, time, *parents = facts.split()
        subject, _, body = message.strip("\n").partition("\n\n")
        yield Commit(
            commit,
            int(time),
            author,
            " ".join(subject.split()),
            body.strip("\n"),
            tuple(parents),
            () if commit in cut else files,
        )


def _change(name: bytes, status: bytes) -> FileChange:
    return FileChange(from_os(name), status[-1:].decode())


def _files(fields: list[bytes]) -> tuple[FileChange, ...] | None:
    """The files of a commit from its fields after the header, however they are told; None where a
    name is missing."""
    files: dict[bytes, FileChange] = {}
    records = iter(fields[1:])
    try:
        for record in records:
            told = record.lstrip(b"\n")
            if b"\t" in told:
                added, removed, name = told.split(b"\t", 2)
                if not name:  # a rename: the old and the new name follow
                    _, name = next(records), next(records)
                was = files.get(name)
                if was is not None and added != b"-":
                    files[name] = replace(was, added=int(added), removed=int(removed))
            elif told:
                status = told.rpartition(b" ")[2][:1].decode()
                old = from_os(next(records)) if status in "RC" else None
                name = next(records)
                files[name] = FileChange(from_os(name), status, old_path=old)
    except StopIteration:
        return None
    return tuple(files.values())
