"""Java."""

from __future__ import annotations

import re

from tree_sitter import Node

from swe_sleep.index.languages.base import (
    C_STRINGS,
    Action,
    Language,
    Lexing,
    Next,
    Reading,
    Scope,
    comment,
    define,
    descend,
    first_child,
)
from swe_sleep.index.outline import Import

_HERITAGE = frozenset({"superclass", "super_interfaces", "extends_interfaces"})
_LEAD = re.compile(r"\b(?:extends|implements)\b")


def _bases(reading: Reading, node: Node) -> tuple[str, ...]:
    found: list[str] = []
    for child in node.named_children:
        if child.type in _HERITAGE:
            text = _LEAD.sub("", reading.squeezed(child.start_byte, child.end_byte, 400))
            found += [part.strip() for part in re.split(r",(?![^<]*>)", text) if part.strip()]
    return tuple(found)


def _field(reading: Reading, node: Node, scope: Scope) -> Next:
    modifiers = first_child(node)
    marked = modifiers is not None and modifiers.type == "modifiers"
    modifier_words = reading.text(modifiers).split() if marked else []
    interface = scope.kind == "interface"
    if interface or ("static" in modifier_words and "final" in modifier_words):
        doc = reading.doc_comment(node)
        signature = reading.squeezed(node.start_byte, node.end_byte, 120).rstrip(";")
        for declarator in node.children_by_field_name("declarator"):
            name = declarator.child_by_field_name("name")
            reading.add(scope, node, name, "constant", signature=signature, docstring=doc)
    return None


def _import(reading: Reading, node: Node, scope: Scope) -> Next:
    text = reading.squeezed(node.start_byte, node.end_byte).rstrip("; ").removeprefix("import ")
    static = text.startswith("static ")
    path, _, name = text.removeprefix("static ").replace(" ", "").rpartition(".")
    line = node.start_point[0] + 1
    reading.imports.append(
        Import(path, line, "static" if static else "import", names=((name, name),))
    )
    return None


def _package(reading: Reading, node: Node, scope: Scope) -> Next:
    text = reading.squeezed(node.start_byte, node.end_byte)
    reading.package = text.rpartition("package ")[2].strip("; ")
    reading.comments = []
    return None


_KEYWORDS = (
    b"Object String abstract assert boolean break byte case catch char class const continue default"
    b" do double else enum extends false final finally float for goto if implements import"
    b" instanceof int interface long native new null package permits private protected"
    b" public record"
    b" return sealed short static strictfp super switch synchronized this throw throws"
    b" transient true"
    b" try var void volatile while yield"
).split()

_ACTIONS: dict[str, Action] = {
    "line_comment": comment,
    "block_comment": comment,
    "class_declaration": define("class", bases=_bases),
    "record_declaration": define("class", bases=_bases),
    "interface_declaration": define("interface", bases=_bases),
    "annotation_type_declaration": define("interface"),
    "enum_declaration": define("enum", bases=_bases),
    "method_declaration": define("function", member="method", inside=False),
    "constructor_declaration": define("function", member="method", inside=False),
    "compact_constructor_declaration": define("function", member="method", inside=False),
    "annotation_type_element_declaration": define("function", member="method", inside=False),
    "field_declaration": _field,
    "constant_declaration": _field,
    "import_declaration": _import,
    "package_declaration": _package,
    "enum_body_declarations": descend,
}

LANGUAGE = Language(
    name="java",
    grammar=("tree_sitter_java", "language"),
    actions=_ACTIONS,
    lexing=Lexing(
        skip=re.compile(
            rb'^(?:package|import)\s[^\n]*|""".*?(?:"""|\Z)|'
            + C_STRINGS
            + rb"|'(?:[^'\\\n]|\\[^\n]){1,8}'",
            re.S | re.M,
        ),
        keywords=frozenset(_KEYWORDS),
        rewritten=((b"::", b"."),),
    ),
    messages=re.compile(
        rb"\bthrow\s+new\s+(?P<error>[\w.]+)\s*\((?:\s*String\.format\()?\s*"
        rb'(?:"(?P<a>(?:[^"\\\n]|\\.)*+)")?'
    ),
    main=re.compile(rb"\bstatic\s+void\s+main\s*\("),
)
