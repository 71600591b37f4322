"""What a file lends to fixes: its tests, statements, guards, attributes, calls and constants.

Each table is made once for a file or function, from the nodes that `Source` has sorted by kind,
and serves all statements and templates.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from swe_sleep.repair.source import FUNCTIONS, FunctionNode, Source

LONGEST_TEST, LONGEST_STATEMENT, LONGEST_GUARD = 60, 120, 200


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code that could stand elsewhere. `needs` are the names it reads and does not set."""

    text: str
    node: ast.AST
    needs: frozenset[str]


def snippet(node: ast.AST, text: str = "") -> Snippet:
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    stored = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    return Snippet(text or ast.unparse(node), node, frozenset({n.id for n in names} - stored))


def tests_of(source: Source) -> tuple[Snippet, ...]:
    """The tests that a file makes, without `and` and `or`, each text once."""
    return _tests([*source.every(ast.BoolOp), *source.every(ast.If, ast.While)], source)


def tests_in(function: ast.AST) -> tuple[Snippet, ...]:
    return _tests(list(ast.walk(function)), None)


def _tests(nodes: list[ast.AST], source: Source | None) -> tuple[Snippet, ...]:
    if source is not None:
        nodes += source.every(ast.IfExp, ast.Assert)
    found: dict[str, Snippet] = {}
    for node in nodes:
        tests: list[ast.expr] = []
        if isinstance(node, ast.BoolOp):
            tests = list(node.values)
        elif isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            tests = [node.test]
        for test in tests:
            if not isinstance(test, ast.BoolOp):
                text = ast.unparse(test)
                if len(text) <= LONGEST_TEST and text not in found:
                    found[text] = snippet(test, text)
    return tuple(found.values())


def statements_in(function: ast.AST) -> tuple[Snippet, ...]:
    """The calls and assignments of a function that fit on a line."""
    found: dict[str, Snippet] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Expr) and not isinstance(node.value, (ast.Call, ast.Await)):
            continue
        if isinstance(node, (ast.Expr, ast.Assign, ast.AugAssign)):
            text = ast.unparse(node)
            if "\n" not in text and len(text) <= LONGEST_STATEMENT and text not in found:
                found[text] = snippet(node, text)
    return tuple(found.values())


def guards_of(source: Source) -> tuple[Snippet, ...]:
    """Every `if` of a file that holds one or two lines and leaves, or sets something."""
    leaving = (ast.Return, ast.Raise, ast.Continue, ast.Break, ast.Assign, ast.AugAssign)
    found: dict[str, Snippet] = {}
    for node in source.every(ast.If):
        assert isinstance(node, ast.If)
        if not node.orelse and len(node.body) <= 2 and isinstance(node.body[-1], leaving):
            text = ast.unparse(node)
            if len(text) <= LONGEST_GUARD and text not in found:
                found[text] = snippet(node, text)
    return tuple(found.values())


def functions_of(source: Source) -> tuple[FunctionNode, ...]:
    return tuple(n for n in source.every(*FUNCTIONS) if isinstance(n, FUNCTIONS))


def exceptions_of(source: Source) -> tuple[str, ...]:
    """Exception types that a file catches or raises, as it writes them."""
    found: dict[str, None] = {}
    for node in source.every(ast.ExceptHandler, ast.Raise):
        kinds: list[ast.expr] = []
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            kinds = list(node.type.elts) if isinstance(node.type, ast.Tuple) else [node.type]
        elif isinstance(node, ast.Raise) and node.exc is not None:
            kinds = [node.exc.func if isinstance(node.exc, ast.Call) else node.exc]
        for kind in kinds:
            name = ast.unparse(kind)
            if "." in name or name.isidentifier():
                found[name] = None
    return tuple(found)


def is_exception(name: str) -> bool:
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, BaseException)


@dataclass(frozen=True, slots=True)
class Called:
    """How functions and methods of one name are called and defined in a file."""

    keywords: dict[str, Snippet] = field(default_factory=dict)
    """By `name=value` text."""
    parameters: dict[str, None] = field(default_factory=dict)
    arguments: dict[int, dict[str, Snippet]] = field(default_factory=dict)
    """Per position, the values that are given there."""


def calls_of(source: Source) -> dict[str, Called]:
    found: dict[str, Called] = {}
    for node in source.every(ast.Call):
        assert isinstance(node, ast.Call)
        name = last_name(node.func)
        if not name:
            continue
        called = found.setdefault(name, Called())
        for word in node.keywords:
            text = source.text(word.value)
            if word.arg and len(text) <= LONGEST_TEST and "\n" not in text:
                called.keywords.setdefault(f"{word.arg}={text}", snippet(word.value, text))
                called.parameters[word.arg] = None
        for at, argument in enumerate(node.args[:6]):
            text = source.text(argument)
            if len(text) <= LONGEST_TEST and "\n" not in text:
                values = called.arguments.setdefault(at, {})
                if text not in values:
                    values[text] = snippet(argument, text)
    for function in functions_of(source):
        name, arguments = function.name, function.args
        if name == "__init__" and isinstance(owner := source.parent(function), ast.ClassDef):
            name = owner.name
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        called = found.setdefault(name, Called())
        called.parameters.update(dict.fromkeys(a.arg for a in every if a.arg not in _RECEIVERS))
    return found


_RECEIVERS = frozenset({"self", "cls"})


def last_name(called: ast.expr) -> str:
    """`f` of `f`, `a.f` and `a.b().f`; "" of what has no name."""
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def attributes_of(
    source: Source,
) -> dict[tuple[str, ast.ClassDef | None], Counter[tuple[str, bool]]]:
    """Per object text (and class, for `self` and `cls`), its attributes in the file, and whether
    they are called."""
    found: dict[tuple[str, ast.ClassDef | None], Counter[tuple[str, bool]]] = {}
    for node in source.every(ast.Attribute):
        assert isinstance(node, ast.Attribute)
        if not isinstance(node.value, (ast.Name, ast.Attribute)):
            continue
        owner = source.text(node.value)
        klass = source.class_of(node) if owner in _RECEIVERS else None
        parent = source.parent(node)
        called = isinstance(parent, ast.Call) and parent.func is node
        found.setdefault((owner, klass), Counter())[node.attr, called] += 1
    return found


@dataclass(frozen=True, slots=True)
class Literal:
    text: str
    value: str | bytes
    function: ast.AST | None


def literals_of(source: Source) -> tuple[Literal, ...]:
    """The short strings of a file, without docstrings and pieces of f-strings."""
    return tuple(_literals(source))


def _literals(source: Source) -> Iterator[Literal]:
    for node in source.every(ast.Constant):
        assert isinstance(node, ast.Constant)
        if isinstance(node.value, (str, bytes)) and len(node.value) <= 80:
            parent = source.parent(node)
            if not isinstance(parent, (ast.Expr, ast.JoinedStr)) and node.lineno == node.end_lineno:
                yield Literal(source.text(node), node.value, source.function_of(node))


def numbers_of(source: Source) -> Counter[str]:
    return _numbers(source.every(ast.Constant))


def numbers_in(function: ast.AST) -> Counter[str]:
    return _numbers(list(ast.walk(function)))


def _numbers(nodes: list[ast.AST]) -> Counter[str]:
    return Counter(
        ast.unparse(n)
        for n in nodes
        if isinstance(n, ast.Constant) and type(n.value) in (int, float)
    )
