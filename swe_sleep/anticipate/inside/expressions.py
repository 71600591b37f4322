"""Strategies that draw Python source: each value is built anew for each call, and what is found is
written down as it was drawn.

The values are those a user could have: short, small, printable; never NaN, a lone surrogate or a
number beyond what a person would write.
"""

from __future__ import annotations

import collections.abc
import datetime
import decimal
import enum
import fractions
import inspect
import pathlib
import typing
from typing import Any

from hypothesis import strategies as st

DEPTH = 3
PLAIN = "abcXY019 "
MARKS = "-_.,:;/'\"()[]{}<>=+*#@&%!?\\\n\t"
WORDS = ("a", "ab", "foo", "hello world", "foo bar", "1", "12", "a-b", "a.b", "a_b", "Foo", "é")
MOST_LETTERS = 12
MOST_ITEMS = 4

Sources = Any
"""A strategy of source text."""


class NoFit(Exception):
    """Nothing is known of what a parameter takes."""


def of_annotation(hint: Any, names: Any, depth: int = DEPTH) -> Sources:
    """What fits an annotation. `names` gives the source of a class, or raises NoFit. Raises NoFit
    where the annotation says too little."""
    if depth < 0:
        raise NoFit("nested too deep")
    simple = _simple(hint)
    if simple is not None:
        return simple
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if _is_union(origin):
        fitting = []
        for each in arguments:
            try:
                fitting.append(of_annotation(each, names, depth - 1))
            except NoFit:
                continue
        if not fitting:
            raise NoFit("no part of a union is known")
        return st.one_of(fitting)
    if origin is typing.Literal:
        return st.sampled_from([repr(each) for each in arguments])
    if origin is not None:
        return _generic(origin, arguments, names, depth)
    if isinstance(hint, typing.TypeVar):
        return _variable(hint, names, depth)
    if inspect.isclass(hint):
        return _class(hint, names, depth)
    raise NoFit("%r says too little" % (hint,))


def _simple(hint: Any) -> Sources:
    if hint is None or hint is type(None):
        return st.just("None")
    if hint is str or hint is typing.AnyStr:
        return text()
    if hint is bool:
        return st.sampled_from(["False", "True"])
    if hint is int:
        return integers()
    if hint is float:
        return floats()
    if hint is bytes:
        return text(alphabet="abcXY019 -_.:/=").map(lambda s: "b" + s)
    if hint is datetime.date:
        return _dates().map(lambda d: "datetime.date(%d, %d, %d)" % d)
    if hint is datetime.datetime:
        return st.tuples(_dates(), st.integers(0, 23), st.integers(0, 59)).map(
            lambda t: "datetime.datetime(%d, %d, %d, %d, %d)" % (t[0] + t[1:])
        )
    if hint is datetime.timedelta:
        return st.integers(0, 400000).map("datetime.timedelta(seconds={})".format)
    if hint is decimal.Decimal:
        return st.integers(-9999, 9999).map(lambda n: "decimal.Decimal('%.2f')" % (n / 100))
    if hint is fractions.Fraction:
        parts = st.tuples(st.integers(-20, 20), st.integers(1, 20))
        return parts.map(lambda t: "fractions.Fraction(%d, %d)" % t)
    if hint in (pathlib.Path, pathlib.PurePath):
        return st.sampled_from(["a", "a/b.txt", "c.tar.gz"]).map("pathlib.PurePath({!r})".format)
    return None


def _is_union(origin: Any) -> bool:
    return origin is typing.Union or getattr(origin, "__name__", "") == "UnionType"


def _dates() -> Any:
    return st.tuples(st.integers(1990, 2030), st.integers(1, 12), st.integers(1, 28))


