"""Fixes of conditions: operators, negation, conjuncts."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from swe_sleep.repair.ingredients import tests_in, tests_of
from swe_sleep.repair.spot import Fix, Spot, alike, becomes, short

TOKENS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}

BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
OPPOSITE = {
    "==": "!=",
    "!=": "==",
    "is": "is not",
    "is not": "is",
    "in": "not in",
    "not in": "in",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
}
RELATED = {
    "<": ((">", 0.8), ("!=", 0.3), ("==", 0.2)),
    "<=": ((">=", 0.8), ("==", 0.4), ("!=", 0.2)),
    ">": (("<", 0.8), ("!=", 0.4), ("==", 0.2)),
    ">=": (("<=", 0.8), ("==", 0.4), ("!=", 0.2)),
    "==": ((">=", 0.5), ("<=", 0.5), ("is", 0.4), ("in", 0.4), (">", 0.3), ("<", 0.3)),
    "!=": ((">", 0.5), ("<", 0.5), ("is not", 0.4), ("not in", 0.4), (">=", 0.2), ("<=", 0.2)),
    "is": (("==", 1.0),),
    "is not": (("!=", 1.0),),
    "in": (("==", 0.6),),
    "not in": (("!=", 0.6),),
}


def _comparisons(spot: Spot) -> Iterator[tuple[ast.expr, str, ast.expr, int, int]]:
    for node in spot.of(ast.Compare):
        assert isinstance(node, ast.Compare)
        operands = [node.left, *node.comparators]
        for left, op, right in zip(operands, node.ops, operands[1:], strict=False):
            token = TOKENS[type(op)]
            span = spot.operator_span(left, right, token)
            if span is not None:
                yield left, token, right, *span


def boundary(spot: Spot) -> Iterator[Fix]:
    """`<` for `<=`, and so on."""
    for _, token, _, start, end in _comparisons(spot):
        if token in BOUNDARY:
            yield Fix(start, end, BOUNDARY[token], becomes(token, BOUNDARY[token]))


def opposite(spot: Spot) -> Iterator[Fix]:
    """The comparison's opposite: `==` for `!=`, `in` for `not in`, `<` for `>=`."""
    for _, token, _, start, end in _comparisons(spot):
        yield Fix(start, end, OPPOSITE[token], becomes(token, OPPOSITE[token]))


def related(spot: Spot) -> Iterator[Fix]:
    """Another comparison that is often confused with this one, such as `is` with `==`."""
    for left, token, right, start, end in _comparisons(spot):
        constants = [e.value for e in (left, right) if isinstance(e, ast.Constant)]
        single = any(value is None or isinstance(value, bool) for value in constants)
        for other, weight in RELATED[token]:
            if other in ("in", "not in") and isinstance(right, ast.Constant):
                continue
            if other in ("is", "is not") and not single:
                if constants:
                    continue
                weight /= 2
            yield Fix(start, end, other, becomes(token, other), weight)


def negation(spot: Spot) -> Iterator[Fix]:
    """A condition that should be negated, or not be."""
    for node in spot.nodes:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            text = spot.text(node.operand)
            start, end = spot.source.span(node)
            # What stands after `not`, with the brackets that may be around it.
            bare = spot.source.between(start + 3, end).strip() or text
            yield spot.swap(node, bare, f"the `not` before `{short(text)}` goes")
    for condition in _parts(spot):
        if isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not):
            continue
        if isinstance(condition, ast.Compare) and len(condition.ops) == 1:
            continue  # `opposite` says it better
        text = spot.text(condition)
        loose = isinstance(condition, (ast.BoolOp, ast.IfExp, ast.NamedExpr, ast.Lambda))
        negated = f"not ({text})" if loose else f"not {text}"
        what = f"`{short(text)}` is negated"
        yield spot.swap(condition, negated, what, 0.4 if loose else 0.8)
    value = getattr(spot.statement, "value", None)
    if isinstance(spot.statement, ast.Return) and isinstance(
        value, (ast.Call, ast.Name, ast.Attribute)
    ):
        yield spot.swap(value, f"not {spot.text(value)}", weight=0.2)


def _parts(spot: Spot) -> Iterator[ast.expr]:
    """Conditions and the parts that `and` and `or` join."""
    yield from spot.conditions
    for node in spot.nodes:
        if isinstance(node, ast.BoolOp):
            yield from node.values


def and_or(spot: Spot) -> Iterator[Fix]:
    """`and` for `or`, at one place or throughout the operator's chain."""
    for node in spot.of(ast.BoolOp):
        assert isinstance(node, ast.BoolOp)
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            span = spot.operator_span(left, right, old)
            if span is not None:
                yield Fix(*span, new, becomes(old, new), 1.0 if len(node.values) == 2 else 0.6)


