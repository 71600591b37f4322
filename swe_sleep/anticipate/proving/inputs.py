"""Inputs worth trying on both versions: calls seen in tests, and what lies near them."""

from __future__ import annotations

import ast
import doctest
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from swe_sleep.anticipate.harvest import Call
from swe_sleep.anticipate.inside.mutants import neighbours
from swe_sleep.anticipate.proving.changed import ChangedFunction, Function
from swe_sleep.anticipate.proving.hints import Hint

MOST = 1500
SEEN, MILD, OTHER, BARRED = 0, 1, 2, 3
"""How far an input is from those seen: one of them; of the same kind; of a kind not seen there; of
a kind that an annotation rules out."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One call to try. `guard`: a condition or handler that the change took away names the value.
    `want` is what a docstring says that it gives. `odd`: a value inside an argument or the receiver
    is of a kind that is not seen there, such as None in a list of numbers."""

    call: Call
    distance: int
    guard: bool = False
    what: str = ""
    want: str = ""
    odd: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """One expression of a call: an argument by position or name, or the receiver."""

    text: str
    name: str
    position: int | None = None

    def put(self, call: Call, text: str) -> Call:
        if self.position is not None:
            arguments = list(call.arguments)
            arguments[self.position] = text
            return replace(call, arguments=tuple(arguments))
        if self.name:
            return replace(call, keywords={**call.keywords, self.name: text})
        return replace(call, receiver=text)


def candidates(
    calls: Mapping[tuple[str, str], Sequence[Call]],
    change: ChangedFunction,
    hints: Sequence[Hint],
    signatures: Mapping[tuple[str, str], Function],
    most: int = MOST,
) -> list[Candidate]:
    """The calls, then others, the most telling first; each expression once."""
    queues: dict[int, list[list[Candidate]]] = defaultdict(list)
    for key, seen in calls.items():
        own = key == (change.path, change.qualname)
        node = signatures.get(key)
        pools = _pools(seen, node)
        for call in seen:
            queues[0].append([Candidate(call, SEEN, what="as a test calls it")])
            for rank, group in _near(call, node, own, hints, pools):
                queues[rank].append(group)
    found: dict[str, Candidate] = {}
    for rank in sorted(queues):
        for turn in itertools.zip_longest(*queues[rank]):  # each call has its share
            for candidate in turn:
                if candidate is not None:
                    found.setdefault(candidate.call.expression, candidate)
                if len(found) >= most:
                    return list(found.values())
    return list(found.values())


Ranked = Iterator[tuple[int, list[Candidate]]]


def _near(
    call: Call,
    node: Function | None,
    own: bool,
    hints: Sequence[Hint],
    pools: Mapping[str, Sequence[str]],
) -> Ranked:
    """Variants of one call, in groups with their rank."""
    parts = list(_parts(call, node))
    for part in parts:
        kinds = _kinds(part, node, pools)
        said = _annotated(part, node)
        about = [h for h in hints if own and part.name in h.about]
        loose = [h for h in hints if not h.about or not own]

        def made(
            text: str,
            what: str,
            guard: bool,
            odd: bool = False,
            part: _Part = part,
            kinds: frozenset[str] = kinds,
            said: frozenset[str] = said,
        ) -> Candidate:
            kind = kind_of(text)
            near = not part.name and part.position is None  # of the receiver only parts change
            distance = MILD if near or kind in kinds else OTHER
            if said and kind not in said and not near and kind != kind_of(part.text):
                distance = BARRED
            name = part.name or "the receiver"
            return Candidate(part.put(call, text), distance, guard, f"{name} {what}", odd=odd)

        if part.name or part.position is not None:
            for guard in (True, False):
                mine = [h for h in about if h.guard is guard]
                yield (1 if guard else 3), [made(h.value, "is " + h.value, guard) for h in mine]
            yield 4, [made(text, "is " + text, False) for text in pools.get(part.name, ())]
            yield 6, [made(text, "is " + text, False) for text in ("None", "''", "0", "[]", "{}")]
            yield (
                5,
                [made(h.value, "is " + h.value, h.guard) for h in loose],
            )
        for start, end, literal in itertools.islice(literals_of(part.text), 12):

            def swap(
                text: str,
                guard: bool,
                start: int = start,
                end: int = end,
                whole: str = part.text,
                here: frozenset[str] = kinds_in(repr(literal)),
            ) -> Candidate:
                raw = whole.encode()
                changed = (raw[:start] + text.encode() + raw[end:]).decode()
                return made(changed, "has " + text, guard, odd=not kinds_in(text) <= here)

            yield 2, [swap(h.value, h.guard) for h in about if h.guard]
            yield 4, [swap(text, False) for text in neighbours(literal)]
            near = [h for h in (*about, *loose) if kind_of(h.value) == kind_of_value(literal)]
            far = [h for h in (*about, *loose) if h not in near]
            yield 3, [swap(h.value, h.guard) for h in near]
            yield 7, [swap(h.value, h.guard) for h in far]
    yield (
        5,
        [Candidate(_without(call, name), MILD, what=f"without {name}") for name in call.keywords],
    )


def _without(call: Call, name: str) -> Call:
    return replace(call, keywords={k: v for k, v in call.keywords.items() if k != name})


def _parts(call: Call, node: Function | None) -> Iterator[_Part]:
    names: list[str] = []
    if node is not None:
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
        if call.kind not in ("function", "static"):
            names = names[1:]
    for position, text in enumerate(call.arguments):
        yield _Part(text, names[position] if position < len(names) else "", position)
    for name, text in call.keywords.items():
        yield _Part(text, name)
    if call.receiver and call.kind not in ("constructor", "static", "classmethod"):
        yield _Part(call.receiver, "")


