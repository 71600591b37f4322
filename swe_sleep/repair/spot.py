"""What a template gets and gives: a suspicious statement with its surroundings, and a fix."""

from __future__ import annotations

import ast
import builtins
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from swe_sleep.repair.ingredients import Snippet
from swe_sleep.repair.lessons import Lesson
from swe_sleep.repair.source import FUNCTIONS, FunctionNode, Source, first_line


@dataclass(frozen=True, slots=True)
class Fix:
    """Replace the bytes `start`..`end` by `text`. `what` says it to a person, to be read after
    "in `function`, "; `weight` (0 to 1) is how likely it is among its template's fixes here."""

    start: int
    end: int
    text: str
    what: str
    weight: float = 1.0
    more: tuple[tuple[int, int, str], ...] = ()
    """Further edits of the same file that belong to it, apart from the first and each other."""


@dataclass(frozen=True)
class Spot:
    """One statement under suspicion. `past` holds earlier versions of files, which lend
    ingredients."""

    source: Source
    statement: ast.stmt
    past: tuple[Source, ...] = field(default=())
    lessons: tuple[Lesson, ...] = field(default=())
    """What past fixes replaced by what."""
    types: Mapping[str, frozenset[str]] | None = None
    """Per name or dotted name, the types of its values that were seen here in runs, such as
    `int` or `NoneType`; None where no run was watched."""

    # -- editing ------------------------------------------------------------------------------

    def swap(
        self, node: ast.expr | ast.stmt, text: str, what: str = "", weight: float = 1.0
    ) -> Fix:
        """The fix that puts `text` in a node's place."""
        start, end = self.source.span(node)
        return Fix(start, end, text, what or becomes(self.text(node), text), weight)

    def text(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword) -> str:
        return self.source.text(node)

    def wrapped(self, node: ast.expr, text: str) -> str:
        """`text` in brackets where the node's place would bind parts of it otherwise."""
        parent = self.source.parent(node)
        tight = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Attribute, ast.BoolOp, ast.Await)
        if isinstance(parent, tight) or (
            isinstance(parent, (ast.Call, ast.Subscript))
            and node is (parent.func if isinstance(parent, ast.Call) else parent.value)
        ):
            start, end = self.source.span(node)
            around = self.source.content[max(0, start - 1) : start]
            behind = self.source.content[end : end + 1]
            return text if (around, behind) == (b"(", b")") else f"({text})"
        return text

    def operator_span(self, left: ast.expr, right: ast.expr, token: str) -> tuple[int, int] | None:
        """Where an operator stands between its operands (comments between them are passed over)."""
        low, high = self.source.span(left)[1], self.source.span(right)[0]
        gap = self.source.content[low:high]
        bare = re.sub(rb"#[^\r\n]*", lambda m: b" " * len(m.group()), gap)
        pattern = rb"\s+".join(re.escape(part).encode() for part in token.split())
        match = re.search(pattern.replace(rb"\ ", rb"\s+"), bare)
        return (low + match.start(), low + match.end()) if match else None

    def insert_before(self, lines: str, what: str, weight: float = 1.0) -> Iterator[Fix]:
        """Put whole statements before this one; `lines` are joined with `\\n`, not indented."""
        if not self.source.own_line(self.statement):
            return
        at = self.source.line_start(first_line(self.statement))
        yield Fix(at, at, self._lay_out(lines), what, weight)

    def insert_after(self, lines: str, what: str, weight: float = 1.0) -> Iterator[Fix]:
        if not self.source.own_line(self.statement):
            return
        at = self.source.line_end(self.statement.end_lineno or self.statement.lineno)
        text = self._lay_out(lines)
        if at and self.source.content[at - 1 : at] not in (b"\n", b"\r"):
            text = self.source.newline + text.removesuffix(self.source.newline)
        yield Fix(at, at, text, what, weight)

    def _lay_out(self, lines: str) -> str:
        indent, newline = self.source.indent(self.statement), self.source.newline
        return "".join(f"{indent}{line}{newline}" for line in lines.split("\n"))

    @property
    def step(self) -> str:
        return self.source.once(_step)

    # -- what is here -------------------------------------------------------------------------

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(self.source.header_nodes(self.statement))

    def of(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        return (node for node in self.nodes if isinstance(node, kinds))

    @cached_property
    def text_over_lines(self) -> bool:
        """Whether a string here goes over several lines, so that indenting them would change it."""
        strings = (ast.Constant, ast.JoinedStr)
        return any(
            isinstance(n, strings) and n.end_lineno != n.lineno for n in ast.walk(self.statement)
        )

    @cached_property
    def conditions(self) -> tuple[ast.expr, ...]:
        """The expressions here that decide something."""
        found: list[ast.expr] = []
        if isinstance(self.statement, (ast.If, ast.While, ast.Assert)):
            found.append(self.statement.test)
        for node in self.nodes:
            if isinstance(node, ast.IfExp):
                found.append(node.test)
            elif isinstance(node, ast.comprehension):
                found += node.ifs
            elif isinstance(node, ast.match_case) and node.guard is not None:
                found.append(node.guard)
        if isinstance(self.statement, ast.Return) and isinstance(
            self.statement.value, (ast.BoolOp, ast.Compare)
        ):
            found.append(self.statement.value)
        return tuple(found)

    @cached_property
    def function(self) -> FunctionNode | None:
        return self.source.function_of(self.statement)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        return parameters(self.function) if self.function else ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names that have a value here: locals nearest first, then outer functions', then the
        module's. Built-in names are not among them."""
        found: dict[str, None] = {}
        line = self.statement.lineno
        functions = [
            f
            for f in (self.statement, *self.source.ancestors(self.statement))
            if isinstance(f, FUNCTIONS)
        ]
        for function in functions:
            stored = [
                n
                for n in _own_nodes(function)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.lineno <= line
            ]
            stored.sort(key=lambda n: -n.lineno)
            found.update(dict.fromkeys(n.id for n in stored))
            found.update(dict.fromkeys(parameters(function)))
        found.update(dict.fromkeys(self.module_names))
        return tuple(name for name in found if name != "_")

    @cached_property
    def locals(self) -> tuple[str, ...]:
        outer = set(self.module_names)
        return tuple(n for n in self.names if n not in outer or n in self.parameters)

    @cached_property
    def module_names(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for statement in self.source.tree.body:
            if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
                found[statement.name] = None
            elif isinstance(statement, (ast.Import, ast.ImportFrom)):
                for alias in statement.names:
                    found[(alias.asname or alias.name).split(".")[0]] = None
            else:
                for node in ast.walk(statement):
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                        found[node.id] = None
        return tuple(found)

    @cached_property
    def receiver(self) -> str:
        """`self`, `cls`, or "" where the statement is in no method."""
        function = self.function
        if function is None or not isinstance(self.source.parent(function), ast.ClassDef):
            return ""
        decorators = {d.id for d in function.decorator_list if isinstance(d, ast.Name)}
        names = parameters(function)
        return names[0] if names and "staticmethod" not in decorators else ""

    @cached_property
    def _known_names(self) -> frozenset[str]:
        return frozenset(self.names) | _BUILTINS

    def known(self, lent: Snippet) -> bool:
        """Whether every name that code from elsewhere needs exists here."""
        return lent.needs <= self._known_names

    def seen(self, name: str) -> frozenset[str]:
        """The types that a name's values were seen to have here; nothing where that is not
        known."""
        return self.types.get(name, frozenset()) if self.types is not None else frozenset()

    def may_replace(self, name: str, other: str) -> float:
        """From 0 to 1: how well `other` can stand for `name` by the types that were seen. A name
        that was never seen to have a value here has none."""
        if self.types is None:
            return 1.0
        mine, theirs = self.seen(name), self.seen(other)
        if mine and not theirs and other in self.locals:
            return 0.2
        if not mine or not theirs:
            return 1.0
        numbers = frozenset({"int", "float", "bool"})
        alike = mine & theirs or (mine & numbers and theirs & numbers)
        # A wrong value is often None where another is meant.
        return 1.0 if alike else 0.6 if mine <= {"NoneType"} else 0.25

    @cached_property
    def uses(self) -> dict[str, frozenset[str]]:
        """How each name of the function (of the file, outside one) is used: tags such as
        `called`, `indexed`, `number`, `text`."""
        return self.source.remember(self.function or self.source.tree, uses)


_BUILTINS = frozenset(dir(builtins))


def _step(source: Source) -> str:
    """One level of indentation, as the file has it."""
    for statement in source.statements:
        if isinstance(statement, FUNCTIONS) and not statement.col_offset:
            indent = source.indent(statement.body[0])
            if indent and not indent.strip() and len(indent) <= 8:
                return indent
    return "    "


def parameters(function: FunctionNode) -> tuple[str, ...]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    return tuple(a.arg for a in every)


def _own_nodes(function: FunctionNode) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions and comprehensions inside it."""
    pending: list[ast.AST] = list(function.body)
    inner = (*FUNCTIONS, ast.ClassDef, ast.Lambda)
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, (inner, ast.comprehension)):
            continue
        pending += ast.iter_child_nodes(node)


def uses(tree: ast.AST) -> dict[str, frozenset[str]]:
    tags: dict[str, set[str]] = {}

    def tag(node: ast.AST | None, word: str) -> None:
        if isinstance(node, ast.Name):
            tags.setdefault(node.id, set()).add(word)

    for node in ast.walk(tree):
        match node:
            case ast.Call(func=func):
                tag(func, "called")
                if isinstance(func, ast.Name) and func.id == "len" and node.args:
                    tag(node.args[0], "sized")
            case ast.Subscript(value=value, slice=index):
                tag(value, "indexed")
                tag(index, "index")
            case ast.Attribute(value=value):
                tag(value, "object")
            case ast.For(iter=iterated) | ast.comprehension(iter=iterated):
                tag(iterated, "iterated")
            case ast.BinOp(left=left, right=right):
                tag(left, "operand")
                tag(right, "operand")
            case ast.Compare(left=left, comparators=[right, *_], ops=[op, *_]):
                word = "ordered" if isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) else "equal"
                tag(left, word)
                tag(right, word)
            case (
                ast.Assign(targets=[target], value=value)
                | ast.AugAssign(target=target, value=value)
            ):
                if word := _kind_of(value):
                    tag(target, word)
            case ast.arg(arg=name, annotation=ast.Name(id=annotation)):
                words = {"int": "number", "float": "number", "str": "text", "bool": "truth"}
                tags.setdefault(name, set()).add(words.get(annotation, annotation))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                tags.setdefault(name, set()).add("called")
            case ast.ClassDef(name=name):
                tags.setdefault(name, set()).update(("called", "class"))
            case _:
                pass
    return {name: frozenset(words) for name, words in tags.items()}


def _kind_of(value: ast.expr) -> str:
    match value:
        case ast.Constant(value=bool()):
            return "truth"
        case ast.Constant(value=int() | float()):
            return "number"
        case ast.Constant(value=str()) | ast.JoinedStr():
            return "text"
        case ast.List() | ast.ListComp():
            return "list"
        case ast.Dict() | ast.DictComp():
            return "dict"
        case ast.Set() | ast.SetComp():
            return "set"
        case _:
            return ""


@lru_cache(maxsize=1 << 16)
def alike(one: str, other: str) -> float:
    """How similar two names are, from 0 to 1: shared words count more than shared letters."""
    words = [set(re.findall(r"[a-z]+|[A-Z][a-z]*|\d+", n.strip("_"))) for n in (one, other)]
    shared = len(words[0] & words[1]) / max(1, len(words[0] | words[1]))
    return max(shared, difflib.SequenceMatcher(None, one, other).ratio())


def becomes(old: str, new: str) -> str:
    return f"`{short(old)}` becomes `{short(new)}`"


def short(text: str, limit: int = 60) -> str:
    """Code on one line for a sentence, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
