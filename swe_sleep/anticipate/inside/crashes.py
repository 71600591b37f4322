"""Tells a crash that nobody meant from an error that is the answer to a wrong value."""

from __future__ import annotations

import ast
import re
import traceback
from typing import Any

NOBODY_MEANS = (
    AttributeError, TypeError, IndexError, KeyError, UnboundLocalError, NameError,
    ZeroDivisionError, RecursionError, AssertionError, re.error,
)  # fmt: skip
MOST_FRAMES = 12
_DEEP = 80
"""Frames of an endless recursion that are looked at."""


class Crash:
    """What was raised: its type, its message, and its places in the repository, outermost first."""

    def __init__(self, kind: str, message: str, frames: Any, statement: str) -> None:
        self.kind, self.message, self.frames = kind, message, frames
        self.statement = statement

    @property
    def key(self) -> Any:
        return (self.kind, *self.frames[-1][:2])


class Files:
    """The repository's files, parsed when they are asked for."""

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/") + "/"
        self._trees = {}  # type: dict[str, Any]

    def relative(self, name: str) -> str:
        """A file's path in the repository, "" where it is none of its own."""
        if not name.startswith(self.root) or "/site-packages/" in name or "/.venv/" in name:
            return ""
        return name[len(self.root) :]

    def statement(self, path: str, line: int) -> Any:
        """The innermost statement that holds a line."""
        if path not in self._trees:
            try:
                with open(self.root + path, "rb") as file:
                    self._trees[path] = ast.parse(file.read())
            except (OSError, SyntaxError, ValueError):
                self._trees[path] = None
        best = None
        for node in ast.walk(self._trees[path]) if self._trees[path] else ():
            if not isinstance(node, ast.stmt) or not node.lineno <= line <= (node.end_lineno or 0):
                continue
            if best is None or node.lineno >= best.lineno:
                best = node
        return best


def crash_of(error: BaseException, files: Files, target: str, parameters: Any) -> Any:
    """The crash, or None where the error may be meant."""
    if not isinstance(error, NOBODY_MEANS) or type(error).__module__ not in ("builtins", "re"):
        return None
    frames = []
    inner = ""
    trace = error.__traceback__
    summary = list(traceback.walk_tb(trace))
    if isinstance(error, RecursionError):
        summary = summary[:_DEEP]
    for frame, line in summary:
        path = files.relative(frame.f_code.co_filename)
        inner = path
        if path:
            frames.append((path, line, frame.f_code.co_name))
    if not frames:
        return None
    if isinstance(error, RecursionError):
        return _recursion(error, frames)
    if not inner and not isinstance(error, re.error):
        return None  # raised by what the repository calls: its answer to a wrong value
    path, line, _ = frames[-1]
    node = files.statement(path, line)
    if node is None or isinstance(node, ast.Raise):
        return None
    if isinstance(error, AssertionError):
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        if not isinstance(node, ast.Assert) or (len(frames) == 1 and names & set(parameters)):
            return None  # a check of the arguments
    text = str(error).splitlines()
    try:
        written = ast.unparse(node).splitlines()[0]
    except AttributeError:
        written = ""
    kind = "re.error" if isinstance(error, re.error) else type(error).__name__
    return Crash(kind, text[0][:200] if text else "", frames[-MOST_FRAMES:], written)


def _recursion(error: BaseException, frames: Any) -> Any:
    """The place that comes again and again, at its first turn."""
    counts = {}  # type: dict[Any, int]
    for frame in frames:
        counts[frame] = counts.get(frame, 0) + 1
    again = [frame for frame in frames if counts[frame] > 3]
    if not again:
        return None
    first = frames.index(again[0])
    return Crash("RecursionError", "maximum recursion depth exceeded", frames[: first + 1], "")


def natural(crash: Crash, values: Any) -> str:
    """Why a crash is the plain answer to these arguments, or ""."""
    flat = list(_flat(values))
    if crash.kind == "KeyError":
        for value in flat:
            if repr(value)[:200] == crash.message or _same(repr(value), crash.message):
                return "the key is what was passed"
    if crash.kind == "ZeroDivisionError":
        if any(not isinstance(v, (str, bytes)) and v == 0 and not _sized(v) for v in flat):
            return "a zero was passed"
        if any(isinstance(v, str) and v.strip() in ("0", "0.0") for v in flat):
            return "a zero was passed"
    if crash.kind == "IndexError":
        sizes = [len(v) for v in flat if _sized(v)]
        numbers = [v for v in flat if type(v) is int]
        if any(abs(n) >= size for n in numbers for size in sizes):
            return "the index is what was passed"
    return ""


def _same(one: str, other: str) -> bool:
    return one.strip("'\" ").casefold() == other.strip("'\" ").casefold()


def _sized(value: Any) -> bool:
    return isinstance(value, (str, bytes, list, tuple, dict, set, frozenset))


def _flat(values: Any, depth: int = 3) -> Any:
    for value in values:
        try:
            yield value
            if depth and isinstance(value, dict):
                yield from _flat([*value.keys(), *value.values()], depth - 1)
            elif depth and isinstance(value, (list, tuple, set, frozenset)):
                yield from _flat(value, depth - 1)
        except Exception:
            continue
