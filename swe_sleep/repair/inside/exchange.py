"""Puts a candidate's code into the live functions of a process, without importing anything again.

Only the outermost function around an edit is compiled, inside bare headers of the classes it
stands in: that is some hundred times quicker than the file, and gives the same code. What can not
be exchanged so (a decorator, a class's or module's own code, a function that is not there yet) is
for a fresh process.
"""

from __future__ import annotations

import ast
import gc
import os
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any, NamedTuple

Edit = tuple[str, int, int, str]
"""A file below the root, the first byte, the byte after the last, and what comes there."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Unit:
    """An outermost function of a file: its lines, and the classes around it."""

    def __init__(self, node: Any, classes: list[str], start: int, end: int) -> None:
        self.node, self.classes, self.start, self.end = node, classes, start, end
        self.line = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        self.column = node.col_offset
        self.marks: Any = None
        self.code: CodeType | None = None


class File:
    """A file as it is, parsed once."""

    def __init__(self, name: str) -> None:
        self.name = name
        with open(name, "rb") as file:
            self.content = file.read()
        tree = ast.parse(self.content)
        self.starts = [0]
        for line in self.content.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.units: list[Unit] = []
        self._find(tree, [])
        self.flags = 0
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                import __future__

                for alias in node.names:
                    self.flags |= getattr(__future__, alias.name).compiler_flag

    def _find(self, node: ast.AST, classes: list[str]) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, FUNCTIONS):
                first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
                last = child.end_lineno or child.lineno
                self.units.append(Unit(child, classes, self.starts[first - 1], self.starts[last]))
            elif isinstance(child, ast.ClassDef):
                self._find(child, [*classes, child.name])
            else:
                self._find(child, classes)

    def unit_of(self, start: int, end: int) -> Unit | None:
        for unit in self.units:
            if unit.start <= start and end <= unit.end:
                return unit
        return None

    def compiled(self, unit: Unit, edits: list[Edit]) -> tuple[CodeType, Any] | None:
        """The unit's code with these edits, and its tree."""
        text, at = b"", unit.start
        for _, start, end, new in sorted(edits, key=lambda edit: edit[1]):
            text += self.content[at:start] + new.encode()
            at = end
        text += self.content[at : unit.end]
        column = unit.column
        heads = [f"class {name}:" for name in unit.classes]
        if not heads and column:
            heads = ["if 1:"]
        if len(heads) > unit.line - 1:
            return None
        above = "".join(f"{' ' * depth}{head}\n" for depth, head in enumerate(heads))
        tree = ast.parse(b"\n" * (unit.line - 1 - len(heads)) + above.encode() + text)
        node: Any = tree
        code: Any = compile(tree, self.name, "exec", self.flags, dont_inherit=True)
        for _ in heads:
            if len(node.body) != 1:
                return None
            node = node.body[0]
        for name in unit.classes:
            code = next(c for c in inner(code) if c.co_name == name)
        if len(node.body) != 1 or not isinstance(node.body[0], FUNCTIONS):
            return None
        function = node.body[0]
        found = [c for c in inner(code) if c.co_firstlineno == unit.line]
        found = [c for c in found if c.co_name == function.name == unit.node.name]
        return (found[0], function) if len(found) == 1 else None


