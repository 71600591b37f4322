"""What a language is to the index: a table from node kinds to what is done with them.

The walk over a tree visits statements only. It asks the table about each one and goes down where
it is told to, so that expressions, most of any tree, are never turned into Python objects; names
used in them are found by a regular expression over the text (`lexing.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tree_sitter import Node

from swe_sleep.index.outline import MODULE, Import, Message

MAX_SIGNATURE = 2000
MAX_DOCSTRING = 300
MAX_DEPTH = 40


class Scope(NamedTuple):
    """Where the walk is: in the symbol with this index, whose members' names start with
    `prefix`. `kind` is that symbol's kind, or "" outside any."""

    symbol: int
    prefix: str
    kind: str
    depth: int


FILE = Scope(MODULE, "", "", 0)
CLASSES = frozenset({"class", "interface", "struct", "enum", "trait", "union", "impl"})
"""Where a definition is a member; in a namespace it is not."""


class Draft:
    """A symbol under construction; byte offsets instead of text where that can wait."""

    __slots__ = (
        "bases", "decorators", "docstring", "end", "end_line", "kind", "line", "name", "name_end",
        "name_line", "parent", "qualname", "signature", "start",
    )  # fmt: skip

    name: str
    qualname: str
    kind: str
    line: int
    end_line: int
    name_line: int
    signature: str
    docstring: str
    decorators: tuple[str, ...]
    bases: tuple[str, ...]
    parent: int
    start: int
    name_end: int
    end: int


class Reading:
    """One file being read: its content, and what was found so far."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.symbols: list[Draft] = []
        self.imports: list[Import] = []
        self.messages: list[Message] = []
        self.exports: list[str] | None = None
        self.package = ""
        self.main_line = 0
        self.comments: list[Node] = []
        self.attributes: list[Node] = []

    def text(self, node: Node | None) -> str:
        if node is None:
            return ""
        return self.content[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def squeezed(self, start: int, end: int, limit: int = MAX_SIGNATURE) -> str:
        """The text between two offsets on one line, cut to `limit` characters."""
        text = b" ".join(self.content[start : min(end, start + 4 * limit)].split())
        return text.decode("utf-8", "replace")[:limit]

    def symbol_at(self, line: int) -> int:
        """The innermost symbol found so far whose range holds the line."""
        best = MODULE
        for index, symbol in enumerate(self.symbols):
            if symbol.line > line:
                break
            if line <= symbol.end_line:
                best = index
        return best

    def doc_comment(self, node: Node) -> str:
        """The comment that ends on the line before `node`, and clears what was collected."""
        comments, self.comments = self.comments, []
        row = node.start_point[0]
        lines: list[str] = []
        for comment in reversed(comments):
            end_row, end_column = comment.end_point
            last = end_row - 1 if end_column == 0 else end_row
            if last not in (row, row - 1):
                break
            lines.append(self.text(comment))
            row = comment.start_point[0]
        return first_paragraph("\n".join(plain_comment(text) for text in reversed(lines)))

    def add(
        self,
        scope: Scope,
        node: Node,
        name_node: Node | None,
        kind: str,
        *,
        name: str = "",
        signature: str = "",
        docstring: str = "",
        decorators: tuple[str, ...] = (),
        bases: tuple[str, ...] = (),
        start: Node | None = None,
    ) -> Scope:
        """Adds a symbol and returns the scope of its body. Without a name, or nested absurdly
        deep, nothing is added and the scope stays."""
        if not name:
            name = self.text(name_node)
        if not name or scope.depth >= MAX_DEPTH:
            return scope
        draft = Draft()
        draft.name = name[:200]
        draft.qualname = scope.prefix + draft.name
        draft.kind = kind
        draft.line = (node if start is None else start).start_point[0] + 1
        end_row, end_column = node.end_point
        draft.end_line = max(draft.line, end_row + 1 if end_column else end_row)
        draft.name_line = (node if name_node is None else name_node).start_point[0] + 1
        draft.signature = signature
        draft.docstring = docstring
        draft.decorators = decorators
        draft.bases = bases
        draft.parent = scope.symbol
        draft.name_end = node.start_byte if name_node is None else name_node.end_byte
        draft.start = node.start_byte if start is None else start.start_byte
        draft.end = node.end_byte
        self.symbols.append(draft)
        return Scope(len(self.symbols) - 1, draft.qualname + ".", kind, scope.depth + 1)


Next = tuple[Iterable[Node], Scope] | None
Action = Callable[[Reading, Node, Scope], Next]


def descend(reading: Reading, node: Node, scope: Scope) -> Next:
    return node.named_children, scope


def comment(reading: Reading, node: Node, scope: Scope) -> Next:
    reading.comments.append(node)
    return None


def define(
    kind: str,
    *,
    member: str = "",
    name: str = "name",
    body: str = "body",
    bases: Callable[[Reading, Node], tuple[str, ...]] | None = None,
    inside: bool = True,
) -> Action:
    """The action for a definition with its name and body in fields. `member` is its kind inside
    a class; `inside` says whether its body can hold more definitions."""

    def action(reading: Reading, node: Node, scope: Scope) -> Next:
        body_node = node.child_by_field_name(body) if body else None
        end = body_node.start_byte if body_node else node.end_byte
        decorators = tuple(reading.text(a) for a in reading.attributes)
        first = reading.attributes[0] if reading.attributes else node
        reading.attributes = []
        within = reading.add(
            scope,
            node,
            node.child_by_field_name(name),
            member if member and scope.kind in CLASSES else kind,
            signature=reading.squeezed(node.start_byte, end).rstrip(" {;="),
            docstring=reading.doc_comment(first),
            decorators=decorators,
            bases=bases(reading, node) if bases else (),
            start=first,
        )
        if not inside or body_node is None:
            return None
        return body_node.named_children, within

    return action


@dataclass(frozen=True)
class Lexing:
    """How names are told from strings and comments in a language's text."""

    skip: re.Pattern[bytes]
    keywords: frozenset[bytes] = frozenset()
    rewritten: tuple[tuple[bytes, bytes], ...] = ()
    """What stands for a dot or is written between a name and its parenthesis: (old, new)."""
    interpolated: Callable[[re.Match[bytes]], bytes] | None = None
    """Code inside a skipped string, such as the braces of an f-string."""


