"""Fixes of a function's head: default values, mutable defaults, decorators."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from swe_sleep.repair.ingredients import Snippet, functions_of, last_name, snippet
from swe_sleep.repair.source import FUNCTIONS, FunctionNode, Source
from swe_sleep.repair.spot import Fix, Spot


def _lent_defaults(source: Source) -> dict[str, tuple[Snippet, ...]]:
    """The default values that a file's functions have for each name of a parameter."""
    found: dict[str, tuple[Snippet, ...]] = {}
    for function in source.once(functions_of):
        for argument, value in _defaults(function):
            found[argument.arg] = (*found.get(argument.arg, ()), snippet(value))
    return found


def _defaults(statement: FunctionNode) -> Iterator[tuple[ast.arg, ast.expr]]:
    arguments = statement.args
    positional = [*arguments.posonlyargs, *arguments.args]
    if arguments.defaults:
        yield from zip(positional[-len(arguments.defaults) :], arguments.defaults, strict=True)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            yield argument, default


_MADE = ("list", "dict", "set", "defaultdict", "OrderedDict", "Counter", "deque", "bytearray")


def mutable_default(spot: Spot) -> Iterator[Fix]:
    """A list, dict or set as a default, shared by all calls: None, and made anew in the body."""
    if not isinstance(spot.statement, FUNCTIONS):
        return
    source, body = spot.source, spot.statement.body
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        if len(body) == 1:
            return
        first = body[1]
    if not source.own_line(first):
        return
    at = source.line_start(
        min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", ()))])
    )
    for argument, default in _defaults(spot.statement):
        made = isinstance(default, (ast.List, ast.Dict, ast.Set)) or (
            isinstance(default, ast.Call) and last_name(default.func) in _MADE
        )
        if not made:
            continue
        start, end = source.span(default)
        indent, newline = source.indent(first), source.newline
        guard = (
            f"{indent}if {argument.arg} is None:{newline}"
            f"{indent}{spot.step}{argument.arg} = {spot.text(default)}{newline}"
        )
        what = f"the default of `{argument.arg}` is made anew for each call"
        yield Fix(start, at, f"None{source.between(end, at)}{guard}", what)


def default(spot: Spot) -> Iterator[Fix]:
    """Another default value: as sibling functions have it for the same name, or had in the past."""
    if not isinstance(spot.statement, FUNCTIONS):
        return
    lent: dict[str, dict[str, float]] = {}
    for source in (spot.source, *spot.past):
        for name, values in source.once(_lent_defaults).items():
            for known in filter(spot.known, values):
                lent.setdefault(name, {})[known.text] = 1.0
    for argument, value in _defaults(spot.statement):
        options = dict(lent.get(argument.arg, {}))
        for text in ("None", "True", "False", "0", "1", '""', "()"):
            options.setdefault(text, 0.4)
        for text, weight in options.items():
            if text != ast.unparse(value):
                what = f"`{argument.arg}` is by default {text} instead of {spot.text(value)}"
                yield spot.swap(value, text, what, weight)


def decorator(spot: Spot) -> Iterator[Fix]:
    """staticmethod for classmethod, and back."""
    if not isinstance(spot.statement, FUNCTIONS):
        return
    for node in spot.statement.decorator_list:
        text = spot.text(node)
        if text in ("staticmethod", "classmethod"):
            yield spot.swap(node, "classmethod" if text == "staticmethod" else "staticmethod")
