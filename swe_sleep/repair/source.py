"""One Python file as bytes and tree together, edited by span.

Templates read the tree of the standard library's `ast` and replace bytes of the text at exact
spans (`col_offset` counts UTF-8 bytes), so that everything outside the span — formatting,
comments, quotes — stays as the person wrote it.
"""

from __future__ import annotations

import ast
import bisect
import hashlib
import marshal
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from types import CodeType
from typing import Any, TypeVar

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Kept = TypeVar("Kept")
_BLOCKS = frozenset({"body", "orelse", "finalbody", "handlers", "cases"})
_BOM = b"\xef\xbb\xbf"


class Source:
    """A parsed file. Made by `Source.parse`, which answers None for what is no valid Python."""

    def __init__(self, path: str, content: bytes, tree: ast.Module) -> None:
        self.path = path
        self.content = content
        self.tree = tree
        shift = len(_BOM) if content.startswith(_BOM) else 0
        self._starts = [shift, *(m.end() for m in re.finditer(rb"\r\n|\r|\n", content))]
        self._shapes: dict[ast.stmt | None, bytes | None] = {}
        self._kept: dict[object, Any] = {}
        self._parents: dict[ast.AST, ast.AST] = {}
        self._kinds: dict[type[ast.AST], list[ast.AST]] = {}
        for parent in ast.walk(tree):
            self._kinds.setdefault(type(parent), []).append(parent)
            for child in ast.iter_child_nodes(parent):
                self._parents[child] = parent

    @classmethod
    def parse(cls, path: str, content: bytes) -> Source | None:
        tree = parse_quietly(content)
        if tree is None:
            return None
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            return None  # another encoding: columns would not be bytes of this text
        return cls(path, content, tree)

    # -- places -----------------------------------------------------------------------------

    def offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    def span(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword) -> tuple[int, int]:
        """The node's first byte and the byte after its last."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        return (
            self.offset(node.lineno, node.col_offset),
            self.offset(node.end_lineno, node.end_col_offset),
        )

    def text(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword) -> str:
        start, end = self.span(node)
        return self.between(start, end)

    def between(self, start: int, end: int) -> str:
        return self.content[start:end].decode("utf-8", "replace")

    def line_start(self, line: int) -> int:
        return self._starts[line - 1]

    def line_end(self, line: int) -> int:
        """The first byte of the next line, or the end of the file."""
        return self._starts[line] if line < len(self._starts) else len(self.content)

    def line_of(self, offset: int) -> int:
        return max(1, bisect.bisect_right(self._starts, offset))

    @cached_property
    def newline(self) -> str:
        return "\r\n" if b"\r\n" in self.content else "\n"

    # -- the tree ---------------------------------------------------------------------------

    def parent(self, node: ast.AST) -> ast.AST | None:
        return self._parents.get(node)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        current = self._parents.get(node)
        while current is not None:
            yield current
            current = self._parents.get(current)

    def function_of(self, node: ast.AST) -> FunctionNode | None:
        """The innermost function around a node (for a `def` itself, that function)."""
        if isinstance(node, FUNCTIONS):
            return node
        return next((a for a in self.ancestors(node) if isinstance(a, FUNCTIONS)), None)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        return next((a for a in self.ancestors(node) if isinstance(a, ast.ClassDef)), None)

    def qualname(self, node: ast.AST) -> str:
        """Such as `Parser.feed`; "" at module level."""
        named = (*FUNCTIONS, ast.ClassDef)
        chain = [node, *self.ancestors(node)]
        return ".".join(reversed([a.name for a in chain if isinstance(a, named)]))

    def block_of(self, statement: ast.stmt) -> list[ast.stmt]:
        """The list of statements that this one stands in."""
        parent = self._parents.get(statement)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(parent, field, None)
            if isinstance(block, list) and statement in block:
                return block
        return [statement]

    @cached_property
    def statements(self) -> tuple[ast.stmt, ...]:
        found = [n for nodes in self._kinds.values() for n in nodes if isinstance(n, ast.stmt)]
        return tuple(sorted(found, key=lambda s: (s.lineno, s.col_offset)))

    @cached_property
    def _by_line(self) -> dict[int, ast.stmt]:
        """Each line's innermost statement; a compound one owns its header's lines and gaps."""
        owner: dict[int, ast.stmt] = {}
        for statement in self.statements:  # outer ones come first and are overwritten
            for line in range(first_line(statement), (statement.end_lineno or 0) + 1):
                owner[line] = statement
        return owner

    def statement_at(self, line: int) -> ast.stmt | None:
        return self._by_line.get(line)

    def header_end(self, statement: ast.stmt) -> int:
        """The last line of a compound statement's header, or of a simple statement."""
        body = getattr(statement, "body", None) or getattr(statement, "cases", None)
        if not body:
            return statement.end_lineno or statement.lineno
        first = body[0]
        below = first_line(first) if isinstance(first, ast.stmt) else first.pattern.lineno
        return max(statement.lineno, below - 1)

    def own_line(self, statement: ast.stmt) -> bool:
        """Whether nothing but white space stands before it on its line, and no statement after
        it: then whole lines can go in before and after it."""
        line = first_line(statement)
        start = self.line_start(line)
        before = self.content[start : self.offset(line, self._column(statement))]
        if before.strip():
            return False
        if isinstance(statement, ast.If) and self.content[self.span(statement)[0] :].startswith(
            b"elif"
        ):
            return False
        rest = self.content[self.span(statement)[1] : self.line_end(statement.end_lineno or line)]
        return not rest.strip() or rest.strip().startswith(b"#")

    def indent(self, statement: ast.stmt) -> str:
        line = first_line(statement)
        return self.between(self.line_start(line), self.offset(line, self._column(statement)))

    def _column(self, statement: ast.stmt) -> int:
        decorators = getattr(statement, "decorator_list", [])
        return statement.col_offset if not decorators else max(0, decorators[0].col_offset - 1)

    # -- expressions of one statement ---------------------------------------------------------

    def header_nodes(self, statement: ast.stmt) -> list[ast.AST]:
        """The nodes of a statement without those of the statements inside it, in source order.

        Inside f-strings only nodes whose position the interpreter reports rightly are given."""
        found: list[ast.AST] = []
        pending: list[ast.AST] = [statement]
        while pending:
            node = pending.pop()
            if node is not statement:
                found.append(node)
            children: list[ast.AST] = []
            for field, value in ast.iter_fields(node):
                if isinstance(node, (ast.stmt, ast.ExceptHandler)) and field in _BLOCKS:
                    if field not in ("handlers", "cases"):
                        continue
                elif isinstance(node, ast.match_case) and field == "body":
                    continue
                if field in ("annotation", "returns", "type_params"):
                    continue
                values = value if isinstance(value, list) else [value]
                children += [v for v in values if isinstance(v, ast.AST)]
            if isinstance(node, ast.JoinedStr):
                children = [c for c in children if isinstance(c, ast.FormattedValue)]
                children = [c.value for c in children if self._rightly_placed(c.value)]  # type: ignore[attr-defined]
            pending += reversed(children)
        return found

    def _rightly_placed(self, node: ast.expr) -> bool:
        if node.end_lineno is None or node.end_lineno > len(self._starts):
            return False
        again = parse_quietly(b"(" + self.content[slice(*self.span(node))] + b")")
        if again is None or len(again.body) != 1 or not isinstance(again.body[0], ast.Expr):
            return False
        return ast.dump(again.body[0].value) == ast.dump(node)

    def every(self, *kinds: type[ast.AST]) -> list[ast.AST]:
        """The file's nodes of these very kinds, kind by kind."""
        return [node for kind in kinds for node in self._kinds.get(kind, ())]

    def once(self, work: Callable[[Source], Kept]) -> Kept:
        """`work(self)`, done once for all templates and statements of this file."""
        if work not in self._kept:
            self._kept[work] = work(self)
        kept: Kept = self._kept[work]
        return kept

    def remember(self, node: ast.AST, work: Callable[[ast.AST], Kept]) -> Kept:
        """`work(node)`, done once for all templates and statements."""
        key = (work, node)
        if key not in self._kept:
            self._kept[key] = work(node)
        kept: Kept = self._kept[key]
        return kept

    # -- checking an edit ---------------------------------------------------------------------

    def shape(self, start: int, end: int, replacement: bytes) -> bytes | None:
        """None if the file would not compile with this edit, else a digest of its bytecode, which
        is equal for edits that differ only in layout, or in a way that makes no difference.

        Only the statement around the edit is compiled, in a function and loop like those it
        stands in, which is some hundred times quicker than the file."""
        unit = self._unit(start, end)
        low, high, head = 0, len(self.content), b""
        if unit is not None:
            low = self.line_start(first_line(unit))
            high = self.line_end(unit.end_lineno or unit.lineno)
            head = self._heads[unit] or b""
        text = head + self.content[low:start] + replacement + self.content[end:high]
        code = compiled_quietly(text)
        if code is None:
            return None
        # Version 2 writes equal values alike, however often they are referred to.
        whole = hashlib.blake2b(marshal.dumps(_without_places(code), 2), digest_size=16)
        whole.update(f"{self.path}:{low}".encode())
        return whole.digest()

    def unchanged(self, start: int, end: int) -> bytes | None:
        """The shape of the text as it is, for comparison with an edit of `start`..`end`."""
        unit = self._unit(start, end)
        if unit not in self._shapes:
            self._shapes[unit] = self.shape(start, end, self.content[start:end])
        return self._shapes[unit]

    def _unit(self, start: int, end: int) -> ast.stmt | None:
        """The smallest statement that holds an edit and can be compiled without the others; None
        where that is the file. New lines belong to what holds the lines before and after them."""
        first, last = self.line_of(max(0, start - 1)), self.line_of(max(start, end - 1))
        node: ast.AST | None = self.statement_at(first)
        while node is not None:
            if (
                isinstance(node, ast.stmt)
                and first_line(node) <= first
                and last <= (node.end_lineno or node.lineno)
                and self._heads[node] is not None
            ):
                return node
            node = self.parent(node)
        return None

    @cached_property
    def _heads(self) -> _Heads:
        return _Heads(self)


