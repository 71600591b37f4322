"""A history as the changes that a project took in: along the main line, each commit, and each merge
as the whole of what it brought.

On the main line every change stands on all before it. So what is older than a change is told by
its place alone, whatever the clocks of its authors said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from swe_sleep.errors import UsageError
from swe_sleep.repo.history import Commit, FileChange, commits
from swe_sleep.repo.plumbing import Git

_PULLED = re.compile(r"^Merge pull request #(\d+) from \S+", re.IGNORECASE)
_SQUASHED = re.compile(r"\(#(\d+)\)\s*$")
_MERGED = re.compile(r"^Merged? (?:branch|remote|pull|in|tag|commit|\S+/|'|#)", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Change:
    """One change to the main line, or one commit of what a merge brought."""

    commit: str
    base: str
    """What it stands on: its first parent."""
    time: int
    """When it was committed, Unix time."""
    title: str
    body: str
    files: tuple[FileChange, ...]
    number: str = ""
    """Of the pull request, where the message says it."""
    is_merge: bool = False

    @property
    def day(self) -> str:
        return day_of(self.time)


def day_of(seconds: float) -> str:
    """`2024-05-31`, of a Unix time."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


@dataclass(frozen=True, slots=True)
class Window:
    """Which changes are looked at: no more than the newest `most`, committed on these days."""

    most: int | None = None
    since: str = ""
    until: str = ""

    def __post_init__(self) -> None:
        for day in (self.since, self.until):
            if day and not _is_day(day):
                raise UsageError(f"{day!r} is no day.", "Write it as 2024-05-31.")

    def on(self, seconds: float) -> bool:
        """Whether a Unix time is on one of the days."""
        day = day_of(seconds)
        return (not self.since or day >= self.since) and (not self.until or day <= self.until)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return _DAY.fullmatch(text) is not None


def changes(git: Git, window: Window, *, revision: str = "HEAD") -> Iterator[Change]:
    """The changes of the main line, newest first, but the one that began it. Raises
    RepositoryError."""
    line = commits(git, revision=revision, mainline=True)
    found = (commit for commit in line if window.on(commit.time) and commit.parents)
    for commit in islice(found, window.most):
        yield _change(commit)


def brought(git: Git, merge: Change) -> list[Change]:
    """The commits that a merge brought, newest first, each against its own parent."""
    found = commits(git, revision=merge.commit, after=merge.base, merges=False)
    return [_change(commit) for commit in found if commit.parents and commit.id != merge.commit]


def _change(commit: Commit) -> Change:
    title, body = commit.subject, commit.body
    pulled, squashed = _PULLED.match(title), _SQUASHED.search(title)
    number = ""
    if pulled:  # the pull request's own title is the first line below
        first, _, rest = body.partition("\n")
        title, body, number = first.strip(), rest.strip("\n"), pulled[1]
    elif squashed:
        title, number = title[: squashed.start()].strip(), squashed[1]
    merge = len(commit.parents) > 1
    if merge and _MERGED.match(title):
        title = ""
    return Change(
        commit.id, commit.parents[0], commit.time, title, body, commit.files, number, merge
    )


def told(change: Change, merged: Sequence[Change] = ()) -> tuple[str, str]:
    """Title and text of a change; of a merge, with the texts of its commits, the oldest first.
    Their titles tell only of steps on the way, and stand in where a merge has none of its own."""
    title, texts = change.title, [change.body]
    oldest = list(reversed(merged))
    if not title:
        title = next((each.title for each in oldest if each.title), "")
    texts += [each.body for each in oldest]
    return title, "\n\n".join(dict.fromkeys(text for text in texts if text.strip()))
