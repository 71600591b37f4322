"""What else must hold of a function or a class, judged by its name and those beside it.

A name only suggests a property. It counts once it holds for the calls that are known to be right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from swe_sleep.anticipate.hunting.purity import Function

_ROUND = (
    ("dumps", "loads"), ("dump", "load"), ("encode", "decode"), ("serialize", "deserialize"),
    ("serialise", "deserialise"), ("escape", "unescape"), ("quote", "unquote"), ("pack", "unpack"),
    ("compress", "decompress"), ("flatten", "unflatten"), ("unparse", "parse"),
    ("format", "parse"), ("join", "split"), ("sign", "unsign"), ("encrypt", "decrypt"),
    ("stringify", "parse"), ("to_string", "from_string"), ("freeze", "unfreeze"),
)  # fmt: skip
_CONVERTS = re.compile(r"(?P<one>\w+?)(?P<by>_to_|2|_as_)(?P<two>\w+)")
_SETTLES = re.compile(
    r"(?:^|_)(?:normali[sz]e|clean|canonical\w*|dedent|slugify|collapse|squeeze|dedupe|uniq(?:ue)?"
    r"|simplify|sanitize|strip|trim|squash|tidy|secure_filename|unique_everseen)(?:_|$)"
)
_ITERATES = (("{}", "{}_iter"), ("{}", "iter_{}"), ("{}", "i{}"), ("{}", "{}_gen"))


@dataclass(frozen=True, slots=True)
class Property:
    """`kind` as `inside/properties.py` has them; `other` is the sibling, or what is looked at."""

    kind: str
    other: str = ""


CRASH = Property("crash")


def of_function(name: str, node: Function, beside: Mapping[str, Function]) -> tuple[Property, ...]:
    """The properties of one function or method among those beside it."""
    found = [CRASH]
    for there, back in (*_ROUND, *_conversions(name)):
        other = _replaced(name, there, back)
        if other in beside and other != name:
            found.append(Property("round trip", other))
    if _SETTLES.search(name) and not name.startswith(("is_", "has_")):
        found.append(Property("idempotence"))
    for one, other in _ITERATES:
        sibling = other.format(name)
        if one.format(name) == name and sibling in beside and _alike(node, beside[sibling]):
            found.append(Property("agreement", sibling))
    return tuple(found)


def of_class(methods: Mapping[str, Function]) -> tuple[Property, ...]:
    """The properties that the special methods of a class promise."""
    found: list[Property] = []
    if "__eq__" in methods:
        found += [Property("protocol", what) for what in ("eq", "copy", "deepcopy")]
    if "__len__" in methods and "__iter__" in methods:
        found.append(Property("protocol", "len"))
    if "__contains__" in methods and "__iter__" in methods:
        found.append(Property("protocol", "contains"))
    if "__repr__" in methods or "__str__" in methods:
        found.append(Property("protocol", "repr"))
    return tuple(found)


def _replaced(name: str, there: str, back: str) -> str:
    """The name with one word of it replaced."""
    words = name.split("_")
    parts = there.split("_")
    for start in range(len(words) - len(parts) + 1):
        if words[start : start + len(parts)] == parts:
            return "_".join([*words[:start], *back.split("_"), *words[start + len(parts) :]])
    return ""


def _conversions(name: str) -> Iterator[tuple[str, str]]:
    match = _CONVERTS.fullmatch(name)
    if match:
        yield name, f"{match['two']}{match['by']}{match['one']}"
    if name.startswith("to_"):
        yield name, "from_" + name[3:]


def _alike(one: Function, other: Function) -> bool:
    """Whether both take the same."""
    names = [[a.arg for a in node.args.args] for node in (one, other)]
    return names[0] == names[1]
