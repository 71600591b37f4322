"""Fixes that delete, move, add or exchange whole statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from swe_sleep.repair.ingredients import functions_of, statements_in
from swe_sleep.repair.source import FUNCTIONS, FunctionNode, Source, first_line
from swe_sleep.repair.spot import Fix, Spot, alike, becomes, parameters, short

_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete, ast.Return, ast.Raise)


def delete(spot: Spot) -> Iterator[Fix]:
    """A statement too many."""
    statement, source = spot.statement, spot.source
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom)):
        return
    if not source.own_line(statement):
        return
    what = f"`{short(spot.text(statement))}` goes"
    weight = 0.8 if isinstance(statement, _SIMPLE) else 0.4
    if len(source.block_of(statement)) == 1:
        yield spot.swap(statement, "pass", what, weight * 0.7)
    else:
        start = source.line_start(first_line(statement))
        end = source.line_end(statement.end_lineno or statement.lineno)
        yield Fix(start, end, "", what, weight)


def move(spot: Spot) -> Iterator[Fix]:
    """A statement that stands before or after the wrong neighbour, or in or out of the block
    above it."""
    statement, source = spot.statement, spot.source
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)) or not source.own_line(statement):
        return
    block = source.block_of(statement)
    at = block.index(statement) if statement in block else 0
    start = source.line_start(first_line(statement))
    end = source.line_end(statement.end_lineno or statement.lineno)
    text = source.between(start, end)
    said = short(spot.text(statement), 40)
    if at + 1 < len(block) and source.own_line(block[at + 1]):
        following = block[at + 1]
        far = source.line_end(following.end_lineno or following.lineno)
        rest = source.between(end, far)
        rest = rest if rest.endswith(("\n", "\r")) else rest + source.newline
        what = f"`{said}` comes after `{short(spot.text(following), 40)}`"
        yield Fix(start, far, rest + text, what)
    if at and source.own_line(block[at - 1]):
        before = block[at - 1]
        low = source.line_start(first_line(before))
        what = f"`{said}` comes before `{short(spot.text(before), 40)}`"
        yield Fix(low, end, text + source.between(low, start), what)
    if not isinstance(statement, _SIMPLE):
        return
    indent = source.indent(statement)
    parent = source.parent(statement)
    if at == len(block) - 1 and isinstance(parent, (ast.If, ast.For, ast.While, ast.With)):
        outer = source.indent(parent)
        if len(block) > 1 and not outer.strip():
            what = f"`{said}` leaves the block above it"
            yield Fix(start, end, outer + text[len(indent) :], what, 0.9)
    if at:
        above = block[at - 1]
        if isinstance(above, (ast.If, ast.For, ast.While, ast.With)):
            last = (getattr(above, "orelse", None) or above.body)[-1]
            inner = source.indent(last)
            if not inner.strip():
                what = f"`{said}` goes into the block above it"
                yield Fix(start, end, inner + text[len(indent) :], what, 0.7)


def exchange_jump(spot: Spot) -> Iterator[Fix]:
    """break, continue, return and pass for one another."""
    words: dict[type[ast.stmt], str] = {
        ast.Break: "break",
        ast.Continue: "continue",
        ast.Pass: "pass",
    }
    mine = words.get(type(spot.statement))
    if mine is not None:
        for other, weight in (("break", 1.0), ("continue", 1.0), ("return", 0.4), ("pass", 0.5)):
            if other != mine:
                yield spot.swap(spot.statement, other, weight=weight)
    elif isinstance(spot.statement, ast.Return):
        for other in ("continue", "break"):
            yield spot.swap(spot.statement, other, weight=0.3)


def missing_jump(spot: Spot) -> Iterator[Fix]:
    """A break, continue or bare return that is missing at the end of a block in a loop."""
    if spot.source.block_of(spot.statement)[-1] is not spot.statement:
        return
    if isinstance(spot.statement, (ast.Break, ast.Continue, ast.Return, ast.Raise)):
        return
    around = list(spot.source.ancestors(spot.statement))
    if any(isinstance(a, (ast.For, ast.While)) for a in around):
        for word in ("break", "continue"):
            yield from spot.insert_after(word, f"`{word}` is added", 0.8)


def assign_parameters(spot: Spot) -> Iterator[Fix]:
    """A parameter of `__init__` that is never kept."""
    function = spot.function
    if function is None or not spot.receiver or isinstance(spot.statement, FUNCTIONS):
        return
    stored = {
        n.attr
        for n in ast.walk(function)
        if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)
    }
    klass = spot.source.class_of(function)
    wanted = {
        n.attr
        for n in ast.walk(klass or function)
        if isinstance(n, ast.Attribute)
        and isinstance(n.value, ast.Name)
        and n.value.id == spot.receiver
    }
    for parameter in parameters(function)[1:]:
        for name in (parameter, f"_{parameter}"):
            if name in stored:
                continue
            weight = (1.0 if name in wanted else 0.3) * (
                1.0 if function.name == "__init__" else 0.4
            )
            text = f"{spot.receiver}.{name} = {parameter}"
            yield from spot.insert_after(text, f"`{text}` is added", weight)
            yield from spot.insert_before(text, f"`{text}` is added", weight * 0.7)


def lent_statement(spot: Spot) -> Iterator[Fix]:
    """A statement that is missing here and stands in the function, in a sibling function with a
    similar name, elsewhere in the file, or stood there in the past."""
    function = spot.function
    if function is None or isinstance(spot.statement, FUNCTIONS):
        return
    seen: set[str] = set()
    for source, tree, weight in lenders(spot):
        for lent in source.remember(tree, statements_in):
            if lent.node is spot.statement or lent.text in seen or not spot.known(lent):
                continue
            seen.add(lent.text)
            what = f"`{short(lent.text)}` is added"
            yield from spot.insert_before(lent.text, what, weight)
            yield from spot.insert_after(lent.text, what, weight)


def lenders(spot: Spot) -> Iterator[tuple[Source, FunctionNode, float]]:
    """Functions that lend statements, and how much: past versions, this one, similar ones (of the
    same class, and of the same name in others)."""
    function = spot.function
    assert function is not None
    for past in spot.past:
        for node in past.once(functions_of):
            if node.name == function.name:
                yield past, node, 1.0
    yield spot.source, function, 0.5
    others = [n for n in spot.source.once(functions_of) if n is not function]
    klass = spot.source.class_of(function)
    for other in sorted(others, key=lambda n: -alike(n.name, function.name))[:12]:
        near = 0.15 if spot.source.class_of(other) is klass else 0.0
        yield spot.source, other, 0.3 * alike(other.name, function.name) + near


def update_counter(spot: Spot) -> Iterator[Fix]:
    """A counter that a loop's block does not move on."""
    loop = next(
        (a for a in spot.source.ancestors(spot.statement) if isinstance(a, (ast.While, ast.For))),
        None,
    )
    if loop is None or spot.source.block_of(spot.statement)[-1] is not spot.statement:
        return
    for name in spot.locals[:8]:
        tags = spot.uses.get(name, frozenset())
        if "number" in tags or "index" in tags:
            for text, weight in ((f"{name} += 1", 0.9), (f"{name} -= 1", 0.3)):
                yield from spot.insert_after(text, f"`{text}` is added", weight)


