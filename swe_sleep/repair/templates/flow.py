"""Fixes of how a function runs: raised and returned, awaited and yielded, called on the parent."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from swe_sleep.repair.source import FUNCTIONS
from swe_sleep.repair.spot import Fix, Spot, short


def raising(spot: Spot) -> Iterator[Fix]:
    """An exception that is made but not raised, or raised where it should be returned."""
    statement = spot.statement
    match statement:
        case (
            ast.Expr(value=ast.Call(func=ast.Name(id=name)))
            | ast.Expr(value=ast.Call(func=ast.Attribute(attr=name)))
        ) if name.endswith(("Error", "Exception", "Exit", "Warning")):
            start, _ = spot.source.span(statement)
            yield Fix(start, start, "raise ", f"`{short(spot.text(statement))}` is raised")
        case ast.Return(value=ast.Call(func=ast.Name(id=name)) as value) if name.endswith(
            ("Error", "Exception")
        ):
            yield spot.swap(statement, f"raise {spot.text(value)}")
        case ast.Raise(exc=ast.Name() | ast.Call() as raised, cause=None):
            caught = _caught_as(spot)
            if caught:
                yield spot.swap(statement, f"raise {spot.text(raised)} from {caught}", weight=0.4)
                yield spot.swap(statement, "raise", weight=0.5)
            yield spot.swap(statement, f"return {spot.text(raised)}", weight=0.1)
        case _:
            pass


def _caught_as(spot: Spot) -> str:
    for ancestor in spot.source.ancestors(spot.statement):
        if isinstance(ancestor, ast.ExceptHandler):
            return ancestor.name or "None"
        if isinstance(ancestor, FUNCTIONS):
            break
    return ""


def asynchronous_block(spot: Spot) -> Iterator[Fix]:
    """`async for` and `async with` for the plain ones, and back."""
    if not isinstance(spot.function, ast.AsyncFunctionDef):
        return
    start, _ = spot.source.span(spot.statement)
    if isinstance(spot.statement, (ast.For, ast.With)):
        yield Fix(start, start, "async ", f"`{_head(spot)}` is asynchronous")
    elif isinstance(spot.statement, (ast.AsyncFor, ast.AsyncWith)):
        word = "for" if isinstance(spot.statement, ast.AsyncFor) else "with"
        at = spot.source.content.index(word.encode(), start + len("async"))
        yield Fix(start, at, "", f"`{_head(spot)}` is not asynchronous")
    for node in spot.of(ast.comprehension):
        assert isinstance(node, ast.comprehension)
        span = spot.source.span(node.target)
        at = spot.source.content.rfind(b"for", 0, span[0])
        if at >= 0 and not node.is_async:
            yield Fix(at, at, "async ", f"the loop over `{short(spot.text(node.iter))}` waits", 0.7)


def _head(spot: Spot) -> str:
    return short(spot.text(spot.statement).split("\n")[0], 40)


def parent_call(spot: Spot) -> Iterator[Fix]:
    """A method that forgets to call the one it overrides."""
    function = spot.function
    if function is None or not spot.receiver or isinstance(spot.statement, FUNCTIONS):
        return
    klass = spot.source.class_of(function)
    if klass is None or not klass.bases or "super()" in spot.text(function):
        return
    arguments = function.args
    given = [a.arg for a in (*arguments.posonlyargs, *arguments.args)][1:]
    given += [f"{a.arg}={a.arg}" for a in arguments.kwonlyargs]
    given += [f"*{arguments.vararg.arg}"] if arguments.vararg else []
    given += [f"**{arguments.kwarg.arg}"] if arguments.kwarg else []
    made = function.name == "__init__"
    for listed, weight in ((given, 1.0), ([], 0.6)):
        call = f"super().{function.name}({', '.join(listed)})"
        if isinstance(function, ast.AsyncFunctionDef):
            call = f"await {call}"
        what = f"`{short(call)}` is called"
        if spot.statement is _first(function):
            yield from spot.insert_before(call, what, weight * (1.0 if made else 0.5))
        if spot.statement is function.body[-1] and not isinstance(spot.statement, ast.Return):
            yield from spot.insert_after(call, what, weight * 0.6)


def _first(function: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
    """The first statement after the docstring."""
    documented = ast.get_docstring(function, clean=False) is not None
    return function.body[1] if documented and len(function.body) > 1 else function.body[0]


def generator(spot: Spot) -> Iterator[Fix]:
    """A generator that ends where it should go on, or is handed on where its values are meant."""
    statement = spot.statement
    if spot.function is None or not isinstance(statement, ast.Return):
        return
    yields = any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in ast.walk(spot.function))
    if yields and statement.value is not None:
        text = spot.text(statement.value)
        yield spot.swap(statement, f"yield from {text}", weight=1.0)
        yield spot.swap(statement, f"yield {text}", weight=0.8)
        if spot.source.own_line(statement):
            indent, newline = spot.source.indent(statement), spot.source.newline
            both = f"yield from {text}{newline}{indent}return"
            yield spot.swap(statement, both, weight=0.7)