@dataclass(frozen=True, eq=False)
class Language:
    """All that the index knows of one language."""

    name: str
    grammar: tuple[str, str]
    """The module of the grammar's wheel and its function."""
    actions: Mapping[str, Action]
    lexing: Lexing
    in_functions: Mapping[str, Action | None] = field(default_factory=dict)
    """What is done instead inside functions; None is nothing."""
    closed: bool = False
    """Whether a bare name can only mean what the file itself defines or imports."""
    messages: re.Pattern[bytes] | None = None
    """Raised literals in the text: groups `error` and `text`."""
    main: re.Pattern[bytes] | None = None
    scan: Callable[[Reading], None] | None = None
    """What is found in the text instead of the tree."""


def first_child(node: Node | None) -> Node | None:
    """The first named child; the binding's own types forget that there may be none."""
    return node.named_child(0) if node is not None and node.named_child_count else None


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_MARKS = re.compile(r"^[ \t]*(?:/\*+!?|\*+/|//[/!]?|\*(?!/)|#+!?)[ \t]?|[ \t]*\*+/[ \t]*$", re.M)


def plain_comment(text: str) -> str:
    return _MARKS.sub("", text[: 8 * MAX_DOCSTRING]).strip()


_HOLE = re.compile(
    r"%(?:\(\w+\)|<\w+>)?[-#0 +]*\d*(?:\.\d+)?[sdrfgxicvqTpu]|[$#]?\{[^{}]*\}|%\{\w+\}"
)


def with_holes(text: str) -> str:
    """A message on one line with `{}` for every value put into it."""
    return _HOLE.sub("{}", " ".join(text.split()))[:400]


def first_paragraph(text: str) -> str:
    """The first paragraph on one line, cut to `MAX_DOCSTRING` characters."""
    lines: list[str] = []
    for line in text.splitlines():
        line = line.strip()
        if line:
            lines.append(line)
        elif lines:
            break
    paragraph = " ".join(lines)
    if len(paragraph) > MAX_DOCSTRING:
        paragraph = paragraph[: MAX_DOCSTRING - 1].rstrip() + "…"
    return paragraph


C_STRINGS = rb'"(?:[^"\\\n]++|\\.)*+"|//[^\n]*|/\*.*?(?:\*/|\Z)'
