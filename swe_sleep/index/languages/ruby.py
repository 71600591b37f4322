"""Ruby."""

from __future__ import annotations

import re

from tree_sitter import Node

from swe_sleep.index.languages.base import (
    Action,
    Language,
    Lexing,
    Next,
    Reading,
    Scope,
    comment,
    descend,
    words,
)
from swe_sleep.index.outline import Import

_HOLES = re.compile(rb"#\{([^{}]*)\}")
_LOADS = frozenset({"require", "require_relative", "load", "autoload"})
_ACCESSORS = frozenset({"attr_accessor", "attr_reader", "attr_writer"})


def _bases(reading: Reading, node: Node) -> tuple[str, ...]:
    text = reading.text(node.child_by_field_name("superclass")).lstrip("< \t\n")
    return (text,) if text else ()


def _method(reading: Reading, node: Node, scope: Scope) -> Next:
    name = node.child_by_field_name("name")
    parameters = node.child_by_field_name("parameters")
    end = (parameters or name or node).end_byte
    within = reading.add(
        scope,
        node,
        name,
        "method" if scope.kind in ("class", "namespace") else "function",
        signature=reading.squeezed(node.start_byte, end),
        docstring=reading.doc_comment(node),
    )
    body = node.child_by_field_name("body")
    return (body.named_children, within) if body is not None else None


def _type(kind: str) -> Action:
    def action(reading: Reading, node: Node, scope: Scope) -> Next:
        name = node.child_by_field_name("name")
        text = reading.text(name)
        body = node.child_by_field_name("body")
        head = node.child_by_field_name("superclass") or name or node
        within = reading.add(
            scope,
            node,
            name,
            kind,
            name=text.replace("::", "."),
            signature=reading.squeezed(node.start_byte, head.end_byte),
            docstring=reading.doc_comment(node),
            bases=_bases(reading, node),
        )
        return (body.named_children, within) if body is not None else None

    return action


def _assignment(reading: Reading, node: Node, scope: Scope) -> Next:
    left = node.child_by_field_name("left")
    if left is not None and left.type == "constant":
        reading.add(
            scope,
            node,
            left,
            "constant",
            signature=reading.squeezed(node.start_byte, node.end_byte, 120),
            docstring=reading.doc_comment(node),
        )
    return None


def _call(reading: Reading, node: Node, scope: Scope) -> Next:
    name = reading.text(node.child_by_field_name("method"))
    arguments = node.child_by_field_name("arguments")
    if arguments is None:
        return None
    if name in _LOADS:
        strings = [c for c in arguments.named_children if c.type == "string"]
        if strings:
            path = reading.text(strings[-1]).strip("\"'")
            line = node.start_point[0] + 1
            reading.imports.append(Import(path, line, name, names=(("*", "*"),)))
    elif name in _ACCESSORS and scope.kind in ("class", "namespace"):
        for argument in arguments.named_children:
            if argument.type == "simple_symbol":
                text = reading.text(argument).lstrip(":")
                signature = reading.squeezed(node.start_byte, node.end_byte, 120)
                reading.add(scope, node, argument, "attribute", name=text, signature=signature)
    elif name in ("private", "public", "protected", "private_class_method", "module_function"):
        return arguments.named_children, scope
    return None


def _interpolated(match: re.Match[bytes]) -> bytes:
    text = match.group()
    lines = b"\n" * text.count(b"\n")
    if text[:1] in b'"`' and b"#{" in text:
        return b" ".join(_HOLES.findall(text)).replace(b"\n", b" ") + lines
    return lines


_KEYWORDS = (
    b"BEGIN END alias and attr_accessor attr_reader attr_writer begin break case class def defined"
    b" do else elsif end ensure extend false for if in include lambda module next nil not"
    b" or private"
    b" proc protected public puts raise redo require require_relative rescue retry return"
    b" self super"
    b" then true undef unless until when while yield"
).split()

_CONTAINERS = words(
    "body_statement begin_block if unless then else elsif begin rescue ensure singleton_class"
)

_ACTIONS: dict[str, Action] = {
    "comment": comment,
    "module": _type("namespace"),
    "class": _type("class"),
    "method": _method,
    "singleton_method": _method,
    "assignment": _assignment,
    "call": _call,
    **dict.fromkeys(_CONTAINERS, descend),
}

LANGUAGE = Language(
    name="ruby",
    grammar=("tree_sitter_ruby", "language"),
    actions=_ACTIONS,
    lexing=Lexing(
        skip=re.compile(
            rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)|\'(?:[^\'\\]++|\\.)*+(?:\'|\Z)|`(?:[^`\\\n]++|\\.)*+`'
            rb"|(?<![\w$])#(?!\{)[^\n]*|^=begin.*?(?:^=end|\Z)",
            re.S | re.M,
        ),
        keywords=frozenset(_KEYWORDS),
        rewritten=((b"&.", b"."), (b"::", b"."), (b"..", b" ")),
        interpolated=_interpolated,
    ),
    messages=re.compile(
        rb"\b(?:raise|fail)[ \t(]+(?:(?P<error>[A-Z][\w:]*)\s*(?:,|\.new\()?\s*)?"
        rb"""(?:"(?P<a>(?:[^"\\]|\\.)*+)"|'(?P<b>(?:[^'\\]|\\.)*+)')?"""
    ),
    main=re.compile(rb"__FILE__\s*==\s*\$(?:0|PROGRAM_NAME)|\$(?:0|PROGRAM_NAME)\s*==\s*__FILE__"),
)
