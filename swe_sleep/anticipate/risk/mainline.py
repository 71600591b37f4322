"""The main line of a history with the places that each step changed.

A step is a commit, or the whole of what a merge brought. Only along first parents do line numbers
of one step fit those of the next, so that lines can be followed exactly; what a merge brought is
told by the messages and the author of the merged commits.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from swe_sleep.anticipate.risk.fixes import says_fix
from swe_sleep.repo import plumbing

Ints = NDArray[np.int32]

LEVEL = 3
_MARK = b"\1"
_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_BRANCH = re.compile(
    rb"\b(?:if|elif|else|for|while|except|catch|and|or|case|match|assert|unless)\b|&&|\|\||\? "
)
_LOOKS = b" \t\r\n\"'`,;()\\"
"""A change of these alone is one of looks."""
_QUIET = (b"#", b"//", b"import ", b"from ", b"*", b"/*", b"@overload", b"__version__")
"""Lines that begin so hold no behaviour that a fix would mend."""

OLD, OLD_COUNT, NEW, NEW_COUNT, ADDED, REMOVED, BRANCHES = range(7)
"""The columns of hunks: lines as git numbers them, then lines of code added and removed, and the
branches that were added. Both of ADDED and REMOVED are 0 for a change of looks."""


class Step(msgspec.Struct, array_like=True):
    """One step. `files` are (path, what it was called before or "", git's letter, hunks)."""

    id: str
    time: int
    author: str
    title: str
    fix: bool
    files: list[tuple[str, str, str, list[tuple[int, int, int, int, int, int, int]]]]


@dataclass(slots=True)
class _Commit:
    parents: list[str]
    time: int
    author: str
    title: str
    body: str


@dataclass
class Mainline:
    """Steps, oldest first."""

    steps: list[Step] = field(default_factory=list)

    @property
    def head(self) -> str:
        return self.steps[-1].id if self.steps else ""

    def encode(self) -> bytes:
        return zlib.compress(msgspec.msgpack.encode(self.steps), LEVEL)

    @classmethod
    def decode(cls, payload: bytes) -> Mainline:
        return cls(msgspec.msgpack.decode(zlib.decompress(payload), type=list[Step]))


def read(
    git: plumbing.Git,
    head: str,
    suffixes: Sequence[str],
    *,
    limit: int,
    known: Mainline | None = None,
    pause: Callable[[], None] = lambda: None,
) -> Mainline:
    """The newest steps that lead to a commit and touch files of these suffixes. Of what is `known`
    the steps that lead there too are taken as they are. `pause` is called often, and may raise.
    Raises RepositoryError."""
    found = git.run("rev-list", "--first-parent", f"--max-count={limit}", head, "--")
    line = found.decode().split()
    kept: list[Step] = []
    base = ""
    if known is not None and known.steps:
        place = {commit: n for n, commit in enumerate(line)}
        kept = [step for step in known.steps if step.id in place]
        base = kept[-1].id if kept else ""
        if base:
            line = line[: place[base]]
    if not line:
        return Mainline(kept)
    chosen = [head, *([f"^{base}"] if base else [f"--max-count={limit}"])]
    said = dict(_said(git, chosen, base))
    bring = _brought(line, said)
    patterns = [f"*.{suffix}" for suffix in suffixes]
    new: list[Step] = []
    for commit, files in _changes(git, [*chosen, "--", *patterns]):
        pause()
        facts = said.get(commit)
        if facts is None or not files:
            continue
        merged = [said[each] for each in bring.get(commit, ()) if each in said]
        new.append(_step(commit, facts, merged, files))
    return Mainline([*kept, *reversed(new)])


def _step(commit: str, facts: _Commit, merged: list[_Commit], files: list[_File]) -> Step:
    title, author = facts.title, facts.author
    if len(facts.parents) < 2:
        fix = says_fix(title, facts.body)
    else:
        own = facts.body.strip().partition("\n")[0]
        title = own if own and title.startswith("Merge pull request") else title
        plain = [each for each in merged if len(each.parents) < 2]
        fixing = sum(says_fix(each.title, each.body) for each in plain)
        by_title = title != facts.title and says_fix(title, facts.body)
        fix = by_title or (title == facts.title and 2 * fixing >= max(len(plain), 1))
        if plain:
            author = Counter(each.author for each in plain).most_common(1)[0][0]
    return Step(commit, facts.time, author, title[:200], fix, files)


def _said(git: plumbing.Git, chosen: Sequence[str], base: str) -> Iterator[tuple[str, _Commit]]:
    """What each commit says, those that merges brought too."""
    which = [word for word in chosen if not word.startswith("--max-count")]
    out = git.run(
        "log",
        "-z",
        "--format=%H%x01%P%x01%ct%x01%ae%x01%s%x01%b",
        "--encoding=UTF-8",
        "--no-notes",
        "--no-color",
        *which,
        "--",
    )
    for record in out.decode("utf-8", "replace").split("\0"):
        fields = record.split("\1", 5)
        if len(fields) == 6:
            commit, parents, time, author, title, body = fields
            yield commit, _Commit(parents.split(), int(time), author.lower(), title, body[:2000])


def _brought(line: Sequence[str], said: dict[str, _Commit]) -> dict[str, list[str]]:
    """For each merge on the line, the commits that came with it."""
    taken = set(line)
    found: dict[str, list[str]] = {}
    for commit in reversed(line):
        facts = said.get(commit)
        if facts is None or len(facts.parents) < 2:
            continue
        waiting = list(facts.parents[1:])
        mine: list[str] = []
        while waiting:
            each = waiting.pop()
            if each in taken or each not in said:
                continue
            taken.add(each)
            mine.append(each)
            waiting.extend(said[each].parents)
        found[commit] = mine
    return found


_File = tuple[str, str, str, list[tuple[int, int, int, int, int, int, int]]]


def _changes(git: plumbing.Git, which: Sequence[str]) -> Iterator[tuple[str, list[_File]]]:
    arguments = [
        *("-c", "core.quotePath=false", "-c", "diff.renameLimit=200"),
        *("log", "--first-parent", "--diff-merges=first-parent", "-p", "-U0", "-w", "-M", "-l200"),
        *("--format=%x01%H", "--no-color", "--no-ext-diff", "--no-textconv", "--no-notes"),
        *("--root", "--ignore-submodules=all", "--no-prefix", "--diff-algorithm=histogram"),
    ]
    with git.start(*arguments, *which) as process:
        assert process.stdout is not None
        try:
            yield from _parse(process.stdout)
        except GeneratorExit:
            process.kill()
            raise
        plumbing.finish(process, "log")


def _parse(lines: Iterable[bytes]) -> Iterator[tuple[str, list[_File]]]:
    commit = ""
    files: list[_File] = []
    letter, old, new = "M", "", ""
    hunks: list[tuple[int, int, int, int, int, int, int]] = []
    begun = False

    def close() -> None:
        if begun and (new or old):
            name = new or old
            files.append((name, old if old != name else "", letter, hunks))

    stream = iter(lines)
    for line in stream:
        head = line[:1]
        if head == b"@":
            match = _HUNK.match(line)
            if match is None:
                continue
            numbers = match.groups(b"1")
            count, other = int(numbers[1]), int(numbers[3])
            removed = [next(stream) for _ in range(count)]
            added: list[bytes] = []
            while len(added) < other:
                text = next(stream)
                if text[:1] == b"+":
                    added.append(text)
            hunks.append((int(numbers[0]), count, int(numbers[2]), other, *_weigh(removed, added)))
        elif head == _MARK:
            close()
            if commit:
                yield commit, files
            commit, files, begun = line[1:].strip().decode("ascii", "replace"), [], False
        elif line.startswith(b"diff --git "):
            close()
            begun, letter, hunks = True, "M", []
            old = new = _name(line)
        elif line.startswith(b"rename from "):
            old, letter = _text(line[12:]), "R"
        elif line.startswith(b"rename to "):
            new = _text(line[10:])
        elif line.startswith(b"new file"):
            letter = "A"
        elif line.startswith(b"deleted file"):
            letter = "D"
        elif line.startswith(b"--- ") and line[4:13] != b"/dev/null":
            old = _text(line[4:])
        elif line.startswith(b"+++ ") and line[4:13] != b"/dev/null":
            new = _text(line[4:])
    close()
    if commit:
        yield commit, files


def _name(line: bytes) -> str:
    """The name in a header, where both are the same."""
    rest = line[11:].rstrip(b"\n")
    half = len(rest) // 2
    return _text(rest[:half]) if rest[:half] == rest[half + 1 :] else ""


def _text(name: bytes) -> str:
    return name.rstrip(b"\n").removesuffix(b"\t").decode("utf-8", "replace")


def _weigh(removed: list[bytes], added: list[bytes]) -> tuple[int, int, int]:
    """Lines of code added and removed, and branches added; nothing for a change of looks."""
    minus = [line[1:].strip() for line in removed]
    plus = [line[1:].strip() for line in added]
    if minus and plus:
        one, other = b"".join(minus), b"".join(plus)
        if one == other or one.translate(None, _LOOKS) == other.translate(None, _LOOKS):
            return 0, 0, 0
    more = sum(1 for line in plus if line and not line.startswith(_QUIET))
    less = sum(1 for line in minus if line and not line.startswith(_QUIET))
    return more, less, len(_BRANCH.findall(b"\n".join(plus))) if more else 0
