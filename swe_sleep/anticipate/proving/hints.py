"""What the changed lines themselves say of the inputs on which old and new may differ.

A guard that went names the input that it stood for: `if x is None` says None, `except TypeError`
around a look-up says what cannot be hashed. Conditions, handlers and literals of the removed and
the added lines are read for values, each with the parameters that it is about where that shows.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from swe_sleep.anticipate.proving.changed import ChangedFunction, Function
from swe_sleep.anticipate.proving.samples import matching

FALSY = ("''", "0", "[]", "{}")
OF_TYPE = {
    "str": ("''", "'a'"), "string_types": ("'a'",), "text_type": ("'a'",), "basestring": ("'a'",),
    "bytes": ("b''", "b'a'"), "bytearray": ("bytearray(b'a')",), "binary_type": ("b'a'",),
    "int": ("0", "1"), "Integral": ("1",), "float": ("0.5", "1.0"), "Number": ("1",),
    "bool": ("True", "False"), "complex": ("1j",),
    "list": ("[]", "[1]"), "tuple": ("()", "(1,)"), "dict": ("{}", "{'a': 1}"),
    "set": ("set()", "{1}"), "frozenset": ("frozenset()",),
    "Mapping": ("{}", "{'a': 1}"), "MutableMapping": ("{'a': 1}",), "Sequence": ("[]", "['a']"),
    "Iterable": ("[]", "iter(['a'])"), "Iterator": ("iter(['a'])",), "Collection": ("['a']",),
    "Generator": ("(x for x in ['a'])",), "GeneratorType": ("(x for x in ['a'])",),
    "type": ("int",), "slice": ("slice(0, 1)",), "range": ("range(2)",), "Hashable": ("[]",),
    "Decimal": ("__import__('decimal').Decimal('1.5')",),
    "datetime": ("__import__('datetime').datetime(2020, 1, 2, 3, 4, 5)",),
    "date": ("__import__('datetime').date(2020, 1, 2)",),
    "time": ("__import__('datetime').time(1, 2, 3)",),
    "timedelta": ("__import__('datetime').timedelta(1, 2, 3)",),
    "Path": ("__import__('pathlib').Path('a')",), "PathLike": ("__import__('pathlib').Path('a')",),
    "NoneType": ("None",), "Exception": ("ValueError('a')",),
}  # fmt: skip
OF_ERROR = {
    "TypeError": ("None", "[]", "{}", "1", "'a'", "object()"),
    "OverflowError": ("10**20", "float('inf')", "-10**20"),
    "OSError": ("10**15", "-10**15", "'/nowhere/at/all'"),
    "ValueError": ("'x'", "''", "float('nan')", "-1", "10**6"),
    "KeyError": ("{}", "'nowhere'"), "LookupError": ("{}", "'nowhere'", "[]"),
    "IndexError": ("[]", "''", "()", "100"), "AttributeError": ("None", "1", "'a'"),
    "ZeroDivisionError": ("0",), "ArithmeticError": ("0", "10**400"),
    "InvalidOperation": ("'x'", "float('nan')", "'sNaN'"),
    "UnicodeError": ("'é'", "b'\\xff'"), "UnicodeDecodeError": ("b'\\xff'",),
    "UnicodeEncodeError": ("'é'", "'\\udc80'"), "StopIteration": ("iter([])", "[]"),
    "RuntimeError": ("[]",), "Exception": ("None", "'x'", "[]", "object()"),
}  # fmt: skip
TEXT_TESTS = frozenset(
    ("startswith", "endswith", "split", "rsplit", "strip", "lstrip", "rstrip", "partition",
     "rpartition", "find", "rfind", "index", "replace", "removeprefix", "removesuffix", "count")
)  # fmt: skip
PATTERNS = frozenset(
    ("compile", "match", "search", "fullmatch", "sub", "split", "findall", "finditer", "subn")
)
MOST = 60


@dataclass(frozen=True, slots=True)
class Hint:
    """A value, as source, for some parameters; for any where `about` is empty."""

    value: str
    about: frozenset[str] = frozenset()
    guard: bool = False
    """A condition or handler that went says it."""


def hints_of(change: ChangedFunction) -> list[Hint]:
    """What the change says, the most telling first, each value once for the same parameters."""
    found: list[Hint] = []
    for node, lines, guard in (
        (change.old, change.removed, True),
        (change.new, change.added, False),
    ):
        about = _About(node)
        found += [
            Hint(str(value), names, guard and not isinstance(value, _Loose))
            for value, names in _of_lines(node, lines, about)
        ]
    for stmt in change.outside:
        found += [Hint(value) for value in _of_literals(ast.walk(stmt), {})]
    unique = {(hint.value, hint.about): hint for hint in reversed(found)}
    first = list(reversed(unique.values()))
    return sorted(first, key=lambda h: (not h.guard, not h.about))[:MOST]


class _Loose(str):
    """A value that a test of truth stands for, among many others."""


class _About:
    """Which parameters the value of an expression comes from, judged by names alone."""

    def __init__(self, function: Function) -> None:
        args = function.args
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
        every += [a for a in (args.vararg, args.kwarg) if a is not None]
        self.known = {a.arg: frozenset({a.arg}) for a in every if a.arg not in ("self", "cls")}
        for _ in range(3):
            for node in ast.walk(function):
                if isinstance(node, ast.Assign):
                    self._bind(node.targets, node.value)
                elif isinstance(node, ast.AnnAssign | ast.NamedExpr | ast.AugAssign):
                    if node.value is not None:
                        self._bind([node.target], node.value)
                elif isinstance(node, ast.For | ast.comprehension):
                    self._bind([node.target], node.iter)

    def _bind(self, targets: Iterable[ast.expr], value: ast.expr) -> None:
        sources = self.of(value)
        for target in targets:
            for node in ast.walk(target):
                if isinstance(node, ast.Name):
                    self.known[node.id] = self.known.get(node.id, frozenset()) | sources

    def of(self, node: ast.AST) -> frozenset[str]:
        names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
        return frozenset().union(*(self.known.get(name, frozenset()) for name in names))


Values = Iterator[tuple[str, frozenset[str]]]


def _of_lines(function: Function, lines: frozenset[int], about: _About) -> Values:
    """The values that nodes on these lines speak of."""
    literals: list[ast.AST] = []
    for node in ast.walk(function):
        line = getattr(node, "lineno", None)
        if line is None:
            continue
        if isinstance(node, ast.Try):
            for handler in node.handlers:
                if handler.lineno in lines:
                    yield from _of_handler(node, handler, about)
        if line not in lines:
            continue
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            yield from _of_condition(node.test, about)
        elif isinstance(node, ast.BoolOp):
            for value in node.values:
                yield from _of_condition(value, about)
        elif isinstance(node, ast.Compare):
            yield from _of_compare(node, about)
        elif isinstance(node, ast.Call):
            yield from _of_call(node, about)
        elif isinstance(node, ast.Constant):
            literals.append(node)
    yield from ((value, frozenset[str]()) for value in _of_literals(literals, {}))


def _of_condition(test: ast.expr, about: _About) -> Values:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test = test.operand
    if isinstance(test, ast.Name | ast.Attribute | ast.Subscript):
        yield "None", about.of(test)
        for value in FALSY:
            yield _Loose(value), about.of(test)
    elif isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and not test.args:
        for value in ("''", "' '", "'a'", "'A'", "'1'", "'a b'"):  # x.strip(), x.isdigit(), ...
            yield value, about.of(test.func.value)
    elif isinstance(test, ast.Call) and getattr(test.func, "id", "") in ("len", "any", "all"):
        for value in ("''", "[]", "()", "{}"):
            yield value, about.of(test)


def _of_compare(node: ast.Compare, about: _About) -> Values:
    sides = [node.left, *node.comparators]
    names = about.of(node)
    ordered = any(isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in node.ops)
    for side in sides:
        if isinstance(side, ast.Tuple | ast.List | ast.Set):
            for each in side.elts:
                if isinstance(each, ast.Constant):
                    yield repr(each.value), names
        if not isinstance(side, ast.Constant):
            continue
        value = side.value
        measured = any(
            isinstance(n, ast.Call) and getattr(n.func, "id", "") == "len"
            for other in sides
            for n in ast.walk(other)
        )
        if measured and type(value) is int and 0 <= value < 50:
            for size in {max(0, value - 1), value, value + 1}:
                yield repr("a" * size), names
                yield repr(["a"] * size), names
        elif isinstance(value, int | float):
            for near in (value, value - 1, value + 1) if ordered else (value,):
                yield repr(near), names
        elif isinstance(value, str) and any(isinstance(o, ast.In | ast.NotIn) for o in node.ops):
            for text in _with(value):
                yield text, names
        else:
            yield repr(value), names


def _of_call(node: ast.Call, about: _About) -> Values:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in ("isinstance", "issubclass") and len(node.args) == 2:
        for kind in ast.walk(node.args[1]):
            word = kind.attr if isinstance(kind, ast.Attribute) else getattr(kind, "id", "")
            for value in OF_TYPE.get(word, ()):
                yield value, about.of(node.args[0])
    elif name in ("hasattr", "getattr", "callable") and node.args:
        for value in ("None", "1", "'a'", "int", "object()"):
            yield value, about.of(node.args[0])
    elif name in TEXT_TESTS and isinstance(node.func, ast.Attribute):
        for each in node.args:
            for const in ast.walk(each):
                if isinstance(const, ast.Constant) and isinstance(const.value, str):
                    for text in _with(const.value):
                        yield text, about.of(node.func.value)
    elif name in PATTERNS:
        for each in node.args[:1]:
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                for sample in matching(each.value):
                    yield repr(sample), about.of(node)


def _of_handler(node: ast.Try, handler: ast.ExceptHandler, about: _About) -> Values:
    names = frozenset().union(*(about.of(stmt) for stmt in node.body))
    kinds = [handler.type] if handler.type is not None else [ast.Name("Exception")]
    for kind in ast.walk(kinds[0]):
        word = kind.attr if isinstance(kind, ast.Attribute) else getattr(kind, "id", "")
        for value in OF_ERROR.get(word, ()):
            yield value, names


def _of_literals(nodes: Iterable[ast.AST], seen: dict[str, None]) -> Iterator[str]:
    """Literals of the changed lines, as they stand and in context."""
    for node in nodes:
        if not isinstance(node, ast.Constant) or isinstance(node.value, type(...)):
            continue
        value = node.value
        if isinstance(value, str) and 0 < len(value) <= 40:
            seen.update(dict.fromkeys(_with(value)))
            if any(c in value for c in "\\[(^$*+?"):
                seen.update(dict.fromkeys(map(repr, matching(value))))
        elif type(value) in (int, float, bytes) and len(repr(value)) <= 40:
            seen[repr(value)] = None
    yield from seen


def _with(part: str) -> list[str]:
    """Texts around a part."""
    return [repr(text) for text in (part, part + "a", "a" + part, f"a{part}b", part * 2)]
