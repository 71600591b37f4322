"""Calls that are known to be right, read off doctests and tests without running them.

Only calls whose arguments are written out count, or can be after putting in what a name was just
assigned, or what `parametrize` gives it. What stands under `pytest.raises` is known to be wrong; it
tells which errors are meant.
"""

from __future__ import annotations

import ast
import builtins
import copy
import doctest
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_ROWS = 12
"""Rows of a parametrised test that are put in."""
MOST_CHARACTERS = 300
"""A longer argument says more of the test than of the function."""
_BUILTINS = frozenset(dir(builtins)) - {"open", "input", "exec", "eval", "exit", "quit", "print"}
_RAISES = frozenset({"raises", "assertRaises", "assertRaisesRegex", "assertWarns", "warns"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Example:
    """One call as source. `receiver` is the object's expression, "" for a plain function."""

    name: str
    receiver: str
    arguments: tuple[str, ...]
    keywords: Mapping[str, str]
    imports: tuple[str, ...]
    where: str
    """The file it stands in."""


@dataclass
class Seen:
    """Calls by the name that is called, and the errors that calls of a name are expected to
    raise."""

    calls: dict[str, list[Example]] = field(default_factory=dict)
    meant: dict[str, set[str]] = field(default_factory=dict)

    def add(self, later: Seen) -> None:
        for name, examples in later.calls.items():
            self.calls.setdefault(name, []).extend(examples)
        for name, errors in later.meant.items():
            self.meant.setdefault(name, set()).update(errors)


def in_tests(path: str, content: bytes, names: frozenset[str]) -> Seen:
    """The calls of any of `names` in a test file."""
    tree = _parse(content)
    if tree is None:
        return Seen()
    reader = _Reader(path, _imports(tree), names)
    reader.block(tree.body, {})
    return reader.seen


def in_docstrings(path: str, tree: ast.Module, module: str, names: frozenset[str]) -> Seen:
    """The calls of any of `names` in the examples of a file's docstrings."""
    own = {
        name: f"from {module} import {name}"
        for node in tree.body
        for name in _bound(node)
        if not name.startswith("__")
    }
    found = Seen()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, *_FUNCTIONS)):
            found.add(_doctests(path, ast.get_docstring(node) or "", own, names))
    return found


def _doctests(path: str, text: str, own: Mapping[str, str], names: frozenset[str]) -> Seen:
    if ">>>" not in text:
        return Seen()
    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return Seen()
    right = "\n".join(e.source for e in examples if not e.exc_msg)
    wrong = [e for e in examples if e.exc_msg]
    tree = _parse(right.encode())
    if tree is None:
        return Seen()
    reader = _Reader(path, {**own, **_imports(tree)}, names)
    reader.block(tree.body, {})
    for example in wrong:
        body = _parse(example.source.encode())
        error = (example.exc_msg or "").partition(":")[0].strip().rpartition(".")[2]
        for call in ast.walk(body) if body else ():
            if isinstance(call, ast.Call) and (name := _called(call)) in names:
                reader.seen.meant.setdefault(name, set()).add(error)
    return reader.seen


