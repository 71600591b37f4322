"""Fixes of the way through a function: guards, returns, defaults for missing values."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from swe_sleep.repair.ingredients import Snippet, guards_of, snippet
from swe_sleep.repair.source import FUNCTIONS
from swe_sleep.repair.spot import Fix, Spot, becomes, short


def missing_guard(spot: Spot) -> Iterator[Fix]:
    """A guard before the statement: leave, raise or go on where a value is None or empty."""
    if isinstance(spot.statement, (*FUNCTIONS, ast.ClassDef)) or spot.function is None:
        return
    looping = _in_loop(spot)
    exits: dict[str, float] = {"return": 0.8}
    for text, weight in _returns(spot):
        exits.setdefault(text, weight)
    for text in (
        "return None",
        "return 0",
        'return ""',
        "return []",
        "return {}",
        "return False",
        "return True",
    ):
        exits.setdefault(text, 0.35)
    if looping:
        exits |= {"continue": 0.9, "break": 0.5}
    for text in _raises(spot):
        exits[text] = 0.4
    after = [(n, 0.9) for n in _assigned(spot.statement)]
    places = ((spot.insert_before, _subjects(spot)), (spot.insert_after, after))
    for insert, subjects in places:
        for name, near in subjects:
            for test, likely in ((f"{name} is None", 1.0), (f"not {name}", 0.9), (name, 0.25)):
                for leave, weight in exits.items():
                    if leave == f"return {name}" and test.endswith("None"):
                        weight = 0.3
                    what = f"`{leave}` where `{test}`"
                    yield from insert(
                        f"if {test}:\n{spot.step}{leave}", what, near * likely * weight
                    )


def _assigned(statement: ast.stmt) -> list[str]:
    """Plain names that an assignment sets."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return [t.id for t in targets if isinstance(t, ast.Name)]


def _subjects(spot: Spot) -> list[tuple[str, float]]:
    """What may be missing here: names the statement reads, then parameters."""
    found: dict[str, float] = {}
    for node in spot.nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in spot.locals:
            found[node.id] = 1.0
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            parent = spot.source.parent(node)
            if not (isinstance(parent, ast.Call) and parent.func is node):
                found.setdefault(spot.text(node), 0.6)
    for name in spot.parameters:
        found.setdefault(name, 0.6)
    return [(n, w) for n, w in found.items() if n != spot.receiver][:8]


def _returns(spot: Spot) -> list[tuple[str, float]]:
    assert spot.function is not None
    found = [
        (lent.text, 0.9)
        for lent in spot.source.remember(spot.function, _exits)
        if isinstance(lent.node, ast.Return)
        and lent.node is not spot.statement
        and spot.known(lent)
    ]
    names = [(f"return {n}", 0.6) for n in spot.locals[:4] if n != spot.receiver]
    return [(t, w) for t, w in (*found, *names) if len(t) < 60]


def _raises(spot: Spot) -> list[str]:
    scope = spot.source.class_of(spot.statement) or spot.source.tree
    lent = [e for e in spot.source.remember(scope, _exits) if isinstance(e.node, ast.Raise)]
    return [e.text for e in lent if len(e.text) < 100 and spot.known(e)][:6]


def _exits(tree: ast.AST) -> tuple[Snippet, ...]:
    """The returns and raises of a function, class or file, each text once."""
    found: dict[str, Snippet] = {}
    for node in ast.walk(tree):
        bare = isinstance(node, ast.Raise) and node.exc is None
        if isinstance(node, (ast.Return, ast.Raise)) and not bare:
            lent = snippet(node)
            found.setdefault(lent.text, lent)
    return tuple(found.values())


def _in_loop(spot: Spot) -> bool:
    for ancestor in spot.source.ancestors(spot.statement):
        if isinstance(ancestor, (ast.For, ast.AsyncFor, ast.While)):
            return True
        if isinstance(ancestor, FUNCTIONS):
            return False
    return False


def lent_guard(spot: Spot) -> Iterator[Fix]:
    """A guard that stands elsewhere in the file, or stood there in the past: an `if` with one
    short way out."""
    if spot.function is None or isinstance(spot.statement, FUNCTIONS):
        return
    seen: set[str] = set()
    every = [(0.5, spot.source), *((1.0, past) for past in spot.past)]
    for weight, source in every:
        for lent in source.once(guards_of):
            if lent.text not in seen and spot.known(lent):
                seen.add(lent.text)
                text = lent.text.replace("    ", spot.step)
                what = f"`{short(text)}` is added"
                yield from spot.insert_before(text, what, weight)
                yield from spot.insert_after(text, what, weight * 0.6)