def marks(function: Any) -> tuple[str, list[str], list[str | None]]:
    """What is evaluated when a function is made: its head without the defaults, and those."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, arguments.vararg, arguments.kwarg]
    head = [ast.dump(d) for d in function.decorator_list]
    head += [a.arg if a else "-" for a in (*named, *arguments.kwonlyargs)]
    defaults = [ast.unparse(d) for d in arguments.defaults]
    return "|".join(head), defaults, [d and ast.unparse(d) for d in arguments.kw_defaults]


def inner(code: CodeType) -> list[CodeType]:
    return [const for const in code.co_consts if isinstance(const, CodeType)]


def shape(code: CodeType) -> Any:
    """What a code object does, without its line numbers, with the code inside it."""
    consts = []
    for const in code.co_consts:
        if isinstance(const, CodeType):
            consts.append(shape(const))
        else:
            consts.append((type(const).__name__, repr(const)))
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    table = getattr(code, "co_exceptiontable", b"")
    return code.co_code, names, code.co_argcount, code.co_flags, table, consts


def nested(old: CodeType, new: CodeType) -> list[tuple[CodeType, CodeType]]:
    """Functions inside a function: those made before now are exchanged too, if there are any."""
    found: list[tuple[CodeType, CodeType]] = []
    if [c.co_name for c in inner(old)] == [c.co_name for c in inner(new)]:
        for was, now in zip(inner(old), inner(new)):
            if shape(was) != shape(now):
                found.append((was, now))
                found += nested(was, now)
    return found


class Change(NamedTuple):
    """What candidate edits come to in this process."""

    steps: list[Callable[[], None]]
    """What to do in a fork to have them; nothing where they mean what stands there."""
    trees: list[tuple[str, Any, Any]]
    """The file, the old and the new tree of each function that they are in."""


class Exchange:
    """The live functions of this process, and the files that they came from."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.files: dict[str, File | None] = {}
        self.living: dict[tuple[str, int, str], list[FunctionType]] = {}
        for thing in gc.get_objects():
            if isinstance(thing, FunctionType):
                code = thing.__code__
                key = (os.path.realpath(code.co_filename), code.co_firstlineno, code.co_name)
                self.living.setdefault(key, []).append(thing)

    def file(self, path: str) -> File | None:
        if path not in self.files:
            try:
                self.files[path] = File(os.path.realpath(os.path.join(self.root, path)))
            except (OSError, SyntaxError, ValueError, RecursionError):
                self.files[path] = None
        return self.files[path]

    def change(self, edits: list[Edit]) -> Change | None:
        """What these edits come to; None where that can not be had in this process."""
        by_unit: dict[tuple[str, int], tuple[File, Unit, list[Edit]]] = {}
        for edit in edits:
            file = self.file(edit[0])
            unit = file.unit_of(edit[1], edit[2]) if file is not None else None
            if file is None or unit is None:
                return None
            by_unit.setdefault((edit[0], unit.start), (file, unit, []))[2].append(edit)
        change = Change([], [])
        for file, unit, group in by_unit.values():
            try:
                steps = self._unit_steps(file, unit, group, change)
            except (SyntaxError, ValueError, RecursionError, StopIteration):
                return None
            if steps is None:
                return None
            change.steps.extend(steps)
        return change

    def _unit_steps(
        self, file: File, unit: Unit, edits: list[Edit], change: Change
    ) -> list[Callable[[], None]] | None:
        if unit.code is None:
            now = file.compiled(unit, [])
            if now is None:
                return None
            unit.code, unit.node = now
            unit.marks = marks(unit.node)
        made = file.compiled(unit, edits)
        if made is None:
            return None
        code, tree = made
        change.trees.append((file.name, unit.node, tree))
        head = marks(tree)
        living = self.living.get((file.name, unit.line, unit.node.name), [])
        steps: list[Callable[[], None]] = []
        if head != unit.marks:
            if head[0] != unit.marks[0] or not living:
                return None
            for function in living:
                defaults = self._defaults(function, unit.marks, head)
                if defaults is None:
                    return None
                steps.append(defaults)
        if shape(code) == shape(unit.code):
            return steps
        if not living:
            return None
        pairs = [(unit.code, code), *nested(unit.code, code)]
        for old, new in pairs:
            key = (file.name, old.co_firstlineno, old.co_name)
            for function in self.living.get(key, []):
                if function.__code__.co_freevars != new.co_freevars:
                    return None
                steps.append(_code_step(function, new))
        return steps

    @staticmethod
    def _defaults(function: FunctionType, old: Any, new: Any) -> Callable[[], None] | None:
        """Give a function the new defaults; what was not edited keeps its very object."""
        before, names = list(function.__defaults__ or ()), function.__code__.co_varnames
        if len(before) != len(old[1]) or len(old[1]) != len(new[1]) or len(old[2]) != len(new[2]):
            return None
        count = function.__code__.co_argcount
        keywords = names[count : count + function.__code__.co_kwonlyargcount]

        def step() -> None:
            space = function.__globals__
            values = [
                value if was == now else eval(now, space)
                for value, was, now in zip(before, old[1], new[1])
            ]
            function.__defaults__ = tuple(values) or None
            for name, was, now in zip(keywords, old[2], new[2]):
                if was != now:
                    kept = dict(function.__kwdefaults__ or {})
                    kept.pop(name, None)
                    if now is not None:
                        kept[name] = eval(now, space)
                    function.__kwdefaults__ = kept

        return step


def _code_step(function: FunctionType, code: CodeType) -> Callable[[], None]:
    def step() -> None:
        function.__code__ = code

    return step
