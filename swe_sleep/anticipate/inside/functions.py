"""The functions and methods of a Python file, by where their code begins."""

from __future__ import annotations

import ast
from typing import Any


def functions_of(name: str) -> dict[tuple[int, str], tuple[str, str]]:
    """(first line, name) of a code object to (qualified name, kind); the kinds are function,
    method, classmethod, static, property and constructor. What stands in a function is left out."""
    try:
        with open(name, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return {}
    found: dict[tuple[int, str], tuple[str, str]] = {}
    _look(tree.body, "", found)
    return found


def _look(body: Any, owner: str, found: dict[tuple[int, str], tuple[str, str]]) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef):
            _look(node.body, owner + node.name + ".", found)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            # Of the first decorator, or of `def` where one of them compiled it anew.
            for line in [node.lineno, *(d.lineno for d in node.decorator_list[:1])]:
                found[line, node.name] = (owner + node.name, _kind(node, owner))
        elif isinstance(node, (ast.If, ast.Try, ast.With)):
            for part in ("body", "orelse", "finalbody"):
                _look(getattr(node, part, []), owner, found)


def _kind(node: Any, owner: str) -> str:
    if not owner:
        return "function"
    names = {
        d.id if isinstance(d, ast.Name) else getattr(d, "attr", "") for d in node.decorator_list
    }
    if node.name == "__init__":
        return "constructor"
    if "staticmethod" in names or node.name == "__new__":
        return "static"
    if "classmethod" in names or node.name == "__init_subclass__":
        return "classmethod"
    if any("property" in name for name in names):
        return "property"
    if names & {"setter", "deleter"}:
        return "setter"
    return "method"