def _generic(origin: Any, arguments: Any, names: Any, depth: int) -> Sources:
    inner = [a for a in arguments if a is not Ellipsis]
    if origin is tuple:
        if not arguments:
            raise NoFit("a tuple of anything")
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return many(of_annotation(inner[0], names, depth - 1)).map(as_tuple)
        return st.tuples(*(of_annotation(a, names, depth - 1) for a in inner)).map(as_tuple)
    if origin in (set, frozenset, collections.abc.Set, collections.abc.MutableSet):
        inside = hashable(inner[0], names, depth)
        name = "frozenset" if origin is frozenset else "set"
        return many(inside, unique=True).map(lambda items: "%s(%s)" % (name, as_list(items)))
    if origin in (dict, collections.abc.Mapping, collections.abc.MutableMapping):
        key, value = (hashable(inner[0], names, depth), of_annotation(inner[1], names, depth - 1))
        return mapping(key, value)
    ordered = (
        list,
        collections.abc.Sequence,
        collections.abc.MutableSequence,
        collections.abc.Iterable,
        collections.abc.Collection,
    )
    if origin in ordered and inner:
        return many(of_annotation(inner[0], names, depth - 1)).map(as_list)
    if origin is collections.abc.Iterator and inner:
        items = many(of_annotation(inner[0], names, depth - 1))
        return items.map(lambda drawn: "iter(%s)" % as_list(drawn))
    raise NoFit("%r is not known" % (origin,))


def hashable(hint: Any, names: Any, depth: int) -> Sources:
    if hint in (list, dict, set) or typing.get_origin(hint) in (list, dict, set):
        raise NoFit("not hashable")
    return of_annotation(hint, names, depth - 1)


def _variable(hint: Any, names: Any, depth: int) -> Sources:
    if hint.__constraints__:
        return of_annotation(hint.__constraints__[0], names, depth)
    if hint.__bound__ is not None and not isinstance(hint.__bound__, (str, typing.ForwardRef)):
        return of_annotation(hint.__bound__, names, depth)
    return integers()  # anything will do


def _class(hint: Any, names: Any, depth: int) -> Sources:
    if issubclass(hint, enum.Enum):
        members = [names(hint) + "." + member for member in hint.__members__]
        if members:
            return st.sampled_from(members)
    if inspect.isabstract(hint) or issubclass(hint, BaseException) or hint is object:
        raise NoFit("%r is abstract" % (hint,))
    if hint.__module__ in ("builtins", "typing", "collections.abc", "types"):
        raise NoFit("%r says too little" % (hint,))
    return constructed(hint, names, depth)


def constructed(kind: Any, names: Any, depth: int = DEPTH) -> Sources:
    """Calls of a class whose required parameters are all annotated."""
    source = names(kind)
    try:
        parameters = list(inspect.signature(kind).parameters.values())
        hints = typing.get_type_hints(kind.__init__)
        hints = {**typing.get_type_hints(kind), **hints}
    except Exception as error:  # whatever an annotation's evaluation raises
        raise NoFit(str(error)) from None
    required = []
    for each in parameters:
        if each.default is not each.empty or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            continue
        if each.name not in hints:
            raise NoFit("%s of %s is not annotated" % (each.name, source))
        drawn = of_annotation(hints[each.name], names, depth - 1)
        if each.kind is each.KEYWORD_ONLY:
            drawn = drawn.map((each.name + "={}").format)
        required.append(drawn)
    return st.tuples(*required).map(lambda parts: "%s(%s)" % (source, ", ".join(parts)))


# -- plain values ------------------------------------------------------------------------------


def text(alphabet: str = "", extra: Any = ()) -> Sources:
    letters = "".join(dict.fromkeys(PLAIN + "".join(extra) + (alphabet or MARKS)))[:80]
    free = st.text(alphabet=letters, max_size=MOST_LETTERS)
    words = st.sampled_from([w for w in WORDS if not alphabet or set(w) <= set(letters)])
    return st.one_of(free, words).map(repr)


def integers(low: int = 0, high: int = 30) -> Sources:
    return st.integers(low, high).map(repr)


def floats(low: float = 0.0, high: float = 1000.0) -> Sources:
    hundredths = st.integers(int(low * 100), int(high * 100))
    return hundredths.map(lambda n: repr(n / 100))


def many(items: Sources, *, unique: bool = False) -> Any:
    return st.lists(items, max_size=MOST_ITEMS, unique=unique)


def mapping(keys: Sources, values: Sources) -> Sources:
    pairs = st.lists(st.tuples(keys, values), max_size=MOST_ITEMS, unique_by=lambda pair: pair[0])
    return pairs.map(lambda drawn: "{%s}" % ", ".join("%s: %s" % pair for pair in drawn))


def as_list(items: Any) -> str:
    return "[%s]" % ", ".join(items)


def as_tuple(items: Any) -> str:
    return "(%s%s)" % (", ".join(items), "," if len(items) == 1 else "")


# -- like a value that was seen ----------------------------------------------------------------


