"""Slips of a programmer's hand: every way that a piece of Python may be put slightly wrong.

Used by `faults.py`. Each slip is a few replacements of text at the places of syntax nodes, so that
the rest of the file keeps its form. This knows nothing of the solver, and shares no code with it:
what is made wrong here is not the mirror image of what is mended there.
"""

from __future__ import annotations

import ast
import random
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.slips import expressions, statements
from benchmarks.slips.site import Change, Function, Site

CLASSES = (
    "condition",
    "arithmetic",
    "name",
    "argument order",
    "guard",
    "return or default",
    "constant or slice",
    "exception",
    "copy",
    "call",
    "mutable default",
    "await or yield",
)

MAKERS = (
    expressions.conditions,
    expressions.arithmetic,
    expressions.names,
    expressions.order,
    statements.guards,
    statements.returns,
    expressions.constants,
    statements.exceptions,
    statements.copies,
    expressions.calls,
    statements.mutable_defaults,
    expressions.waits,
)


@dataclass(frozen=True, slots=True)
class Slip:
    """One way to get a file wrong. `line` is the first that is changed, in the right file."""

    group: str
    kind: str
    line: int
    function: str
    """The innermost function's qualified name; "" outside of any."""
    first_line: int
    last_line: int
    """Of that function; of the file where there is none."""
    changes: tuple[Change, ...]

    def apply(self, text: bytes) -> bytes:
        for start, end, instead in sorted(self.changes, reverse=True):
            text = text[:start] + instead + text[end:]
        return text


def slips(text: bytes, chance: random.Random) -> list[Slip]:
    """Every slip that there is, in the file's order; some may be no slip at all (`is_wrong`)."""
    site = Site(text)
    found: dict[tuple[Change, ...], Slip] = {}
    for node in ast.walk(site.tree):
        if not hasattr(node, "lineno") or _is_idle(site, node):
            continue
        for maker in MAKERS:
            for group, kind, changes in maker(site, node, chance):
                slip = _slip(site, node, group, kind, changes)
                found.setdefault(slip.changes, slip)
    return sorted(found.values(), key=lambda s: (s.changes[0][0], s.group, s.kind, s.changes))


def _slip(site: Site, node: ast.AST, group: str, kind: str, changes: Sequence[Change]) -> Slip:
    around = site.functions_around(node)
    inner = next((each for each in around if isinstance(each, Function)), None)
    names = [each.name for each in around]
    return Slip(
        group,
        kind,
        site.line_of(min(start for start, _, _ in changes)),
        ".".join(reversed(names)) if inner is not None else "",
        inner.lineno if inner is not None else 1,
        (inner.end_lineno or 0) if inner is not None else len(site.starts),
        tuple(changes),
    )


def _is_idle(site: Site, node: ast.AST) -> bool:
    """Whether nothing happens there: outside of functions, in annotations, in docstrings, and in
    what is there only for a person to read."""
    if not any(isinstance(each, Function) for each in site.functions_around(node)):
        return True
    at: ast.AST = node
    while (parent := site.parents.get(at)) is not None:
        if at is getattr(parent, "annotation", None) or at is getattr(parent, "returns", None):
            return True
        if at in getattr(parent, "decorator_list", ()):
            return True
        if isinstance(parent, ast.Expr) and isinstance(at, ast.Constant):
            return True
        if isinstance(parent, (ast.JoinedStr, ast.Assert)):
            return True
        if isinstance(parent, ast.Raise) and not isinstance(at, (ast.Name, ast.Call)):
            return True
        if isinstance(parent, ast.Call) and isinstance(site.parents.get(parent), ast.Raise):
            return True  # messages; the exception itself is changed at the statement
        at = parent
    return False


def is_wrong(wrong: bytes, right: bytes) -> bool:
    """Whether a changed file compiles, and is not the same program."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(wrong, "<fault>", "exec")
            return ast.dump(ast.parse(wrong)) != ast.dump(ast.parse(right))
        except (SyntaxError, ValueError):
            return False
