"""Fixes of calls: arguments, siblings of functions and methods, calls around values."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from swe_sleep.repair.ingredients import calls_of, last_name
from swe_sleep.repair.source import FUNCTIONS, Source
from swe_sleep.repair.spot import Fix, Spot, alike, becomes, short

METHODS: tuple[tuple[str, ...], ...] = (
    ("append", "extend", "add", "insert", "update"),
    ("remove", "discard", "pop"),
    ("pop", "popleft", "popitem"),
    ("append", "appendleft"),
    ("startswith", "endswith"),
    ("lstrip", "rstrip", "strip"),
    ("removeprefix", "removesuffix", "lstrip", "rstrip"),
    ("lower", "upper", "casefold"),
    ("title", "capitalize"),
    ("find", "rfind", "index"),
    ("split", "rsplit", "splitlines"),
    ("partition", "rpartition"),
    ("ljust", "rjust", "center", "zfill"),
    ("keys", "values", "items"),
    ("get", "pop", "setdefault"),
    ("encode", "decode"),
    ("union", "intersection", "difference", "symmetric_difference"),
    ("issubset", "issuperset"),
    ("match", "search", "fullmatch"),
    ("finditer", "findall"),
    ("floor", "ceil", "trunc"),
    ("isdigit", "isalpha", "isalnum", "isdecimal", "isnumeric"),
    ("islower", "isupper"),
    ("read", "readline", "readlines"),
    ("sort", "reverse"),
)
FUNCTIONS_ALIKE: tuple[tuple[str, ...], ...] = (
    ("min", "max"),
    ("any", "all"),
    ("floor", "ceil"),
    ("int", "float", "round"),
    ("str", "repr"),
    ("isinstance", "issubclass"),
    ("sorted", "reversed", "list"),
    ("list", "tuple", "set", "frozenset"),
    ("sum", "len", "max"),
    ("hasattr", "getattr"),
    ("zip", "zip_longest"),
    ("chr", "ord"),
    ("next", "iter"),
)
WRAPPERS = (
    ("str({})", 0.6),
    ("list({})", 0.6),
    ("int({})", 0.6),
    ("sorted({})", 0.5),
    ("len({})", 0.5),
    ("set({})", 0.3),
    ("tuple({})", 0.4),
    ("abs({})", 0.4),
    ("bool({})", 0.3),
    ("dict({})", 0.25),
    ("float({})", 0.25),
    ("reversed({})", 0.2),
    ("{}.strip()", 0.6),
    ("{}.lower()", 0.6),
    ("{}.copy()", 0.5),
    ("{}.upper()", 0.25),
    ("{}.encode()", 0.2),
    ("{}.decode()", 0.2),
    ("{}.rstrip()", 0.2),
    ("{}.items()", 0.4),
    ("{}.values()", 0.25),
    ("{}()", 0.25),
    ("[{}]", 0.35),
    ("({},)", 0.3),
    ("next({})", 0.3),
    ("iter({})", 0.15),
    ("type({})", 0.2),
    ("repr({})", 0.3),
    ("round({})", 0.25),
    ("frozenset({})", 0.15),
    ("bytes({})", 0.15),
    ("max(0, {})", 0.3),
    ("max({}, 1)", 0.2),
    ("{}[:]", 0.3),
    ("{}.keys()", 0.2),
    ("{}.lstrip()", 0.2),
    ("copy.copy({})", 0.3),
    ("copy.deepcopy({})", 0.3),
    ("deepcopy({})", 0.3),
)
_NEEDS = {"copy.copy({})": "copy", "copy.deepcopy({})": "copy", "deepcopy({})": "deepcopy"}
KEYWORDS: dict[str, tuple[str, ...]] = {
    "open": ('encoding="utf-8"', 'newline=""'),
    "read_text": ('encoding="utf-8"',),
    "write_text": ('encoding="utf-8"',),
    "sorted": ("key=str", "key=len"),
    "sort": ("key=str", "key=len"),
    "max": ("default=0", "default=None", "key=len"),
    "min": ("default=0", "default=None", "key=len"),
    "makedirs": ("exist_ok=True",),
    "mkdir": ("exist_ok=True", "parents=True, exist_ok=True"),
    "warn": ("stacklevel=2", "stacklevel=3"),
    "zip": ("strict=True",),
    "dumps": ("sort_keys=True", "ensure_ascii=False", "default=str"),
    "split": ("maxsplit=1",),
    "rsplit": ("maxsplit=1",),
    "sub": ("count=1",),
    "enumerate": ("start=1",),
    "decode": ('"utf-8"', 'errors="replace"', '"utf-8", "replace"'),
    "encode": ('"utf-8"', 'errors="replace"'),
    "next": ("None",),
    "pop": ("None", "0", "-1"),
    "getattr": ("None", "False"),
    "get": ("None", "0", '""', "[]", "{}", "False"),
    "int": ("16", "10", "0"),
    "round": ("1", "2"),
    "replace": ("1",),
    "sum": ("[]", "()"),
    "rmtree": ("ignore_errors=True",),
    "isclose": ("abs_tol=1e-9",),
}
"""What calls of well-known functions often lack."""


def _siblings(groups: tuple[tuple[str, ...], ...], name: str) -> list[str]:
    found = [other for group in groups if name in group for other in group if other != name]
    return list(dict.fromkeys(found))


def swap_arguments(spot: Spot) -> Iterator[Fix]:
    """Two neighbouring arguments the wrong way round; also the object and its argument."""
    for node in spot.of(ast.Call):
        assert isinstance(node, ast.Call)
        plain = [a for a in node.args if not isinstance(a, ast.Starred)]
        for at, one in enumerate(plain):
            for other in plain[at + 1 :]:
                if spot.text(one) == spot.text(other):
                    continue
                start, end = spot.source.span(one)[0], spot.source.span(other)[1]
                gap = spot.source.between(spot.source.span(one)[1], spot.source.span(other)[0])
                text = f"{spot.text(other)}{gap}{spot.text(one)}"
                said = f"`{short(spot.text(one), 25)}` and `{short(spot.text(other), 25)}`"
                what = f"{said} change places"
                yield Fix(start, end, text, what, 1.0 if plain.index(other) == at + 1 else 0.6)
        if len(plain) == 1 and isinstance(node.func, ast.Attribute):
            text = f"{spot.text(plain[0])}.{node.func.attr}({spot.text(node.func.value)})"
            if isinstance(plain[0], (ast.Name, ast.Attribute, ast.Subscript)):
                yield spot.swap(node, text, weight=0.2)


def drop_argument(spot: Spot) -> Iterator[Fix]:
    """An argument too many."""
    for node in spot.of(ast.Call):
        assert isinstance(node, ast.Call)
        arguments: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
        for at, argument in enumerate(arguments):
            start, end = spot.source.span(argument)
            if at:
                start = spot.source.span(arguments[at - 1])[1]
                cut = spot.source.between(start, end)
                start += len(cut[: cut.find(",")].encode()) if "," in cut else 0
            elif len(arguments) > 1:
                end = spot.source.span(arguments[1])[0]
            what = f"the argument `{short(spot.text(argument), 40)}` goes"
            yield Fix(start, end, "", what, 0.6 if isinstance(argument, ast.keyword) else 0.4)


def add_argument(spot: Spot) -> Iterator[Fix]:
    """An argument that is missing: as other calls of the function have it, or a parameter of a
    function of this file whose name is in scope."""
    files = [spot.source.once(calls_of), *(past.once(calls_of) for past in spot.past)]
    names = set(spot.names)
    for node in spot.of(ast.Call):
        assert isinstance(node, ast.Call)
        name = last_name(node.func)
        lent: dict[str, float] = {}
        for called in (calls[name] for calls in files if name in calls):
            for parameter in called.parameters:
                if parameter in names:
                    lent[f"{parameter}={parameter}"] = 0.9
                elif spot.receiver:
                    lent[f"{parameter}={spot.receiver}.{parameter}"] = 0.5
            lent |= {text: 1.0 for text, value in called.keywords.items() if spot.known(value)}
        present = {w.arg for w in node.keywords}
        options = {t: w for t, w in lent.items() if t.split("=")[0] not in present}
        used = {ast.unparse(a) for a in node.args}
        bare = [n for n in spot.locals if n not in used and n != spot.receiver][:8]
        options |= {n: 0.35 if n in spot.parameters else 0.25 for n in bare}
        options |= {"reverse=True": 0.4} if name in ("sorted", "sort") else {}
        for text in KEYWORDS.get(name, ()):
            if text.split("=")[0] not in present:
                options[text] = max(options.get(text, 0.0), 0.6)
        scoped = [t for t, w in options.items() if "=" in t and w >= 0.9][:6]
        options |= {f"{one}, {two}": 0.4 for one, two in itertools.combinations(scoped, 2)}
        arguments: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
        _, end = spot.source.span(node)
        at = spot.source.span(arguments[-1])[1] if arguments else end - 1
        for text, weight in options.items():
            if node.keywords and "=" not in text:
                continue
            comma = ", " if arguments else ""
            what = f"`{short(spot.text(node.func), 30)}` is also given `{short(text, 40)}`"
            yield Fix(at, at, f"{comma}{text}", what, weight)


def sibling_method(spot: Spot) -> Iterator[Fix]:
    """A method that is often confused with this one."""
    for node in spot.of(ast.Attribute):
        assert isinstance(node, ast.Attribute)
        others = dict.fromkeys(
            _siblings(METHODS, node.attr) + _siblings(FUNCTIONS_ALIKE, node.attr)
        )
        for at, other in enumerate(others):
            _, end = spot.source.span(node)
            start = end - len(node.attr.encode())
            yield Fix(start, end, other, f"`.{node.attr}` becomes `.{other}`", 1 / (1 + at / 3))


def sibling_function(spot: Spot) -> Iterator[Fix]:
    """Another function: a built-in often confused with this one, or one of the file with a
    similar name."""
    for node in spot.of(ast.Name):
        assert isinstance(node, ast.Name)
        if not isinstance(node.ctx, ast.Load):
            continue
        for at, other in enumerate(_siblings(FUNCTIONS_ALIKE, node.id)):
            yield spot.swap(node, other, weight=1 / (1 + at / 3))
        parent = spot.source.parent(node)
        if not (isinstance(parent, ast.Call) and parent.func is node):
            continue
        whole = spot.source.once(_file_functions)
        for other in (*spot.module_names, *spot.locals):
            if other == node.id:
                continue
            similar = alike(node.id, other)
            if other in whole and similar > 0.3:
                yield spot.swap(node, other, weight=0.9 * similar)


def _file_functions(source: Source) -> set[str]:
    found: set[str] = set()
    for statement in source.tree.body:
        if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            found.add(statement.name)
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            found.update(a.asname or a.name for a in statement.names)
    return found


def wrap(spot: Spot) -> Iterator[Fix]:
    """A call that is missing around a value, such as `str()`, `sorted()`, `.strip()`; also the
    functions of the file that take one argument, where they are called so elsewhere."""
    lent = [(f"{name}({{}})", 0.4) for name in _one_argument_calls(spot)]
    for node, weight in _values(spot):
        text = spot.text(node)
        tight = isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
        for form, likely in (*WRAPPERS, *lent):
            head = form.split("(")[0]
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                head.strip("{}.") or "?"
            ):
                continue
            if form == "{}()" and isinstance(node, ast.Call):
                continue
            if form in _NEEDS and _NEEDS[form] not in spot.module_names:
                continue
            inside = text if tight or not form.startswith("{}") else f"({text})"
            new = form.format(inside)
            yield spot.swap(node, new, weight=weight * likely)


def _one_argument_calls(spot: Spot) -> list[str]:
    found: dict[str, None] = {}
    mine = set(spot.module_names)
    for node in ast.walk(spot.function or spot.source.tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[_], keywords=[]) if name in mine:
                found[name] = None
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=owner), attr=name), args=[_], keywords=[]
            ) if owner == spot.receiver:
                found[f"{owner}.{name}"] = None
            case _:
                pass
    return list(found)[:8]


def _values(spot: Spot) -> Iterator[tuple[ast.expr, float]]:
    """Values that flow somewhere: returned, assigned, passed, iterated, compared."""
    seen: set[ast.expr] = set()

    def fresh(node: ast.expr | None, weight: float) -> Iterator[tuple[ast.expr, float]]:
        plain = (ast.Constant, ast.Starred, ast.JoinedStr, ast.Lambda)
        if node is not None and node not in seen and not isinstance(node, plain):
            seen.add(node)
            yield node, weight

    statement = spot.statement
    if isinstance(statement, (ast.Return, ast.Assign, ast.AugAssign, ast.AnnAssign)):
        yield from fresh(statement.value, 1.0)
    for node in spot.of(ast.Name, ast.Attribute, ast.Call, ast.Subscript):
        if isinstance(spot.source.parent(node), ast.FormattedValue) and isinstance(node, ast.expr):
            yield from fresh(node, 0.7)
    if isinstance(statement, ast.For):
        yield from fresh(statement.iter, 1.0)
    for node in spot.nodes:
        match node:
            case ast.comprehension(iter=iterated):
                yield from fresh(iterated, 0.8)
            case ast.Call(args=args, keywords=keywords):
                for argument in (*args, *(k.value for k in keywords)):
                    yield from fresh(argument, 0.6)
            case ast.Compare(left=left, comparators=comparators):
                for operand in (left, *comparators):
                    yield from fresh(operand, 0.6)
            case ast.Subscript(slice=index) if not isinstance(index, ast.Slice):
                yield from fresh(index, 0.4)
            case ast.Attribute(value=value) if not isinstance(value, ast.Name):
                yield from fresh(value, 0.3)
            case ast.Dict(values=values):
                for item in values:
                    yield from fresh(item, 0.5)
            case ast.BinOp(left=left, right=right):
                for operand in (left, right):
                    yield from fresh(operand, 0.4)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                for item in elements:
                    yield from fresh(item, 0.4)
            case _:
                pass


def unwrap(spot: Spot) -> Iterator[Fix]:
    """A call around a value too many."""
    for node in spot.of(ast.Call):
        assert isinstance(node, ast.Call)
        if len(node.args) >= 1 and not isinstance(node.args[0], (ast.Starred, ast.GeneratorExp)):
            weight = 0.8 if isinstance(node.func, ast.Name) and len(node.args) == 1 else 0.3
            yield spot.swap(node, spot.wrapped(node, spot.text(node.args[0])), weight=weight)
        if isinstance(node.func, ast.Attribute):
            weight = 0.8 if not node.args else 0.35
            yield spot.swap(node, spot.text(node.func.value), weight=weight)


_DEFAULTS = (("0", 0.6), ('""', 0.6), ("[]", 0.5), ("{}", 0.4), ("False", 0.4), ("()", 0.3))


def subscript_get(spot: Spot) -> Iterator[Fix]:
    """`d[k]` for `d.get(k)`, and back."""
    for node in spot.nodes:
        match node:
            case ast.Subscript(value=value, slice=index, ctx=ast.Load()):
                if not isinstance(index, (ast.Slice, ast.Tuple)):
                    head = f"{spot.text(value)}.get({spot.text(index)}"
                    number = isinstance(index, ast.Constant) and isinstance(index.value, int)
                    weight = 0.15 if number else 1.0
                    what = f"`{short(spot.text(node))}` asks with `.get`, as the key may be missing"
                    yield spot.swap(node, f"{head})", what, weight)
                    for default, likely in _DEFAULTS:
                        yield spot.swap(node, f"{head}, {default})", what, weight * likely)
            case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[key, *default]):
                yield spot.swap(node, f"{spot.text(value)}[{spot.text(key)}]", weight=0.5)
                if default:
                    yield spot.swap(node, f"{spot.text(value)}.get({spot.text(key)})", weight=0.3)
                else:
                    for text, likely in _DEFAULTS:
                        new = f"{spot.text(value)}.get({spot.text(key)}, {text})"
                        yield spot.swap(node, new, weight=likely)
            case _:
                pass


def awaiting(spot: Spot) -> Iterator[Fix]:
    """`await` that is missing or too much."""
    for node in spot.nodes:
        if isinstance(node, ast.Await):
            yield spot.swap(node, spot.text(node.value))
        elif (
            isinstance(node, ast.Call)
            and isinstance(spot.function, ast.AsyncFunctionDef)
            and not isinstance(spot.source.parent(node), ast.Await)
        ):
            yield spot.swap(node, spot.wrapped(node, f"await {spot.text(node)}"))


def sort_order(spot: Spot) -> Iterator[Fix]:
    """A sort in the wrong direction."""
    for node in spot.of(ast.keyword):
        assert isinstance(node, ast.keyword)
        if node.arg == "reverse" and isinstance(node.value, ast.Constant):
            new = str(not node.value.value)
            yield spot.swap(node.value, new, becomes(spot.text(node), f"reverse={new}"))
