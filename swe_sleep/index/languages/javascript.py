"""JavaScript with JSX, TypeScript, TSX."""

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

_HOLES = re.compile(rb"\$\{([^{}]*)\}")
_FROM = re.compile(r"""(?:from\s*|^\s*import\s*)["']([^"']+)["']""")
_BRACED = re.compile(r"\{([^}]*)\}")
_REQUIRE = re.compile(
    rb"""(?:\b(?:const|let|var)\s+(\{[^}]*\}|[\w$]+)\s*=\s*)?"""
    rb"""\b(?:require|import)\(\s*["']([^"'\n]+)["']\s*\)"""
)
_FUNCTIONS = frozenset({"arrow_function", "function_expression", "generator_function", "function"})


def _bases(reading: Reading, node: Node) -> tuple[str, ...]:
    found: list[str] = []
    for child in node.named_children:
        if child.type in ("class_heritage", "extends_clause", "extends_type_clause"):
            text = reading.squeezed(child.start_byte, child.end_byte, 400)
            for word in re.split(r"\bextends\b|\bimplements\b|,", text):
                if word.strip():
                    found.append(word.strip())
    return tuple(found)


def _variables(reading: Reading, node: Node, scope: Scope) -> Next:
    following: list[Node] = []
    within = scope
    for child in node.named_children:
        if child.type == "variable_declarator":
            found = _bound(reading, node, child.child_by_field_name("name"),
                           child.child_by_field_name("value"), scope)  # fmt: skip
            if found is not None:
                following, within = [*following, *found[0]], found[1]
    return (following, within) if following else None


def _bound(
    reading: Reading, whole: Node, name: Node | None, value: Node | None, scope: Scope
) -> tuple[list[Node], Scope] | None:
    """A name bound to a function or class is that; at the top level any other is a constant."""
    kind = value.type if value is not None else ""
    doc = reading.doc_comment(whole)
    if value is not None and (kind in _FUNCTIONS or kind == "class"):
        body = value.child_by_field_name("body")
        end = body.start_byte if body is not None else value.end_byte
        symbol_kind = "class" if kind == "class" else "method" if scope.kind else "function"
        if scope.kind in ("function", "method"):
            symbol_kind = "function"
        within = reading.add(
            scope,
            whole,
            name,
            symbol_kind,
            signature=reading.squeezed(whole.start_byte, end).removesuffix("=>").rstrip(),
            docstring=doc,
            bases=_bases(reading, value) if kind == "class" else (),
        )
        if body is not None and body.type in ("statement_block", "class_body"):
            return body.named_children, within
    elif name is not None and scope.kind in ("", "namespace") and "identifier" in name.type:
        reading.add(
            scope,
            whole,
            name,
            "constant",
            signature=reading.squeezed(whole.start_byte, whole.end_byte, 120).rstrip(";"),
            docstring=doc,
        )
    return None


def _field(reading: Reading, node: Node, scope: Scope) -> Next:
    name = node.child_by_field_name("name") or node.child_by_field_name("property")
    value = node.child_by_field_name("value")
    if value is None or value.type not in _FUNCTIONS:
        return None
    return _bound(reading, node, name, value, scope)


def _expression(reading: Reading, node: Node, scope: Scope) -> Next:
    inner = first_child(node)
    if inner is None:
        return None
    if inner.type in ("internal_module", "module"):
        return [inner], scope
    if inner.type == "assignment_expression":
        left, right = inner.child_by_field_name("left"), inner.child_by_field_name("right")
        if left is not None and right is not None and left.type == "member_expression":
            if right.type in _FUNCTIONS or right.type == "class":
                name = left.child_by_field_name("property")
                return _bound(reading, node, name, right, scope)
            if right.type == "object" and reading.text(left) == "module.exports":
                reading.exports = [
                    reading.text(child.child_by_field_name("key") or child)
                    for child in right.named_children
                ]
    return None


def _import(reading: Reading, node: Node, scope: Scope) -> Next:
    text = reading.squeezed(node.start_byte, node.end_byte)
    source = _FROM.search(text)
    if source is None:
        return None
    names: list[tuple[str, str]] = []
    clause = text[: source.start()].removeprefix("import").strip().removeprefix("type ").strip()
    braced = _BRACED.search(clause)
    if braced:
        names = _listed(braced[1])
        clause = clause.replace(braced[0], "")
    alias = ""
    for part in clause.split(","):
        part = part.strip()
        if part.startswith("*"):
            alias = part.rpartition(" ")[2]
        elif part:
            names.insert(0, ("default", part))
    line = node.start_point[0] + 1
    reading.imports.append(Import(source[1], line, names=tuple(names), alias=alias))
    return None


def _listed(text: str) -> list[tuple[str, str]]:
    names = []
    for part in text.split(","):
        name, _, alias = part.strip().removeprefix("type ").replace(":", " as ").partition(" as ")
        if name.strip():
            names.append((name.strip(), (alias or name).strip()))
    return names


