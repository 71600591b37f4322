"""What an issue's text is made of, in order: prose, examples of code, outputs, errors."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal

MAX_DEPTH = 60

Role = Literal["", "expected", "actual"]


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception as the text has it: the last part of its name, and the message."""

    name: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of an example, with what the example shows below or beside it."""

    code: str
    is_value: bool
    """Whether it is an expression, so that it has a value that can be compared."""
    shown: str = ""
    raised: Raised | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Prose:
    text: str
    role: Role = ""
    is_title: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    steps: tuple[Step, ...]
    role: Role = ""


@dataclass(frozen=True, slots=True)
class Output:
    text: str
    role: Role = ""


@dataclass(frozen=True, slots=True)
class Failure:
    raised: Raised
    role: Role = ""


Part = Prose | Example | Output | Failure


def parse(text: str) -> ast.Module | None:
    """None for what is no Python, or nested so deeply that walking it by recursion would fail."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree
    return None