def yielding(spot: Spot) -> Iterator[Fix]:
    """yield for return, `yield from` for yield, and back."""
    statement = spot.statement
    if isinstance(statement, ast.Return) and statement.value is not None:
        returned = spot.text(statement.value)
        for word in ("yield", "yield from"):
            yield spot.swap(statement, f"{word} {returned}", weight=0.2)
    if not isinstance(statement, ast.Expr):
        return
    match statement.value:
        case ast.YieldFrom(value=value):
            yield spot.swap(statement, f"yield {spot.text(value)}")
        case ast.Yield(value=ast.expr() as value):
            yield spot.swap(statement, f"yield from {spot.text(value)}")
            yield spot.swap(statement, f"return {spot.text(value)}", weight=0.5)
        case ast.Call() | ast.Name() | ast.Tuple():
            generator = spot.function is not None and any(
                isinstance(n, (ast.Yield, ast.YieldFrom)) for n in ast.walk(spot.function)
            )
            if generator:
                yield spot.swap(statement, f"yield {spot.text(statement)}", weight=0.7)
                yield spot.swap(statement, f"yield from {spot.text(statement)}", weight=0.7)
        case _:
            pass


def unpack_order(spot: Spot) -> Iterator[Fix]:
    """`a, b = ...` the wrong way round."""
    for node in spot.of(ast.Tuple):
        assert isinstance(node, ast.Tuple)
        if len(node.elts) == 2 and not any(isinstance(e, ast.Starred) for e in node.elts):
            one, other = (spot.text(e) for e in node.elts)
            start, end = spot.source.span(node.elts[0])[0], spot.source.span(node.elts[1])[1]
            yield Fix(start, end, f"{other}, {one}", becomes(f"{one}, {other}", f"{other}, {one}"))
