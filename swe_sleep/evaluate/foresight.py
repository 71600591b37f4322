"""How well sleep had foreseen an issue, in two senses.

It was *foreseen* where the anticipated issue that its text fits best is about code that the fix
touches. How *expected* it was can be told of nearly every issue: before any text was known, sleep
had ranked functions, first those of its anticipated issues, then those that its risk note names,
and the function which the fix touches has a place in that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from swe_sleep.anticipate.risk.noted import risky
from swe_sleep.evaluate.gold import Gold, around
from swe_sleep.index.outline import Outline
from swe_sleep.notes.view import SeenIssue, View
from swe_sleep.solve.predicted import anticipated, foreseen_rank, predictions

SUSPICIONS = 3
"""Of an anticipated issue, those that say where it is; the others are on the way there."""


@dataclass(frozen=True, slots=True)
class Foresight:
    """What the notes say of an issue. Functions are `path::Qual.name`, as in a `Gold`."""

    about: tuple[str, ...] = ()
    """The functions of the anticipated issue that fits best."""
    rank: int | None = None
    """Its place, from 1 on, among all as sleep had ranked them."""
    score: float = 0.0
    """How well it fits, from 0 to 1."""
    issues: int = 0
    """Anticipated issues that there were."""
    expected: tuple[str, ...] = ()
    """Where sleep expected an issue, likeliest first."""

    def foreseen(self, gold: Gold) -> int | None:
        """The rank, if the issue is about what the fix touches."""
        right = set(gold.functions) or set(gold.files)
        about = self.about if gold.functions else [each.partition("::")[0] for each in self.about]
        return self.rank if right.intersection(about) else None

    def place(self, gold: Gold) -> int | None:
        """That of the first function that the fix touches among the expected ones, from 1 on."""
        touched = set(gold.functions)
        return next((n for n, each in enumerate(self.expected, 1) if each in touched), None)


UNKNOWN = Foresight()


def foresight(view: View, outline_of: Callable[[str], Outline | None], text: str) -> Foresight:
    """Look the issue up in the notes; no answer is needed. `outline_of` is of the files as they
    are."""
    predicted = predictions(view)
    functions = [name for each in predicted for name in _functions(each, outline_of)]
    functions += [f"{path}::{qualname}" for path, qualname, _ in risky(view)]
    matches = anticipated(view, text)
    return Foresight(
        about=tuple(_functions(matches[0].seen, outline_of)) if matches else (),
        rank=foreseen_rank(matches),
        score=matches[0].score if matches else 0.0,
        issues=len(predicted),
        expected=tuple(dict.fromkeys(functions)),
    )


def _functions(seen: SeenIssue, outline_of: Callable[[str], Outline | None]) -> Iterator[str]:
    """Those that its subject names or that its suspicions lie in."""
    for suspicion in seen.issue.suspicions[:SUSPICIONS]:
        place = suspicion.place
        outline = outline_of(place.path)
        if outline is not None and place.line is not None:
            lines = range(place.line, (place.end_line or place.line) + 1)
            for symbol in around(outline, lines):
                yield f"{place.path}::{symbol.qualname}"
    if seen.issue.lead:
        yield seen.note.subject.removesuffix(f" ({seen.issue.lead})")