def default_value(spot: Spot) -> Iterator[Fix]:
    """`x or default` where a value may be missing, and the surplus of one."""
    value = getattr(spot.statement, "value", None)
    plain = (ast.Constant, ast.JoinedStr, ast.BoolOp)
    takes = isinstance(spot.statement, (ast.Assign, ast.Return, ast.AnnAssign))
    if takes and value is not None and not isinstance(value, plain):
        text = spot.text(value)
        inside = f"({text})" if isinstance(value, (ast.IfExp, ast.Lambda)) else text
        for empty in ('""', "[]", "{}", "0", "()", "None"):
            yield spot.swap(value, f"{inside} or {empty}", weight=0.5)
    if isinstance(spot.statement, (ast.For, ast.AsyncFor)):
        text = spot.text(spot.statement.iter)
        yield spot.swap(spot.statement.iter, f"{text} or ()", weight=0.6)


def surplus_guard(spot: Spot) -> Iterator[Fix]:
    """An `if` whose body should run always, or never."""
    statement = spot.statement
    if not isinstance(statement, ast.If) or not spot.source.own_line(statement):
        return
    source = spot.source
    start = source.line_start(statement.lineno)
    end = source.line_end(statement.end_lineno or statement.lineno)
    test = short(spot.text(statement.test), 40)
    if len(source.block_of(statement)) > 1:
        yield Fix(start, end, "", f"the `if {test}` goes with all it holds", 0.7)
    if not statement.orelse and statement.body[0].lineno > statement.lineno:
        body = source.between(source.line_start(statement.body[0].lineno), end)
        outer, inner = source.indent(statement), source.indent(statement.body[0])
        lines = [
            outer + line[len(inner) :] if line.startswith(inner) else line
            for line in body.splitlines(keepends=True)
        ]
        yield Fix(start, end, "".join(lines), f"what `if {test}` holds is done always")


def missing_return(spot: Spot) -> Iterator[Fix]:
    """A value that is computed but not returned; a function that ends without a return."""
    function, statement = spot.function, spot.statement
    if function is None or isinstance(statement, FUNCTIONS):
        return
    if isinstance(statement, ast.Expr) and not isinstance(statement.value, ast.Constant):
        start, _ = spot.source.span(statement)
        if not isinstance(statement.value, (ast.Yield, ast.YieldFrom)):
            yield Fix(start, start, "return ", f"`{short(spot.text(statement))}` is returned")
    if spot.source.block_of(statement)[-1] is not statement:
        return
    if isinstance(statement, (ast.Return, ast.Raise, ast.Continue, ast.Break)):
        return
    last = function.body[-1] is statement
    names: list[str] = [n for n in spot.locals[:6] if n != spot.receiver]
    for name in (*names, spot.receiver, "True", "False"):
        if name:
            yield from spot.insert_after(
                f"return {name}", f"`{name}` is returned at the end", 1.0 if last else 0.5
            )
    for text, weight in _returns(spot):
        yield from spot.insert_after(text, f"`{short(text)}` is added", weight * 0.6)


def returned_value(spot: Spot) -> Iterator[Fix]:
    """Another value to return: a local, what the function's other returns give, or nothing."""
    statement = spot.statement
    if not isinstance(statement, ast.Return):
        return
    for name in spot.locals[:8]:
        if name != spot.receiver:
            yield spot.swap(statement, f"return {name}", weight=0.6)
    for text, weight in _returns(spot):
        yield spot.swap(statement, text, weight=0.7 * weight)
    pair = statement.value
    if isinstance(pair, ast.Tuple) and len(pair.elts) == 2:
        first, second = (spot.text(e) for e in pair.elts)
        yield spot.swap(pair, f"{second}, {first}", weight=0.8)
    if spot.receiver:
        yield spot.swap(statement, f"return {spot.receiver}", weight=0.4)
    for text in ("True", "False", "None"):
        yield spot.swap(statement, f"return {text}", weight=0.25)


def surplus_branch(spot: Spot) -> Iterator[Fix]:
    """An `elif` that should be a fresh `if`, and an `if` that should be an `elif`."""
    statement = spot.statement
    if not isinstance(statement, ast.If):
        return
    start, _ = spot.source.span(statement)
    if spot.source.content[start : start + 4] == b"elif":
        yield Fix(start, start + 4, "if", becomes("elif", "if"))
    elif spot.source.own_line(statement):
        block = spot.source.block_of(statement)
        at = block.index(statement)
        if at and isinstance(block[at - 1], ast.If):
            yield Fix(start, start + 2, "elif", becomes("if", "elif"))


def loop_to_condition(spot: Spot) -> Iterator[Fix]:
    """`if` where `while` was meant, and back."""
    statement = spot.statement
    if isinstance(statement, ast.While) and not statement.orelse:
        start, _ = spot.source.span(statement)
        yield Fix(start, start + 5, "if", becomes("while", "if"))
    elif isinstance(statement, ast.If) and not statement.orelse:
        start, _ = spot.source.span(statement)
        if spot.source.content[start : start + 2] == b"if":
            yield Fix(start, start + 2, "while", becomes("if", "while"), 0.6)