def drop_conjunct(spot: Spot) -> Iterator[Fix]:
    """One part of a condition too many."""
    for node in spot.of(ast.BoolOp):
        assert isinstance(node, ast.BoolOp)
        word = "and" if isinstance(node.op, ast.And) else "or"
        start, end = spot.source.span(node)
        for at, value in enumerate(node.values):
            # Cut from the neighbour's far side, so that brackets around a part go with it.
            if at == 0:
                after = spot.operator_span(value, node.values[1], word)
                cut = (start, after[1]) if after else None
            else:
                before = spot.operator_span(node.values[at - 1], value, word)
                following = (
                    spot.operator_span(value, node.values[at + 1], word)
                    if at + 1 < len(node.values)
                    else None
                )
                cut = (before[0], following[0] if following else end) if before else None
            if cut is None:
                continue
            rest = spot.source.between(start, cut[0]) + spot.source.between(cut[1], end)
            what = f"the condition no longer asks for `{short(spot.text(value))}`"
            yield Fix(start, end, rest.strip(), what)


def add_conjunct(spot: Spot) -> Iterator[Fix]:
    """A part that the condition lacks: from other conditions of the function and the file, or a
    test of a variable that is used here."""
    for condition in spot.conditions:
        text = spot.text(condition)
        inside = f"({text})" if isinstance(condition, (ast.BoolOp, ast.IfExp)) else text
        both = isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.And)
        either = isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.Or)
        seen = {ast.dump(n) for n in ast.walk(condition)}
        for part, weight in _conjuncts(spot, condition):
            if part in text or part in seen:
                continue
            for word, factor in (("and", 1.0), ("or", 0.6)):
                kept = text if (both and word == "and") or (either and word == "or") else inside
                for joined, turn in (
                    (f"{kept} {word} {part}", 1.0),
                    (f"{part} {word} {kept}", 0.5),
                ):
                    what = f"the condition also asks `{word} {short(part)}`"
                    yield spot.swap(
                        condition, spot.wrapped(condition, joined), what, weight * factor * turn
                    )


def lent_tests(spot: Spot, around: ast.AST) -> Iterator[tuple[str, float]]:
    """Tests that the function, the file and its past make, those first that ask for names which
    `around` uses."""
    used = list(dict.fromkeys(n.id for n in ast.walk(around) if isinstance(n, ast.Name)))
    seen: set[str] = set()
    near = spot.source.remember(spot.function, tests_in) if spot.function else ()
    every = [(1.0, near), (0.5, spot.source.once(tests_of))]
    every += [(0.8, past.once(tests_of)) for past in spot.past]
    for weight, tests in every:
        for test in tests:
            if test.text in seen or test.node is around or not spot.known(test):
                continue
            seen.add(test.text)
            shared = max((alike(a, b) for a in used for b in test.needs), default=0.0)
            yield test.text, weight * (0.3 + 0.7 * shared)


def _conjuncts(spot: Spot, condition: ast.expr) -> Iterator[tuple[str, float]]:
    used = [n.id for n in ast.walk(condition) if isinstance(n, ast.Name)]
    seen: set[str] = set()
    for part, weight in lent_tests(spot, condition):
        seen.add(part)
        yield part, weight
    for name in dict.fromkeys([*used, *spot.locals[:6]]):
        weight = 0.5 if name in used else 0.3
        for part, factor in ((f"{name} is not None", 1.0), (name, 0.9), (f"not {name}", 0.7)):
            if part not in seen:
                seen.add(part)
                yield part, weight * factor
    for name in spot.locals[:8]:
        for other in used:
            if other != name and f"{name} != {other}" not in seen:
                yield f"{name} != {other}", 0.08


def none_or_truth(spot: Spot) -> Iterator[Fix]:
    """`if x` for `if x is not None`, and back."""
    for part in _parts(spot):
        match part:
            case ast.Compare(left=left, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
                yield spot.swap(part, spot.text(left))
            case ast.Compare(left=left, ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
                yield spot.swap(part, f"not {spot.text(left)}")
            case ast.Name() | ast.Attribute() | ast.Subscript():
                yield spot.swap(part, f"{spot.text(part)} is not None")
            case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[key, *_]):
                yield spot.swap(part, f"{spot.text(key)} in {spot.text(value)}")
                yield spot.swap(part, f"{spot.text(part)} is not None", weight=0.7)
            case ast.Call(func=ast.Name(id="hasattr"), args=[value, ast.Constant(value=str(name))]):
                yield spot.swap(part, f'getattr({spot.text(value)}, "{name}", None)', weight=0.7)
            case ast.Call():
                yield spot.swap(part, f"{spot.text(part)} is not None", weight=0.5)
            case ast.UnaryOp(op=ast.Not(), operand=ast.Name() | ast.Attribute() as operand):
                yield spot.swap(part, f"{spot.text(operand)} is None")
            case _:
                pass


def always(spot: Spot) -> Iterator[Fix]:
    """A condition that should hold always, or never."""
    if isinstance(spot.statement, ast.If):
        test = spot.statement.test
        for word in ("True", "False"):
            yield spot.swap(test, word, f"`{short(spot.text(test))}` is always taken as {word}")


def swap_branches(spot: Spot) -> Iterator[Fix]:
    """`a if c else b` the wrong way round."""
    for node in spot.of(ast.IfExp):
        assert isinstance(node, ast.IfExp)
        text = f"{spot.text(node.orelse)} if {spot.text(node.test)} else {spot.text(node.body)}"
        yield spot.swap(node, text)
        yield spot.swap(node, spot.wrapped(node, spot.text(node.body)), weight=0.4)
        yield spot.swap(node, spot.wrapped(node, spot.text(node.orelse)), weight=0.3)