class _Reader:
    def __init__(self, path: str, imports: Mapping[str, str], names: frozenset[str]) -> None:
        self.path, self.imports, self.names = path, imports, names
        self.seen = Seen()

    def block(self, body: Iterable[ast.stmt], known: dict[str, ast.expr]) -> None:
        """Statements in order; `known` are the names whose value is written out."""
        for statement in body:
            self.statement(statement, known)

    def statement(self, node: ast.stmt, known: dict[str, ast.expr]) -> None:
        if isinstance(node, ast.ClassDef):
            self.block(node.body, dict(known))
        elif isinstance(node, _FUNCTIONS):
            for row in _rows(node):
                local = {k: v for k, v in known.items() if k not in _parameters(node)}
                self.block(node.body, {**local, **row})
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            errors = {name for item in node.items for name in _raised(item.context_expr)}
            if errors:
                self._meant(node.body, errors)
            else:
                self.block(node.body, known)
        elif isinstance(node, (ast.If, ast.For, ast.While, ast.Try)):
            inner = {k: v for k, v in known.items() if k not in _assigned(node)}
            for part in ("body", "orelse", "finalbody"):
                self.block(getattr(node, part, ()), dict(inner))
            for name in _assigned(node):
                known.pop(name, None)
        else:
            self._calls(node, known)
            self._learn(node, known)

    def _learn(self, node: ast.stmt, known: dict[str, ast.expr]) -> None:
        for name in _assigned(node):
            known.pop(name, None)
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], self.closed(node.value, known)
            if isinstance(target, ast.Name) and value is not None:
                known[target.id] = value
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            function = node.value.func  # x.append(1): it is no longer what was assigned
            if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
                known.pop(function.value.id, None)

    def _calls(self, node: ast.stmt, known: dict[str, ast.expr]) -> None:
        for call in ast.walk(node):
            if not isinstance(call, ast.Call) or (name := _called(call)) not in self.names:
                continue
            arguments = [self.closed(each, known) for each in call.args]
            keywords = {k.arg or "": self.closed(k.value, known) for k in call.keywords}
            receiver = self._receiver(call.func, known)
            parts = [*arguments, *keywords.values(), receiver]
            if None in parts or "" in keywords:
                continue
            whole = [part for part in parts if part is not None]
            texts = [ast.unparse(each) for each in whole]
            if max(map(len, texts), default=0) > MOST_CHARACTERS:
                continue
            imports = self._needed([*whole, call.func])
            self.seen.calls.setdefault(name, []).append(
                Example(
                    name,
                    texts[-1],
                    tuple(texts[: len(arguments)]),
                    dict(zip(keywords, texts[len(arguments) : -1], strict=True)),
                    imports,
                    self.path,
                )
            )

    def _receiver(self, function: ast.expr, known: dict[str, ast.expr]) -> ast.expr | None:
        if isinstance(function, ast.Name):
            return function if function.id in self.imports else None
        assert isinstance(function, ast.Attribute)
        return self.closed(function.value, known)

    def _needed(self, nodes: Iterable[ast.expr]) -> tuple[str, ...]:
        used = {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}
        return tuple(sorted({self.imports[name] for name in used if name in self.imports}))

    def closed(self, node: ast.expr, known: Mapping[str, ast.expr]) -> ast.expr | None:
        """The expression with what is known put in; None where something else is in it."""
        own = {a.arg for n in ast.walk(node) if isinstance(n, ast.Lambda) for a in n.args.args}
        for inner in ast.walk(node):
            if isinstance(inner, (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr, ast.Starred)):
                return None
            if isinstance(inner, ast.comprehension):
                own |= set(_targets(inner.target))
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id not in own:
                there = inner.id in known or inner.id in self.imports or inner.id in _BUILTINS
                if not there:
                    return None
        replaced = _PutIn({k: v for k, v in known.items() if k not in own})
        done: ast.expr = replaced.visit(copy.deepcopy(node))
        return done

    def _meant(self, body: list[ast.stmt], errors: set[str]) -> None:
        for statement in body:
            for call in ast.walk(statement):
                if isinstance(call, ast.Call) and (name := _called(call)) in self.names:
                    self.seen.meant.setdefault(name, set()).update(errors)


class _PutIn(ast.NodeTransformer):
    def __init__(self, known: Mapping[str, ast.expr]) -> None:
        self._known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self._known.get(node.id, node))


def _parse(content: bytes) -> ast.Module | None:
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _imports(tree: ast.Module) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                found[name] = "import " + ast.unparse(alias)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module != "__future__":
            for alias in node.names:
                if alias.name != "*":
                    line = f"from {node.module} import {ast.unparse(alias)}"
                    found[alias.asname or alias.name] = line
    return found


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _raised(expression: ast.expr) -> Iterator[str]:
    """The errors that `pytest.raises(...)` and its like name."""
    if isinstance(expression, ast.Call) and _called(expression) in _RAISES and expression.args:
        yield from names_in(expression.args[0])


def names_in(node: ast.expr) -> Iterator[str]:
    """The last names of the classes in an `except` or `raises`."""
    for each in node.elts if isinstance(node, ast.Tuple) else [node]:
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr


def _rows(node: Any) -> list[dict[str, ast.expr]]:
    """What `parametrize` gives the names of a test; one empty row without it."""
    rows: list[dict[str, ast.expr]] = [{}]
    for decorator in node.decorator_list:
        if not (isinstance(decorator, ast.Call) and _called(decorator) == "parametrize"):
            continue
        if len(decorator.args) < 2 or not isinstance(decorator.args[1], (ast.List, ast.Tuple)):
            continue
        names = _parameter_names(decorator.args[0])
        more: list[dict[str, ast.expr]] = []
        for value in decorator.args[1].elts[:MOST_ROWS]:
            if isinstance(value, ast.Call) and _called(value) == "param":
                value = ast.Tuple(value.args, ast.Load()) if len(names) > 1 else value.args[0]
            if len(names) == 1:
                more.append({names[0]: value})
            elif isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(names):
                more.append(dict(zip(names, value.elts, strict=True)))
        rows = [{**row, **new} for row in rows for new in more][:MOST_ROWS] or rows
    return rows


def _parameter_names(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [name.strip() for name in node.value.split(",") if name.strip()]
    if isinstance(node, (ast.List, ast.Tuple)):
        return [e.value for e in node.elts if isinstance(e, ast.Constant) and type(e.value) is str]
    return []


def _parameters(node: Any) -> set[str]:
    return {a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}


def _assigned(node: ast.AST) -> set[str]:
    return {
        n.id
        for n in ast.walk(node)
        if isinstance(n, ast.Name) and isinstance(n.ctx, (ast.Store, ast.Del))
    }


def _targets(node: ast.expr) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (ast.ClassDef, *_FUNCTIONS)):
        yield node.name
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _targets(target)
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            if alias.name != "*":
                yield alias.asname or alias.name.partition(".")[0]
