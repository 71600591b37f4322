"""Looks at the values where candidates would change something, in one run of the failing tests.

A candidate whose new expression has, each time its statement is reached, the very value that the
old one has can not mend anything; nor can a guard that never acts. They are told without a run of
their own. Only expressions that change nothing are evaluated, and values count as the same only if
they are one object, or equal and immutable: a copy is not what it is copied from.
"""

from __future__ import annotations

import ast
import os
import sys
from types import CodeType, FrameType
from typing import Any

MOST_HITS = 40
"""Of a line; a candidate that changed nothing so often is left to its own run."""

PURE = frozenset(
    {
        *("abs", "all", "any", "bool", "bytes", "callable", "dict", "divmod", "enumerate", "float"),
        *("frozenset", "getattr", "hasattr", "int", "isinstance", "issubclass", "len", "list"),
        *("max", "min", "ord", "range", "repr", "reversed", "round", "set", "sorted", "str"),
        *("sum", "tuple", "type", "zip"),
    }
)
PURE_METHODS = frozenset(
    {
        *("capitalize", "casefold", "copy", "count", "decode", "encode", "endswith", "find"),
        *("format", "get", "index", "isalnum", "isalpha", "isdigit", "isidentifier", "islower"),
        *("isspace", "issubset", "issuperset", "isupper", "items", "join", "keys", "lower"),
        *("lstrip", "partition", "replace", "rfind", "rindex", "rpartition", "rsplit", "rstrip"),
        *("split", "splitlines", "startswith", "strip", "title", "union", "upper", "values"),
    }
)
IMPURE = (
    ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr, ast.Lambda, ast.GeneratorExp, ast.ListComp,
    ast.SetComp, ast.DictComp, ast.Starred,
)  # fmt: skip
FATAL = (NameError, AttributeError, TypeError)
"""What a wrong name, attribute or type raises; no test is mended by it."""
PLAIN = (int, float, complex, str, bytes, type(None), type, type(len), type(PURE), range)
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


class Probe:
    """What to evaluate before a line runs. `old` is None for a guard: `new` is its condition, and
    it does nothing while that is `idle`."""

    def __init__(self, line: int, old: ast.expr | None, new: ast.expr, idle: bool = False) -> None:
        self.line, self.idle = line, idle
        self.old = _code(old) if old is not None else None
        self.new = _code(new)
        self.hits = 0
        self.acts = self.fatal = False

    def look(self, frame: FrameType, local: dict[str, Any]) -> None:
        self.hits += 1
        space = frame.f_globals
        try:
            before = eval(self.old, space, local) if self.old is not None else None
        except Exception:
            self.acts = True
            return
        try:
            now = eval(self.new, space, local)
            if self.old is None:
                self.acts = bool(now) is not self.idle
            else:
                self.acts = not same(before, now)
        except FATAL:
            self.acts = self.fatal = True
        except Exception:
            self.acts = True

    @property
    def ruled_out(self) -> bool:
        return self.fatal or (0 < self.hits < MOST_HITS and not self.acts)


def _code(node: ast.expr) -> CodeType:
    return compile(ast.Expression(node), "<probe>", "eval", dont_inherit=True)


def same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, (tuple, frozenset)):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) in PLAIN and bool(one == other)


def pure(node: ast.AST) -> bool:
    """Whether evaluating an expression most likely changes nothing."""
    for part in ast.walk(node):
        if isinstance(part, IMPURE):
            return False
        if isinstance(part, ast.Call):
            function = part.func
            if isinstance(function, ast.Name) and function.id in PURE:
                continue
            if not (isinstance(function, ast.Attribute) and function.attr in PURE_METHODS):
                return False
    return True


# the difference between two versions of a function ------------------------------------------


def probe_of(old: ast.AST, new: ast.AST) -> Probe | None:
    """What tells whether the new version of a function differs where it runs."""
    for was, now in _blocks(old, new):
        probe = _in_block(was, now)
        if probe is not None:
            return probe
    return None


def _blocks(old: Any, new: Any) -> list[tuple[Any, Any]]:
    """The innermost pair of blocks that holds all of the difference, as a list of at most one."""
    while True:
        inner = []
        for field in BLOCKS:
            was, now = getattr(old, field, None), getattr(new, field, None)
            if isinstance(was, list) and isinstance(now, list) and _dump(was) != _dump(now):
                inner.append((was, now))
        if len(inner) != 1 or _head(old) != _head(new):
            return []
        was, now = inner[0]
        if len(was) == len(now):
            pairs = [(a, b) for a, b in zip(was, now) if ast.dump(a) != ast.dump(b)]
            if len(pairs) == 1 and type(pairs[0][0]) is type(pairs[0][1]):
                deeper = _blocks(*pairs[0]) if _head(pairs[0][0]) == _head(pairs[0][1]) else []
                return deeper or [(was, now)]
        return [(was, now)]


