"""Rust."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from swe_sleep.index.languages.base import (
    MAX_DEPTH,
    Action,
    Language,
    Lexing,
    Next,
    Reading,
    Scope,
    comment,
    define,
    descend,
)
from swe_sleep.index.outline import Import


def _attribute(reading: Reading, node: Node, scope: Scope) -> Next:
    reading.attributes.append(node)
    return None


def _impl(reading: Reading, node: Node, scope: Scope) -> Next:
    """An `impl` is no symbol of its own; its functions are the type's methods."""
    reading.attributes = []
    reading.comments = []
    body = node.child_by_field_name("body")
    name = reading.text(node.child_by_field_name("type")).partition("<")[0].rpartition("::")[2]
    if body is None or not name:
        return None
    prefix = scope.prefix + name
    owner = next((i for i, s in enumerate(reading.symbols) if s.qualname == prefix), scope.symbol)
    return body.named_children, Scope(owner, prefix + ".", "impl", scope.depth + 1)


def _traits(reading: Reading, node: Node) -> tuple[str, ...]:
    bounds = node.child_by_field_name("bounds")
    text = reading.text(bounds).lstrip(": ")
    return tuple(part.strip() for part in text.split("+") if part.strip())


def _module(reading: Reading, node: Node, scope: Scope) -> Next:
    if node.child_by_field_name("body") is None:
        name = reading.text(node.child_by_field_name("name"))
        line = node.start_point[0] + 1
        reading.attributes = []
        reading.comments = []
        reading.imports.append(Import(name, line, "mod", alias=name))
        return None
    return _namespace(reading, node, scope)


_namespace = define("namespace")


def _use(reading: Reading, node: Node, scope: Scope) -> Next:
    argument = node.child_by_field_name("argument")
    text = "".join(reading.squeezed(node.start_byte, node.end_byte).replace(" as ", "\0").split())
    kind = "export" if text.startswith("pub") else "use"
    reading.attributes = []
    if argument is not None:
        flat = reading.squeezed(argument.start_byte, argument.end_byte)
        line = node.start_point[0] + 1
        for path, name, here in _leaves(flat.replace(" as ", "\0").replace(" ", "")):
            reading.imports.append(Import(path, line, kind, names=((name, here),)))
    return None


def _leaves(text: str) -> Iterator[tuple[str, str, str]]:
    """(path, name, name here) of a use tree, such as `a::{b, c::{self, d as e}}`."""
    prefixes: list[str] = [""]
    current = ""
    for character in text + ",":
        if character == "{":
            prefixes.append((prefixes[-1] + current)[:500])
            current = ""
            if len(prefixes) > MAX_DEPTH:
                return
        elif character in ",}":
            if current:
                whole, _, alias = (prefixes[-1] + current).partition("\0")
                path, _, name = whole.removeprefix("::").rpartition("::")
                if name == "self":
                    path, _, name = path.rpartition("::")
                yield path, name, alias or name
            current = ""
            if character == "}" and len(prefixes) > 1:
                prefixes.pop()
        else:
            current += character


_KEYWORDS = (
    b"Err None Ok Self Some as async await bool box break char const continue crate dyn else enum"
    b" extern f32 f64 false fn for i8 i16 i32 i64 i128 if impl in isize let loop macro_rules match"
    b" mod move mut pub ref return self static str struct super trait true type u8 u16 u32 u64 u128"
    b" union unsafe use usize where while _"
).split()

_ACTIONS: dict[str, Action] = {
    "line_comment": comment,
    "block_comment": comment,
    "attribute_item": _attribute,
    "function_item": define("function", member="method"),
    "function_signature_item": define("function", member="method", inside=False),
    "struct_item": define("struct", inside=False),
    "union_item": define("union", inside=False),
    "enum_item": define("enum", inside=False),
    "trait_item": define("trait", bases=_traits),
    "impl_item": _impl,
    "mod_item": _module,
    "const_item": define("constant", body="value", inside=False),
    "static_item": define("constant", body="value", inside=False),
    "type_item": define("type", inside=False),
    "associated_type": define("type", inside=False),
    "macro_definition": define("macro", inside=False),
    "use_declaration": _use,
} | dict.fromkeys(("foreign_mod_item", "declaration_list"), descend)

LANGUAGE = Language(
    name="rust",
    grammar=("tree_sitter_rust", "language"),
    actions=_ACTIONS,
    lexing=Lexing(
        skip=re.compile(
            rb'r(?P<h>#+)".*?(?:"(?P=h)|\Z)|"(?:[^"\\]++|\\.)*+(?:"|\Z)|//[^\n]*|/\*.*?(?:\*/|\Z)'
            rb"|'(?:[^'\\\n]|\\[^'\n]+|\\')'|#!?\[[^\]\n]*\]",
            re.S,
        ),
        keywords=frozenset(_KEYWORDS),
        rewritten=((b"!(", b"("), (b"![", b"("), (b"::<", b" <"), (b"::", b"."), (b"..", b" ")),
    ),
    messages=re.compile(
        rb"\b(?P<error>panic|bail|anyhow|ensure|unreachable|todo|expect|eyre)!?\("
        rb'(?:[^"\n;]{0,80}?,)?\s*"(?P<a>(?:[^"\\]|\\.)*+)"',
        re.S,
    ),
    main=re.compile(rb"^(?:pub )?(?:async )?fn main\(\)", re.M),
)
