"""Python source that makes a value again, for values that source can make.

Literals and containers, enums, dates, decimals, paths, patterns, dataclasses and attrs, named
tuples, functions and classes by their dotted names, and instances whose constructor's call was
seen. Anything else is CannotRebuild: a wrong expression is worse than none.
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import io
import math
import os
import pathlib
import re
import sys
import types
import uuid
from typing import Any

MOST_CHARS = 3000
MOST_ITEMS = 60
MOST_DEPTH = 7
LITERALS = (type(None), bool, int, str, bytes, type(Ellipsis), type(NotImplemented))
BY_REPR = {
    datetime.date: "datetime", datetime.datetime: "datetime", datetime.time: "datetime",
    datetime.timedelta: "datetime", datetime.timezone: "datetime",
}  # fmt: skip
EMPTY: tuple[Any, ...] = ([], (), range(0), "", b"", {}, set())
ITERATORS = tuple(type(iter(each)) for each in EMPTY)


class CannotRebuild(Exception):
    """No source is known that makes this value."""


def dir_of(kind: type) -> set[str]:
    """The names that a class and its bases, but for `object`, define."""
    return {name for base in kind.__mro__[:-1] for name in base.__dict__}


class Made:
    """How instances came to be: what was seen of their constructors' calls."""

    def __init__(self, most: int = 4000) -> None:
        self.most = most
        self._known: dict[int, tuple[Any, str, tuple[str, ...]]] = {}

    def keep(self, value: Any, expression: str, imports: tuple[str, ...]) -> None:
        # The value is held, else another could get its id.
        if len(self._known) < self.most:
            self._known[id(value)] = (value, expression, imports)

    def of(self, value: Any) -> tuple[str, tuple[str, ...]] | None:
        found = self._known.get(id(value))
        return (found[1], found[2]) if found is not None and found[0] is value else None


