"""What a file's text says of itself: size, branches, nesting, and the same of each function."""

from __future__ import annotations

import re
import zlib

import msgspec

from swe_sleep.index.outline import MODULE, Outline

MEASURE_VERSION = 1
MEASURED = f"risk measures/{MEASURE_VERSION}"

_BRANCH = re.compile(
    rb"\b(?:if|elif|else|for|while|except|catch|and|or|case|match|assert|unless)\b|&&|\|\||\? "
)
_CALL = re.compile(rb"\w\(")
_NAME = re.compile(rb"[A-Za-z_]\w*")


class Function(msgspec.Struct, array_like=True, frozen=True):
    """An outermost function or method, nested ones in it. `code` are lines with code."""

    qualname: str
    line: int
    end_line: int
    code: int
    branches: int
    nesting: float
    """The sum over its lines of the levels that each is indented below the `def`."""
    deepest: float
    calls: int
    names: int
    """Different ones."""
    parameters: int
    documented: bool


class Measured(msgspec.Struct, array_like=True, frozen=True):
    lines: int
    code: int
    branches: int
    nesting: float
    calls: int
    names: int
    classes: int
    functions: tuple[Function, ...]
    imports: tuple[str, ...]
    """Modules, as they are written, each with as many dots before it as it has."""


def measure(content: bytes, outline: Outline) -> Measured:
    """Never raises on any content."""
    lines = content.splitlines()
    depths, code, branches, calls = [], [], [], []
    for line in lines:
        text = line.lstrip()
        quiet = not text or text.startswith((b"#", b"//"))
        code.append(0 if quiet else 1)
        depths.append(0.0 if quiet else _width(line, text) / 4)
        branches.append(0 if quiet else len(_BRANCH.findall(text)))
        calls.append(0 if quiet else len(_CALL.findall(text)))
    functions: list[Function] = []
    end = 0
    for symbol in outline.symbols:
        if symbol.kind not in ("function", "method") or symbol.line <= end:
            continue
        if not _outermost(outline, symbol.parent):
            continue
        first, end = symbol.line - 1, min(symbol.end_line, len(lines))
        start = min(max(symbol.name_line - 1, first), len(lines) - 1)
        base = depths[start] if lines else 0.0
        levels = [max(d - base, 0.0) for d in depths[first:end]]
        functions.append(
            Function(
                symbol.qualname,
                symbol.line,
                symbol.end_line,
                sum(code[first:end]),
                sum(branches[first:end]),
                sum(levels),
                max(levels, default=0.0),
                sum(calls[first:end]),
                len(set(_NAME.findall(b"\n".join(lines[first:end])))),
                symbol.signature.count(",") + 1,
                bool(symbol.docstring),
            )
        )
    return Measured(
        len(lines),
        sum(code),
        sum(branches),
        sum(depths),
        sum(calls),
        len(set(_NAME.findall(content))),
        sum(symbol.kind == "class" for symbol in outline.symbols),
        tuple(functions),
        tuple(dict.fromkeys("." * each.level + each.module for each in outline.imports)),
    )


def _width(line: bytes, text: bytes) -> int:
    return len(line[: len(line) - len(text)].expandtabs(4))


def _outermost(outline: Outline, parent: int) -> bool:
    while parent != MODULE:
        if outline.symbols[parent].kind in ("function", "method"):
            return False
        parent = outline.symbols[parent].parent
    return True


def encode(measured: Measured) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(measured), 1)


def decode(payload: bytes) -> Measured:
    """Raises ValueError where it is of another shape."""
    return msgspec.msgpack.decode(zlib.decompress(payload), type=Measured)
