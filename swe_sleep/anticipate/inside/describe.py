"""What a value is, as text that two processes can compare.

No code of the value is run but, where there is no other way, its `repr`. Addresses are taken out;
sets stand in a fixed order; what is deep or long is cut, the same way every time.
"""

from __future__ import annotations

import enum
import re
import types
from typing import Any

MOST_NODES = 400
MOST_CHARS = 6000
MOST_DEPTH = 8
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,}\b")
PLAIN = (type(None), bool, int, float, complex, str, bytes, bytearray, type(Ellipsis), range, slice)


def describe(value: Any) -> str:
    """The text of a value; equal values of equal types have the same."""
    text = _Describing().of(value, 0)
    return text if len(text) <= MOST_CHARS else text[:MOST_CHARS] + "..."


def name_of(kind: type) -> str:
    module = getattr(kind, "__module__", "")
    name = getattr(kind, "__qualname__", str(kind))
    return name if module == "builtins" else "{}.{}".format(module, name)


def shown(value: Any, limit: int = 300) -> str:
    """Its repr for a person, on one line and cut; never raises."""
    try:
        text = repr(value)
    except Exception as error:
        text = "<{} whose repr raises {}>".format(type(value).__name__, type(error).__name__)
    text = ADDRESS.sub("0x", " ".join(text.split()))
    return text if len(text) <= limit else text[:limit] + "..."


class _Describing:
    def __init__(self) -> None:
        self.nodes = 0
        self.inside: set[int] = set()

    def of(self, value: Any, depth: int) -> str:
        self.nodes += 1
        kind = type(value)
        if kind in PLAIN:
            if kind is int and value.bit_length() > 4000:  # newer Pythons refuse to print it
                return hex(value)[:MOST_CHARS]
            return repr(value)[:MOST_CHARS]
        if self.nodes > MOST_NODES or depth > MOST_DEPTH:
            return "<{}>".format(name_of(kind))
        if id(value) in self.inside:
            return "<cycle>"
        self.inside.add(id(value))
        try:
            return self._composed(value, kind, depth + 1)
        except Exception as error:
            return "<{}: {}>".format(name_of(kind), type(error).__name__)
        finally:
            self.inside.discard(id(value))

    def _composed(self, value: Any, kind: type, depth: int) -> str:
        if isinstance(value, enum.Enum):
            return "{}.{}".format(name_of(kind), value.name)
        if isinstance(value, type):
            return "<class {}>".format(name_of(value))
        if isinstance(value, types.ModuleType):
            return "<module {}>".format(value.__name__)
        if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType)):
            return "<function {}>".format(getattr(value, "__qualname__", "?"))
        if isinstance(value, BaseException):
            return "{}({})".format(name_of(kind), self._all(value.args, depth))
        if isinstance(value, str):
            return "{}({!r})".format(name_of(kind), str(value))
        if isinstance(value, dict):
            pairs = [(self.of(k, depth), self.of(v, depth)) for k, v in dict.items(value)]
            text = "{" + ", ".join("{}: {}".format(k, v) for k, v in pairs) + "}"
            return (
                text
                if kind is dict
                else name_of(kind) + "(" + text + ")" + self._state(value, depth)
            )
        if isinstance(value, (set, frozenset)):
            return "{}({})".format(
                name_of(kind), ", ".join(sorted(self.of(v, depth) for v in value))
            )
        if isinstance(value, (list, tuple)):
            text = self._all(list(value), depth)
            if kind is list:
                return "[" + text + "]"
            return "(" + text + ")" if kind is tuple else "{}({})".format(name_of(kind), text)
        module = getattr(kind, "__module__", "").partition(".")[0]
        state = self._state(value, depth)
        if state and module not in STANDARD:
            return name_of(kind) + state
        if "__repr__" not in {name for base in kind.__mro__[:-1] for name in base.__dict__}:
            return name_of(kind) + state
        return name_of(kind) + ":" + ADDRESS.sub("0x", repr(value))[:MOST_CHARS]

    def _all(self, values: Any, depth: int) -> str:
        return ", ".join(self.of(value, depth) for value in values)

    def _state(self, value: Any, depth: int) -> str:
        """Its attributes, in the order of their names."""
        found = dict(getattr(value, "__dict__", {}))
        for kind in type(value).__mro__:
            slots = kind.__dict__.get("__slots__", ())
            for name in [slots] if isinstance(slots, str) else slots:
                if name not in found and name not in ("__dict__", "__weakref__"):
                    try:
                        found[name] = object.__getattribute__(value, name)
                    except AttributeError:
                        continue
        if not found:
            return ""
        parts = ["{}={}".format(k, self.of(found[k], depth)) for k in sorted(found, key=str)]
        return "{" + ", ".join(parts) + "}"


STANDARD = frozenset(
    ("datetime", "decimal", "fractions", "uuid", "pathlib", "re", "collections", "ipaddress",
     "array", "types", "functools", "itertools", "builtins", "email", "urllib", "zoneinfo")
)  # fmt: skip
