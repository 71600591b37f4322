"""C and C++."""

from __future__ import annotations

import re

from tree_sitter import Node

from swe_sleep.index.languages.base import (
    C_STRINGS,
    CLASSES,
    Action,
    Language,
    Lexing,
    Next,
    Reading,
    Scope,
    comment,
    define,
    descend,
    words,
)
from swe_sleep.index.outline import MODULE, Import

_DECLARATORS = words(
    "function_declarator pointer_declarator reference_declarator parenthesized_declarator"
    " array_declarator init_declarator attributed_declarator"
)


def _declared(node: Node) -> tuple[Node | None, bool]:
    """The name at the bottom of nested declarators, and whether it is a function's."""
    function = False
    at = node.child_by_field_name("declarator")
    for _ in range(50):
        if at is None or at.type not in _DECLARATORS:
            break
        # a pointer to a function is a variable
        function = function or at.type == "function_declarator"
        inner = at.child_by_field_name("declarator")
        if inner is None:
            inner = next((c for c in at.named_children if c.type != "type_qualifier"), None)
        if inner is not None and inner.type == "parenthesized_declarator":
            function = False
        at = inner
    return at, function


def _function(reading: Reading, node: Node, scope: Scope) -> Next:
    name_node, _ = _declared(node)
    body = node.child_by_field_name("body")
    end = body.start_byte if body is not None else node.end_byte
    _add_function(reading, node, name_node, end, scope, defined=True)
    return None


def _add_function(
    reading: Reading, node: Node, name_node: Node | None, end: int, scope: Scope, *, defined: bool
) -> None:
    name = "".join(reading.text(name_node).split())
    outer, _, name = name.rpartition("::")
    member = scope.kind in CLASSES
    if outer and defined:  # a member defined outside its class
        prefix = scope.prefix + outer.replace("::", ".")
        owner = next((i for i, s in enumerate(reading.symbols) if s.qualname == prefix), MODULE)
        scope = Scope(owner, prefix + ".", "class", scope.depth + 1)
        member = True
    whole = _whole(node)
    kind = "method" if member else "function" if defined else "prototype"
    reading.add(
        scope,
        node,
        name_node,
        kind,
        name=name,
        signature=reading.squeezed(whole.start_byte, end).rstrip(" ;:{"),
        docstring=reading.doc_comment(whole),
        start=whole,
    )


def _whole(node: Node) -> Node:
    parent = node.parent
    return parent if parent is not None and parent.type == "template_declaration" else node


def _declaration(reading: Reading, node: Node, scope: Scope) -> Next:
    name_node, function = _declared(node)
    if function:
        _add_function(reading, node, name_node, node.end_byte, scope, defined=False)
        return None
    if name_node is not None and scope.kind in ("", "namespace") and node.type == "declaration":
        signature = reading.squeezed(node.start_byte, node.end_byte, 120).rstrip(";")
        doc = reading.doc_comment(node)
        if "identifier" in name_node.type:
            reading.add(scope, node, name_node, "constant", signature=signature, docstring=doc)
    return _type_inside(node, scope)


def _type_inside(node: Node, scope: Scope) -> Next:
    kind = node.child_by_field_name("type")
    if kind is not None and kind.type in _SPECIFIERS:
        return [kind], scope
    return None


_SPECIFIERS = {
    "struct_specifier": "struct",
    "union_specifier": "union",
    "enum_specifier": "enum",
    "class_specifier": "class",
}


def _specifier(reading: Reading, node: Node, scope: Scope) -> Next:
    body = node.child_by_field_name("body")
    if body is None:
        return None
    name = node.child_by_field_name("name")
    whole = _whole(node)
    if node.parent is not None and node.parent.type in ("type_definition", "declaration"):
        whole = node.parent
    clause = next((c for c in node.named_children if c.type == "base_class_clause"), None)
    bases = reading.text(clause).lstrip(": ").split(",") if clause is not None else []
    words = re.compile(r"\b(?:public|private|protected|virtual)\b\s*")
    within = reading.add(
        scope,
        node,
        name,
        _SPECIFIERS[node.type],
        signature=reading.squeezed(whole.start_byte, body.start_byte).rstrip(),
        docstring=reading.doc_comment(whole),
        bases=tuple(words.sub("", base).strip() for base in bases),
        start=whole,
    )
    return body.named_children, within