class _Heads(dict[ast.stmt, "bytes | None"]):
    """Per statement, what has to stand before it when it is compiled alone; None where it can't
    be: `elif`, a statement that shares its line, names that are bound outside."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def __missing__(self, statement: ast.stmt) -> bytes | None:
        self[statement] = head = self._head(statement)
        return head

    def _head(self, statement: ast.stmt) -> bytes | None:
        source = self._source
        if isinstance(statement, (ast.Nonlocal, ast.ImportFrom)) or not source.own_line(statement):
            return None
        outer = list(source.ancestors(statement))
        function = next((n for n in outer if isinstance(n, FUNCTIONS)), None)
        if function is not None and source.every(ast.Nonlocal):
            top = [n for n in (statement, *outer) if isinstance(n, FUNCTIONS)][-1]
            if statement is not top:
                return None
            function = None
        lines: list[bytes] = []
        if function is not None:
            lines += [
                b"async def f():" if isinstance(function, ast.AsyncFunctionDef) else b"def f():"
            ]
            within = outer[: outer.index(function)]
            if any(isinstance(n, (ast.For, ast.AsyncFor, ast.While)) for n in within):
                lines += [b"while 1:"]
        indent = source.indent(statement).encode()
        if indent and not lines:
            lines = [b"if 1:"]
        if indent.strip() or len(lines) > len(indent):
            return None
        return b"".join(indent[:at] + line + b"\n" for at, line in enumerate(lines))


def first_line(statement: ast.stmt) -> int:
    """Where a statement begins, its decorators included."""
    decorators = getattr(statement, "decorator_list", None)
    lines: list[int] = [statement.lineno, *(d.lineno for d in decorators or ())]
    return min(lines)


def parse_quietly(content: bytes) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def compiles_quietly(content: bytes) -> bool:
    return compiled_quietly(content) is not None


def compiled_quietly(content: bytes) -> CodeType | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return compile(content, "<candidate>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _without_places(code: CodeType) -> CodeType:
    """The code without where it stands in its file."""
    inside = tuple(_without_places(c) if isinstance(c, CodeType) else c for c in code.co_consts)
    return code.replace(co_consts=inside, co_linetable=b"", co_firstlineno=1)


class Library(Mapping[str, Source]):
    """Files, parsed when they are first asked for. What is no valid Python, or is not text in
    UTF-8, is not there."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self.contents = contents
        self._parsed: dict[str, Source | None] = {}

    def __getitem__(self, path: str) -> Source:
        if path not in self._parsed:
            content = self.contents[path]
            self._parsed[path] = Source.parse(path, content) if path.endswith(".py") else None
        source = self._parsed[path]
        if source is None:
            raise KeyError(path)
        return source

    def __iter__(self) -> Iterator[str]:
        return (path for path in self.contents if path in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
