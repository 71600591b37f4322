"""Lessons of past fixes: what a fix replaced by what, to be tried where the same stands again.

A fix is often made in one place and missing in another (Kim et al., 2013, learn such patterns
from many projects; these are the project's own). A lesson is a few tokens and what they became,
with as much before them as names something: `open(path)` that became `open(path, "rb")`.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from swe_sleep.errors import RepositoryError

if TYPE_CHECKING:
    from swe_sleep.notes.past import Past
    from swe_sleep.notes.store import Store
    from swe_sleep.repo import plumbing

TOKEN = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|\w+|[<>=!+\-*/%&|^:@]+=?|[^\w\s]")
MOST_COMMITS, MOST_LESSONS, MOST_TOKENS, MOST_LINES = 80, 200, 12, 3
_HUNK = re.compile(r"^@@ .*\n((?:[-+].*\n)*)", flags=re.MULTILINE)
_NAMES = re.compile(r"[A-Za-z_]\w*|[\"'].+")
_DULL = frozenset({"self", "cls", "if", "not", "in", "is", "and", "or", "return", "for", "else"})


@dataclass(frozen=True, slots=True)
class Lesson:
    """Tokens `before` became tokens `after` in as many fixes as `times` says."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    times: int = 1


def lessons(git: plumbing.Git, past: Past, paths: Sequence[str]) -> tuple[Lesson, ...]:
    """What the fixes of these files taught, the newest fixes first, and other fixes of the
    repository after them. Nothing where git does not answer."""
    return learn(git, _commits(past, frozenset(paths)))


def recalled(
    store: Store, git: plumbing.Git, head: str | None, paths: Sequence[str]
) -> tuple[Lesson, ...]:
    """The lessons of the history that sleep has read; nothing is read from git's log now."""
    if head is None:
        return ()
    from swe_sleep.notes.past import Past
    from swe_sleep.notes.reading import recall

    batches, complete = recall(store, git, head)
    return lessons(git, Past(head, batches, complete=complete), paths) if batches else ()


def _commits(past: Past, paths: frozenset[str]) -> list[str]:
    numbers = {number for number, path in enumerate(past.paths) if path in paths}
    near: list[int] = []
    far: list[int] = []
    for i in range(min(len(past), 5000)):
        if past.fixes[i]:
            files = past.files[past.starts[i] : past.starts[i + 1]].tolist()
            (near if numbers.intersection(files) else far).append(i)
            if len(near) >= MOST_COMMITS:
                break
    chosen = [*near[:MOST_COMMITS], *far[: MOST_COMMITS // 2]][:MOST_COMMITS]
    return [past.id(i) for i in chosen]


def learn(git: plumbing.Git, commits: Sequence[str]) -> tuple[Lesson, ...]:
    """The lessons of these commits' small edits of Python files."""
    command = ("diff-tree", "-r", "-p", "-U0", "--no-commit-id", "--no-renames", "--no-textconv")
    named = "".join(f"{commit}\n" for commit in commits).encode()
    if not named:
        return ()
    try:
        shown = git.run(*command, "--stdin", "--", "*.py", stdin=named)
    except RepositoryError:
        return ()
    found: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
    for old, new in _changed(shown.decode("utf-8", "replace")):
        found.update(set(_edits(old, new)))
    return tuple(Lesson(old, new, n) for (old, new), n in list(found.items())[:MOST_LESSONS])


def _changed(diff: str) -> Iterator[tuple[str, str]]:
    """Old and new text of each small hunk."""
    for hunk in _HUNK.finditer(diff):
        lines = hunk.group(1).split("\n")
        old = [line[1:] for line in lines if line.startswith("-")]
        new = [line[1:] for line in lines if line.startswith("+")]
        if len(old) == len(new) and 0 < len(old) <= MOST_LINES:
            yield from zip(old, new, strict=True)


def _edits(old: str, new: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Where two lines differ, with what stands before it until something is named."""
    one, other = TOKEN.findall(old), TOKEN.findall(new)
    if not one or not other or one[0] == "#":
        return
    codes = difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    changes = [c[1:] for c in codes if c[0] != "equal"]
    if not changes or len(changes) > 3:
        return
    low, high = changes[0][0], changes[-1][1]
    first, last = changes[0][2], changes[-1][3]
    only_added = low == high
    while low and not any(_NAMES.match(t) and t not in _DULL for t in one[low:high]):
        low, first = low - 1, first - 1
    if only_added and high < len(one):
        high, last = high + 1, last + 1
    before, after = tuple(one[low:high]), tuple(other[first:last])
    named = any(_NAMES.match(t) and t not in _DULL for t in before)
    if named and before != after and max(len(before), len(after)) <= MOST_TOKENS:
        yield before, after