def _pools(calls: Sequence[Call], node: Function | None) -> dict[str, list[str]]:
    """For each parameter, what other calls pass for it."""
    pools: dict[str, dict[str, None]] = defaultdict(dict)
    for call in calls:
        for part in _parts(call, node):
            if part.name and kind_of(part.text) != "other":  # else it needs the imports of its own
                pools[part.name][part.text] = None
    return {name: list(texts)[:8] for name, texts in pools.items()}


def _kinds(
    part: _Part, node: Function | None, pools: Mapping[str, Sequence[str]]
) -> frozenset[str]:
    """The kinds of value that are known to be meant for a parameter."""
    kinds = {kind_of(part.text), *map(kind_of, pools.get(part.name, ()))}
    if node is not None and part.name:
        args = node.args
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
        hint = next((a.annotation for a in every if a.arg == part.name), None)
        if hint is not None:
            heads = set(_heads(hint))
            kinds |= heads & (NAMED | {"NoneType"})
            kinds |= {"int", "float", "str", "NoneType"} if heads & {"Any", "object"} else set()
        positional = [*args.posonlyargs, *args.args]
        pairs = list(zip(reversed(positional), reversed(args.defaults), strict=False))
        pairs += [(a, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d]
        kinds |= {kind_of(ast.unparse(d)) for a, d in pairs if a.arg == part.name}
    return frozenset(kinds) - {"other"}


NAMED = frozenset(("str", "int", "float", "bool", "bytes", "list", "dict", "tuple", "set"))


def _annotated(part: _Part, node: Function | None) -> frozenset[str]:
    """The kinds that an annotation of plain types allows; none where it says nothing so plain."""
    if node is None or not part.name:
        return frozenset()
    args = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    hint = next((a.annotation for a in args if a.arg == part.name), None)
    heads = set(_heads(hint)) if hint is not None else set()
    if not heads <= NAMED | {"NoneType"}:
        return frozenset()
    return frozenset(heads | ({"int"} if "float" in heads else set()))


def _heads(hint: ast.expr) -> Iterator[str]:
    """The outermost types of an annotation: of `list[Any] | None`, these are list and NoneType."""
    if isinstance(hint, ast.Constant) and isinstance(hint.value, str):
        try:
            yield from _heads(ast.parse(hint.value, mode="eval").body)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            yield "other"
    elif isinstance(hint, ast.Constant):
        yield "NoneType" if hint.value is None else "other"
    elif isinstance(hint, ast.BinOp):
        yield from _heads(hint.left)
        yield from _heads(hint.right)
    elif isinstance(hint, ast.Subscript):
        head = next(_heads(hint.value), "other")
        inner = hint.slice.elts if isinstance(hint.slice, ast.Tuple) else [hint.slice]
        if head in ("Optional", "Union"):
            yield from (name for each in inner for name in _heads(each))
            yield from ["NoneType"] if head == "Optional" else []
        else:
            yield {"List": "list", "Dict": "dict", "Tuple": "tuple", "Set": "set"}.get(head, head)
    else:
        yield getattr(hint, "attr", "") or getattr(hint, "id", "") or "other"


def kind_of(text: str) -> str:
    """The type of a literal by its source, "other" for what is none."""
    try:
        return type(ast.literal_eval(text)).__name__
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return "float" if text.startswith("float(") else "other"


def kind_of_value(value: object) -> str:
    return type(value).__name__


def kinds_in(text: str) -> frozenset[str]:
    """The types of a literal and of all that is in it, numbers as one; "other" for what is none."""
    kinds = {kind_of(text)}
    if kinds & {"list", "tuple", "dict", "set"}:
        for node in ast.walk(ast.parse(text, mode="eval")):
            if isinstance(node, ast.Constant | ast.List | ast.Tuple | ast.Dict | ast.Set):
                kinds.add(kind_of_value(ast.literal_eval(node)))
    return frozenset("number" if kind in ("int", "float") else kind for kind in kinds)


def literals_of(text: str) -> Iterator[tuple[int, int, object]]:
    """The literals in an expression of one line: where they stand, in bytes, and what they are."""
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.List | ast.Tuple | ast.Dict | ast.Set):
            if node.end_col_offset is None or node.lineno != 1 or node.end_lineno != 1:
                continue
            try:
                value = ast.literal_eval(node)
            except (ValueError, TypeError):
                continue
            yield node.col_offset, node.end_col_offset, value


def documented(change: ChangedFunction, module: str) -> list[Candidate]:
    """The calls that its docstring shows, with what they give there."""
    if change.qualname.count(".") or not module:
        return []
    text = ast.get_docstring(change.new) or ""
    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return []
    found = []
    for example in examples:
        try:
            node = ast.parse(example.source.strip(), mode="eval").body
        except (SyntaxError, ValueError):
            continue
        if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == change.qualname):
            continue
        if any(isinstance(a, ast.Starred) for a in node.args) or any(
            k.arg is None for k in node.keywords
        ):
            continue
        call = Call(
            change.path,
            change.qualname,
            "",
            "",
            tuple(ast.unparse(a) for a in node.args),
            {k.arg: ast.unparse(k.value) for k in node.keywords if k.arg},
            (f"from {module} import {change.qualname}",),
        )
        want = " ".join(example.want.split())
        found.append(Candidate(call, SEEN, what="as its docstring shows", want=want))
    return found
