"""Summaries of files, folders and the repository, from the leaves up.

A folder's summary is made of those of its files, and the repository's of those of its folders: a
change that leaves a file's summary equal reaches no further. Each line has a place, and what a
model says of a place that is not there is dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import msgspec

from swe_sleep.anticipate.asking import Ask, Misfit, structured
from swe_sleep.anticipate.digest import Module, numbered
from swe_sleep.anticipate.extracting import kept
from swe_sleep.anticipate.places import Texts
from swe_sleep.model.protocol import Request, user
from swe_sleep.notes import kinds
from swe_sleep.notes.kinds import SummaryData, SummaryLine
from swe_sleep.prompts.fence import Fence
from swe_sleep.prompts.render import prompt_hash, render
from swe_sleep.records import Place

MOST_TOKENS = 3000
MOST_PURPOSE, MOST_TEXT = 300, 240
MOST_CODE = 7000
"""Characters of functions that are sent whole of one file."""
PER_FILE, PER_FOLDER = 3, 2
"""Lines of a file that its folder repeats, and of a folder that the repository does."""
MOST_ABOVE = 40
_TELLING = {"pitfall": 0, "contract": 1, "invariant": 2}


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a summary, as a model writes it."""

    sort: Literal["contract", "invariant", "pitfall"]
    path: str
    line: int
    quote: str
    text: str


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    purpose: str
    lines: list[Line]


def prompt_version() -> str:
    return prompt_hash(render("summary_system"))


def of_file(
    module: Module,
    extracted: SummaryData,
    ask: Ask,
    *,
    model: str,
    fence: Fence,
    request: Request | None = None,
) -> SummaryData:
    """What a model says of a file, beside what the code itself says. Raises Unfit, and what `ask`
    raises."""
    texts = Texts({module.path: module.text})
    code = fence.around(f"{module.path}\n{numbered(module, MOST_CODE)}")
    found = _asked(
        render("summary", tag=fence.tag, what="file", given=code), texts, ask, fence, request
    )
    said = {(line.place.line, line.sort) for line in found.lines}
    more = [line for line in extracted.lines if (line.place.line, line.sort) not in said]
    lines = kept([*found.lines, *more])
    return SummaryData(found.purpose or extracted.purpose, lines, model)


def of_parts(
    what: str,
    parts: Mapping[str, SummaryData],
    texts: Mapping[str, str],
    ask: Ask,
    *,
    model: str,
    fence: Fence,
    request: Request | None = None,
) -> SummaryData:
    """What a model makes of the summaries of the parts of a folder, or of the repository. `texts`
    are the files that the parts' lines have their places in."""
    given = fence.around(listed(parts))
    said = render("summary", tag=fence.tag, what=what, given=given)
    found = _asked(said, Texts(texts), ask, fence, request)
    return SummaryData(found.purpose, found.lines, model)


def _asked(said: str, texts: Texts, ask: Ask, fence: Fence, request: Request | None) -> SummaryData:
    wanted = replace(
        request or Request("", ()),
        system=render("summary_system"),
        messages=(user(said),),
        max_tokens=MOST_TOKENS,
    )
    return structured(ask, wanted, Written, lambda given: checked(given, texts), fence)


def checked(given: Written, texts: Texts) -> SummaryData:
    """The lines that stand. Raises Misfit where none does although some were given."""
    found: list[SummaryLine] = []
    wrong: list[str] = []
    for each in given.lines:
        place, why = texts.place(each.path, each.line, each.quote)
        missing = texts.unknown(each.text)
        if place is None:
            wrong.append(why)
        elif missing:
            wrong.append(f"`{missing[0]}` stands nowhere in the code")
        elif each.text.strip():
            found.append(SummaryLine(place, each.sort, _line(each.text, MOST_TEXT)))
    if wrong and not found:
        raise Misfit("; ".join(wrong[:5]))
    purpose = _line(given.purpose, MOST_PURPOSE)
    if missing := texts.unknown(purpose):
        if not found:
            raise Misfit(f"`{missing[0]}` stands nowhere in the code")
        purpose = ""
    return SummaryData(purpose, kept(found))


def above(purpose: str, parts: Mapping[str, SummaryData], each: int) -> SummaryData:
    """Without a model: what each part is for, and its most telling lines."""
    lines: list[SummaryLine] = []
    for name, part in parts.items():
        if part.purpose:
            lines.append(SummaryLine(Place(name), "does", f"`{name}`: {part.purpose}"))
        telling = [line for line in part.lines if line.sort in _TELLING]
        lines += sorted(telling, key=lambda line: _TELLING[line.sort])[:each]
    return SummaryData(purpose, kept(lines, MOST_ABOVE))


def listed(parts: Mapping[str, SummaryData]) -> str:
    """Summaries as text."""
    out: list[str] = []
    for name, part in parts.items():
        out.append(f"{name}: {part.purpose}")
        out += [f"  {line.sort} {line.place} {line.text}" for line in part.lines]
    return "\n".join(out)


def key_of(parts: Mapping[str, SummaryData]) -> str:
    """What a summary of these parts depends on."""
    said = msgspec.json.encode(sorted(parts.items()))
    return hashlib.sha256(said).hexdigest()[:32]


def body(data: SummaryData) -> str:
    """As Markdown."""
    lines = [data.purpose] if data.purpose else []
    lines += [f"- `{line.place}` ({line.sort}) {line.text}" for line in data.lines]
    return "\n".join(lines) or "Nothing in it says more than its names do."


def decoded(payload: bytes) -> SummaryData:
    return kinds.decode(payload, SummaryData)


def places(data: SummaryData, most: int = 20) -> Sequence[Place]:
    return list(dict.fromkeys(line.place for line in data.lines))[:most]


def _line(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."
