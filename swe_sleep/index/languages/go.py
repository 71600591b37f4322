"""Go."""

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
    words,
)
from swe_sleep.index.outline import Import

_RECEIVER = re.compile(r"\*?\s*([A-Za-z_]\w*)\s*(?:\[[^\]]*\])?\s*\)\s*$")
_TYPES = {"struct_type": "struct", "interface_type": "interface"}


def _method(reading: Reading, node: Node, scope: Scope) -> Next:
    receiver = _RECEIVER.search(reading.text(node.child_by_field_name("receiver")))
    within = scope
    if receiver:
        within = Scope(_symbol_named(reading, receiver[1]), receiver[1] + ".", "struct", 1)
    return define("method", member="method", inside=False)(reading, node, within)


def _symbol_named(reading: Reading, name: str) -> int:
    for index, symbol in enumerate(reading.symbols):
        if symbol.qualname == name:
            return index
    return -1


def _type(reading: Reading, node: Node, scope: Scope) -> Next:
    kind = node.child_by_field_name("type")
    what = _TYPES.get(kind.type, "type") if kind is not None else "type"
    whole = node.parent if node.parent is not None and node.parent.named_child_count == 1 else node
    end = node.end_byte
    if what != "type" and kind is not None:
        brace = reading.content.find(b"{", kind.start_byte, kind.end_byte)
        end = brace if brace >= 0 else end
    within = reading.add(
        scope,
        node,
        node.child_by_field_name("name"),
        what,
        signature="type " + reading.squeezed(node.start_byte, end).rstrip(),
        docstring=reading.doc_comment(whole),
        start=whole,
    )
    return (kind.named_children, within) if what == "interface" and kind is not None else None


def _values(reading: Reading, node: Node, scope: Scope) -> Next:
    if not scope.kind:
        whole = node.parent if node.parent is not None else node
        alone = whole.named_child_count == 1
        doc = reading.doc_comment(whole if alone else node)
        for name in node.children_by_field_name("name"):
            if name.is_named:
                signature = reading.squeezed(node.start_byte, node.end_byte, 120)
                reading.add(scope, node, name, "constant", signature=signature, docstring=doc)
    return None


def _import(reading: Reading, node: Node, scope: Scope) -> Next:
    path = reading.text(node.child_by_field_name("path")).strip('"`')
    alias = reading.text(node.child_by_field_name("name"))
    line = node.start_point[0] + 1
    names = (("*", "*"),) if alias == "." else ()
    bound = alias if alias not in (".", "_") else ""
    reading.imports.append(
        Import(path, line, names=names, alias=bound or ("" if alias else _package_name(path)))
    )
    return None


def _package_name(path: str) -> str:
    parts = [part for part in path.split("/") if not re.fullmatch(r"v\d+", part)]
    return parts[-1].partition(".")[0].removeprefix("go-") if parts else ""


def _package(reading: Reading, node: Node, scope: Scope) -> Next:
    reading.package = reading.text(first_child(node))
    reading.comments = []
    return None


_KEYWORDS = (
    b"any append bool break byte cap case chan close complex64 complex128 const continue copy"
    b" default defer delete else error fallthrough false float32 float64 for func go goto if import"
    b" int int8 int16 int32 int64 interface iota len make map new nil package panic range recover"
    b" return rune select string struct switch true type uint uint8 uint16 uint32 uint64 uintptr"
    b" var _"
).split()

_ACTIONS: dict[str, Action] = {
    "comment": comment,
    "function_declaration": define("function", inside=False),
    "method_declaration": _method,
    "method_elem": define("function", member="method", inside=False),
    "method_spec": define("function", member="method", inside=False),
    "type_spec": _type,
    "type_alias": _type,
    "const_spec": _values,
    "var_spec": _values,
    "import_spec": _import,
    "package_clause": _package,
} | dict.fromkeys(
    words(
        "type_declaration const_declaration var_declaration var_spec_list import_declaration"
        " import_spec_list"
    ),
    descend,
)

LANGUAGE = Language(
    name="go",
    grammar=("tree_sitter_go", "language"),
    actions=_ACTIONS,
    lexing=Lexing(
        skip=re.compile(C_STRINGS + rb"|`[^`]*(?:`|\Z)|'(?:[^'\\\n]|\\[^\n]){1,10}'", re.S),
        keywords=frozenset(_KEYWORDS),
    ),
    messages=re.compile(
        rb"\b(?P<error>errors\.New|fmt\.Errorf|errors\.(?:Wrapf?|Errorf)|panic|log\.Fatalf?)\("
        rb'(?:\s*\w+\s*,)?\s*(?:"(?P<a>(?:[^"\\\n]|\\.)*+)"|`(?P<b>[^`]*)`)'
    ),
    main=re.compile(rb"^func main\(\)", re.M),
)
