"""Which issues the users of a module are likely to raise next: read, rethought, and written down.

The model learns from the module in the paper's loop, and then says what it learned by structured
output. Every prediction must name a place that is there; what cannot be checked is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from swe_sleep.anticipate.asking import Ask, Misfit, structured
from swe_sleep.anticipate.digest import Module, contents, numbered
from swe_sleep.anticipate.places import Texts
from swe_sleep.anticipate.rethinking import rethink
from swe_sleep.index.outline import Outline
from swe_sleep.model.protocol import Request, user
from swe_sleep.prompts.fence import Fence
from swe_sleep.prompts.render import prompt_hash, render
from swe_sleep.records import AnticipatedIssue, Place, State, Suspicion

MOST_ISSUES = 5
"""Of one reading of a module. More are guesses, and each costs a proof."""
LEAST_CONFIDENCE = 0.15
"""What the model itself does not believe is not kept."""
MOST_TOKENS = 6000
MOST_TITLE, MOST_TEXT = 140, 1200
ALIKE = 0.5
"""Two titles that share so many of their words say the same."""
NEAR = 3
"""Lines between two predictions of the same thing."""
LEAD = "model"


class Foreseen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One issue, as the model writes it down."""

    title: str
    symptoms: str
    path: str
    line: int
    quote: str
    why: str
    check: str
    confidence: float


class Foresight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    issues: list[Foreseen]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One issue whose place was checked. `confidence` is what the readings together give it."""

    title: str
    symptoms: str
    place: Place
    qualname: str
    why: str
    check: str
    confidence: float
    readings: int = 1

    def issue(self) -> AnticipatedIssue:
        """As the note holds it."""
        return AnticipatedIssue(
            title=self.title,
            state=State.SUSPECTED,
            symptom=self.symptoms,
            suspicions=(Suspicion(self.place, self.confidence, self.why),),
            lead=LEAD,
            text=f"{self.title}\n\n{self.symptoms}",
            check=self.check,
        )


@dataclass(frozen=True, slots=True)
class Background:
    """What is known of a module besides its code, as lines: commits that touched it, suspicions
    that stand, risk, failing tests; and the diff of the change just made."""

    history: tuple[str, ...] = ()
    suspicions: tuple[str, ...] = ()
    risk: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    diff: str = ""


def prompt_version() -> str:
    """Changes with the words of the prompts."""
    names = ("anticipate_system", "rethink_nudge", "foresee_system")
    return prompt_hash(*(render(name) for name in names), repr(MOST_ISSUES))


def foresee(
    module: Module,
    background: Background,
    ask: Ask,
    *,
    overview: str,
    fence: Fence,
    readings: int = 1,
    request: Request | None = None,
) -> list[Prediction]:
    """The issues of one module, likeliest first, merged from independent readings. Raises Unfit,
    Refused, and what `ask` raises."""
    base = replace(request or Request("", ()), max_tokens=MOST_TOKENS)
    texts = contexts(module, background, overview, fence)
    found: list[list[Prediction]] = []
    for reading in range(1, readings + 1):
        learned = rethink(
            texts, ask, system=render("anticipate_system"), reading=reading, request=base
        )
        if learned.memory:
            found.append(_written_down(module, learned.memory, ask, fence, base))
    return merge(found)


def contexts(
    module: Module, background: Background, overview: str, fence: Fence
) -> tuple[str, str]:
    """What is read: first what is the same for every module of the repository, then the module."""
    shared = render("repository", tag=fence.tag, overview=fence.around(overview))
    parts = {
        "history": "\n".join(background.history),
        "suspicions": "\n".join(background.suspicions),
        "risk": "\n".join(background.risk),
        "failing": "\n".join(background.failing),
        "diff": background.diff,
        "code": f"{module.path}\n{numbered(module)}",
    }
    fenced = {name: fence.around(text) if text.strip() else "" for name, text in parts.items()}
    return shared, render("module", **fenced)


def _written_down(
    module: Module, memory: str, ask: Ask, fence: Fence, base: Request
) -> list[Prediction]:
    listing = fence.around(f"{module.path}\n{contents(module.outline)}")
    said = render("foresee", tag=fence.tag, memory=fence.around(memory), contents=listing)
    request = replace(base, system=render("foresee_system"), messages=(user(said),))
    texts = Texts({module.path: module.text})
    return structured(
        ask, request, Foresight, lambda given: checked(given, texts, module.outline), fence
    )


def checked(given: Foresight, texts: Texts, outline: Outline) -> list[Prediction]:
    """The predictions that stand. Raises Misfit where none does although some were given."""
    kept: list[Prediction] = []
    wrong: list[str] = []
    for each in given.issues:
        place, why = texts.place(each.path, each.line, each.quote)
        missing = texts.unknown(each.why)
        if place is None:
            wrong.append(why)
        elif missing:
            wrong.append(f"`{missing[0]}` stands nowhere in {each.path}")
        elif not each.title.strip() or not each.check.strip():
            wrong.append("an issue needs a title and a check")
        elif each.confidence >= LEAST_CONFIDENCE:
            symbol = outline.symbol_at(place.line or 0)
            kept.append(
                Prediction(
                    title=_line(each.title, MOST_TITLE),
                    symptoms=each.symptoms.strip()[:MOST_TEXT],
                    place=place,
                    qualname=symbol.qualname if symbol else "",
                    why=_line(each.why, MOST_TEXT),
                    check=_line(each.check, MOST_TEXT),
                    confidence=min(each.confidence, 0.95),
                )
            )
    if wrong and not kept:
        raise Misfit("; ".join(wrong[:5]))
    kept.sort(key=lambda p: -p.confidence)
    return kept[:MOST_ISSUES]


def merge(readings: Sequence[Sequence[Prediction]]) -> list[Prediction]:
    """Independent readings together: what several came to is likelier, what only one of many
    came to less likely."""
    groups: list[list[Prediction]] = []
    for reading in readings:
        earlier = list(groups)  # what one reading tells apart is not the same
        for each in reading:
            group = next((g for g in earlier if _same(g[0], each)), None)
            if group is None:
                groups.append([each])
            else:
                group.append(each)
                earlier.remove(group)
    merged = [
        replace(
            max(group, key=lambda p: p.confidence),
            confidence=min(0.95, sum(p.confidence for p in group) / max(1, len(readings))),
            readings=len(group),
        )
        for group in groups
    ]
    return sorted(merged, key=lambda p: (-p.confidence, p.place.path, p.place.line or 0))


def _same(one: Prediction, other: Prediction) -> bool:
    if one.place.path != other.place.path:
        return False
    close = abs((one.place.line or 0) - (other.place.line or 0)) <= NEAR
    mine, theirs = _words(one.title), _words(other.title)
    shared = len(mine & theirs) / max(1, min(len(mine), len(theirs)))
    return shared >= ALIKE or (close and shared >= ALIKE / 2)


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in re.findall(r"\w{3,}", text.lower()))


def _line(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 3] + "..."