def _in_block(was: list[Any], now: list[Any]) -> Probe | None:
    at = 0
    while at < min(len(was), len(now)) and ast.dump(was[at]) == ast.dump(now[at]):
        at += 1
    if at >= len(was) or at >= len(now) or not isinstance(was[at], ast.stmt):
        return None
    old, new = was[at], now[at]
    if isinstance(new, ast.If) and pure(new.test):
        if _dump(now[at + 1 :]) == _dump(was[at:]):  # a guard before the statement
            return Probe(old.lineno, None, new.test, idle=False)
        if not new.orelse and _dump(new.body) == _dump([old]):
            return Probe(old.lineno, None, new.test, idle=True)
    if type(old) is not type(new) or _dump(was[at + 1 :]) != _dump(now[at + 1 :]):
        return None
    return _in_statement(old, new)


def _in_statement(old: ast.stmt, new: ast.stmt) -> Probe | None:
    pairs = []
    for (field, a), (_, b) in zip(ast.iter_fields(old), ast.iter_fields(new)):
        if _dump(a) != _dump(b):
            pairs.append((field, a, b))
    if len(pairs) != 1:
        return None
    field, a, b = pairs[0]
    if field not in ("test", "value", "iter", "exc", "msg"):
        return None
    while isinstance(a, ast.expr) and isinstance(b, ast.expr):
        if pure(a) and pure(b):
            return Probe(old.lineno, a, b)
        inner = _unconditional(a, b)
        if inner is None:
            return None
        a, b = inner
    return None


def _unconditional(a: ast.expr, b: ast.expr) -> tuple[Any, Any] | None:
    """The one pair of parts that differ, if they are evaluated whenever the whole is."""
    if type(a) is not type(b) or isinstance(a, (*IMPURE, ast.IfExp, ast.BoolOp)):
        return None
    found = []
    for (_, was), (_, now) in zip(ast.iter_fields(a), ast.iter_fields(b)):
        if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
            found += [(x, y) for x, y in zip(was, now) if _dump(x) != _dump(y)]
        elif _dump(was) != _dump(now):
            found.append((was, now))
    if len(found) != 1:
        return None
    x, y = found[0]
    if isinstance(x, ast.keyword) and isinstance(y, ast.keyword) and x.arg == y.arg:
        return x.value, y.value
    if isinstance(a, ast.Compare) and len(a.ops) > 1:
        return None
    if isinstance(x, ast.expr) and isinstance(y, ast.expr):
        return x, y
    return None


def _head(node: ast.AST) -> str:
    fields = [(n, v) for n, v in ast.iter_fields(node) if n not in BLOCKS or n == "cases"]
    return type(node).__name__ + "".join(f"{name}={_dump(value)}" for name, value in fields)


def _dump(value: Any) -> str:
    if isinstance(value, ast.AST):
        return ast.dump(value)
    if isinstance(value, list):
        return "[" + ",".join(map(_dump, value)) + "]"
    return repr(value)


# the run ------------------------------------------------------------------------------------


class Watch:
    """Traces the lines of probes while tests run in this process."""

    def __init__(self, probes: dict[str, list[Probe]]) -> None:
        """Probes by the real name of the file that they are for."""
        self.lines: dict[str, dict[int, list[Probe]]] = {}
        for name, group in probes.items():
            by_line = self.lines.setdefault(name, {})
            for probe in group:
                by_line.setdefault(probe.line, []).append(probe)
        self.known: dict[CodeType, Any] = {}
        self.names: dict[str, str] = {}

    def start(self) -> None:
        sys.settrace(self.call)

    def call(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code not in self.known:
            name = code.co_filename
            if name not in self.names:
                self.names[name] = os.path.realpath(name)
            lines = self.lines.get(self.names[name], {})
            mine = {line for _, _, line in code.co_lines() if line in lines}
            self.known[code] = self._local({n: lines[n] for n in mine if n}) if mine else None
        return self.known[code]

    def _local(self, lines: dict[int, list[Probe]]) -> Any:
        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            if event == "line":
                probes = lines.get(frame.f_lineno)
                if probes:
                    local = frame.f_locals
                    for probe in probes:
                        if not probe.acts and probe.hits < MOST_HITS:
                            probe.look(frame, local)
            return trace

        return trace
