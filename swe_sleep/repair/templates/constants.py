"""Fixes of constants: truth values, numbers, strings, empty values."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from swe_sleep.repair.ingredients import literals_of, numbers_in, numbers_of
from swe_sleep.repair.spot import Fix, Spot, alike

_EMPTY = ("None", "0", '""', "[]", "{}", "False", "()")


def truth(spot: Spot) -> Iterator[Fix]:
    """True for False, and back."""
    for node in spot.of(ast.Constant):
        assert isinstance(node, ast.Constant)
        if isinstance(node.value, bool):
            yield spot.swap(node, str(not node.value))
            yield spot.swap(node, "None", weight=0.3)


def number(spot: Spot) -> Iterator[Fix]:
    """Another number of the function, the file or its past; 0 and 1; ten times and a tenth."""
    far = Counter(spot.source.once(numbers_of))
    near = spot.source.remember(spot.function, numbers_in) if spot.function else far
    for past in spot.past:
        far.update(past.once(numbers_of))
    for node in spot.of(ast.Constant):
        assert isinstance(node, ast.Constant)
        value = node.value
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            continue
        options: dict[str, float] = {}
        for other, _ in far.most_common(12):
            options[other] = 0.3
        for other, _ in near.most_common(12):
            options[other] = 0.5
        options |= {"0": 0.6, "1": 0.6} | {f"{value * 10}": 0.25, f"{value * 2}": 0.25}
        if isinstance(value, int) and value % 10 == 0 and value:
            options[str(value // 10)] = 0.25
        if isinstance(value, int) and value % 2 == 0 and value:
            options[str(value // 2)] = 0.25
        for other, weight in options.items():
            yield spot.swap(node, other, weight=weight)
        for name in spot.locals[:8]:
            if name != spot.receiver and "sized" not in spot.uses.get(name, ()):
                yield spot.swap(node, name, weight=0.12)


def string(spot: Spot) -> Iterator[Fix]:
    """Another string of the function, the file or its past, the similar ones first; a string
    with other case, or without white space around it."""
    kept = _literals(spot)
    for node in spot.of(ast.Constant):
        assert isinstance(node, ast.Constant)
        if not isinstance(node.value, (str, bytes)) or len(node.value) > 200:
            continue
        if isinstance(spot.source.parent(node), (ast.Expr, ast.JoinedStr, ast.FormattedValue)):
            continue  # a docstring, or a piece of an f-string
        same = [
            (text, value, n) for text, (value, n) in kept.items() if type(value) is type(node.value)
        ]
        for text, value, near in same:
            if value == node.value:
                continue
            weight = (0.35 if near else 0.2) + 0.6 * alike(str(node.value), str(value))
            yield spot.swap(node, text, weight=min(1.0, weight))
        literal = spot.text(node)
        if literal[:1] in "\"'":
            yield spot.swap(node, f"b{literal}", weight=0.3)
            yield spot.swap(node, f"f{literal}", weight=0.4 if "{" in literal else 0.0)
            yield spot.swap(node, f"r{literal}", weight=0.4 if "\\" in literal else 0.0)
        elif literal[:1] in "bBrRfFuU" and literal[1:2] in "\"'":
            yield spot.swap(node, literal[1:], weight=0.5)
        if isinstance(node.value, str):
            value = node.value
            forms = {
                value.lower(),
                value.upper(),
                value.strip(),
                f"{value} ",
                f" {value}",
                "",
                " ",
                value[:-1],
                value[1:],
            }
            for form in sorted(forms - {value}):
                yield spot.swap(node, _quoted(form, spot.text(node)), weight=0.2)


def _quoted(value: str, like: str) -> str:
    text = repr(value)
    if like.lstrip("rRbBuU").startswith('"') and '"' not in value and text.startswith("'"):
        return f'"{text[1:-1]}"'
    return text


def _literals(spot: Spot) -> dict[str, tuple[str | bytes, bool]]:
    """Source text of the file's string literals -> their value, and whether they are near."""
    found: dict[str, tuple[str | bytes, bool]] = {}
    for source in (*spot.past, spot.source):
        for literal in source.once(literals_of):
            near = source is spot.source and literal.function is spot.function
            found[literal.text] = (literal.value, near)
    return dict(list(found.items())[-60:])


def empty(spot: Spot) -> Iterator[Fix]:
    """Another empty value: None, 0, "", [], {}, False."""
    for node in spot.nodes:
        match node:
            case ast.Constant(value=value) if value is None or value in ("", 0):
                pass
            case ast.List(elts=[]) | ast.Tuple(elts=[]) | ast.Dict(keys=[]):
                pass
            case _:
                continue
        for other in (*_EMPTY, "True", "set()"):
            yield spot.swap(node, other, weight=0.7 if other != "set()" else 0.3)


def value_for_constant(spot: Spot) -> Iterator[Fix]:
    """A constant where a variable was meant: None, True or a string that has the place of a
    parameter, and a variable where a constant was meant."""
    for node in spot.of(ast.Constant):
        assert isinstance(node, ast.Constant)
        if isinstance(spot.source.parent(node), (ast.JoinedStr, ast.Expr)):
            continue
        if node.value is None or isinstance(node.value, (bool, str)):
            for name in spot.locals[:10]:
                if name != spot.receiver:
                    yield spot.swap(node, name, weight=0.5 if name in spot.parameters else 0.4)
    for node in spot.of(ast.Name):
        assert isinstance(node, ast.Name)
        parent = spot.source.parent(node)
        passed = isinstance(parent, (ast.Call, ast.keyword, ast.Return, ast.Assign, ast.IfExp))
        if passed and isinstance(node.ctx, ast.Load) and getattr(parent, "func", None) is not node:
            for text in ("None", "True", "False"):
                yield spot.swap(node, text, weight=0.15)
