"""Which functions of a Python file a change touched, and which of its lines."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from swe_sleep.repo.lines import opcodes

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class ChangedFunction:
    """One function or method that means something else now."""

    path: str
    qualname: str
    old: Function
    new: Function
    removed: frozenset[int]
    """Lines of the old file, in the function, that are gone."""
    added: frozenset[int]
    """Lines of the new file, in the function, that are new."""
    outside: tuple[ast.stmt, ...] = ()
    """Changed statements of the module, before and after, that the function uses."""

    @property
    def same_signature(self) -> bool:
        return ast.dump(self.old.args) == ast.dump(self.new.args)

    @property
    def gone(self) -> frozenset[int]:
        """The first lines of its statements that are gone."""
        lines = (node.lineno for node in ast.walk(self.old) if isinstance(node, ast.stmt))
        return self.removed.intersection(lines)

    @property
    def span(self) -> tuple[int, int]:
        """Its lines in the new file."""
        return self.new.lineno, self.new.end_lineno or self.new.lineno


@dataclass(frozen=True, slots=True)
class FileChange:
    """One source file before and after."""

    path: str
    old: bytes
    new: bytes
    removed: frozenset[int] = field(default=frozenset())
    added: frozenset[int] = field(default=frozenset())


def file_change(path: str, old: bytes, new: bytes) -> FileChange:
    removed: set[int] = set()
    added: set[int] = set()
    for tag, i1, i2, j1, j2 in opcodes(old.split(b"\n"), new.split(b"\n")):
        if tag != "equal":
            removed.update(range(i1 + 1, i2 + 1))
            added.update(range(j1 + 1, j2 + 1))
    return FileChange(path, old, new, frozenset(removed), frozenset(added))


def changed_functions(change: FileChange) -> list[ChangedFunction]:
    """The functions in both versions whose code, docstrings aside, is another, and those that use
    a name of the module that means another. None where a version can not be parsed."""
    before, after = _tree(change.old), _tree(change.new)
    if before is None or after is None:
        return []
    old, new = dict(_functions(before.body, "")), dict(_functions(after.body, ""))
    names = _changed_names(before, after)
    found = []
    for qualname, now in new.items():
        was = old.get(qualname)
        if was is None:
            continue
        used = {node.id for node in ast.walk(now) if isinstance(node, ast.Name)}
        outside = tuple(stmt for name in sorted(used & names.keys()) for stmt in names[name])
        if _meaning(was) == _meaning(now) and not outside:
            continue
        found.append(
            ChangedFunction(
                change.path,
                qualname,
                was,
                now,
                _inside(change.removed, was),
                _inside(change.added, now),
                outside,
            )
        )
    return found


def functions_of(content: bytes) -> dict[str, Function]:
    """The functions and methods of a file by qualified name; none where it can not be parsed."""
    tree = _tree(content)
    return dict(_functions(tree.body, "")) if tree is not None else {}


def _inside(lines: frozenset[int], node: Function) -> frozenset[int]:
    return frozenset(n for n in lines if node.lineno <= n <= (node.end_lineno or node.lineno))


def _tree(content: bytes) -> ast.Module | None:
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _functions(body: list[ast.stmt], owner: str) -> Iterator[tuple[str, Function]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{owner}{node.name}.")
        elif isinstance(node, Function):
            yield owner + node.name, node
        elif isinstance(node, ast.If | ast.Try):
            yield from _functions([*node.body, *node.orelse], owner)


def _meaning(node: Function) -> str:
    """The code without docstrings and annotations of variables."""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    parts = [ast.dump(node.args), *map(ast.dump, node.decorator_list)]
    return "\n".join([*parts, *map(ast.dump, body)])


def _changed_names(before: ast.Module, after: ast.Module) -> dict[str, list[ast.stmt]]:
    """Names that the module itself binds, other than functions and classes, and that mean another
    now, with both statements."""
    old, new = _bindings(before), _bindings(after)
    return {
        name: [old[name], new[name]]
        for name in old.keys() & new.keys()
        if ast.dump(old[name]) != ast.dump(new[name])
    }


def _bindings(tree: ast.Module) -> dict[str, ast.stmt]:
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name):
                found[target.id] = node
    return found
