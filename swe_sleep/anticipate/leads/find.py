"""The leads that a comparison of the changed functions gives, best first."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from swe_sleep.anticipate.leads.changes import ScopeChange, compare
from swe_sleep.anticipate.leads.features import Features, features
from swe_sleep.anticipate.leads.lead import Lead
from swe_sleep.anticipate.leads.reasons import Reason, reason
from swe_sleep.anticipate.leads.weighing import Weights, weights
from swe_sleep.records import Place
from swe_sleep.repo.lines import LineChange, line_change, opcodes
from swe_sleep.testing.discovery import is_test_path

MOST_FILES = 8
MOST_SCOPES = 30
MOST_LINES = 400
"""A change set with more than this (source files; definitions; lines of code) is no edit whose
parts can be told apart by looking: no lead is taken from it."""

Contents = Mapping[str, bytes | None]
"""Path to content; None is a file that is not there."""
ASIDE = frozenset({"docs", "doc", "examples", "example", "demos", "benchmarks", "bench", "tools"})


def is_source(path: str) -> bool:
    """Whether users are met by what this Python file does."""
    name = path.rpartition("/")[2]
    return (
        path.endswith(".py")
        and name not in ("conftest.py", "noxfile.py", "tasks.py")
        and path != "setup.py"
        and path.partition("/")[0] not in ASIDE
        and not is_test_path(path)
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A function that lost something, before it is weighed."""

    change: ScopeChange
    reason: Reason
    features: Features


def find(
    before: Contents,
    after: Contents,
    *,
    tests_before: Contents | None = None,
    tests_after: Contents | None = None,
    weighing: Weights | None = None,
) -> list[Lead]:
    """The leads in a change of Python source files, best first, one for each function. A function
    that the lines added to the tests of the same change speak of gives none: there it is written
    down what it is to do now. Runs nothing of it."""
    weighing = weighing or weights()
    found = [
        (each.change, each.reason, weighing.chance(each.features))
        for each in candidates(before, after, tests_before or {}, tests_after or {})
    ]
    return sorted(_leads(found, before, after), key=lambda lead: -lead.weight)


def standing(before: Contents, after: Contents) -> dict[str, Lead]:
    """What the functions of these files still miss, by the subjects of the leads that it gives.
    These are not weighed again."""
    try:
        scopes = compare(before, after).scopes
        found = [(change, why, 0.0) for change in scopes if (why := reason(change)) is not None]
        return {lead.subject: lead for lead in _leads(found, before, after)}
    except RecursionError:
        return {}


def _leads(
    found: Iterable[tuple[ScopeChange, Reason, float]], before: Contents, after: Contents
) -> Iterator[Lead]:
    lines: dict[str, LineChange] = {}
    for change, why, weight in found:
        path = change.path
        if path not in lines:
            lines[path] = line_change(before[path] or b"", after[path] or b"")
        place = _place(change, why.old_line, lines[path])
        yield Lead(path, change.qualname, why.kind, place, why.why, round(weight, 3), why.check)


def candidates(
    before: Contents, after: Contents, tests_before: Contents, tests_after: Contents
) -> list[Candidate]:
    """What there is to weigh; nothing where the change is no edit to be taken apart."""
    if not before or len(before) > MOST_FILES:
        return []
    try:
        company = compare(before, after)
        lines = company.removed_lines + company.added_lines
        if len(company.scopes) > MOST_SCOPES or lines > MOST_LINES or company.unread:
            return []
        documented = _words_added(tests_before, tests_after)
        return [
            Candidate(change, why, features(change, company))
            for change in company.scopes
            if (why := reason(change)) is not None and _name(change) not in documented
        ]
    except RecursionError:  # code that nests deeper than anybody writes
        return []


def choose(
    leads: Sequence[Lead],
    active: Callable[[str], bool] = lambda kind: True,
    weighing: Weights | None = None,
) -> list[Lead]:
    """The one or two leads of a change set that are worth a note."""
    weighing = weighing or weights()
    taken: list[Lead] = []
    for lead in sorted(leads, key=lambda lead: -lead.weight):
        least = weighing.least_second if taken else weighing.least
        if lead.weight < least or len(taken) == 2:
            break
        if lead.kind not in weighing.off and active(lead.kind):
            taken.append(lead)
    return taken


def _name(change: ScopeChange) -> str:
    *owner, name = change.qualname.split(".")
    return owner[-1] if owner and name in ("__init__", "__new__", "__call__") else name


_WORD = re.compile(rb"[A-Za-z_]\w*")


def _words_added(before: Contents, after: Contents) -> Collection[str]:
    found: set[bytes] = set()
    for path in after:
        old, new = (before.get(path) or b"").split(b"\n"), (after[path] or b"").split(b"\n")
        for tag, _, _, j1, j2 in opcodes(old, new):
            if tag != "equal":
                found.update(_WORD.findall(b"\n".join(new[j1:j2])))
    return {word.decode("ascii", "replace") for word in found}


def _place(change: ScopeChange, old_line: int, lines: LineChange) -> Place:
    """Where the code now stands that took the place of an old line: at least the line before."""
    first, last = change.new.line, change.new.end_line
    before = max((new for old, new in lines.moved.items() if old < old_line), default=first)
    after = min((new for old, new in lines.moved.items() if old > old_line), default=last)
    if old_line in lines.moved:
        before = after = lines.moved[old_line]
    elif after - before > 1:
        before, after = before + 1, after - 1
    start = min(max(first, before), last)
    return Place(change.path, start, max(start, min(after, last)))
