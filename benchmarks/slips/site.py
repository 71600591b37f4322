"""One file that slips are put into: its text, its tree, and what stands where."""

from __future__ import annotations

import ast
import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

Change = tuple[int, int, bytes]
"""From, to, instead: offsets in the file's bytes."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Node = TypeVar("Node", bound=ast.AST)

SHORT = 3
"""Strings of so many characters are separators and signs, and are taken for one another."""


@dataclass
class Site:
    """A file, its tree, and where in it we are."""

    text: bytes
    tree: ast.Module = field(init=False)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.text)
        self.starts = [0, *itertools.accumulate(map(len, self.text.splitlines(keepends=True)))]
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
        self.attributes = self._attributes()
        self.raised = sorted({n.id for n in self._nodes(ast.Name) if self._is_raised(n)})
        strings = {n.value for n in self._nodes(ast.Constant) if isinstance(n.value, str)}
        self.short = sorted(text for text in strings if len(text) <= SHORT)

    def _nodes(self, kind: type[Node]) -> list[Node]:
        return [node for node in self.parents if isinstance(node, kind)]

    def _is_raised(self, name: ast.Name) -> bool:
        return self.called(name) and isinstance(self.parents[self.parents[name]], ast.Raise)

    def _attributes(self) -> dict[tuple[str, bool], list[str]]:
        """Names that stand behind a receiver, called or not."""
        found: dict[tuple[str, bool], set[str]] = defaultdict(set)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                found[node.value.id, self.called(node)].add(node.attr)
        return {key: sorted(names) for key, names in found.items()}

    def called(self, node: ast.AST) -> bool:
        parent = self.parents.get(node)
        return isinstance(parent, ast.Call) and parent.func is node

    def start(self, node: ast.AST) -> int:
        return self.starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined,no-any-return]

    def end(self, node: ast.AST) -> int:
        return self.starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined,no-any-return]

    def source(self, node: ast.AST) -> bytes:
        return self.text[self.start(node) : self.end(node)]

    def to(self, node: ast.AST, instead: bytes) -> Change:
        return self.start(node), self.end(node), instead

    def without(self, statement: ast.stmt) -> Change:
        """A statement's whole lines away, or `pass` where it is alone in its block or line."""
        begin, end = self.starts[statement.lineno - 1], self.end(statement)
        line_end = self.text.find(b"\n", end)
        line_end = len(self.text) if line_end < 0 else line_end + 1
        alone = not self.text[begin : self.start(statement)].strip()
        alone &= self.text[end:line_end].strip()[:1] in (b"", b"#")
        block = next(
            (
                value
                for _, value in ast.iter_fields(self.parents[statement])
                if isinstance(value, list) and statement in value
            ),
            [statement],
        )
        if len(block) == 1 or not alone:
            return self.to(statement, b"pass")
        return begin, line_end, b""

    def indent(self, statement: ast.stmt) -> bytes:
        return b" " * statement.col_offset

    def line_of(self, offset: int) -> int:
        return self.text.count(b"\n", 0, offset) + 1

    def functions_around(self, node: ast.AST) -> list[Function | ast.ClassDef]:
        """The functions and classes around a node, innermost first."""
        found: list[Function | ast.ClassDef] = []
        at: ast.AST | None = node
        while at is not None:
            if isinstance(at, Function | ast.ClassDef):
                found.append(at)
            at = self.parents.get(at)
        return found

    def inner(self, node: ast.AST) -> Function | None:
        found = self.functions_around(node)
        return found[0] if found and isinstance(found[0], Function) else None


Made = Iterator[tuple[str, str, Sequence[Change]]]
"""Class, kind and replacements of text."""


def own_names(function: Function | None) -> set[str]:
    """What a function has of its own: parameters, and what it assigns."""
    if function is None:
        return set()
    named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    stored = {
        n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return {a.arg for a in named} | stored
