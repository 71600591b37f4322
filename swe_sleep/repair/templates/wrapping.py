"""Fixes that put a condition around what is done already: a statement, or a value."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from swe_sleep.repair.source import FUNCTIONS
from swe_sleep.repair.spot import Fix, Spot, short
from swe_sleep.repair.templates.conditions import lent_tests

_VALUES = ("None", '""', "[]", "0", "{}", "False", "True", "()")


def _tests(spot: Spot) -> Iterator[tuple[str, float]]:
    """What the statement may take for granted: names that are not None, keys that are there,
    types; then the tests that the function and the file make."""
    seen: set[str] = set()

    def fresh(test: str, weight: float) -> Iterator[tuple[str, float]]:
        if test not in seen and len(test) <= 70:
            seen.add(test)
            yield test, weight

    for node in spot.nodes:
        match node:
            case ast.Subscript(value=value, slice=index) if not isinstance(index, ast.Slice):
                yield from fresh(f"{spot.text(index)} in {spot.text(value)}", 0.8)
                yield from fresh(f"{spot.text(index)} not in {spot.text(value)}", 0.4)
            case ast.Name(id=name) if name in spot.locals and name != spot.receiver:
                yield from fresh(name, 0.8)
                yield from fresh(f"{name} is not None", 0.8)
                yield from fresh(f"not {name}", 0.3)
            case (
                ast.Attribute(value=ast.Name(), ctx=ast.Load())
                | ast.Attribute(value=ast.Attribute(), ctx=ast.Load())
            ):
                parent = spot.source.parent(node)
                if not (isinstance(parent, ast.Call) and parent.func is node):
                    text = spot.text(node)
                    yield from fresh(text, 0.7)
                    yield from fresh(f"{text} is not None", 0.6)
            case _:
                pass
    for name in spot.parameters:
        if name != spot.receiver:
            yield from fresh(name, 0.4)
            yield from fresh(f"not {name}", 0.3)
    for test, weight in lent_tests(spot, spot.statement):
        yield from fresh(test, 0.6 * weight)


def guarded_statement(spot: Spot) -> Iterator[Fix]:
    """A statement that should only run where a test holds."""
    statement, source = spot.statement, spot.source
    leaving = (ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Pass)
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef, *leaving)) or spot.function is None:
        return
    if not source.own_line(statement) or spot.text_over_lines:
        return
    start, end = source.span(statement)
    indent, newline = source.indent(statement), source.newline
    step = spot.step
    deeper = []
    for line in range(statement.lineno + 1, source.line_of(end) + 1):
        at = source.line_start(line)
        if source.between(at, source.line_end(line)).strip():
            deeper.append((at, at, step))
    weight = 1.0 if not deeper else 0.6
    for test, likely in _tests(spot):
        what = f"`{short(source.text(statement), 40)}` is done only `if {short(test)}`"
        head = f"if {test}:{newline}{indent}{step}"
        yield Fix(start, start, head, what, weight * likely, tuple(deeper))


def conditional_value(spot: Spot) -> Iterator[Fix]:
    """A value that is only right where a test holds: `a if test else b`."""
    value = getattr(spot.statement, "value", None)
    values: list[tuple[ast.expr, float]] = []
    if isinstance(spot.statement, (ast.Return, ast.Assign, ast.AnnAssign)) and value is not None:
        values.append((value, 1.0))
    for node in spot.of(ast.Call):
        assert isinstance(node, ast.Call)
        values += [(a, 0.6) for a in node.args if not isinstance(a, ast.Starred)]
        values += [(k.value, 0.6) for k in node.keywords if k.arg]
    for node, weight in values:
        if isinstance(node, (ast.Constant, ast.IfExp, ast.Lambda, ast.GeneratorExp, ast.Starred)):
            continue
        text = spot.text(node)
        inside = f"({text})" if isinstance(node, (ast.NamedExpr, ast.Yield)) else text
        for test, likely in _asked(spot, node):
            for other, near in (("None", 1.0), ("0", 0.6), ('""', 0.5), ("[]", 0.4)):
                new = spot.wrapped(node, f"{inside} if {test} else {other}")
                yield spot.swap(node, new, weight=0.6 * weight * likely * near)
        for name in _missing(spot, node):
            for test, likely in ((f"{name} is not None", 1.0), (name, 1.0)):
                for other in (*_VALUES[:5], *([name] if name != text else [])):
                    near = 1.0 if other == "None" else 0.5
                    new = spot.wrapped(node, f"{inside} if {test} else {other}")
                    yield spot.swap(node, new, weight=weight * likely * near)
            if name != text:
                loose = f"({text})" if isinstance(node, ast.BoolOp) else inside
                new = spot.wrapped(node, f"{name} and {loose}")
                yield spot.swap(node, new, weight=weight * 0.7)


def _asked(spot: Spot, node: ast.expr) -> list[tuple[str, float]]:
    """What else may decide: a parameter that is a switch, and tests made elsewhere."""
    switches = [n for n in spot.parameters if "truth" in spot.uses.get(n, ())]
    plain = [n for n in spot.parameters if n != spot.receiver and n not in switches]
    found = [(n, 0.7) for n in switches] + [(n, 0.4) for n in plain[:4]]
    lent = sorted(lent_tests(spot, node), key=lambda pair: -pair[1])
    return found + [(test, 0.6 * weight) for test, weight in lent[:5]]


def _missing(spot: Spot, node: ast.expr) -> list[str]:
    """Names and attributes in an expression that may be None or empty."""
    found: dict[str, None] = {}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id in spot.locals and inner.id != spot.receiver:
            found[inner.id] = None
        elif isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            parent = spot.source.parent(inner)
            if not (isinstance(parent, ast.Call) and parent.func is inner):
                found[ast.unparse(inner)] = None
    return list(found)[:4]


def either_value(spot: Spot) -> Iterator[Fix]:
    """`a or b`, which also replaces what is empty, for `b if a is None else a`; and back."""
    for node in spot.nodes:
        match node:
            case ast.BoolOp(op=ast.Or(), values=[ast.Name() | ast.Attribute() as one, other]):
                first, second = spot.text(one), spot.text(other)
                for text, weight in (
                    (f"{first} if {first} is not None else {second}", 1.0),
                    (f"{second} if {first} is None else {first}", 0.8),
                ):
                    yield spot.swap(node, spot.wrapped(node, text), weight=weight)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                if spot.text(test) == spot.text(body):
                    text = f"{spot.text(body)} or {spot.text(orelse)}"
                    yield spot.swap(node, spot.wrapped(node, text), weight=0.5)
                yield spot.swap(test, f"{spot.text(body)} is not None", weight=0.3)
            case _:
                pass


def attribute_default(spot: Spot) -> Iterator[Fix]:
    """An attribute that an object may lack: `getattr(a, "b", None)`."""
    for node in spot.of(ast.Attribute):
        assert isinstance(node, ast.Attribute)
        if not isinstance(node.ctx, ast.Load):
            continue
        for default, weight in (("None", 1.0), ("False", 0.6), ('""', 0.3), ("()", 0.2)):
            new = f'getattr({spot.text(node.value)}, "{node.attr}", {default})'
            yield spot.swap(node, new, weight=weight)


def other_branch(spot: Spot) -> Iterator[Fix]:
    """An `else` that is missing, and a value that is missing where no branch sets it."""
    statement, source = spot.statement, spot.source
    if not isinstance(statement, (ast.If, ast.For, ast.While, ast.Try)) or spot.function is None:
        return
    stored = [
        n.id
        for inner in ast.walk(statement)
        for n in [inner]
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    ]
    names = list(dict.fromkeys(stored))[:5]
    for name in names:
        for value in (*_VALUES, *(p for p in spot.parameters if p != spot.receiver)):
            if value != name:
                text = f"{name} = {value}"
                yield from spot.insert_before(text, f"`{text}` comes first", 0.6)
    if not isinstance(statement, ast.If) or statement.orelse or not source.own_line(statement):
        return
    for name in names:
        for value in _VALUES:
            lines = f"else:\n{spot.step}{name} = {value}"
            yield from spot.insert_after(lines, f"else `{name} = {value}`", 0.5)
    lines = f"else:\n{spot.step}"
    for leave in ("return None", "return False", "return True", "continue", "break"):
        yield from spot.insert_after(lines + leave, f"else `{leave}`", 0.3)
