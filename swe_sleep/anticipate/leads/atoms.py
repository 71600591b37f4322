"""What a piece of code makes sure of: the small parts of it whose loss is felt later.

Each part is named by its text in one layout, so that it is known again where it was moved to.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal, NamedTuple

from swe_sleep.anticipate.leads.scopes import Definition, Function, Scope, unparsed

AtomKind = Literal[
    "guard",  # an if that raises, returns early, skips or sets something right; an assert
    "case",  # any other branch
    "operand",  # one part of a condition
    "except",  # one exception type that is caught
    "raise",
    "finally",
    "with",
    "release",
    "normalise",
    "call",
    "argument",
    "default",
    "return",
    "yield",
    "constant",
    "key",
    "field",
    "assign",
]

_NORMALISING = (
    "strip lstrip rstrip lower upper casefold title capitalize copy deepcopy sorted sort reversed"
    " set frozenset list tuple dict str int float bool bytes repr abs round min max encode decode"
    " replace normalize normpath abspath realpath expanduser resolve quote unquote escape unescape"
    " removeprefix removesuffix splitlines expandtabs translate setdefault get getattr hasattr"
    " isinstance issubclass callable zfill ljust rjust to_list tolist astype as_posix fspath"
    " to_text to_bytes to_str native_str ensure_str text_type unwrap markup soft_unicode"
)
NORMALISING = frozenset(_NORMALISING.split())
"""Calls that bring a value into the form which the rest counts on."""
_RELEASING = (
    "close release shutdown terminate kill cleanup disconnect flush cancel rollback commit"
    " __exit__ aclose unregister"
)
RELEASING = frozenset(_RELEASING.split())
LEAVING = (ast.Raise, ast.Return, ast.Continue, ast.Break)
SHOWN = 70
"""Characters of code that are shown in a sentence."""


class Atom(NamedTuple):
    kind: AtomKind
    text: str
    line: int
    shown: str

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.text


def atoms(scope: Scope) -> Iterator[Atom]:
    """The parts of a scope, those of definitions in it left out."""
    if isinstance(scope.node, Function):
        yield from _defaults(scope.node)
    if isinstance(scope.node, Definition):
        for decorator in scope.node.decorator_list:
            yield _atom("call", decorator, f"@{unparsed(decorator)}")
    if isinstance(scope.node, ast.ClassDef):
        for each in scope.body:
            yield from _fields(each)
    waiting: list[ast.AST] = list(reversed(scope.body))
    while waiting:
        node = waiting.pop()
        yield from _of(node)
        for child in reversed(list(ast.iter_child_nodes(node))):
            if not isinstance(child, Definition):
                waiting.append(child)


def cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def _atom(kind: AtomKind, node: ast.AST, text: str, shown: str = "") -> Atom:
    return Atom(kind, text, getattr(node, "lineno", 1), cut(shown or text))


def _of(node: ast.AST) -> Iterator[Atom]:
    match node:
        case ast.If():
            text = unparsed(node.test)
            kind: AtomKind = "guard" if _guards(node.body) else "case"
            yield _atom(kind, node, text, f"if {text}")
            yield from _operands(node.test)
        case ast.While() | ast.IfExp():
            if isinstance(node, ast.IfExp):
                yield _atom("case", node, unparsed(node.test), unparsed(node))
            yield from _operands(node.test)
        case ast.Assert():
            yield _atom("guard", node, unparsed(node.test), unparsed(node))
        case ast.comprehension():
            for test in node.ifs:
                yield _atom("case", test, unparsed(test), f"if {unparsed(test)}")
                yield from _operands(test)
        case ast.match_case():
            yield _atom("case", node.pattern, unparsed(node.pattern), f"case {node.pattern}")
        case ast.ExceptHandler():
            for name in _names(node.type):
                yield _atom("except", node, name, f"except {name}")
        case ast.Try() if node.finalbody:
            text = "; ".join(map(unparsed, node.finalbody))
            yield _atom("finally", node.finalbody[0], text, f"finally: {text}")
        case ast.Raise():
            called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if called is not None:
                yield _atom("raise", node, unparsed(called), f"raise {unparsed(called)}")
        case ast.With() | ast.AsyncWith():
            for item in node.items:
                yield _atom("with", node, unparsed(item.context_expr), f"with {unparsed(item)}")
        case ast.Return():
            yield _atom("return", node, unparsed(node.value) if node.value else "None",
                        unparsed(node))  # fmt: skip
        case ast.Yield() | ast.YieldFrom():
            yield _atom("yield", node, unparsed(node))
        case ast.Call():
            yield from _call(node)
        case ast.BoolOp() if isinstance(node.op, ast.Or):
            yield _atom("normalise", node.values[-1], f"or {unparsed(node.values[-1])}",
                        unparsed(node))  # fmt: skip
        case ast.Assign() | ast.AugAssign():
            yield _atom("assign", node, unparsed(node))
        case ast.Dict():
            for key in node.keys:
                if isinstance(key, ast.Constant):
                    yield _atom("key", key, unparsed(key))
        case ast.Constant() if not isinstance(node.value, bool | None | type(...)):
            yield _atom("constant", node, unparsed(node))
        case _:
            pass


def _guards(body: list[ast.stmt]) -> bool:
    """Whether a branch leaves, or sets one thing right."""
    return isinstance(body[-1], LEAVING) or (
        len(body) == 1 and isinstance(body[0], ast.Assign | ast.AugAssign)
    )


def _operands(test: ast.expr) -> Iterator[Atom]:
    waiting = [test]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.BoolOp):
            waiting += each.values
        else:
            yield _atom("operand", each, unparsed(each))


def _names(node: ast.expr | None) -> list[str]:
    if node is None:
        return ["BaseException"]
    return [unparsed(each) for each in (node.elts if isinstance(node, ast.Tuple) else [node])]


def _call(node: ast.Call) -> Iterator[Atom]:
    name = (
        node.func.attr
        if isinstance(node.func, ast.Attribute)
        else node.func.id
        if isinstance(node.func, ast.Name)
        else ""
    )
    if not name:
        return
    text = unparsed(node)
    if name in NORMALISING:
        yield _atom("normalise", node, name, text)
    elif name in RELEASING and isinstance(node.func, ast.Attribute):
        yield _atom("release", node, f".{name}", text)
    else:
        yield _atom("call", node, name, text)
    for number, argument in enumerate(node.args):
        yield _atom("argument", argument, f"{name}({number}", text)
    for keyword in node.keywords:
        yield _atom("argument", keyword.value, f"{name}({keyword.arg}=", text)


def _defaults(node: Function) -> Iterator[Atom]:
    spec = node.args
    ordered = [*spec.posonlyargs, *spec.args]
    pairs = list(zip(ordered[len(ordered) - len(spec.defaults) :], spec.defaults, strict=True))
    pairs += [(a, d) for a, d in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if d]
    for argument, default in pairs:
        yield _atom("default", default, f"{argument.arg}={unparsed(default)}")


def _fields(node: ast.stmt) -> Iterator[Atom]:
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    for target in targets:
        if isinstance(target, ast.Name):
            yield _atom("field", node, target.id, unparsed(node))