def _typedef(reading: Reading, node: Node, scope: Scope) -> Next:
    inside = _type_inside(node, scope)
    name, _ = _declared(node)
    inner = node.child_by_field_name("type")
    own = reading.text(inner.child_by_field_name("name")) if inner is not None else ""
    if name is not None and own != reading.text(name):
        reading.add(
            scope,
            node,
            name,
            "type",
            signature=reading.squeezed(node.start_byte, node.end_byte, 200).rstrip(";"),
            docstring=reading.doc_comment(node),
        )
    return inside


def _macro(reading: Reading, node: Node, scope: Scope) -> Next:
    value = node.child_by_field_name("value")
    call = node.type == "preproc_function_def"
    if value is None and not call:
        return None  # an include guard or a switch
    reading.add(
        scope,
        node,
        node.child_by_field_name("name"),
        "macro" if call else "constant",
        signature=reading.squeezed(node.start_byte, node.end_byte, 120),
        docstring=reading.doc_comment(node),
    )
    return None


def _include(reading: Reading, node: Node, scope: Scope) -> Next:
    path = reading.text(node.child_by_field_name("path"))
    kind = "system" if path.startswith("<") else "include"
    line = node.start_point[0] + 1
    reading.imports.append(Import(path.strip('<>"'), line, kind, names=(("*", "*"),)))
    return None


_KEYWORDS = (
    b"NULL alignas alignof and auto bool break case catch char class co_await co_return co_yield"
    b" const const_cast constexpr continue decltype default define defined delete do double"
    b" dynamic_cast elif else endif enum explicit extern false final float for friend goto if ifdef"
    b" ifndef include inline int long mutable namespace new noexcept not nullptr operator"
    b" or override"
    b" private protected public register reinterpret_cast restrict return short signed"
    b" size_t sizeof"
    b" static static_assert static_cast std struct switch template this throw true try typedef"
    b" typename undef union unsigned using virtual void volatile while"
).split()

_CONTAINERS = words(
    "preproc_if preproc_ifdef preproc_else preproc_elif preproc_elifdef linkage_specification"
    " declaration_list template_declaration field_declaration_list"
)

_ACTIONS: dict[str, Action] = {
    "comment": comment,
    "function_definition": _function,
    "declaration": _declaration,
    "field_declaration": _declaration,
    **dict.fromkeys(_SPECIFIERS, _specifier),
    "type_definition": _typedef,
    "preproc_def": _macro,
    "preproc_function_def": _macro,
    "preproc_include": _include,
    "namespace_definition": define("namespace"),
    "alias_declaration": define("type", body="type", inside=False),
    "concept_definition": define("type", inside=False),
    **dict.fromkeys(_CONTAINERS, descend),
}


def _language(name: str) -> Language:
    return Language(
        name=name,
        grammar=(f"tree_sitter_{name}", "language"),
        actions=_ACTIONS,
        lexing=Lexing(
            skip=re.compile(
                rb'^[ \t]*#[ \t]*include[^\n]*|R"(?P<d>[^()\\\s]{0,16})\(.*?(?:\)(?P=d)"|\Z)|'
                + C_STRINGS
                + rb"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\[^\n]){1,8}'",
                re.S | re.M,
            ),
            keywords=frozenset(_KEYWORDS),
            rewritten=((b"->", b"."), (b"::", b"."), (b" (", b"(")),
        ),
        messages=re.compile(
            rb"\bthrow\s+(?P<error>[\w:]+)\s*[({]\s*"
            rb'(?:"(?P<a>(?:[^"\\\n]|\\.)*+)")?'
            rb"|\b(?P<call>perror|fprintf|errx?|warnx?|abort_with|die|error|fatal)\s*\("
            rb'(?:\s*[\w>.\-]+\s*,){0,2}\s*"(?P<b>(?:[^"\\\n]|\\.)*+)"'
        ),
        main=re.compile(rb"^(?:int|void|auto)\s+main\s*\(", re.M),
    )


C = _language("c")
CPP = _language("cpp")
