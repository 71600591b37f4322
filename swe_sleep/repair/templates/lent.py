"""Fixes that put code from elsewhere in the place of what stands here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from swe_sleep.repair.ingredients import calls_of, last_name, statements_in
from swe_sleep.repair.source import FUNCTIONS
from swe_sleep.repair.spot import Fix, Spot, alike, short
from swe_sleep.repair.templates.conditions import lent_tests
from swe_sleep.repair.templates.statements import lenders


def condition(spot: Spot) -> Iterator[Fix]:
    """Another condition: one of the function, the file or its past, or a variable."""
    for node in spot.conditions:
        text = spot.text(node)
        options = dict(lent_tests(spot, node))
        for name in (*spot.locals[:8], *spot.module_names):
            likely = 0.4 if name in spot.locals else 0.3 * (alike(name, text) > 0.5)
            if likely and name != spot.receiver:
                options.setdefault(name, likely)
                options.setdefault(f"not {name}", 0.7 * likely)
        for other, weight in options.items():
            if other != text:
                weight *= 0.4 + 0.6 * alike(text, other)
                yield spot.swap(node, spot.wrapped(node, other), weight=weight)


def argument(spot: Spot) -> Iterator[Fix]:
    """Another value for an argument: what other calls of the same function give there."""
    files = [spot.source.once(calls_of), *(past.once(calls_of) for past in spot.past)]
    for node in spot.of(ast.Call):
        assert isinstance(node, ast.Call)
        for calls in files:
            called = calls.get(last_name(node.func))
            if called is None:
                continue
            for at, given in enumerate(node.args[:6]):
                for text, value in called.arguments.get(at, {}).items():
                    if text != spot.text(given) and spot.known(value):
                        weight = 0.3 + 0.7 * alike(spot.text(given), text)
                        yield spot.swap(given, text, weight=weight)
            for word in node.keywords:
                for pair, value in called.keywords.items():
                    name, _, text = pair.partition("=")
                    if name == word.arg and text != spot.text(word.value) and spot.known(value):
                        weight = 0.4 + 0.6 * alike(spot.text(word.value), text)
                        yield spot.swap(word.value, text, weight=weight)


def statement(spot: Spot) -> Iterator[Fix]:
    """Another statement: a similar one of the function, its siblings or its past; any for
    `pass`."""
    here = spot.statement
    simple = (ast.Pass, ast.Expr, ast.Assign, ast.AugAssign)
    if spot.function is None or isinstance(here, FUNCTIONS) or not isinstance(here, simple):
        return
    text = spot.text(here)
    seen = {text}
    for source, tree, weight in lenders(spot):
        for lent in source.remember(tree, statements_in):
            if lent.text in seen or lent.node is here or not spot.known(lent):
                continue
            seen.add(lent.text)
            likely = alike(text, lent.text)
            if isinstance(here, ast.Pass):
                likely = 0.7
            elif likely < 0.5:
                continue
            what = f"`{short(lent.text)}` for `{short(text)}`"
            yield spot.swap(here, lent.text, what, likely * min(1.0, weight + 0.3))


def own_class(spot: Spot) -> Iterator[Fix]:
    """The class named where the object's own class is meant, which may be a subclass."""
    klass = spot.source.class_of(spot.statement)
    if klass is None or not spot.receiver:
        return
    bound = spot.receiver == "cls"
    options = (("cls", 1.0),) if bound else (("type(self)", 1.0), ("self.__class__", 1.0))
    for node in spot.of(ast.Name):
        assert isinstance(node, ast.Name)
        if node.id == klass.name and isinstance(node.ctx, ast.Load):
            for text, weight in options:
                yield spot.swap(node, text.replace("self", spot.receiver), weight=weight)