def _export(reading: Reading, node: Node, scope: Scope) -> Next:
    children = node.named_children
    text = reading.squeezed(node.start_byte, node.end_byte, 1000)
    source = _FROM.search(text)
    if source is not None:
        braced = _BRACED.search(text)
        names = tuple(_listed(braced[1])) if braced else (("*", "*"),)
        alias = "" if braced or " as " not in text else text.split(" as ")[1].split()[0]
        line = node.start_point[0] + 1
        reading.imports.append(
            Import(source[1], line, "export", names=() if alias else names, alias=alias)
        )
        return None
    value = node.child_by_field_name("value")
    if value is not None:  # export default <expression>
        body = value.child_by_field_name("body")
        if value.type in _FUNCTIONS or value.type == "class":
            within = reading.add(
                scope,
                node,
                None,
                "class" if value.type == "class" else "function",
                name="default",
                signature=reading.squeezed(
                    node.start_byte, body.start_byte if body else node.end_byte
                ),
                docstring=reading.doc_comment(node),
            )
            return (body.named_children, within) if body is not None else None
        return None
    return children, scope


def _scan(reading: Reading) -> None:
    content = reading.content
    for match in _REQUIRE.finditer(content):
        bound = (match[1] or b"").decode("utf-8", "replace")
        names = tuple(_listed(bound.strip("{}"))) if bound.startswith("{") else ()
        line = content.count(b"\n", 0, match.start(2)) + 1
        alias = "" if names else bound
        source = match[2].decode("utf-8", "replace")
        reading.imports.append(Import(source, line, "require", names=names, alias=alias))


def _interpolated(match: re.Match[bytes]) -> bytes:
    text = match.group()
    lines = b"\n" * text.count(b"\n")
    if text[:1] == b"`" and b"${" in text:
        return b" ".join(_HOLES.findall(text)).replace(b"\n", b" ") + lines
    return lines


_KEYWORDS = (
    b"abstract any as async await boolean break case catch class const constructor continue"
    b" debugger declare default delete do else enum export extends false finally for from function"
    b" get if implements import in infer instanceof interface is keyof let namespace never new null"
    b" number of override package private protected public readonly require return satisfies set"
    b" static string super switch symbol this throw true try type typeof undefined unknown var void"
    b" while with yield"
).split()

_LEXING = Lexing(
    skip=re.compile(
        C_STRINGS
        + rb"|'(?:[^'\\\n]++|\\.)*+'|`(?:[^`\\]++|\\.)*+(?:`|\Z)"
        + rb"|(?<=[=(,:!&|?;{}\[\n])[ \t]*/(?![*/])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/",
        re.S,
    ),
    keywords=frozenset(_KEYWORDS),
    rewritten=((b"?.", b"."), (b"$", b"_")),
    interpolated=_interpolated,
)

_ACTIONS: dict[str, Action] = {
    "comment": comment,
    "function_declaration": define("function"),
    "generator_function_declaration": define("function"),
    "function_signature": define("function"),
    "class_declaration": define("class", bases=_bases),
    "abstract_class_declaration": define("class", bases=_bases),
    "method_definition": define("function", member="method"),
    "method_signature": define("function", member="method", inside=False),
    "abstract_method_signature": define("function", member="method", inside=False),
    "interface_declaration": define("interface", bases=_bases),
    "enum_declaration": define("enum", inside=False),
    "type_alias_declaration": define("type", body="", inside=False),
    "internal_module": define("namespace"),
    "module": define("namespace"),
    "lexical_declaration": _variables,
    "variable_declaration": _variables,
    "field_definition": _field,
    "public_field_definition": _field,
    "expression_statement": _expression,
    "import_statement": _import,
    "export_statement": _export,
} | dict.fromkeys(
    words(
        "ambient_declaration statement_block class_body if_statement else_clause for_statement"
        " for_in_statement while_statement do_statement try_statement catch_clause finally_clause"
        " switch_statement switch_body switch_case switch_default"
    ),
    descend,
)

_THROWN = re.compile(
    rb"\bthrow\s+(?:new\s+)?(?P<error>[\w$.]+)\s*\(\s*"
    rb"""(?:"(?P<a>(?:[^"\\\n]|\\.)*+)"|'(?P<b>(?:[^'\\\n]|\\.)*+)'|`(?P<c>(?:[^`\\]|\\.)*+)`)?"""
)
_MAIN = re.compile(rb"require\.main\s*===?\s*module|import\.meta\.main\b")


def _language(name: str, module: str, function: str) -> Language:
    return Language(
        name=name,
        grammar=(module, function),
        actions=_ACTIONS,
        lexing=_LEXING,
        messages=_THROWN,
        main=_MAIN,
        scan=_scan,
    )


JAVASCRIPT = _language("javascript", "tree_sitter_javascript", "language")
TYPESCRIPT = _language("typescript", "tree_sitter_typescript", "language_typescript")
TSX = _language("tsx", "tree_sitter_typescript", "language_tsx")
