"""A variant of a test as a file of its own: with what it needs of its module, and no more."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from swe_sleep.anticipate.inside.mutants import edited, find
from swe_sleep.anticipate.proving.judge import Verdict
from swe_sleep.anticipate.proving.replaying import Outcome
from swe_sleep.anticipate.proving.variants import Told, Variant, broken_assertions
from swe_sleep.anticipate.proving.writing import one_line, place
from swe_sleep.records import Place, WrittenTest, file_of
from swe_sleep.repo.snapshot import Snapshot


def rewritten(
    variant: Variant,
    old: Told,
    new: Told,
    verdict: Verdict,
    cause: Place,
    qualname: str,
    snapshot: Snapshot,
) -> WrittenTest | None:
    """The test that shows a fault; None where it can not stand alone."""
    path = file_of(variant.test_id)
    source = edited(snapshot.read(path), [list(edit) for edit in variant.edits])
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    names = variant.test_id.split("::")[1:]
    names[-1] = names[-1].partition("[")[0]
    function = find(tree, names)
    if function is None:
        return None
    name = f"{names[-1]}_with_another_value"
    wanted = broken_assertions(old, new) if verdict.kind == "assertion" else []
    held = {s.line for s in old.seen} - {s.line for s in old.seen if not s.held}
    _Asserting(set(wanted) if wanted else held).visit(function)
    function.name = name
    if verdict.kind == "refusal":
        _expect(function, tree, old.outcome)
    function.decorator_list = [d for d in function.decorator_list if not _parametrizes(d)]
    _bind(function, variant.parameters)
    body: ast.stmt = function
    inner = [name]
    for depth in range(len(names) - 1, 0, -1):
        owner = _class(tree, names[:depth])
        if owner is None:
            return None
        kept = [n for n in owner.body if not _is_test(n)]
        owner.body = [*kept, body]
        owner.decorator_list = [d for d in owner.decorator_list if not _parametrizes(d)]
        body = owner
        inner.insert(0, owner.name)
    needed = _needed(tree, body)
    comment = (
        f"# {one_line(f'As {names[-1]}, with {variant.text} in place of {variant.was}.')}\n"
        f"# It passed before the change at {cause};\n"
        f"# {one_line(f'now: {verdict.symptom}')}\n"
    )
    where = place(variant.test_id, f"{qualname}_{names[-1].removeprefix('test_')}", snapshot)
    title = f'"""Shows a fault of {qualname}. Written by swe-sleep from {path}."""\n'
    future = [n for n in needed if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    rest = [n for n in needed if n not in future]
    parts = [title, *map(ast.unparse, future), *map(ast.unparse, rest)]
    content = "\n".join(parts) + f"\n\n\n{comment}{ast.unparse(body)}\n"
    return WrittenTest(where, content, ("::".join([where, *inner]),))


def general(test: WrittenTest, variant: Variant) -> bool:
    """Whether all that a rewritten test asserts compares what is computed with what is computed, or
    with the value that was varied. With a value of its own it was only right for the old input."""
    found = False
    for node in ast.walk(ast.parse(test.content)):
        if isinstance(node, ast.Assert):
            compared = isinstance(node.test, ast.Compare) and [
                node.test.left, *node.test.comparators
            ]  # fmt: skip
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "assertEqual":
            compared = node.args[:2]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "").startswith("assert"):
            return False
        else:
            continue
        if not compared or not all(_computed(side, variant) for side in compared):
            return False
        found = True
    return found


def _computed(side: ast.expr, variant: Variant) -> bool:
    return any(
        isinstance(node, ast.Call) or (isinstance(node, ast.Name) and node.id in variant.changed)
        for node in ast.walk(side)
    )


class _Asserting(ast.NodeTransformer):
    """Keeps the assertions on some lines; of the others only what they evaluate."""

    def __init__(self, kept: set[int]) -> None:
        self._kept = kept

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        if node.lineno in self._kept:
            return node
        test = node.test.left if isinstance(node.test, ast.Compare) else node.test
        return ast.copy_location(ast.Expr(test), node)

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        call = node.value
        named = isinstance(call, ast.Call) and getattr(call.func, "attr", "").startswith("assert")
        if not named or not isinstance(call, ast.Call) or node.lineno in self._kept:
            return node
        looked_at = {"assertEqual", "assertTrue", "assertFalse", "assertIn", "assertIs"}
        if getattr(call.func, "attr", "") not in looked_at or not call.args:
            return node
        return ast.copy_location(ast.Expr(call.args[0]), node)


def _expect(function: ast.FunctionDef, tree: ast.Module, raised: Outcome) -> None:
    """Let the whole test be expected to raise what it did."""
    lines = ["import pytest"]
    if raised.module != "builtins":
        lines.append(f"from {raised.module} import {raised.type}")
    wrapped = ast.parse(f"with pytest.raises({raised.type}): pass").body[0]
    assert isinstance(wrapped, ast.With)
    wrapped.body = function.body
    function.body = [wrapped]
    future = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    rest = [n for n in tree.body if n not in future]
    tree.body = [*future, *ast.parse("\n".join(lines)).body, *rest]


def _parametrizes(decorator: ast.expr) -> bool:
    return any(getattr(n, "attr", "") == "parametrize" for n in ast.walk(decorator))


def _bind(function: ast.FunctionDef, parameters: object) -> None:
    """Make a test's parameters plain values."""
    values = dict(parameters) if isinstance(parameters, dict) else {}
    function.args.args = [a for a in function.args.args if a.arg not in values]
    lines = [ast.parse(f"{name} = {text}").body[0] for name, text in values.items()]
    function.body = [*lines, *function.body]


