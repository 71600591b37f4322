"""Candidates from the recent change: put it back, in part or as a whole.

When tests broke since they last passed, the change between holds the fault more often than not.
Its old text is the best ingredient there is: a token of it put back keeps the rest of the
person's change; a hunk put back is the cautious fix.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from swe_sleep.records import Place
from swe_sleep.repair.candidates import Candidate, Edit, Kind
from swe_sleep.repair.source import Source
from swe_sleep.repair.spot import becomes, short
from swe_sleep.repo.lines import line_change, opcodes

_TOKEN = re.compile(rb"\"[^\"\n]*\"|'[^'\n]*'|\w+|[<>=!+\-*/%&|^:]+=?|\s+|[^\w\s]")

PART, HUNK, WHOLE = 1.0, 0.9, 0.6
"""Priors: a few tokens put back, a hunk put back, the whole change put back."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """A changed stretch of a file: bytes `start`..`end` of the present text, its first line there,
    and the text that stood there before."""

    path: str
    start: int
    end: int
    line: int
    old: bytes


def hunks(path: str, before: bytes, after: bytes) -> tuple[Hunk, ...]:
    """What changed in a file, line by line."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = [0]
    for line in new:
        starts.append(starts[-1] + len(line))
    return tuple(
        Hunk(path, starts[j1], starts[j2], j1 + 1, b"".join(old[i1:i2]))
        for tag, i1, i2, j1, j2 in opcodes(old, new)
        if tag != "equal"
    )


def changed_lines(
    recent: Mapping[str, bytes], sources: Mapping[str, bytes]
) -> dict[str, frozenset[int]]:
    """Lines of the present text that the change touched."""
    return {
        path: line_change(before, sources[path]).touched_after
        for path, before in recent.items()
        if path in sources
    }


def undoing(
    recent: Mapping[str, bytes], sources: Mapping[str, Source], editable: Collection[str]
) -> Iterator[Candidate]:
    """Put parts of the change back, then its hunks, then all of it."""
    whole: list[Edit] = []
    every: list[tuple[Hunk, Source]] = []
    for path, before in recent.items():
        source = sources.get(path)
        if source is None or path not in editable or before == source.content:
            continue
        for hunk in hunks(path, before, source.content):
            every.append((hunk, source))
            whole.append(Edit(path, hunk.start, hunk.end, hunk.old))
    for hunk, source in every:
        yield from _parts(hunk, source, alone=len(every) == 1)
    for hunk, source in every:
        now = source.content[hunk.start : hunk.end]
        yield Candidate(
            edits=(Edit(hunk.path, hunk.start, hunk.end, hunk.old),),
            template="change undone",
            place=Place(hunk.path, hunk.line),
            prior=HUNK,
            summary=_say(source, hunk.line, now, hunk.old),
            kind="change undone" if len(every) == 1 else "part of the change undone",
        )
    if len(every) > 1:
        files = len({hunk.path for hunk, _ in every})
        yield Candidate(
            edits=tuple(whole),
            template="change undone",
            place=Place(every[0][0].path, every[0][0].line),
            prior=WHOLE,
            summary=f"the recent change is undone in {files} file{'s' if files > 1 else ''}",
            kind="change undone",
        )


def _parts(hunk: Hunk, source: Source, *, alone: bool) -> Iterator[Candidate]:
    """Single differences inside a hunk put back: token by token, and line by line."""
    now = source.content[hunk.start : hunk.end]
    if not now or len(now) + len(hunk.old) > 20_000:
        return
    for split, prior in ((_TOKEN.findall, PART), (lambda t: t.splitlines(keepends=True), HUNK)):
        old, new = split(hunk.old), split(now)
        starts = [hunk.start]
        for token in new:
            starts.append(starts[-1] + len(token))
        matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
        codes = [c for c in matcher.get_opcodes() if c[0] != "equal"]
        for _, i1, i2, j1, j2 in codes:
            was = b"".join(old[i1:i2])
            start, end = starts[j1], starts[j2]
            if not was.strip() and not source.content[start:end].strip():
                continue
            line = source.line_of(start)
            kind: Kind = "part of the change undone"
            if len(codes) == 1 and alone:
                kind = "change undone"
            yield Candidate(
                edits=(Edit(hunk.path, start, end, was),),
                template="part of the change undone",
                place=Place(hunk.path, line),
                prior=prior,
                summary=_say(source, line, source.content[start:end], was),
                kind=kind,
            )


def _say(source: Source, line: int, now: bytes, was: bytes) -> str:
    statement = source.statement_at(line)
    name = source.qualname(statement) if statement is not None else ""
    where = f"in `{name}`" if name else f"in {source.path}"
    new, old = now.decode("utf-8", "replace"), was.decode("utf-8", "replace")
    if not new.strip():
        return f"{where}, `{short(old)}` comes back"
    if not old.strip():
        return f"{where}, `{short(new)}` goes again"
    return f"{where}, {becomes(new, old)} as it was"
