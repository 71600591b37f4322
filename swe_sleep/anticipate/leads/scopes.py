"""The functions, classes and the module of a Python file, each with what it does by itself.

A scope is compared by its code alone: docstrings, comments, annotations and layout are left out,
so that a reformatted or annotated function is the same as before.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

MOST_BYTES = 600_000
"""Of a file: a larger one is a table or generated, and would take seconds."""
Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@dataclass(frozen=True, eq=False)
class Scope:
    """One definition, or the module (`qualname` is ""), without the definitions in it."""

    qualname: str
    node: Definition | ast.Module
    text: tuple[bytes, ...]
    """Its lines as they are written, those of definitions in it left out: where they are the same
    as before, nothing else needs to be compared."""

    @property
    def is_function(self) -> bool:
        return isinstance(self.node, Function)

    @property
    def line(self) -> int:
        return getattr(self.node, "lineno", 1)

    @property
    def end_line(self) -> int:
        return getattr(self.node, "end_lineno", None) or self.line

    @cached_property
    def body(self) -> list[ast.stmt]:
        """Its statements, without a docstring and without what is a scope of its own."""
        plain = _Plain()
        return [
            plain.visit(each)
            for each in self.node.body
            if not isinstance(each, Definition) and not _is_text(each)
        ]

    @cached_property
    def lines(self) -> list[str]:
        """Its code in one layout: the parameters, then each statement's lines."""
        found = []
        if isinstance(self.node, Function):
            _Plain().visit(self.node.args)
            found.append(parameters(self.node))
        for each in self.body:
            found += unparsed(each).splitlines()
        return found


def scopes(content: bytes | None) -> dict[str, Scope] | None:
    """The scopes of a file by qualified name, of several with one name the last; None where it
    cannot be read as Python. Nothing of it is run."""
    if content is None or len(content) > MOST_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes are for the person's own tools
            tree = ast.parse(content)
        lines = content.split(b"\n")
        return {scope.qualname: scope for scope in _inside(tree, "", lines, 1, len(lines))}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def unparsed(node: ast.AST) -> str:
    """A node's text in one layout."""
    try:
        return ast.unparse(node)
    except (RecursionError, ValueError):
        return f"<{type(node).__name__} of {getattr(node, 'lineno', 0)}>"


def parameters(node: Function) -> str:
    return f"def {node.name}({unparsed(node.args)})"


def _inside(
    node: Definition | ast.Module, qualname: str, lines: list[bytes], first: int, last: int
) -> Iterator[Scope]:
    own: list[bytes] = []
    at = first
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, Definition):
            start = min([each.lineno, *(each.lineno for each in each.decorator_list)])
            end = each.end_lineno or each.lineno
            own += lines[at - 1 : start - 1]
            at = end + 1
            name = f"{qualname}.{each.name}" if qualname else each.name
            yield from _inside(each, name, lines, start, end)
        elif isinstance(each, _HOLDERS):
            waiting[:0] = ast.iter_child_nodes(each)
    own += lines[at - 1 : last]
    yield Scope(qualname, node, tuple(own))


_HOLDERS = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar,
    ast.Match, ast.ExceptHandler, ast.match_case,
)  # fmt: skip
"""Statements that may hold definitions."""


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str | type(...))
    )


class _Plain(ast.NodeTransformer):
    """Takes away what does nothing when the code runs, and writes equal things one way."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        node.type_comment = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        self.generic_visit(node)
        if node.value is None:
            return node
        plain = ast.Assign([node.target], node.value)
        return ast.fix_missing_locations(ast.copy_location(plain, node))

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        node.kind = None
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "super":
            node.args = []
        called = name or (node.func.attr if isinstance(node.func, ast.Attribute) else "")
        if called == "cast" and len(node.args) == 2:
            return node.args[1]
        return node
