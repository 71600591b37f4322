"""The commits that led to HEAD, one at a time: a long history is never held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from typing import cast

from swe_sleep.errors import RepositoryError
from swe_sleep.repo import plumbing
from swe_sleep.repo.paths import from_os

_MARK = b"\1commit "
_FORMAT = "%x01commit %H%x00%ct%x00%an <%ae>%x00%P%x00%B%x00"
_CHUNK = 1 << 16
# Looking for renames compares every added file with every deleted one; beyond this many, git
# keeps to those with equal content, which cost nothing.
_RENAMES = 200


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
    """One commit. `files` is empty for a merge, and for the oldest commit of a shallow clone,
    whose changes are not known."""

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
    git: plumbing.Git, *, limit: int | None = None, after: str | None = None, counts: bool = True
) -> Iterator[Commit]:
    """Yield commits newest first, as git log orders them.

    `after` leaves out that commit and all that led to it; one that the repository does not have
    (any more) leaves out nothing. Without `counts` line counts are not made, which is about eight
    times as fast. A partial clone gives no counts: they would need contents it does not have.
    """
    head = git.ask("rev-parse", "-q", "--verify", "HEAD^{commit}")
    if head is None:
        return
    arguments = ["log", "-z", f"--format={_FORMAT}", "--encoding=UTF-8", "--no-notes"]
    arguments += ["--raw", "--no-abbrev", "--no-ext-diff", "--no-textconv", "--no-color"]
    arguments += ["--ignore-submodules=none", "--submodule=short", "--diff-merges=off"]
    if _partial(git):
        arguments.append("--no-renames")
    else:
        arguments += ["-M", f"-l{_RENAMES}", *(["--numstat"] if counts else [])]
    if limit is not None:
        arguments.append(f"--max-count={limit}")
    arguments.append(head.decode().strip())
    if after and not after.startswith("-"):
        known = git.ask("rev-parse", "-q", "--verify", f"{after}^{{commit}}")
        arguments += [f"^{known.decode().strip()}"] if known else []
    shallow = _shallow(git)
    with git.start(*arguments, "--") as process:
        assert process.stdout is not None
        try:
            yield from _parse(_records(cast("BufferedReader", process.stdout)), shallow)
            _, err = process.communicate()
        except GeneratorExit:
            process.kill()
            raise
        if process.returncode != 0:
            raise RepositoryError(f"git log failed: {plumbing.reason(err)}.")


def _partial(git: plumbing.Git) -> bool:
    pattern = r"^(extensions\.partialclone|remote\..*\.promisor)$"
    return git.ask("config", "--get-regexp", pattern) is not None


def _shallow(git: plumbing.Git) -> frozenset[str]:
    """The commits whose parents a shallow clone does not have."""
    name = git.run("rev-parse", "--git-path", "shallow").decode("utf-8", "surrogateescape").strip()
    try:
        return frozenset((git.work_tree / name).read_text().split())
    except OSError:
        return frozenset()


def _records(stream: BufferedReader) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read1(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest:
        yield rest


def _parse(records: Iterator[bytes], shallow: frozenset[str]) -> Iterator[Commit]:
    """Commits from the records of `git log -z --raw --numstat`: five of a header that starts with
    our mark, then those of its files."""
    head: tuple[str, int, str, str, str, tuple[str, ...]] | None = None
    files: dict[bytes, FileChange] = {}
    for record in records:
        record = record.lstrip(b"\n")
        if record.startswith(_MARK):
            if head is not None:
                yield Commit(*head, () if head[0] in shallow else tuple(files.values()))
            files = {}
            head = _header(record[len(_MARK) :].decode(), records)
        elif record.startswith(b":"):
            status = record.rpartition(b" ")[2][:1].decode()
            name = next(records)
            old = name if status in "RC" else None
            name = next(records) if status in "RC" else name
            files[name] = FileChange(
                from_os(name), status, old_path=None if old is None else from_os(old)
            )
        elif record:
            added, removed, name = record.split(b"\t", 2)
            if not name:  # a rename: the old and the new name follow
                next(records)
                name = next(records)
            was = files.get(name)
            if was is not None and added != b"-":
                files[name] = FileChange(
                    was.path, was.status, int(added), int(removed), was.old_path
                )
    if head is not None:
        yield Commit(*head, () if head[0] in shallow else tuple(files.values()))


def _header(
    commit: str, records: Iterator[bytes]
) -> tuple[str, int, str, str, str, tuple[str, ...]]:
    time, author, parents = next(records), next(records), next(records)
    message = next(records).decode("utf-8", "replace").strip("\n")
    subject, _, body = message.partition("\n\n")
    return (
        commit,
        int(time),
        author.decode("utf-8", "replace"),
        " ".join(subject.split()),
        body.strip("\n"),
        tuple(parents.decode().split()),
    )
