"""Candidate patches: what a search tries.

A candidate is one or more edits, by byte span, of the present text of files. Templates make
candidates with one edit; putting a change back may take several.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from swe_sleep.records import Place
from swe_sleep.repair.spot import Spot
from swe_sleep.repair.templates import TEMPLATES, Template

Kind = Literal["fix", "part of the change undone", "change undone"]
"""How a candidate stands to the person's recent change: it keeps the change and mends it, takes a
part of it back, or takes back all of it in one place or everywhere."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes `start`..`end` of a file become `replacement`."""

    path: str
    start: int
    end: int
    replacement: bytes


@dataclass(frozen=True, slots=True)
class Candidate:
    edits: tuple[Edit, ...]
    template: str
    place: Place
    prior: float
    """From 0 to 1: the template's prior times the fix's weight, before suspiciousness."""
    summary: str
    """One line that a person understands."""
    kind: Kind = "fix"

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(e.path for e in self.edits))

    @property
    def size(self) -> int:
        """Bytes taken out and put in: how much the patch touches."""
        return sum(e.end - e.start + len(e.replacement) for e in self.edits)

    def apply(self, sources: Mapping[str, bytes]) -> dict[str, bytes]:
        """The new contents of the files it touches."""
        files = {path: sources[path] for path in self.paths}
        for edit in sorted(self.edits, key=lambda e: (e.path, e.start), reverse=True):
            text = files[edit.path]
            files[edit.path] = text[: edit.start] + edit.replacement + text[edit.end :]
        return files

    def joined(self, content: bytes) -> Edit:
        """All edits of a candidate for one file as one, from the first byte to the last."""
        ordered = sorted(self.edits, key=lambda e: e.start)
        start, text, at = ordered[0].start, b"", ordered[0].start
        for edit in ordered:
            text += content[at : edit.start] + edit.replacement
            at = edit.end
        return Edit(ordered[0].path, start, at, text)

    def digest(self, sources: Mapping[str, bytes]) -> bytes:
        """Equal for candidates that give the same text."""
        whole = hashlib.blake2b(digest_size=16)
        for path, text in sorted(self.apply(sources).items()):
            whole.update(path.encode() + b"\0" + text + b"\0")
        return whole.digest()


def candidates_at(spot: Spot, templates: Sequence[Template] = TEMPLATES) -> Iterator[Candidate]:
    """Every template's candidates for one statement that change the text; not yet compiled."""
    source, statement = spot.source, spot.statement
    end = source.header_end(statement)
    name = source.qualname(statement)
    where = f"in `{name}`" if name else f"in {source.path}"
    content = source.content
    for template in templates:
        for fix in template.fixes(spot):
            replacement = fix.text.encode()
            if not fix.more and (
                content[fix.start : fix.end] == replacement
                or (not replacement.strip() and not content[fix.start : fix.end].strip())
            ):
                continue
            line = source.line_of(fix.start)
            parts = (
                (fix.start, fix.end, replacement),
                *((s, e, t.encode()) for s, e, t in fix.more),
            )
            yield Candidate(
                edits=tuple(Edit(source.path, *_trimmed(content, *part)) for part in parts),
                template=template.name,
                place=Place(source.path, min(line, end)),
                prior=template.prior * max(0.0, min(1.0, fix.weight)),
                summary=f"{where}, {fix.what}",
            )


def _trimmed(content: bytes, start: int, end: int, new: bytes) -> tuple[int, int, bytes]:
    """The same edit without the text that both ends share, so that its size is what it changes."""
    old = content[start:end]
    shared = min(len(old), len(new))
    head = 0
    while head < shared and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shared - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return start + head, end - tail, new[head : len(new) - tail]
