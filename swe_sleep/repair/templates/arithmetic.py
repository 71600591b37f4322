"""Fixes of arithmetic: operators, operands, off by one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from swe_sleep.repair.ingredients import last_name
from swe_sleep.repair.spot import Fix, Spot, becomes, short

TOKENS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
}
OTHERS: dict[str, tuple[tuple[str, float], ...]] = {
    "+": (("-", 1.0), ("*", 0.5), ("//", 0.05), ("|", 0.1)),
    "-": (("+", 1.0), ("*", 0.2), ("/", 0.1), ("%", 0.1)),
    "*": (("/", 0.7), ("//", 0.6), ("+", 0.7), ("**", 0.6), ("-", 0.2)),
    "/": (("//", 1.0), ("*", 0.9), ("%", 0.4), ("-", 0.1)),
    "//": (("/", 1.0), ("%", 0.8), ("*", 0.7)),
    "%": (("//", 1.0), ("/", 0.8), ("*", 0.5), ("-", 0.1)),
    "**": (("*", 1.0),),
    "&": (("|", 1.0), ("^", 0.5), ("-", 0.2)),
    "|": (("&", 1.0), ("^", 0.5), ("+", 0.2)),
    "^": (("|", 0.8), ("&", 0.8), ("**", 0.5)),
    "<<": ((">>", 1.0),),
    ">>": (("<<", 1.0),),
}


def _is_format(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.Mod) and (
        isinstance(node.left, ast.JoinedStr)
        or (isinstance(node.left, ast.Constant) and isinstance(node.left.value, (str, bytes)))
    )


def operator(spot: Spot) -> Iterator[Fix]:
    """Another arithmetic operator, in an expression or an assignment such as `+=`."""
    for node in spot.of(ast.BinOp):
        assert isinstance(node, ast.BinOp)
        token = TOKENS.get(type(node.op))
        if token is None or _is_format(node):
            continue
        span = spot.operator_span(node.left, node.right, token)
        if span is not None:
            for other, weight in OTHERS[token]:
                yield Fix(*span, other, becomes(token, other), weight)
    if isinstance(spot.statement, ast.AugAssign):
        statement = spot.statement
        token = TOKENS.get(type(statement.op))
        if token is not None:
            span = spot.operator_span(statement.target, statement.value, f"{token}=")
            if span is not None:
                for other, weight in (*OTHERS[token], ("", 0.7)):
                    what = becomes(f"{token}=", f"{other}=")
                    yield Fix(*span, f"{other}=", what, weight)


def accumulate(spot: Spot) -> Iterator[Fix]:
    """`x = y` where `x += y` was meant, inside a loop."""
    statement = spot.statement
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return
    if not any(isinstance(a, (ast.For, ast.While)) for a in spot.source.ancestors(statement)):
        return
    span = spot.operator_span(statement.targets[0], statement.value, "=")
    if span is not None and not isinstance(statement.targets[0], (ast.Tuple, ast.List)):
        yield Fix(*span, "+=", becomes("=", "+="))
        yield Fix(*span, "-=", becomes("=", "-="), 0.3)


def swap_operands(spot: Spot) -> Iterator[Fix]:
    """The operands of an operator the wrong way round."""
    for node in spot.of(ast.BinOp):
        assert isinstance(node, ast.BinOp)
        if _is_format(node) or isinstance(node.op, (ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor)):
            continue
        if isinstance(node.right, ast.BinOp) or isinstance(node.left, ast.BinOp):
            continue
        start, middle = spot.source.span(node.left)
        low, end = spot.source.span(node.right)
        left, right = spot.text(node.left), spot.text(node.right)
        gap = spot.source.between(middle, low)
        weight = 0.8 if not isinstance(node.op, ast.Add) else 0.4
        yield Fix(
            start,
            end,
            f"{right}{gap}{left}",
            becomes(f"{left}{gap}{right}", f"{right}{gap}{left}"),
            weight,
        )


def integer(spot: Spot) -> Iterator[Fix]:
    """A whole number that is one too large or too small."""
    for node in spot.of(ast.Constant):
        assert isinstance(node, ast.Constant)
        if type(node.value) is not int:
            continue
        parent = spot.source.parent(node)
        where = _role(node, parent)
        negative = isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.USub)
        for step in (1, -1):
            value = node.value + step
            if value < 0:
                if negative:
                    continue
                text = (
                    spot.wrapped(node, str(value))
                    if isinstance(parent, ast.Attribute)
                    else str(value)
                )
            else:
                text = str(value)
            what = f"{where} {text} instead of {node.value}" if where else ""
            yield spot.swap(node, text, what, 1.0 if where else 0.8)
        if node.value and not negative:
            yield spot.swap(node, str(-node.value), weight=0.3)


def _role(node: ast.expr, parent: ast.AST | None) -> str:
    match parent:
        case ast.Slice(lower=lower) if lower is node:
            return "the slice starts at"
        case ast.Slice(upper=upper) if upper is node:
            return "the slice ends at"
        case ast.Subscript():
            return "the index is"
        case ast.Call(func=ast.Name(id="range")):
            return "the range has"
        case ast.Compare():
            return "the comparison is with"
        case _:
            return ""


def off_by_one(spot: Spot) -> Iterator[Fix]:
    """`+ 1` or `- 1` that is missing or too much, at slices, indices, ranges, comparisons,
    returned values and counted ones."""
    for node in spot.of(ast.BinOp):
        assert isinstance(node, ast.BinOp)
        match node:
            case ast.BinOp(op=ast.Add() | ast.Sub(), right=ast.Constant(value=int() as number)):
                lost = f"{TOKENS[type(node.op)]} {number}"
                what = f"`{short(spot.text(node))}` loses its `{lost}`"
                yield spot.swap(node, spot.text(node.left), what)
            case _:
                pass
    for node, weight in _counted(spot):
        if isinstance(node, (ast.Constant, ast.UnaryOp)):
            continue  # `integer` does those
        text = spot.text(node)
        tight = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.BinOp)
        inside = text if isinstance(node, tight) else f"({text})"
        for sign in ("+ 1", "- 1"):
            yield spot.swap(node, f"{inside} {sign}", weight=weight)


def _counted(spot: Spot) -> Iterator[tuple[ast.expr, float]]:
    for node in spot.nodes:
        match node:
            case ast.Slice(lower=lower, upper=upper):
                for bound in (lower, upper):
                    if bound is not None:
                        yield bound, 1.0
            case ast.Subscript(slice=ast.Name() | ast.BinOp() | ast.Call() as index):
                yield index, 0.7
            case ast.Call(func=ast.Name(id="range"), args=args):
                for argument in args:
                    yield argument, 1.0
            case ast.Compare(
                left=left,
                ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE() | ast.Eq()],
                comparators=[right],
            ):
                yield right, 0.6
                yield left, 0.3
            case _:
                pass
    value = getattr(spot.statement, "value", None)
    flows = isinstance(spot.statement, (ast.Return, ast.Assign, ast.AugAssign))
    if flows and isinstance(value, (ast.BinOp, ast.Call, ast.Name)) and _number_like(value):
        yield value, 0.5


def _number_like(value: ast.expr) -> bool:
    if isinstance(value, ast.BinOp):
        return not _is_format(value)
    if isinstance(value, ast.Call):
        return last_name(value.func) in {
            "index",
            "find",
            "rfind",
            "count",
            "len",
            "int",
            "sum",
            "max",
            "min",
            "round",
            "abs",
        }
    return True


def sign(spot: Spot) -> Iterator[Fix]:
    """A minus that is missing or too much."""
    for node in spot.nodes:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Invert)):
            yield spot.swap(node, spot.text(node.operand))
    value = getattr(spot.statement, "value", None)
    if isinstance(spot.statement, ast.Return) and isinstance(
        value, (ast.Name, ast.Call, ast.BinOp)
    ):
        text = spot.text(value)
        yield spot.swap(
            value, f"-({text})" if isinstance(value, ast.BinOp) else f"-{text}", weight=0.2
        )


def slice_bounds(spot: Spot) -> Iterator[Fix]:
    """A bound that a slice lacks or has too much, and a step of -1."""
    for node in spot.of(ast.Slice):
        assert isinstance(node, ast.Slice)
        lower = spot.text(node.lower) if node.lower else ""
        upper = spot.text(node.upper) if node.upper else ""
        tail = f":{spot.text(node.step)}" if node.step else ""
        options: list[tuple[str, float]] = []
        if node.lower is not None:
            options += [(f":{upper}{tail}", 0.6), (f":{lower}{tail}", 0.7)]
        else:
            options += [(f"1:{upper}{tail}", 0.9)]
        if node.upper is not None:
            options += [(f"{lower}:{tail}", 0.6), (f"{upper}:{tail}", 0.7)]
        else:
            options += [(f"{lower}:-1{tail}", 0.9)]
        if node.step is not None:
            options += [(f"{lower}:{upper}", 0.6)]
        else:
            options += [(f"{lower}:{upper}:-1", 0.2)]
        for text, weight in options:
            if text == ":":
                weight *= 0.6
            yield spot.swap(node, text, weight=weight)


def range_bounds(spot: Spot) -> Iterator[Fix]:
    """`range(n)` for `range(1, n)` and the like."""
    for node in spot.of(ast.Call):
        assert isinstance(node, ast.Call)
        if not (isinstance(node.func, ast.Name) and node.func.id in ("range", "enumerate")):
            continue
        texts = [spot.text(a) for a in node.args]
        if node.func.id == "enumerate":
            if len(texts) == 1 and not node.keywords:
                yield spot.swap(node, f"enumerate({texts[0]}, 1)")
                yield spot.swap(node, f"enumerate({texts[0]}, start=1)", weight=0.9)
            elif texts:
                yield spot.swap(node, f"enumerate({texts[0]})")
        elif len(texts) == 1:
            yield spot.swap(node, f"range(1, {texts[0]})")
            yield spot.swap(node, f"range(1, {texts[0]} + 1)", weight=0.7)
        elif len(texts) == 2:
            yield spot.swap(node, f"range({texts[1]})", weight=0.8)