def _class(tree: ast.Module, names: list[str]) -> ast.ClassDef | None:
    body: list[ast.stmt] = tree.body
    found: ast.ClassDef | None = None
    for name in names:
        found = next((n for n in body if isinstance(n, ast.ClassDef) and n.name == name), None)
        if found is None:
            return None
        body = found.body
    return found


def _is_test(node: ast.stmt) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    return node.name.lower().startswith("test")


def _needed(tree: ast.Module, body: ast.stmt) -> list[ast.stmt]:
    """The statements of the module that bind names which the test uses, in their order."""
    binds: list[tuple[ast.stmt, set[str]]] = []
    for stmt in tree.body:
        if stmt is not body and not (isinstance(stmt, ast.FunctionDef) and _is_test(stmt)):
            binds.append((stmt, set(_bound(stmt))))
    used = _used([body])
    kept: list[ast.stmt] = []
    while True:
        more = [s for s, names in binds if s not in kept and (names & used or "*" in names)]
        if not more:
            break
        kept += more
        used |= _used(more)
    return [stmt for stmt, _ in binds if stmt in kept]


def _bound(stmt: ast.stmt) -> Iterable[str]:
    if isinstance(stmt, ast.Import | ast.ImportFrom):
        if isinstance(stmt, ast.ImportFrom) and stmt.module == "__future__":
            return ["*"]
        return [(a.asname or a.name.partition(".")[0]) for a in stmt.names]
    if isinstance(stmt, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [stmt.name]
    if isinstance(stmt, ast.Expr):
        return []
    found = [
        n.id for n in ast.walk(stmt) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    ]
    for node in ast.walk(stmt):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found += [(a.asname or a.name.partition(".")[0]) for a in node.names]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.append(node.name)
    return [*found, "pytestmark"] if "pytestmark" in found else found


def _used(stmts: list[ast.stmt]) -> set[str]:
    """Names that are read, and names of parameters, which may be fixtures."""
    found: set[str] = {"pytestmark"}
    for stmt in stmts:
        for node in ast.walk(stmt):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)  # usefixtures("name"), or an annotation
    return found
