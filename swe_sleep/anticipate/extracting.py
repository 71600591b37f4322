"""Summaries without a model: what the code itself says of its contracts and pitfalls.

Nothing general is made of it. Each line is a condition that stands in the code, a constant, or a
sentence that a person wrote, with its place.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator

from swe_sleep.notes.kinds import SummaryData, SummaryLine
from swe_sleep.records import Place

MOST_LINES = 40
MOST_TEXT = 160
MOST_CODE = 80
MOST_ASSERTS = 2
"""For one test function."""
LEAST_COMMENT = 12
_PITFALL = re.compile(
    r"\b(TODO|FIXME|XXX|HACK)\b|\b(note that|nb\b|beware|careful|caution|warning:|workaround|"
    r"must (?:not )?|never|do not|don't|cannot|can't|only works|assumes?|breaks?)\b",
    re.IGNORECASE,
)
_PROMISE = re.compile(
    r"\b(must|never|always|raises?|guarantee[ds]?|only if|unless|required)\b", re.IGNORECASE
)
_LICENCE = re.compile(
    r"\b(copyright|licen[cs]ed?|redistribut\w+|warrant(y|ies)|SPDX|all rights reserved)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`'\"])")
_ORDER = {"pitfall": 0, "contract": 1, "invariant": 2, "asserts": 2, "does": 3}
_COMMENT = re.compile(r"^\s*(?:#|//|--|;)+\s?(.*)$")


def extract(path: str, text: str, *, python: bool, test: bool = False) -> SummaryData:
    """The summary of one file. Never raises on any text."""
    lines = list(_comments(path, text, python=python))
    purpose = ""
    if python:
        tree = _parsed(text)
        if tree is not None:
            purpose = _first(ast.get_docstring(tree) or "")
            reading = _Reading(path, test=test)
            reading.module(tree)
            lines += reading.lines
    return SummaryData(purpose, kept(lines))


def kept(lines: list[SummaryLine], most: int = MOST_LINES) -> tuple[SummaryLine, ...]:
    """The lines worth keeping, in the order of the file: pitfalls and contracts before the rest."""
    unique = {(each.place, each.text): each for each in lines}
    best = sorted(unique.values(), key=lambda each: (_ORDER.get(each.sort, 9), _at(each.place)))
    return tuple(sorted(best[:most], key=lambda each: _at(each.place)))


def _at(place: Place) -> tuple[str, int]:
    """A whole file stands before its lines."""
    return place.path, place.line or 0


def _parsed(text: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _comments(path: str, text: str, *, python: bool) -> Iterator[SummaryLine]:
    """Comments that warn, those that go on over several lines as one."""
    found: dict[int, str] = {}
    if python:
        try:
            for token in tokenize.generate_tokens(io.StringIO(text).readline):
                if token.type == tokenize.COMMENT:
                    found[token.start[0]] = token.string.lstrip("#!").strip()
        except (tokenize.TokenError, SyntaxError):
            pass  # what came before the place is enough
    else:
        for number, line in enumerate(text.splitlines(), 1):
            if match := _COMMENT.match(line):
                found[number] = match.group(1).strip()
    code = (n for n, line in enumerate(text.splitlines(), 1) if line.strip() and n not in found)
    first = next(code, 0)
    for number in sorted(found):
        if number - 1 in found:
            continue
        said, end = found[number], number
        while end + 1 in found:
            end += 1
            said = f"{said} {found[end]}"
        if number < first and _LICENCE.search(said):
            continue  # at the head of a file, whose every sentence forbids something
        for sentence in _SENTENCE.split(said):
            if _PITFALL.search(sentence) and len(sentence) >= LEAST_COMMENT:
                yield SummaryLine(Place(path, number), "pitfall", _short(sentence))
                break


class _Reading:
    """Walks a tree, function by function."""

    def __init__(self, path: str, *, test: bool) -> None:
        self._path = path
        self._test = test
        self.lines: list[SummaryLine] = []

    def module(self, tree: ast.Module) -> None:
        for node in tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                    if name.isupper() and value is not None and not self._test:
                        said = f"`{name}` is `{_code(node.value)}`"
                        self._add(node.lineno, "invariant", said)
        self._body(tree.body, "")

    def _body(self, body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                self._documented(node, f"{prefix}{node.name}")
                self._body(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{prefix}{node.name}"
                if self._test:
                    self._asserts(node, name)
                else:
                    self._documented(node, name)
                    self._guards(node, name)
                    self._walk(node.body, name, "")

    def _add(self, line: int, sort: str, text: str) -> None:
        self.lines.append(SummaryLine(Place(self._path, line), sort, _short(text)))

    def _documented(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, name: str
    ) -> None:
        said = ast.get_docstring(node) or ""
        if not said or self._test:
            return
        first, *rest = _SENTENCE.split(" ".join(said.partition("\n\n")[0].split()))
        if not node.name.startswith("_"):
            self._add(node.lineno, "does", f"`{name}`: {first}")
        rest += _SENTENCE.split(" ".join(said.partition("\n\n")[2].split()))[:6]
        for sentence in rest:
            if _PROMISE.search(sentence) and len(sentence) <= MOST_TEXT and ">>>" not in sentence:
                self._add(node.lineno, "contract", f"`{name}`: {sentence}")

    def _guards(self, node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> None:
        """What comes before the work: `if not text: return None`."""
        for statement in node.body[:4]:
            match statement:
                case ast.If(body=[ast.Return(value=value)], orelse=[]) if not isinstance(
                    value, ast.Call
                ):
                    gives = _code(value) if value is not None else "None"
                    said = f"`{name}` gives `{gives}` if `{_code(statement.test)}`"
                    self._add(statement.lineno, "contract", said)

    def _walk(self, body: list[ast.stmt], name: str, condition: str) -> None:
        """Raises and asserts, with the condition right before them."""
        for node in body:
            match node:
                case ast.Raise(exc=raised) if raised is not None:
                    self._add(
                        node.lineno, "contract", f"`{name}` raises {_raised(raised)}{condition}"
                    )
                case ast.Assert():
                    self._add(node.lineno, "invariant", f"`{name}` asserts `{_code(node.test)}`")
                case ast.If():
                    self._walk(node.body, name, f" if `{_code(node.test)}`")
                    self._walk(node.orelse, name, f" unless `{_code(node.test)}`")
                case ast.Try():
                    for handler in node.handlers:
                        caught = f" on `{_code(handler.type)}`" if handler.type else " on any error"
                        self._walk(handler.body, name, caught)
                    self._walk([*node.body, *node.orelse, *node.finalbody], name, "")
                case ast.For() | ast.While() | ast.With() | ast.AsyncFor() | ast.AsyncWith():
                    self._walk(node.body, name, "")

    def _asserts(self, node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> None:
        if not node.name.startswith("test"):
            return
        found: dict[int, str] = {}
        for inner in ast.walk(node):
            if isinstance(inner, ast.Assert):
                found[inner.lineno] = _code(inner.test)
            elif isinstance(inner, ast.withitem) and "raises" in _code(inner.context_expr):
                found[inner.context_expr.lineno] = _code(inner.context_expr)
        for line in sorted(found)[:MOST_ASSERTS]:
            self._add(line, "asserts", f"`{name}`: `{found[line]}`")


def _raised(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        said = node.args[0] if node.args else None
        message = f" ({_code(said)})" if isinstance(said, ast.Constant | ast.JoinedStr) else ""
        return f"{_code(node.func)}{message}"
    return _code(node)


def _code(node: ast.AST) -> str:
    try:
        text = " ".join(ast.unparse(node).split())
    except (ValueError, RecursionError):
        return "..."
    return text if len(text) <= MOST_CODE else f"{text[: MOST_CODE - 3]}..."


def _first(docstring: str) -> str:
    """The first sentence."""
    paragraph = " ".join(docstring.strip().partition("\n\n")[0].split())
    return _short(_SENTENCE.split(paragraph)[0]) if paragraph else ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 3]}..."
