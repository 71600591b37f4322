"""Which anticipated issues an incoming one is about, and how well it was foreseen.

Title, symptoms and places are compared with what the person wrote. A wrong match is worse than
none: it would send whoever solves the issue to the wrong place.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from swe_sleep.notes.view import SeenIssue, View
from swe_sleep.records import ContextLine, Place, State
from swe_sleep.solve.matching import meaningful

LEAST = 0.25
"""Below this nothing is said to match at all."""
SURE = 0.5
"""A suspicion that matches less well is not worth a line in a prompt. Of 329 real issues, each
beside twenty others of its repository as predictions, 9 found a false match as good as this."""
MOST_LINES = 2
NAMED = 0.45
"""What it tells that the text names the very function, which no other prediction is about."""
FILE = 0.15
TITLE = 0.6
"""What the words of a title count for beside all words of a prediction."""
LONG = 300
"""Different words of a text of which half would fit anything."""
RARE = 3.0
"""Words that are as rare as this in the predictions count as much as a name."""
_STATES = (State.PATCHED, State.REPRODUCED, State.SUSPECTED)
_SILENT = re.compile(
    r"<!--.*?-->|https?://\S+|(?<=\n)#+ [^\n]*|^\s*- \[.\][^\n]*", re.DOTALL | re.MULTILINE
)
"""What forms put into every issue: comments, links, boxes that are ticked, and headings, of which
the first line is none: that is the title."""
_PLAIN = re.compile(r"[a-z]+\Z")
_SUBJECT = re.compile(r"\.|::| \(.*|\[.*", re.DOTALL)
"""What stands between the names of a subject, and what follows them: the kind of lead, or the
parameters of a test."""


@dataclass(frozen=True, slots=True)
class Anticipated:
    """An anticipated issue, how well the text fits it (0 to 1), the words they share, and its
    place, from 1 on, among all predictions as sleep had ranked them before the text was known."""

    seen: SeenIssue
    score: float
    shared: tuple[str, ...]
    rank: int

    @property
    def place(self) -> Place | None:
        suspicions = self.seen.issue.suspicions
        return suspicions[0].place if suspicions else None


def predictions(view: View) -> list[SeenIssue]:
    """The fresh predictions as sleep ranks them before a text is known: most proven, surest."""
    found = view.issues(*_STATES)
    found.sort(key=lambda s: (_STATES.index(s.issue.state), -s.note.confidence, s.note.subject))
    return found


def anticipated(view: View, text: str) -> list[Anticipated]:
    """The fresh predictions that the text fits, best first; empty where it fits none."""
    predicted = predictions(view)
    asked = meaningful(_SILENT.sub(" ", text))
    if not asked or not predicted:
        return []
    said = [_said(each) for each in predicted]
    counts = Counter(word for words in said for word in words)
    names = Counter(name for each in predicted for name in _names(each))
    found = []
    for rank, (each, words) in enumerate(zip(predicted, said, strict=True), 1):
        score, shared = _score(each, words, asked, text, counts, names, len(predicted))
        if score >= LEAST:
            found.append(Anticipated(each, round(score, 3), shared, rank))
    return sorted(found, key=lambda match: (-match.score, match.rank))


def suspected(matches: Sequence[Anticipated]) -> list[ContextLine]:
    """What only suspected matches are worth in a prompt: a line or two, or nothing."""
    best = [m for m in matches if m.score >= SURE and m.seen.issue.state is State.SUSPECTED]
    return [
        ContextLine(
            match.place,
            f"foreseen, not proven: {match.seen.issue.suspicions[0].why}",
            "suspicion",
        )
        for match in best[:MOST_LINES]
        if match.place is not None
    ]


def foreseen_rank(matches: Sequence[Anticipated]) -> int | None:
    """How well the issue was foreseen: the place of the best match among the predictions as sleep
    ranked them; None where it was not."""
    return matches[0].rank if matches else None


def _score(
    each: SeenIssue,
    words: frozenset[str],
    asked: frozenset[str],
    text: str,
    counts: Counter[str],
    names: Counter[str],
    predictions: int,
) -> tuple[float, tuple[str, ...]]:
    shared = asked & words
    weight = {word: _weight(counts[word], predictions) for word in words}
    title = meaningful(each.issue.title)
    # a long text has many of anybody's words
    chance = min(0.5, len(asked) / LONG)
    covered = TITLE * _part(shared & title, title, weight) + (1 - TITLE) * _part(
        shared, words, weight
    )
    score = max(0.0, (covered - chance) / (1.0 - chance))
    named = [name for name in _names(each) if _stands_in(name, text)]
    if named:
        score += (1.0 - score) * NAMED / min(names[name] for name in named)
    if any(_stands_in(stem, text) for stem in _stems(each)):
        score += (1.0 - score) * FILE
    few = len(shared) < 2 and not named
    return (0.0 if few else score), tuple(sorted({*shared, *named}))


def _weight(count: int, predictions: int) -> float:
    return 1.0 + math.log((1 + predictions) / (1 + count)) / RARE


def _part(shared: frozenset[str], of: frozenset[str], weight: dict[str, float]) -> float:
    whole = sum(weight.get(word, 1.0) for word in of)
    return sum(weight.get(word, 1.0) for word in shared) / whole if whole else 0.0


def _said(each: SeenIssue) -> frozenset[str]:
    """The words of a prediction: what a user would say, and what a run printed."""
    issue = each.issue
    why = " ".join(suspicion.why for suspicion in issue.suspicions[:1])
    return meaningful(" ".join((issue.title, issue.text or issue.symptom, why, *_names(each))))


def _names(each: SeenIssue) -> list[str]:
    """The functions and classes that it is about, or the test that shows it."""
    names = _SUBJECT.split(each.note.subject.partition("::")[2])
    return [name for name in names if len(name) > 3 and name != "<module>"]


def _stems(each: SeenIssue) -> list[str]:
    paths = {suspicion.place.path for suspicion in each.issue.suspicions[:3]}
    stems = {PurePosixPath(path).stem for path in paths}
    return [f"{stem}.py" for stem in stems] + [stem for stem in stems if not _PLAIN.match(stem)]


def _stands_in(name: str, text: str) -> bool:
    """Whether the text has it as a name of code: a plain word only where it is called, quoted or
    reached by a dot."""
    if _PLAIN.match(name):
        return bool(re.search(rf"(?:[`.]{name}\b|\b{name}\s?[(`])", text))
    return bool(re.search(rf"(?<![\w/]){re.escape(name)}(?!\w)", text))
