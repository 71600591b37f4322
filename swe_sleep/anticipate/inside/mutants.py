"""Variants of a test: the same steps with other values in place of its literals.

Pure functions of a syntax tree, the same in every run and for both versions of the code under
test. An edit is [line, column, end line, end column, text], columns in bytes as `ast` counts them.
"""

from __future__ import annotations

import ast
from typing import Any, Iterator

MOST_LITERALS = 14
KINDS = (str, int, float, bytes, bool, type(None), list, tuple, dict)


def neighbours(value: Any) -> Iterator[str]:
    """Source of values near a literal: at its borders, doubled, emptied, in another case."""
    found: list[Any] = []
    if isinstance(value, bool):
        found = [not value]
    elif isinstance(value, str):
        found = ["", " ", value + " ", " " + value, value.upper(), value.lower(), value * 2]
        found += [value[:1], value[1:], value[:-1], value + "é", value + "\n", value + "0"]
        found += [value.swapcase(), value.replace(" ", ""), value + "_" + value, value + "/"]
    elif isinstance(value, bytes):
        found = [b"", b" ", value * 2, value[:1], value + b"\xff"]
    elif isinstance(value, int):
        found = [0, -1, 1, value + 1, value - 1, -value, value * 1000]
    elif isinstance(value, float):
        found = [0.0, -value, value / 3, value * 1e6, 1e-7]
    elif isinstance(value, (list, tuple)):
        found = [value[:0], value[:1], value[1:], value * 2, value[::-1]]
        found.append(type(value)((*value, None)))
    elif isinstance(value, dict):
        found = [{}]
        for key in list(value)[:4]:
            found.append({k: v for k, v in value.items() if k != key})
            found.append({**value, key: None})
    seen = {repr(value)}
    for each in found:
        text = repr(each)
        if text not in seen:
            seen.add(text)
            yield text


class Literal:
    """A literal of a test and the places where it stands."""

    def __init__(self, value: Any, node: Any) -> None:
        self.value = value
        self.nodes = [node]
        self.expected: list[Any] = []
        """Where it stands as what is expected."""


def literals(function: Any) -> list[Literal]:
    """The literals of a function's body that are inputs, with where they are expected again."""
    expected: set[int] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            sides = []
            if isinstance(node.test, ast.Compare):
                sides = [node.test.left, *node.test.comparators]
            for side in sides:
                if _value(side) is not Ellipsis:
                    expected.update(map(id, ast.walk(side)))
            if node.msg is not None:
                expected.update(map(id, ast.walk(node.msg)))
        elif isinstance(node, ast.JoinedStr):
            expected.update(map(id, ast.walk(node)))
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", "")
            if name.startswith("assert") and node.args:  # of unittest: what is expected is last
                for side in node.args[1:]:
                    expected.update(map(id, ast.walk(side)))
            for keyword in node.keywords:
                if keyword.arg == "match":
                    expected.update(map(id, ast.walk(keyword.value)))
    found: dict[str, Literal] = {}
    wanted: dict[str, list[Any]] = {}
    body = function.body
    if body and isinstance(body[0], ast.Expr) and isinstance(_value(body[0].value), str):
        body = body[1:]
    for stmt in body:
        for node in ast.walk(stmt):
            value = _value(node)
            if value is Ellipsis:
                continue
            key = type(value).__name__ + repr(value)
            if id(node) in expected:
                wanted.setdefault(key, []).append(node)
            elif key in found:
                found[key].nodes.append(node)
            elif len(found) < MOST_LITERALS:
                found[key] = Literal(value, node)
    for key in found.keys() & wanted.keys():
        found[key].expected = wanted[key]
    return list(found.values())


def _value(node: Any) -> Any:
    """A literal's value; Ellipsis for what is none."""
    if not isinstance(node, (ast.Constant, ast.List, ast.Tuple, ast.Dict)):
        return Ellipsis
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return Ellipsis
    if type(value) not in KINDS or len(repr(value)) > 500:
        return Ellipsis
    return value


def variants(function: Any, params: Any, hints: Any) -> Iterator[dict[str, Any]]:
    """Mutants of a test, the most telling first, each as {edits, params, text, same, guard}:
    `same` is whether the kind of value stayed. `params` are literals by name; `hints` is a list
    of [text, guard]."""
    queues = []
    for literal in literals(function):
        # What goes in and is expected out again is changed in both places, first.
        groups = [[*literal.nodes, *literal.expected]] if literal.expected else []
        for nodes in [*groups, literal.nodes]:
            edits = [[n.lineno, n.col_offset, n.end_lineno, n.end_col_offset] for n in nodes]
            queues.append(_of(literal.value, edits, "", hints))
    for name, text in sorted(params.items()):
        queues.append(_of(ast.literal_eval(text), [], name, hints))
    seen = set()
    while queues:
        for queue in list(queues):
            mutant = next(queue, None)
            if mutant is None:
                queues.remove(queue)
                continue
            key = repr((mutant["edits"], mutant["params"]))
            if key not in seen:
                seen.add(key)
                yield mutant


def _of(value: Any, edits: Any, param: str, hints: Any) -> Iterator[dict[str, Any]]:
    kind = type(value).__name__

    def mutant(text: str, guard: bool) -> dict[str, Any]:
        return {
            "edits": [[*edit, text] for edit in edits],
            "params": {param: text} if param else {},
            "text": text,
            "was": repr(value),
            "same": kind_of(text) == kind,
            "guard": guard,
        }

    near = [h for h in hints if kind_of(h[0]) == kind]
    far = [h for h in hints if h not in near]
    close = list(neighbours(value))
    rows = [near, [[text, False] for text in close], [h for h in far if h[1]]]
    position = 0
    while any(position < len(row) for row in rows):
        for row in rows:
            if position < len(row) and row[position][0] != repr(value):
                yield mutant(row[position][0], bool(row[position][1]))
        position += 1


def kind_of(text: str) -> str:
    try:
        return type(ast.literal_eval(text)).__name__
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return "other"


def edited(source: bytes, edits: Any) -> bytes:
    """A file with edits made."""
    lines = source.splitlines(keepends=True)
    for line, column, end_line, end_column, text in sorted(edits, reverse=True):
        head, tail = lines[line - 1][:column], lines[end_line - 1][end_column:]
        lines[line - 1 : end_line] = [head + text.encode() + tail]
    return b"".join(lines)


def find(tree: Any, names: list[str]) -> Any:
    """The function with a name in nested classes, or None."""
    body = tree.body
    for i, name in enumerate(names):
        kinds = (ast.FunctionDef,) if i == len(names) - 1 else (ast.ClassDef,)
        node = next((n for n in body if isinstance(n, kinds) and n.name == name), None)
        if node is None:
            return None
        body = node.body
    return node
