"""Fixes of what a value is: tests of its type, a part of it for the whole, how it is formatted."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from swe_sleep.repair.source import Source
from swe_sleep.repair.spot import Fix, Spot, alike, short

_KIN: tuple[tuple[str, ...], ...] = (
    ("list", "tuple", "set", "frozenset"),
    ("int", "float", "complex"),
    ("str", "bytes", "bytearray"),
    ("dict", "list"),
)
_CONVERSION = re.compile(r"%(?:\(\w+\))?[-+ #0]*\d*(?:\.\d+)?([diouxXeEfFgGcrsa])")


def type_test(spot: Spot) -> Iterator[Fix]:
    """`isinstance` with a type too few, too many or another; `isinstance` for `type(x) is`."""
    seen = spot.source.once(_tested_types)
    for node in spot.nodes:
        match node:
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, types]):
                present = types.elts if isinstance(types, ast.Tuple) else [types]
                texts = [spot.text(t) for t in present]
                kin = [k for group in _KIN if set(texts) & set(group) for k in group]
                options = dict.fromkeys(kin, 1.0) | {t: 0.6 for t in seen if t not in kin}
                for other, weight in options.items():
                    if other in texts:
                        continue
                    what = f"`{short(spot.text(node))}` also asks for `{other}`"
                    joined = f"({', '.join([*texts, other])})"
                    yield spot.swap(types, joined, what, weight)
                    yield spot.swap(types, f"({', '.join([other, *texts])})", what, 0.5 * weight)
                    if len(texts) == 1:
                        yield spot.swap(types, other, weight=0.7 * weight)
                for element in texts if len(texts) > 1 else ():
                    kept = [t for t in texts if t != element]
                    joined = f"({', '.join(kept)})" if len(kept) > 1 else kept[0]
                    yield spot.swap(types, joined, weight=0.5)
            case ast.Compare(
                left=ast.Call(func=ast.Name(id="type"), args=[value]),
                ops=[ast.Is() | ast.Eq()],
                comparators=[kind],
            ):
                yield spot.swap(node, f"isinstance({spot.text(value)}, {spot.text(kind)})")
            case _:
                pass


def _tested_types(source: Source) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for node in source.every(ast.Call):
        match node:
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, types]):
                for kind in types.elts if isinstance(types, ast.Tuple) else [types]:
                    found[ast.unparse(kind)] = None
            case _:
                pass
    return tuple(found)[:10]


def element(spot: Spot) -> Iterator[Fix]:
    """A value for its first or last element, and an element for the whole."""
    for node in spot.nodes:
        parent = spot.source.parent(node)
        match node:
            case ast.Subscript(value=value, slice=ast.Constant(value=int() as at), ctx=ast.Load()):
                yield spot.swap(node, spot.text(value), weight=0.6)
                if at == 0:
                    yield spot.swap(node, f"{spot.text(value)}[-1]", weight=1.0)
            case ast.Subscript(value=value, slice=ast.UnaryOp(), ctx=ast.Load()):
                yield spot.swap(node, f"{spot.text(value)}[0]", weight=1.0)
            case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()) | ast.Call():
                if isinstance(parent, ast.Call) and parent.func is node:
                    continue
                if isinstance(node, ast.Name) and node.id == spot.receiver:
                    continue
                assert isinstance(node, ast.expr)
                for part, weight in (("[0]", 0.6), ("[-1]", 0.25), ("[1]", 0.2), ("[:]", 0.15)):
                    yield spot.swap(node, f"{spot.text(node)}{part}", weight=weight)
            case _:
                pass


def members(spot: Spot) -> Iterator[Fix]:
    """An element that a tuple, list, set or dict of constants lacks or has too much."""
    for node in spot.of(ast.Tuple, ast.List, ast.Set):
        assert isinstance(node, (ast.Tuple, ast.List, ast.Set))
        elements = node.elts
        plain = (ast.Constant, ast.Name, ast.Attribute)
        if not elements or not all(isinstance(e, plain) for e in elements):
            continue
        if not isinstance(getattr(node, "ctx", None), (ast.Load, type(None))):
            continue
        texts = [spot.text(e) for e in elements]
        kind = type(elements[0])
        lent = spot.source.once(_members)
        end = spot.source.span(elements[-1])[1]
        for other in lent.get(kind.__name__, ()):
            if other not in texts:
                yield Fix(end, end, f", {other}", f"`{other}` is among them too", 0.8)
        for at, one in enumerate(elements):
            start, stop = spot.source.span(one)
            if at:
                start = spot.source.span(elements[at - 1])[1]
            elif len(elements) > 1:
                stop = spot.source.span(elements[1])[0]
            if len(elements) > 1:
                yield Fix(start, stop, "", f"`{short(texts[at], 30)}` is not among them", 0.5)


def one_of(spot: Spot) -> Iterator[Fix]:
    """`a in (b, c)` where only `a == b` is asked, and `a == b` for `a in (b, c)`."""
    lent = spot.source.once(_members)
    for node in spot.nodes:
        match node:
            case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() as op], comparators=[right]):
                kind = type(right).__name__
                if not isinstance(right, (ast.Constant, ast.Attribute, ast.Name)):
                    continue
                word = "in" if isinstance(op, ast.Eq) else "not in"
                mine = spot.text(right)
                others = sorted(
                    (o for o in lent.get(kind, ()) if o != mine), key=lambda o: -alike(o, mine)
                )
                for other in others[:10]:
                    weight = 0.4 + 0.6 * alike(mine, other)
                    new = f"{spot.text(left)} {word} ({mine}, {other})"
                    yield spot.swap(node, new, weight=weight)
            case ast.Compare(
                left=left,
                ops=[ast.In() | ast.NotIn() as op],
                comparators=[ast.Tuple(elts=[first, *_]) | ast.List(elts=[first, *_])],
            ):
                token = "==" if isinstance(op, ast.In) else "!="
                yield spot.swap(node, f"{spot.text(left)} {token} {spot.text(first)}", weight=0.3)
            case _:
                pass


def _members(source: Source) -> dict[str, tuple[str, ...]]:
    """Per kind of node, the elements of the file's tuples, lists and sets, and what values are
    compared with."""
    found: dict[str, dict[str, None]] = {}
    for node in source.every(ast.Tuple, ast.List, ast.Set, ast.Compare):
        elements: list[ast.expr] = []
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            elements = node.elts
        elif isinstance(node, ast.Compare):
            elements = node.comparators
        for one in elements:
            if isinstance(one, (ast.Constant, ast.Attribute)) or _is_constant_name(one):
                text = ast.unparse(one)
                if len(text) <= 40:
                    found.setdefault(type(one).__name__, {})[text] = None
    return {kind: tuple(texts)[:40] for kind, texts in found.items()}


def _is_constant_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id.isupper()


def formatting(spot: Spot) -> Iterator[Fix]:
    """How a value is formatted: `%s` for `%d`, `%r` for `%s`, a tuple around the one value."""
    for node in spot.nodes:
        match node:
            case ast.BinOp(left=ast.Constant(value=str()) as left, op=ast.Mod(), right=right):
                text = spot.text(left)
                start, _ = spot.source.span(left)
                for found in _CONVERSION.finditer(text):
                    at = start + len(text[: found.end() - 1].encode())
                    mine = found.group(1)
                    for other, weight in (("s", 1.0), ("r", 0.8), ("d", 0.3)):
                        if other != mine:
                            what = f"`%{mine}` becomes `%{other}`"
                            yield Fix(at, at + 1, other, what, weight)
                if isinstance(right, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
                    yield spot.swap(right, f"({spot.text(right)},)", weight=0.9)
            case ast.Name() | ast.Attribute():
                placed = spot.source.parent(node)
                if isinstance(placed, ast.FormattedValue) and placed.conversion == -1:
                    yield spot.swap(node, f"{spot.text(node)}!r", weight=0.6)
            case _:
                pass
