"""Fixes of exceptions: the type that is caught or raised."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from swe_sleep.repair.ingredients import exceptions_of, is_exception
from swe_sleep.repair.spot import Fix, Spot, alike

_RELATED: tuple[tuple[str, ...], ...] = (
    ("KeyError", "IndexError", "LookupError", "AttributeError"),
    ("ValueError", "TypeError", "OverflowError", "ArithmeticError"),
    ("OSError", "FileNotFoundError", "PermissionError", "FileExistsError"),
    ("UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError", "ValueError"),
    ("ImportError", "ModuleNotFoundError"),
    ("ZeroDivisionError", "ArithmeticError", "ValueError"),
    ("StopIteration", "RuntimeError", "IndexError"),
    ("Exception", "BaseException", "ValueError", "TypeError", "KeyError", "AttributeError"),
    ("AttributeError", "TypeError", "KeyError"),
    ("NotImplementedError", "TypeError", "RuntimeError"),
)


_COMMON = ("ValueError", "TypeError", "KeyError", "AttributeError", "IndexError", "OSError")
_RARE = (
    "Exception",
    "UnicodeDecodeError",
    "UnicodeError",
    "ZeroDivisionError",
    "OverflowError",
    "RuntimeError",
    "ImportError",
    "NotImplementedError",
    "StopIteration",
    "RecursionError",
    "SyntaxError",
)


def exception_type(spot: Spot) -> Iterator[Fix]:
    """Another exception type, caught or raised: a relative of it, or one of the file."""
    local = list(_exceptions_of_file(spot))
    for node in _named_types(spot):
        name = spot.text(node)
        options: dict[str, float] = {}
        for group in _RELATED:
            if name in group:
                options |= dict.fromkeys(group, 0.8)
        for other in local:
            options[other] = max(options.get(other, 0.0), 0.4 + 0.6 * alike(name, other))
        for other, weight in options.items():
            if other != name:
                yield spot.swap(node, other, weight=weight)


def widen_catch(spot: Spot) -> Iterator[Fix]:
    """Another type caught beside this one, and one type too many."""
    if not isinstance(spot.statement, (ast.Try, ast.TryStar)):
        return
    local = list(_exceptions_of_file(spot))
    options = dict.fromkeys(_RARE, 0.4) | dict.fromkeys(local, 0.8) | dict.fromkeys(_COMMON, 0.8)
    for caught in spot.statement.handlers:
        node = caught.type
        if node is None:
            continue
        for other, weight in options.items():
            said = f"`{other}` is caught too"
            inside = [spot.text(e) for e in (node.elts if isinstance(node, ast.Tuple) else [node])]
            if other not in inside:
                yield spot.swap(node, f"({', '.join([*inside, other])})", said, weight)
        if isinstance(node, ast.Tuple) and len(node.elts) > 1:
            for element in node.elts:
                kept = [spot.text(e) for e in node.elts if e is not element]
                text = f"({', '.join(kept)})" if len(kept) > 1 else kept[0]
                yield spot.swap(node, text, f"`{spot.text(element)}` is no longer caught", 0.6)


def _named_types(spot: Spot) -> Iterator[ast.expr]:
    statement = spot.statement
    if isinstance(statement, ast.Raise) and statement.exc is not None:
        yield statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
    if isinstance(statement, (ast.Try, ast.TryStar)):
        for caught in statement.handlers:
            if isinstance(caught.type, ast.Tuple):
                yield from caught.type.elts
            elif caught.type is not None:
                yield caught.type


def _exceptions_of_file(spot: Spot) -> dict[str, None]:
    """Exception types that the file catches, raises, defines or imports."""
    found: dict[str, None] = {}
    for name in spot.source.once(exceptions_of):
        if is_exception(name) or name in spot.module_names or "." in name:
            found[name] = None
    for name in spot.module_names:
        if name.endswith(("Error", "Exception", "Warning")) or name.startswith("Bad"):
            found[name] = None
    return dict.fromkeys(list(found)[:16])
