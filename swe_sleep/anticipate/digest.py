"""What is sent of a file: its outline with line numbers, and whole only the functions that are
worth reading. A whole file costs several times as much, and most of it has no part in the answer.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from swe_sleep.index.outline import MODULE, Outline, Symbol

MOST_CHARS = 9000
"""Of the functions that are shown whole."""
ENOUGH_CHARS = 5000
"""With so many of them, only what was changed is still worth showing."""
MOST_WHOLE = 2500
"""A file that is no longer is given whole for an edit."""
MOST_LINES = 150
"""A longer function is cut in the middle."""
MOST_MODULE_LINES = 40
"""Lines outside functions, such as constants, which tell much in little."""
MOST_DIFF_CHARS = 3000
MOST_OTHERS = 1000
_CALLABLE = ("function", "method")


@dataclass(frozen=True, slots=True)
class Module:
    """One file under study. `weights` say which functions are worth reading, by qualname; those of
    `changed` come first."""

    path: str
    text: str
    outline: Outline
    weights: Mapping[str, float] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()


def functions(outline: Outline) -> list[Symbol]:
    """Functions and methods that stand in no other function."""
    symbols = outline.symbols
    return [
        each
        for each in symbols
        if each.kind in _CALLABLE
        and (each.parent == MODULE or symbols[each.parent].kind not in _CALLABLE)
    ]


def chosen(module: Module, most_chars: int = MOST_CHARS) -> list[Symbol]:
    """The functions that are shown whole, in the order of the file."""
    lines = module.text.splitlines()
    order = sorted(
        functions(module.outline),
        key=lambda s: (s.qualname not in module.changed, -module.weights.get(s.qualname, 0.0)),
    )
    kept: list[Symbol] = []
    taken = 0
    for symbol in order:
        size = sum(len(line) + 6 for line in lines[symbol.line - 1 : symbol.end_line][:MOST_LINES])
        changed = symbol.qualname in module.changed
        room = most_chars if changed else min(most_chars, ENOUGH_CHARS)
        if taken + size <= room or (changed and not kept):
            kept.append(symbol)
            taken += size
    return sorted(kept, key=lambda s: s.line)


def numbered(module: Module, most_chars: int = MOST_CHARS) -> str:
    """The file with line numbers: chosen functions whole, of the others the first line, and what
    stands outside of functions as long as it is short."""
    shown = {s.line: s for s in chosen(module, most_chars)}
    lines = module.text.splitlines()
    keep: set[int] = set()
    for symbol in functions(module.outline):
        body = range(symbol.line, symbol.end_line + 1)
        if symbol.line in shown:
            keep.update(_cut(body))
        else:
            keep.update(range(symbol.name_line, symbol.name_line + 1))
    outside = _outside(module)
    headers = {s.name_line for s in module.outline.symbols if s.kind == "class"}
    keep.update(n for n in outside if n in headers)
    keep.update(outside[:MOST_MODULE_LINES])
    return _listing(lines, keep)


def _cut(body: range) -> list[int]:
    if len(body) <= MOST_LINES:
        return list(body)
    half = MOST_LINES // 2
    return [*body[:half], *body[-half:]]


def _listing(lines: Sequence[str], keep: Collection[int]) -> str:
    out: list[str] = []
    before = 0
    for number in sorted(keep):
        if number > len(lines):
            break
        if any(lines[n - 1].strip() for n in range(before + 1, number)):
            out.append("  ...")
        out.append(f"{number:>5} {lines[number - 1]}".rstrip())
        before = number
    if any(line.strip() for line in lines[before:]):
        out.append("  ...")
    return "\n".join(out)


def contents(outline: Outline) -> str:
    """The functions and classes by name, with their lines."""
    named = [s for s in outline.symbols if s.kind in (*_CALLABLE, "class")]
    return "\n".join(f"{s.line}-{s.end_line} {s.qualname}" for s in named)


def around(module: Module, lines: Collection[int], most_chars: int = MOST_CHARS) -> str:
    """The functions that hold these lines, and what stands outside of functions, as they are: for
    an edit that has to quote exactly. A short file is given whole."""
    every = module.text.splitlines()
    if len(module.text) <= MOST_WHOLE:
        return f"{module.path}, whole:\n{module.text}"
    out: list[str] = []
    room = most_chars
    others: list[str] = []
    for symbol in functions(module.outline):
        body = range(symbol.line, symbol.end_line + 1)
        if any(line in body for line in lines):
            text = "\n".join(every[symbol.line - 1 : symbol.end_line])[: max(room, 500)]
            room -= len(text)
            out.append(f"{module.path}, lines {symbol.line} to {symbol.end_line}:\n{text}")
        else:
            others.append(symbol.signature)
    top = _outside(module)[:MOST_MODULE_LINES]
    head = "\n".join(every[n - 1] for n in top)
    if others:
        out.append("Other functions in it: " + "; ".join(others)[:MOST_OTHERS])
    return "\n\n".join((f"{module.path}, outside of functions:\n{head}", *out))


def _outside(module: Module) -> list[int]:
    """The lines that stand in no function and are not empty."""
    inside: set[int] = set()
    for symbol in functions(module.outline):
        inside.update(range(symbol.line, symbol.end_line + 1))
    lines = module.text.splitlines()
    return [n for n in range(1, len(lines) + 1) if n not in inside and lines[n - 1].strip()]


def change(before: str, after: str, path: str, most_chars: int = MOST_DIFF_CHARS) -> str:
    """What was changed last, as a diff with little around it."""
    made = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"before/{path}", f"now/{path}", lineterm="", n=1
    )
    text = "\n".join(made)
    return text if len(text) <= most_chars else text[:most_chars] + "\n... (cut)"