class Writer:
    """Writes expressions; `imports` collects the lines that they need, `bound` what these bind."""

    def __init__(self, root: str, made: Made | None = None) -> None:
        self.root = root
        self.made = made or Made()
        self.bound: dict[str, str] = {}

    @property
    def imports(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.bound.values())))

    def write(self, value: Any, depth: int = 0) -> str:
        """Raises CannotRebuild."""
        text = self._write(value, depth)
        if len(text) > MOST_CHARS:
            raise CannotRebuild("long")
        return text

    def _write(self, value: Any, depth: int) -> str:
        kind = type(value)
        if depth > MOST_DEPTH:
            raise CannotRebuild("deep")
        if kind in LITERALS:
            if kind in (str, bytes) and self._tied(value):
                raise CannotRebuild("a place of this machine")
            if kind is int and value.bit_length() > 2000:
                raise CannotRebuild("long")
            return repr(value)
        if kind is float:
            return repr(value) if math.isfinite(value) else "float({!r})".format(str(value))
        if kind is complex:
            return repr(value)
        known = self.made.of(value)
        if known is not None:
            for line in known[1]:
                self.bind(line)
            return known[0]
        if kind in (list, tuple, set, frozenset, dict):
            return self._container(value, kind, depth)
        if isinstance(value, enum.Enum):
            return "{}.{}".format(self.dotted(kind), value.name)
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            return self.dotted(value)
        if isinstance(value, types.ModuleType):
            return self.module(value.__name__)
        return self._of_library(value, kind, depth)

    def _container(self, value: Any, kind: type, depth: int) -> str:
        if len(value) > MOST_ITEMS:
            raise CannotRebuild("long")
        if kind is dict:
            pairs = ["{}: {}".format(*(self.write(x, depth + 1) for x in p)) for p in value.items()]
            return "{" + ", ".join(pairs) + "}"
        items = [self.write(item, depth + 1) for item in value]
        if kind in (set, frozenset):
            items.sort()
        text = ", ".join(items)
        if kind is list:
            return "[" + text + "]"
        if kind is tuple:
            return "(" + text + ("," if len(items) == 1 else "") + ")"
        if kind is set:
            return "{" + text + "}" if items else "set()"
        return "frozenset({" + text + "})" if items else "frozenset()"

    def _of_library(self, value: Any, kind: type, depth: int) -> str:
        def inner(part: Any) -> str:
            return self.write(part, depth + 1)

        if kind in (range, slice):
            parts = [value.start, value.stop, value.step]
            return "{}({})".format(kind.__name__, ", ".join(map(inner, parts)))
        if kind is bytearray:
            return "bytearray({})".format(inner(bytes(value)))
        if kind in BY_REPR:
            if getattr(value, "tzinfo", None) not in (None, datetime.timezone.utc):
                raise CannotRebuild("a time zone")
            self.module("datetime")
            return repr(value)
        if kind in (decimal.Decimal, fractions.Fraction, uuid.UUID):
            return "{}({!r})".format(self.dotted(kind), str(value))
        if isinstance(value, pathlib.PurePath):
            if self._tied(str(value)):
                raise CannotRebuild("a place of this machine")
            name = "Path" if isinstance(value, pathlib.Path) else kind.__name__
            return "{}.{}({!r})".format(self.module("pathlib"), name, str(value))
        if isinstance(value, re.Pattern):
            flags = value.flags & ~(re.UNICODE if isinstance(value.pattern, str) else 0)
            more = ", {}".format(int(flags)) if flags else ""
            return "{}.compile({!r}{})".format(self.module("re"), value.pattern, more)
        if kind is collections.OrderedDict:
            return "{}({})".format(self.dotted(kind), inner(list(value.items())))
        if kind is collections.Counter:
            return "{}({})".format(self.dotted(kind), inner(dict(value)))
        if kind is collections.defaultdict:
            return "{}({}, {})".format(
                self.dotted(kind), inner(value.default_factory), inner(dict(value))
            )
        if kind is collections.deque:
            more = "" if value.maxlen is None else ", {}".format(value.maxlen)
            return "{}({}{})".format(self.dotted(kind), inner(list(value)), more)
        if kind is functools.partial:
            parts = [inner(value.func), *map(inner, value.args)]
            parts += ["{}={}".format(k, inner(v)) for k, v in value.keywords.items()]
            return "{}({})".format(self.dotted(kind), ", ".join(parts))
        if kind in (io.StringIO, io.BytesIO):
            if value.tell():
                raise CannotRebuild("read in part")
            return "{}.{}({})".format(self.module("io"), kind.__name__, inner(value.getvalue()))
        if kind in ITERATORS:
            return "iter({})".format(inner(list(copy.copy(value))))
        return self._instance(value, kind, inner)

    def _instance(self, value: Any, kind: type, inner: Any) -> str:
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            return "{}({})".format(self.dotted(kind), ", ".join(map(inner, value)))
        if isinstance(value, BaseException):
            return "{}({})".format(self.dotted(kind), ", ".join(map(inner, value.args)))
        if dataclasses.is_dataclass(value):
            fields = [f.name for f in dataclasses.fields(value) if f.init]
            return self._by_fields(value, kind, [(name, name) for name in fields], inner)
        attributes = getattr(kind, "__attrs_attrs__", None)
        if attributes is not None:
            pairs = [
                (getattr(a, "alias", None) or a.name.lstrip("_"), a.name)
                for a in attributes
                if a.init
            ]
            return self._by_fields(value, kind, pairs, inner)
        if getattr(value, "__dict__", None) == {} and "__init__" not in dir_of(kind):
            return self.dotted(kind) + "()"
        raise CannotRebuild(kind.__name__)

    def _by_fields(self, value: Any, kind: type, pairs: list[tuple[str, str]], inner: Any) -> str:
        parts = ["{}={}".format(name, inner(getattr(value, source))) for name, source in pairs]
        return "{}({})".format(self.dotted(kind), ", ".join(parts))

    # -- names -------------------------------------------------------------------------------

    def dotted(self, value: Any) -> str:
        """A function or class by its name, where that name leads to it."""
        module = getattr(value, "__module__", None)
        name = getattr(value, "__qualname__", "")
        if not module or not name or "<" in name or module == "__main__":
            raise CannotRebuild("no name")
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is not value:
            raise CannotRebuild("its name means another")
        if module == "builtins":
            return str(name)
        if self._ours(module):
            self.bind("from {} import {}".format(module, name.partition(".")[0]))
            return str(name)
        return "{}.{}".format(self.module(module), name)

    def module(self, name: str) -> str:
        self.bind("import " + name)
        return name

    def bind(self, line: str) -> None:
        """Take in an import line. Raises CannotRebuild where its name is taken."""
        name = line.split()[-1]
        key = name if line.startswith("from ") else name.partition(".")[0]
        old = self.bound.get(key)
        if old is not None and old != line and (line + old).count("from "):
            raise CannotRebuild("two of one name")
        self.bound[key if old is None else name] = line

    def _ours(self, module: str) -> bool:
        file = getattr(sys.modules.get(module), "__file__", None) or ""
        return os.path.realpath(file).startswith(self.root + os.sep)

    def _tied(self, text: Any) -> bool:
        """Whether a text names a place that only this run has."""
        raw = text if isinstance(text, str) else text.decode("latin-1")
        return self.root in raw or "/pytest-of-" in raw or "/pytest-" in raw
