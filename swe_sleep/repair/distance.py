"""How many calls lie between a failing assertion and the functions that its test runs.

Told from names: the statement that failed calls functions, with what it was handed; these call
others. Only functions that the test really ran count, so that a name shared by many stands for
few. It tells apart what the spectrum can not: all that one test runs beside its last statement.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from swe_sleep.records import Coverage, TestResult, file_of
from swe_sleep.repair.source import FUNCTIONS, FunctionNode, Source, first_line

DEEPEST = 6

Function = tuple[str, int]
"""A path and the function's first line."""


def distances(
    failing: Sequence[TestResult],
    coverage: Coverage,
    editable: Mapping[str, Source],
    tests: Mapping[str, Source],
) -> dict[Function, int]:
    """The calls from the nearest failing statement to each function that is reached by names: 1
    is called by the statement itself. `editable` are the files under suspicion, `tests` the
    files of the failing tests."""
    nearest: dict[Function, int] = {}
    for result in failing:
        source = tests.get(file_of(result.test_id))
        line = _failed_at(result)
        statement = source.statement_at(line) if source is not None and line else None
        if source is None or statement is None:
            continue
        ran = _ran(coverage.lines.get(result.test_id, {}), editable)
        names, depth = set(_called(statement)) | set(_handed(source, statement)), 1
        met: set[str] = set()
        while names and depth <= DEEPEST:
            met |= names
            following: set[str] = set()
            for name in names:
                for path, function in ran.get(name, ()):
                    key = (path, first_line(function))
                    nearest[key] = min(depth, nearest.get(key, DEEPEST))
                    following.update(_called(function))
            names, depth = following - met, depth + 1
    return nearest


def _failed_at(result: TestResult) -> int | None:
    """The line of the test's file that was left last."""
    file = file_of(result.test_id)
    lines = [frame.line for frame in result.frames if frame.path == file]
    return lines[-1] if lines else None


def _ran(
    lines: Mapping[str, Sequence[int]], editable: Mapping[str, Source]
) -> dict[str, list[tuple[str, FunctionNode]]]:
    """The functions that a test ran, by name; those of a class that make one, by its too."""
    found: dict[str, list[tuple[str, FunctionNode]]] = defaultdict(list)
    for path, numbers in lines.items():
        source = editable.get(path)
        if source is None:
            continue
        functions: dict[int, FunctionNode] = {}
        for number in numbers:
            statement = source.statement_at(number)
            function = source.function_of(statement) if statement is not None else None
            if function is not None and number >= function.body[0].lineno:
                functions[id(function)] = function
        for function in functions.values():
            found[function.name].append((path, function))
            owner = source.parent(function)
            if isinstance(owner, ast.ClassDef) and function.name in ("__init__", "__new__"):
                found[owner.name].append((path, function))
    return found


def _called(node: ast.AST) -> Iterator[str]:
    """Names of what a piece of code calls, or reads as an attribute: it may be a property."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            yield part.func.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def _handed(source: Source, statement: ast.stmt) -> Iterator[str]:
    """What was called for the variables that a statement uses."""
    function = source.function_of(statement)
    if function is None or isinstance(statement, FUNCTIONS):
        return
    used = {part.id for part in ast.walk(statement) if isinstance(part, ast.Name)}
    for other in ast.walk(function):
        if isinstance(other, ast.Assign) and other.lineno < statement.lineno:
            targets = {t.id for t in other.targets if isinstance(t, ast.Name)}
            if targets & used:
                yield from _called(other.value)