def shape(value: Any, depth: int = 2) -> str:
    """A value's type with those of what it holds: what a function is given together fits together,
    so one value is only put in the place of another of the same shape."""
    kind = type(value)
    if depth and kind in (list, tuple, set, frozenset):
        inner = sorted({shape(item, depth - 1) for item in value})
        return "%s[%s]" % (kind.__name__, ", ".join(inner))
    if depth and kind is dict:
        inner = sorted({"%r: %s" % (key, shape(item, depth - 1)) for key, item in value.items()})
        return "{%s}" % ", ".join(inner)
    return str(kind.__name__)


def like(values: Any, depth: int = DEPTH) -> Sources:
    """Values of the types and about the size of those that were seen. Raises NoFit."""
    kinds = {type(value) for value in values}
    drawn = []
    for kind in sorted(kinds, key=lambda k: k.__name__):
        drawn.append(_like([v for v in values if type(v) is kind], kind, depth))
    return st.one_of(drawn)


def _like(values: Any, kind: Any, depth: int) -> Sources:
    if kind in (bool, type(None)):
        return st.sampled_from(sorted({repr(value) for value in values}))
    if kind is int:
        return _numbers(values, integers)
    if kind is float:
        return _numbers([v for v in values if abs(v) < 1e6], floats)
    if kind is str:
        return _text_like(values)
    if kind is bytes:
        decoded = [value.decode("latin-1") for value in values]
        return _text_like(decoded).map(_to_bytes)
    if depth <= 0:
        raise NoFit("nested too deep")
    if kind in (list, tuple, set, frozenset):
        items = [item for value in values for item in value]
        if not items:
            raise NoFit("only empty ones were seen")
        if kind is tuple:  # a tuple's length is most often part of what it is
            sizes = {len(value) for value in values}
            columns = [
                like([v[i] for v in values if len(v) > i], depth - 1) for i in range(max(sizes))
            ]
            shapes = [st.tuples(*columns[:size]).map(as_tuple) for size in sorted(sizes)]
            return st.one_of(shapes)
        drawn = many(like(items, depth - 1), unique=kind is not list).map(as_list)
        name = "" if kind is list else kind.__name__
        return drawn.map(lambda source: "%s(%s)" % (name, source) if name else source)
    if kind is dict:
        return _dict_like(values, depth)
    raise NoFit("%s can not be varied" % kind.__name__)


def _dict_like(values: Any, depth: int) -> Sources:
    """The same keys: what they are is most often part of what it is."""
    known = {}  # type: dict[str, Any]
    for value in values:
        for key, item in value.items():
            known.setdefault(repr(key), []).append(item)
    if not known or len(known) > 20:
        raise NoFit("no keys, or too many")
    always = [key for key, items in known.items() if len(items) == len(values)]
    columns = {key: like(items, depth - 1) for key, items in known.items()}
    shape = {key: columns[key] for key in always}
    optional = {key: columns[key] for key in known if key not in always}
    drawn = st.fixed_dictionaries(shape, optional=optional)
    return drawn.map(lambda d: "{%s}" % ", ".join("%s: %s" % pair for pair in d.items()))


def _numbers(values: Any, make: Any) -> Sources:
    if not values:
        raise NoFit("no number that a person would write")
    low, high = min(values), max(values)
    if low > 1:
        low = 1  # none, and less than none, may mean something else
    return make(low, max(high, min(30, 2 * high + 3)))


def _to_bytes(source: str) -> str:
    import ast

    return repr(ast.literal_eval(source).encode("latin-1", "ignore"))


def _text_like(values: Any) -> Sources:
    """A string that was seen, with a part cut out, doubled, or put into another."""
    seen = sorted({value for value in values if len(value) < 400}, key=lambda v: (len(v), v))
    if not seen:
        raise NoFit("only long texts were seen")
    return st.builds(
        _changed,
        st.sampled_from(seen),
        st.sampled_from(seen),
        st.integers(0, 5),
        st.integers(0, 40),
        st.integers(0, 40),
    ).map(repr)


def _changed(value: str, other: str, how: int, start: int, size: int) -> str:
    start = min(start, len(value))
    end = min(len(value), start + size)
    if how == 0:
        return value
    if how == 1:
        return value[:start] + value[end:]
    if how == 2:
        return value[start:end]
    if how == 3:
        return value[:end] + value[start:]
    if how == 4:
        return value[:start] + other[: min(size, 8)] + value[start:]
    return other[:start] + value[start:end].swapcase() + value[end:]
