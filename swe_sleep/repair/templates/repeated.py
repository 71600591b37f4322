"""Fixes that change two or more places at once: a slip that was made each time, an exchange.

Each edit alone would leave the fault, or make another one.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator

from swe_sleep.repair.spot import Fix, Spot, short
from swe_sleep.repair.templates import calls, constants, exceptions, names

_LIKELY = 0.35
_MOST = 60
_SLIPS: tuple[Callable[[Spot], Iterator[Fix]], ...] = (
    names.variable,
    names.attribute,
    names.missing_self,
    calls.sibling_function,
    calls.sibling_method,
    calls.wrap,
    calls.unwrap,
    exceptions.exception_type,
    constants.string,
    constants.number,
    constants.truth,
)


def everywhere(spot: Spot) -> Iterator[Fix]:
    """The same wrong name, call or constant each time it stands in the function, or in the
    statement."""
    if spot.function is None:
        return
    source = spot.source
    places = source.remember(spot.function, _expressions)
    here = {source.span(n): n for n in spot.nodes if isinstance(n, _KINDS)}
    ends = {end: n for (_, end), n in here.items() if isinstance(n, ast.Attribute)}
    low, high = source.span(spot.statement)
    count = 0
    for slip in _SLIPS:
        for fix in slip(spot):
            if fix.weight < _LIKELY or fix.more:
                continue
            node = here.get((fix.start, fix.end))
            back = 0
            if node is None and (node := ends.get(fix.end)) is not None:
                back = fix.end - fix.start  # only the attribute's name is replaced
            if node is None or (back and back != len(_attribute(node).encode())):
                continue
            same = places.get(ast.dump(node), ())
            spans = [
                source.span(n) for n in same if source.between(*source.span(n)) == spot.text(node)
            ]
            spans = [(end - back if back else start, end) for start, end in spans]
            others = [s for s in spans if s != (fix.start, fix.end)]
            if not others or len(others) > 8:
                continue
            near = [s for s in others if low <= s[0] and s[1] <= high]
            for group, weight in ((others, 1.0), (near, 0.9)):
                if group and (group is others or len(near) < len(others)):
                    more = tuple((start, end, fix.text) for start, end in group)
                    what = (
                        f"{fix.what}, {'twice' if len(group) == 1 else f'{len(group) + 1} times'}"
                    )
                    yield Fix(fix.start, fix.end, fix.text, what, fix.weight * weight, more)
                    count += 1
            if count >= _MOST:
                return


_KINDS = (ast.Name, ast.Attribute, ast.Call, ast.Constant, ast.Subscript)


def _attribute(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""


def _expressions(function: ast.AST) -> dict[str, list[ast.expr]]:
    """A function's names, attributes, calls and constants that are read, by what they are."""
    found: dict[str, list[ast.expr]] = {}
    pending = [function]
    while pending:
        node = pending.pop()
        if isinstance(node, _KINDS) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            found.setdefault(ast.dump(node), []).append(node)
        if not isinstance(node, ast.JoinedStr):  # places inside it are not always told
            pending += ast.iter_child_nodes(node)
    return found


def exchanged(spot: Spot) -> Iterator[Fix]:
    """Two values of a statement that stand in each other's place."""
    leaves: list[ast.expr] = []
    for node in spot.nodes:
        parent = spot.source.parent(node)
        if not isinstance(node, (ast.Name, ast.Attribute, ast.Constant)):
            continue
        if isinstance(parent, (ast.Attribute, ast.JoinedStr, ast.Expr)):
            continue
        called = isinstance(parent, ast.Call) and parent.func is node
        if isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and not called:
            leaves.append(node)
    for one, other in itertools.combinations(leaves[:9], 2):
        first, second = spot.text(one), spot.text(other)
        alike = isinstance(one, ast.Constant) == isinstance(other, ast.Constant)
        if first == second or not alike:
            continue
        start, end = spot.source.span(one)
        low, high = spot.source.span(other)
        if end > low:
            continue
        beside = _holder(spot, one) is _holder(spot, other)
        what = f"`{short(first, 25)}` and `{short(second, 25)}` change places"
        yield Fix(start, end, second, what, 0.8 if beside else 0.4, ((low, high, first),))


def _holder(spot: Spot, node: ast.AST) -> ast.AST | None:
    """The expression that a value is a part of, seen through f-strings."""
    parent = spot.source.parent(node)
    return spot.source.parent(parent) if isinstance(parent, ast.FormattedValue) else parent
