"""From the parts of an issue to claims: a piece of code, and what it should come to.

A claim that the text states in full (this call, that value) is *stated*. One that only says what
is wrong today gives a weak oracle: that it is no longer so.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal

from swe_sleep.solve.reproduction.parts import Raised, Step, parse
from swe_sleep.solve.reproduction.sentences import is_literal
from swe_sleep.solve.reproduction.targets import Target, is_print, targets_of

Kind = Literal["value", "differs", "prints", "raises", "runs", "assertion"]
MAX_CLAIMS = 24


class Standing(IntEnum):
    """How sure a claim is; smaller is surer."""

    STATED = 0
    """The text says what should be."""
    RAISES = 1
    """The text gives the exception that should not come."""
    IMPLIED = 2
    """What should be follows from how the text shows it."""
    DIFFERS = 3
    """The text says only what should not be."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What an issue claims of a piece of code. `setup` are the statements of its own example
    before it; `earlier` those of the examples before that, needed where a name comes from there."""

    kind: Kind
    code: str
    setup: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    expected: str = ""
    """A Python expression; for `prints` a text, for `raises` an exception's name."""
    expected_is_text: bool = False
    actual: str = ""
    """What it comes to today, as the text shows it; "" where it does not say."""
    raised: Raised | None = None
    """What it raises today."""
    standing: Standing = Standing.STATED


def claims_of(text: str) -> list[Claim]:
    """The claims that an issue's text makes, the surest first. Never raises."""
    found = [claim for target in targets_of(text) for claim in _claims(target)]
    found.sort(key=lambda claim: claim.standing)
    unique = {(c.kind, c.code, c.expected, c.setup): c for c in reversed(found)}
    return sorted(unique.values(), key=found.index)[:MAX_CLAIMS]


def _claims(target: Target) -> Iterator[Claim]:
    tree = parse(target.code)
    if tree is None:
        return
    base = Claim(
        "value",
        target.code,
        setup=tuple(s.code for s in (_needed(target.setup) if target.code else target.setup)),
        earlier=tuple(step.code for step in target.earlier if step.raised is None),
        actual=target.actual,
        raised=target.raised,
    )
    if target.code and any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        if not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree.body):
            yield replace(base, kind="assertion")
        elif call := _own_test(tree):
            yield replace(base, kind="assertion", code=f"{target.code}\n{call}")
    elif target.raises is not None:
        yield replace(base, kind="raises", expected=target.raises.name)
    elif target.prints:
        yield from _printed(target, base)
    else:
        yield from _valued(target, base)


def _valued(target: Target, base: Claim) -> Iterator[Claim]:
    expected, is_text = target.expected, target.expected_is_text
    if is_text and (as_python := _python(expected)):
        expected, is_text = as_python, False
    if expected and is_text and (target.raised is not None or _is_address(expected)):
        expected = ""  # how a person writes an object down is not how it prints
    if expected and _same(expected, target.actual):
        return  # it is as it should be
    if expected:
        standing = Standing.IMPLIED if is_text else Standing.STATED
        yield replace(base, expected=expected, expected_is_text=is_text, standing=standing)
        return
    if target.raised is not None:
        yield replace(base, kind="runs", actual="", standing=Standing.RAISES)
        return
    outcome = target.forbidden or ("" if target.is_prose else target.actual)
    if not outcome or not (target.is_value or not target.code):
        return
    shown = replace(base, expected=outcome, expected_is_text=True, actual="")
    if target.role == "expected" and not target.forbidden:
        yield shown
        return
    if outcome in ("True", "False"):
        other = str(outcome == "False")
        yield replace(base, expected=other, actual=outcome, standing=Standing.IMPLIED)
    else:
        yield replace(base, kind="differs", actual=outcome, standing=Standing.DIFFERS)
    if not target.forbidden and target.is_value and _python(outcome):
        # Where it is not so today, it is what the text shows that should be.
        yield replace(shown, standing=Standing.IMPLIED)


def _printed(target: Target, base: Claim) -> Iterator[Claim]:
    expected, actual = target.expected, target.actual
    if target.role == "expected" and not expected:
        expected, actual = actual, ""
    if expected:
        yield replace(base, kind="prints", expected=expected, actual=actual)
    elif actual:
        yield replace(base, kind="differs", expected_is_text=True, standing=Standing.DIFFERS)


def _needed(steps: Sequence[Step]) -> Iterable[Step]:
    """Without the statements that only show a value and can change nothing that the example made:
    calls of what it did not bind itself."""
    own: set[str] = set()
    for step in steps:
        tree = parse(step.code)
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} if tree else set()
        asserts = tree is not None and any(isinstance(n, ast.Assert) for n in tree.body)
        if asserts:
            continue  # each assertion is a claim by itself
        if not step.is_value or is_print(step.code) or not own.isdisjoint(names):
            yield step
        if not step.is_value and tree is not None:
            own |= {
                n.id
                for n in ast.walk(tree)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }


def _own_test(tree: ast.Module) -> str:
    """The call of a test function that needs nothing; "" for anything else."""
    node = tree.body[0]
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
        arguments = node.args
        needs = (*arguments.args, *arguments.posonlyargs, *arguments.kwonlyargs)
        if not needs and not node.decorator_list:
            return f"{node.name}()"
    return ""


def _python(text: str) -> str:
    """A literal that a text is, as Python; "" where it is none."""
    text = text.strip()
    tree = parse(text)
    node = tree.body[0] if tree is not None and len(tree.body) == 1 else None
    return text if isinstance(node, ast.Expr) and is_literal(node.value) else ""


def _same(one: str, other: str) -> bool:
    return re.sub(r"\s+", "", one) == re.sub(r"\s+", "", other)


def _is_address(text: str) -> bool:
    return bool(re.search(r"\bat 0x[0-9a-fA-F]+|\.\.\.", text))
