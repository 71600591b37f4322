"""Notes as Markdown that a person can read, each with its freshness and its places."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator

from swe_sleep.notes import kinds
from swe_sleep.notes.view import Seen
from swe_sleep.records import AnticipatedIssue, State

STATE_WORDS = {
    State.PATCHED: "reproduced, and a tested patch is ready",
    State.REPRODUCED: "reproduced by a failing test",
    State.SUSPECTED: "only suspected; nothing has shown it yet",
    State.REFUTED: "refuted",
}


def heading(seen: Seen) -> str:
    """The note's subject, kind and freshness, in one line."""
    subject = seen.note.subject or "the repository"
    return f"{subject} — {seen.note.kind}, {freshness(seen)}"


def freshness(seen: Seen) -> str:
    """How old the note is, and whether what it was made from is unchanged."""
    age = _age(time.time() - seen.note.created)
    return f"fresh, made {age} ago" if seen.fresh else f"STALE, made {age} ago of other content"


def note(seen: Seen, *, level: int = 2) -> str:
    """One note as Markdown."""
    lines = [f"{'#' * level} {heading(seen)}", "", seen.note.body.strip()]
    if seen.note.kind == kinds.ISSUE:
        lines += ["", *_issue(seen.data(AnticipatedIssue))]
    places = [str(place) for place in seen.note.evidence]
    if places:
        lines += ["", "Places: " + ", ".join(f"`{place}`" for place in places[:10])]
    lines += ["", f"<!-- made by {seen.note.producer} -->"]
    return "\n".join(lines) + "\n"


def document(notes: Iterable[Seen], title: str) -> str:
    """Several notes as one Markdown document."""
    return "\n".join([f"# {title}\n", *(note(seen) for seen in notes)])


def _issue(issue: AnticipatedIssue) -> Iterator[str]:
    led = f" (lead: {issue.lead})" if issue.lead else ""
    yield f"State: {STATE_WORDS[issue.state]}{led}."
    for test in issue.tests[:10]:
        yield f"- failing test: `{test}`"
    if issue.check and not issue.tests:
        yield f"- to test it: {issue.check}"
    for place in issue.cause[:5]:
        yield f"- came with the change at `{place}`"
    for suspicion in issue.suspicions[:5]:
        yield f"- suspicious: `{suspicion.place}` ({suspicion.score:.2f}; {suspicion.why})"
    if issue.written is not None:
        yield f"- shown by a test written at sleep time, `{issue.written.path}`:"
        yield ""
        yield _fenced("python", issue.written.content)
    for patch in issue.patches[:1]:
        yield f"- candidate patch, already tested: {patch.summary}"
        yield ""
        yield _fenced("diff", patch.diff)


def _fenced(language: str, text: str) -> str:
    """A block of code. It may hold a fence of its own: ours is longer than any in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text) or [""]))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _age(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
