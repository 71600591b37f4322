"""From what a function lost to a sentence: the kind of lead, why, and how it could be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from swe_sleep.anticipate.leads.atoms import Atom, AtomKind, cut
from swe_sleep.anticipate.leads.changes import ScopeChange
from swe_sleep.anticipate.leads.lead import Kind


class Reason(NamedTuple):
    kind: Kind
    why: str
    check: str
    old_line: int


_LOST: Mapping[AtomKind, tuple[Kind, str, str]] = {
    "guard": (
        "guard",
        "`{}` was removed",
        "Call it with input for which that condition held, and compare with the version before.",
    ),
    "except": (
        "exception",
        "`{}` was removed",
        "Call it with input that raises this, and see whether it comes out.",
    ),
    "finally": ("resource", "`{}` was removed", "Let the block raise, and look at what is left."),
    "with": ("resource", "`{}` was removed", "Look at what is left open after the call."),
    "release": ("resource", "the call `{}` was removed", "Look at what is left open."),
    "raise": (
        "exception",
        "`{}` is no longer raised",
        "Call it with input that was refused before.",
    ),
    "case": (
        "guard",
        "the case `{}` was removed",
        "Call it with input for which that condition held, and compare with the version before.",
    ),
    "operand": (
        "condition",
        "the condition `{}` was removed",
        "Call it with input on both sides of the condition, and compare with the version before.",
    ),
    "normalise": (
        "normalisation",
        "`{}` was removed",
        "Call it with input that this changed, and compare with the version before.",
    ),
    "yield": ("return", "`{}` was removed", "Compare what it gives with the version before."),
    "return": ("return", "`{}` was removed", "Compare what it gives with the version before."),
    "default": (
        "default",
        "the default `{}` was removed",
        "Call it without this argument, and compare with the version before.",
    ),
    "argument": (
        "argument",
        "an argument of `{}` is no longer passed",
        "Call it where the argument made a difference.",
    ),
    "key": ("constant", "the key `{}` was removed", "Look for who reads it."),
    "field": ("constant", "`{}` was removed", "Look for who reads it."),
    "call": (
        "value",
        "the call `{}` was removed",
        "Compare what it does with the version before.",
    ),
    "assign": ("value", "`{}` was removed", "Compare what it gives with the version before."),
    "constant": ("value", "{} was removed", "Compare what it gives with the version before."),
}
"""From the kind that weighs most in a report down."""

_CHANGED: Mapping[AtomKind, Kind] = {
    "guard": "condition",
    "case": "condition",
    "operand": "condition",
    "except": "exception",
    "raise": "exception",
    "finally": "resource",
    "with": "resource",
    "default": "default",
    "normalise": "normalisation",
    "return": "return",
    "yield": "return",
    "argument": "argument",
    "key": "constant",
    "field": "constant",
    "call": "value",
    "assign": "value",
    "constant": "value",
}


def reason(change: ScopeChange) -> Reason | None:
    """The most telling loss of a scope; None where it lost nothing."""
    lost = _by_kind(change.lost)
    gained = _by_kind(change.gained)
    for kind, (lead, why, check) in _LOST.items():
        if len(lost.get(kind, ())) > len(gained.get(kind, ())):
            atom = lost[kind][0]
            return Reason(lead, why.format(atom.shown), check, atom.line)
    for kind, changed in _CHANGED.items():
        if kind in lost and kind in gained:
            was, now = lost[kind][0], gained[kind][0]
            why = f"`{was.shown}` became `{now.shown}`"
            if was.shown == now.shown:
                why = f"`{cut(was.text)}` became `{cut(now.text)}`"
            _, _, check = _LOST[kind]
            return Reason(changed, why, check, was.line)
    return None


def _by_kind(atoms: tuple[Atom, ...]) -> dict[AtomKind, list[Atom]]:
    found: dict[AtomKind, list[Atom]] = {}
    for atom in atoms:
        found.setdefault(atom.kind, []).append(atom)
    return found
