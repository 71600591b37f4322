"""Slips of a programmer's hand: every way that a piece of Python may be put slightly wrong.

Used by `faults.py`. Each slip is a few replacements of text at the places of syntax nodes, so that
the rest of the file keeps its form. This knows nothing of the solver, and shares no code with it:
what is made wrong here is not the mirror image of what is mended there.
"""

from __future__ import annotations

import ast
import itertools
import random
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

Change = tuple[int, int, bytes]
"""From, to, instead: offsets in the file's bytes."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Node = TypeVar("Node", bound=ast.AST)

SHORT = 3
"""Strings of so many characters are separators and signs, and are taken for one another."""

CLASSES = (
    "condition",
    "arithmetic",
    "name",
    "argument order",
    "guard",
    "return or default",
    "constant or slice",
    "exception",
    "copy",
    "call",
    "mutable default",
    "await or yield",
)

ALIKE: Sequence[Sequence[str]] = (
    ("append", "extend", "insert"),
    ("strip", "lstrip", "rstrip"),
    ("upper", "lower", "title", "capitalize", "casefold"),
    ("startswith", "endswith"),
    ("keys", "values", "items"),
    ("find", "rfind"),
    ("split", "rsplit"),
    ("partition", "rpartition"),
    ("ljust", "rjust"),
    ("add", "discard", "update"),
    ("union", "intersection", "difference"),
    ("match", "search", "fullmatch"),
    ("min", "max"),
    ("any", "all"),
    ("isdigit", "isalpha", "isalnum", "isdecimal"),
    ("floor", "ceil"),
    ("popleft", "pop"),
)
BUILT_IN_ERRORS = (
    "ValueError",
    "TypeError",
    "KeyError",
    "IndexError",
    "AttributeError",
    "RuntimeError",
    "LookupError",
)
COMPARED: dict[type[ast.cmpop], tuple[str, Sequence[tuple[str, str]]]] = {
    ast.Lt: ("<", (("boundary", "<="), ("operator", ">"))),
    ast.LtE: ("<=", (("boundary", "<"), ("operator", ">="))),
    ast.Gt: (">", (("boundary", ">="), ("operator", "<"))),
    ast.GtE: (">=", (("boundary", ">"), ("operator", "<="))),
    ast.Eq: ("==", (("operator", "!="), ("operator", "is"))),
    ast.NotEq: ("!=", (("operator", "=="),)),
    ast.Is: ("is", (("operator", "is not"), ("operator", "=="))),
    ast.IsNot: ("is not", (("operator", "is"),)),
    ast.In: ("in", (("operator", "not in"), ("operator", "=="))),
    ast.NotIn: ("not in", (("operator", "in"),)),
}
COUNTED: dict[type[ast.operator], tuple[bytes, Sequence[bytes]]] = {
    ast.Add: (b"+", (b"-",)),
    ast.Sub: (b"-", (b"+",)),
    ast.Mult: (b"*", (b"//", b"+")),
    ast.FloorDiv: (b"//", (b"/", b"%")),
    ast.Div: (b"/", (b"//", b"*")),
    ast.Mod: (b"%", (b"//",)),
    ast.Pow: (b"**", (b"*",)),
    ast.LShift: (b"<<", (b">>",)),
    ast.RShift: (b">>", (b"<<",)),
    ast.BitAnd: (b"&", (b"|",)),
    ast.BitOr: (b"|", (b"&",)),
}
WRAPPERS = {
    *("str", "int", "float", "bool", "bytes", "repr", "abs", "len", "round", "min", "max", "sum"),
    *("sorted", "reversed", "tuple", "set", "frozenset", "list", "dict", "iter"),
}
STRIPPED = {
    *("strip", "lstrip", "rstrip", "lower", "upper", "title", "casefold"),
    *("encode", "decode", "items"),
}


@dataclass(frozen=True, slots=True)
class Slip:
    """One way to get a file wrong. `line` is the first that is changed, in the right file."""

    group: str
    kind: str
    line: int
    function: str
    """The innermost function's qualified name; "" outside of any."""
    first_line: int
    last_line: int
    """Of that function; of the file where there is none."""
    changes: tuple[Change, ...]

    def apply(self, text: bytes) -> bytes:
        for start, end, instead in sorted(self.changes, reverse=True):
            text = text[:start] + instead + text[end:]
        return text


@dataclass
class Site:
    """A file, its tree, and where in it we are."""

    text: bytes
    tree: ast.Module = field(init=False)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.text)
        self.starts = [0, *itertools.accumulate(map(len, self.text.splitlines(keepends=True)))]
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
        self.attributes = self._attributes()
        self.raised = sorted({n.id for n in self._nodes(ast.Name) if self._is_raised(n)})
        strings = {n.value for n in self._nodes(ast.Constant) if isinstance(n.value, str)}
        self.short = sorted(text for text in strings if len(text) <= SHORT)

    def _nodes(self, kind: type[Node]) -> list[Node]:
        return [node for node in self.parents if isinstance(node, kind)]

    def _is_raised(self, name: ast.Name) -> bool:
        return self.called(name) and isinstance(self.parents[self.parents[name]], ast.Raise)

    def _attributes(self) -> dict[tuple[str, bool], list[str]]:
        """Names that stand behind a receiver, called or not."""
        found: dict[tuple[str, bool], set[str]] = defaultdict(set)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                found[node.value.id, self.called(node)].add(node.attr)
        return {key: sorted(names) for key, names in found.items()}

    def called(self, node: ast.AST) -> bool:
        parent = self.parents.get(node)
        return isinstance(parent, ast.Call) and parent.func is node

    def start(self, node: ast.AST) -> int:
        return self.starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined,no-any-return]

    def end(self, node: ast.AST) -> int:
        return self.starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined,no-any-return]

    def source(self, node: ast.AST) -> bytes:
        return self.text[self.start(node) : self.end(node)]

    def to(self, node: ast.AST, instead: bytes) -> Change:
        return self.start(node), self.end(node), instead

    def without(self, statement: ast.stmt) -> Change:
        """A statement's whole lines away, or `pass` where it is alone in its block or line."""
        begin, end = self.starts[statement.lineno - 1], self.end(statement)
        line_end = self.text.find(b"\n", end)
        line_end = len(self.text) if line_end < 0 else line_end + 1
        alone = not self.text[begin : self.start(statement)].strip()
        alone &= self.text[end:line_end].strip()[:1] in (b"", b"#")
        block = next(
            (
                value
                for _, value in ast.iter_fields(self.parents[statement])
                if isinstance(value, list) and statement in value
            ),
            [statement],
        )
        if len(block) == 1 or not alone:
            return self.to(statement, b"pass")
        return begin, line_end, b""

    def indent(self, statement: ast.stmt) -> bytes:
        return b" " * statement.col_offset

    def line_of(self, offset: int) -> int:
        return self.text.count(b"\n", 0, offset) + 1

    def functions_around(self, node: ast.AST) -> list[Function | ast.ClassDef]:
        """The functions and classes around a node, innermost first."""
        found: list[Function | ast.ClassDef] = []
        at: ast.AST | None = node
        while at is not None:
            if isinstance(at, Function | ast.ClassDef):
                found.append(at)
            at = self.parents.get(at)
        return found

    def inner(self, node: ast.AST) -> Function | None:
        found = self.functions_around(node)
        return found[0] if found and isinstance(found[0], Function) else None


Made = Iterator[tuple[str, str, Sequence[Change]]]


def slips(text: bytes, chance: random.Random) -> list[Slip]:
    """Every slip that there is, in the file's order; some may be no slip at all (`is_wrong`)."""
    site = Site(text)
    found: dict[tuple[Change, ...], Slip] = {}
    for node in ast.walk(site.tree):
        if not hasattr(node, "lineno") or _is_idle(site, node):
            continue
        for maker in MAKERS:
            for group, kind, changes in maker(site, node, chance):
                slip = _slip(site, node, group, kind, changes)
                found.setdefault(slip.changes, slip)
    return sorted(found.values(), key=lambda s: (s.changes[0][0], s.group, s.kind, s.changes))


def _slip(site: Site, node: ast.AST, group: str, kind: str, changes: Sequence[Change]) -> Slip:
    around = site.functions_around(node)
    inner = next((each for each in around if isinstance(each, Function)), None)
    names = [each.name for each in around]
    return Slip(
        group,
        kind,
        site.line_of(min(start for start, _, _ in changes)),
        ".".join(reversed(names)) if inner is not None else "",
        inner.lineno if inner is not None else 1,
        (inner.end_lineno or 0) if inner is not None else len(site.starts),
        tuple(changes),
    )


def _is_idle(site: Site, node: ast.AST) -> bool:
    """Whether nothing happens there: outside of functions, in annotations, in docstrings, and in
    what is there only for a person to read."""
    if not any(isinstance(each, Function) for each in site.functions_around(node)):
        return True
    at: ast.AST = node
    while (parent := site.parents.get(at)) is not None:
        if at is getattr(parent, "annotation", None) or at is getattr(parent, "returns", None):
            return True
        if at in getattr(parent, "decorator_list", ()):
            return True
        if isinstance(parent, ast.Expr) and isinstance(at, ast.Constant):
            return True
        if isinstance(parent, (ast.JoinedStr, ast.Assert)):
            return True
        if isinstance(parent, ast.Raise) and not isinstance(at, (ast.Name, ast.Call)):
            return True
        if isinstance(parent, ast.Call) and isinstance(site.parents.get(parent), ast.Raise):
            return True  # messages; the exception itself is changed at the statement
        at = parent
    return False


def is_wrong(wrong: bytes, right: bytes) -> bool:
    """Whether a changed file compiles, and is not the same program."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(wrong, "<fault>", "exec")
            return ast.dump(ast.parse(wrong)) != ast.dump(ast.parse(right))
        except (SyntaxError, ValueError):
            return False


# -- the classes ---------------------------------------------------------------------------------


def conditions(site: Site, node: ast.AST, chance: random.Random) -> Made:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARED:
            sign, others = COMPARED[type(op)]
            low, high = site.end(left), site.start(right)
            between = site.text[low:high]
            if between.count(sign.encode()) == 1 and b"#" not in between:
                for kind, other in others:
                    wrong = between.replace(sign.encode(), other.encode())
                    yield "condition", kind, [(low, high, wrong)]
        case ast.BoolOp(op=op, values=[*values]):
            word, turned = (b"and", b"or") if isinstance(op, ast.And) else (b"or", b"and")
            for one, two in itertools.pairwise(values):
                between = site.text[site.end(one) : site.start(two)]
                if len(values) == 2 and between.split() == [word]:
                    flipped = between.replace(word, turned)
                    yield "condition", "and/or", [(site.end(one), site.start(two), flipped)]
            if not isinstance(site.parents[node], (ast.Assign, ast.Return)):
                lost = chance.randrange(len(values))
                if lost:
                    span = (site.end(values[lost - 1]), site.end(values[lost]), b"")
                else:
                    span = (site.start(values[0]), site.start(values[1]), b"")
                yield "condition", "lost part", [span]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "condition", "negation", [(site.start(node), site.start(operand), b"")]
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            if isinstance(test, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
                yield "condition", "negation", [(site.start(test), site.start(test), b"not ")]


def arithmetic(site: Site, node: ast.AST, chance: random.Random) -> Made:
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in COUNTED:
            if any(isinstance(n, (ast.JoinedStr, ast.List, ast.Tuple)) for n in (left, right)):
                return
            if isinstance(left, ast.Constant) and isinstance(left.value, (str, bytes)):
                return
            sign, others = COUNTED[type(op)]
            low, high = site.end(left), site.start(right)
            between = site.text[low:high]
            if between.strip() == sign:
                new = between.replace(sign, chance.choice(others))
                yield "arithmetic", "operator", [(low, high, new)]
            one = isinstance(right, ast.Constant) and right.value == 1
            if one and isinstance(op, (ast.Add, ast.Sub)):
                yield "arithmetic", "off by one", [(low, site.end(right), b"")]
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in COUNTED:
            sign, others = COUNTED[type(op)]
            low, high = site.end(target), site.start(value)
            between = site.text[low:high]
            if between.strip() == sign + b"=":
                new = between.replace(sign + b"=", chance.choice(others) + b"=")
                yield "arithmetic", "operator", [(low, high, new)]
                if isinstance(op, (ast.Add, ast.Sub)):
                    yield "arithmetic", "not added up", [(low, high, between.replace(sign, b""))]
        case ast.Call(func=ast.Name(id="range" | "len"), args=[*_, last]):
            off = chance.choice([b" - 1", b" + 1"])
            at = last if ast.unparse(node.func) == "range" else node
            yield "arithmetic", "off by one", [(site.end(at), site.end(at), off)]
        case ast.Subscript(slice=ast.Name() as index, ctx=ast.Load()) if index.id in "ijkn":
            off = chance.choice([b" - 1", b" + 1"])
            yield "arithmetic", "off by one", [(site.end(index), site.end(index), off)]


def names(site: Site, node: ast.AST, chance: random.Random) -> Made:
    match node:
        case ast.Name(id=name, ctx=ast.Load()) if not site.called(node):
            function = site.inner(node)
            others = _alike(site, function, node) if function is not None else []
            if name in _own_names(function) and others:
                argument = isinstance(site.parents[node], ast.Call)
                new = chance.choice(others).encode()
                yield "name", "argument" if argument else "variable", [site.to(node, new)]
        case ast.Attribute(value=value, attr=attr):
            where = (site.end(node) - len(attr.encode()), site.end(node))
            family = next((f for f in ALIKE if attr in f), None)
            if site.called(node) and family is not None:
                new = chance.choice([n for n in family if n != attr]).encode()
                yield "name", "method", [(*where, new)]
            elif isinstance(value, ast.Name):
                known = site.attributes[value.id, site.called(node)]
                near = [n for n in known if n != attr and n.startswith("__") == (attr[:2] == "__")]
                if near:
                    kind = "method" if site.called(node) else "attribute"
                    yield "name", kind, [(*where, chance.choice(near).encode())]
        case ast.Call(func=ast.Name(id=name) as func):
            family = next((f for f in ALIKE if name in f), None)
            if family is not None:
                new = chance.choice([n for n in family if n != name]).encode()
                yield "name", "function", [site.to(func, new)]


def _own_names(function: Function | None) -> set[str]:
    """What a function has of its own: parameters, and what it assigns."""
    if function is None:
        return set()
    named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    stored = {
        n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return {a.arg for a in named} | stored


def _alike(site: Site, function: Function, node: ast.Name) -> list[str]:
    """Other names of the function that are used as this one is, and have a value by then."""

    def uses(name: str) -> set[str]:
        found = set()
        for n in ast.walk(function):
            if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load):
                parent = site.parents[n]
                kind = type(parent).__name__
                found.add(kind + (".func" if site.called(n) else ""))
        return found

    first: dict[str, int] = {}
    for n in ast.walk(function):
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store):
            first[n.id] = min(first.get(n.id, 1 << 30), n.lineno)
    known = _own_names(function) - {node.id, "self", "cls", "_"}
    known = {n for n in known if first.get(n, 0) < node.lineno}
    if node.id in ("self", "cls"):
        return []
    mine = uses(node.id)
    return sorted(n for n in known if uses(n) & mine)


def order(site: Site, node: ast.AST, chance: random.Random) -> Made:
    if not isinstance(node, ast.Call):
        return
    for one, two in itertools.pairwise(node.args):
        if isinstance(one, ast.Starred) or isinstance(two, ast.Starred):
            continue
        if site.source(one) != site.source(two):
            changes = [site.to(one, site.source(two)), site.to(two, site.source(one))]
            yield "argument order", "swapped", changes


def guards(site: Site, node: ast.AST, chance: random.Random) -> Made:
    match node:
        case ast.If(body=[*body], orelse=[]) if not _is_elif(site, node):
            if len(body) == 1 and isinstance(body[0], (ast.Return, ast.Continue, ast.Break)):
                yield "guard", "missing", [site.without(node)]
            elif not isinstance(body[-1], (ast.Return, ast.Raise, ast.Continue, ast.Break)):
                low = site.starts[node.lineno - 1]
                inner = site.text[site.starts[body[0].lineno - 1] : site.end(node)]
                by = body[0].col_offset - node.col_offset
                lines = [
                    line[by:] if not line[:by].strip() else line
                    for line in inner.splitlines(keepends=True)
                ]
                if body[0].lineno > node.test.lineno and b'"""' not in inner:
                    yield "guard", "missing", [(low, site.end(node), b"".join(lines))]
        case ast.IfExp(body=body, orelse=orelse):
            if isinstance(orelse, ast.Constant):
                yield "guard", "missing", [site.to(node, site.source(body))]
            elif isinstance(body, ast.Constant):
                yield "guard", "missing", [site.to(node, site.source(orelse))]
        case ast.BoolOp(op=ast.Or(), values=[first, ast.Constant() | ast.List() | ast.Dict()]):
            yield "guard", "missing", [site.to(node, site.source(first))]
        case ast.BoolOp(op=ast.And(), values=[ast.Name() as name, rest]):
            if site.source(name) in site.source(rest):
                yield "guard", "missing", [site.to(node, site.source(rest))]
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[key, *_]):
            new = site.source(value) + b"[" + site.source(key) + b"]"
            yield "guard", "missing", [site.to(node, new)]
        case ast.Assign(value=value) | ast.Return(value=ast.expr() as value):
            function = site.inner(node)
            used = [
                n.id
                for n in ast.walk(value)
                if isinstance(n, ast.Name) and n.id in _own_names(function) - {"self", "cls"}
            ]
            if used and isinstance(value, (ast.Call, ast.BinOp)):
                who, pad = chance.choice(used).encode(), site.indent(node)
                at = site.starts[node.lineno - 1]
                if site.text[at : site.start(node)].strip():
                    return
                test = chance.choice([b"if not " + who, b"if " + who + b" is None"])
                leave = b":\n" + pad + b"    return " + chance.choice([who, b"None"]) + b"\n"
                yield "guard", "surplus", [(at, at, pad + test + leave)]


def _is_elif(site: Site, node: ast.If) -> bool:
    return site.text[site.start(node) :].startswith(b"elif")


def returns(site: Site, node: ast.AST, chance: random.Random) -> Made:
    match node:
        case ast.Return(value=ast.expr() as value):
            if not isinstance(value, (ast.Constant, ast.Name)):
                changes = [(site.start(node), site.start(value), b"")]
                yield "return or default", "lost return", changes
            elif isinstance(value, ast.Name):
                yield "return or default", "lost return", [site.without(node)]
        case ast.If(orelse=[first, *_], body=body) if not isinstance(first, ast.If):
            low = site.text.find(b"\n", site.end(body[-1])) + 1
            if low > 0 and site.text[low:].lstrip().startswith((b"else", b"#")):
                yield "return or default", "lost else", [(low, site.end(node) + 1, b"")]
        case ast.Call(func=ast.Attribute(attr="get" | "pop" | "setdefault"), args=[key, default]):
            span = (site.end(key), site.end(default), b"")
            yield "return or default", "lost default", [span]
        case ast.Call(func=ast.Name(id="getattr"), args=[_, key, default]):
            span = (site.end(key), site.end(default), b"")
            yield "return or default", "lost default", [span]
        case ast.Call(func=ast.Name(id="next"), args=[key, default]):
            span = (site.end(key), site.end(default), b"")
            yield "return or default", "lost default", [span]
        case ast.Call(args=args, keywords=[*_, last]) if last.arg is not None:
            before = [*args, *[k.value for k in node.keywords[:-1]]]
            low = max(map(site.end, before)) if before else site.start(last)
            if low <= site.start(last):
                yield "return or default", "lost keyword", [(low, site.end(last), b"")]


def constants(site: Site, node: ast.AST, chance: random.Random) -> Made:
    match node:
        case ast.Constant(value=bool() as value):
            yield "constant or slice", "constant", [site.to(node, str(not value).encode())]
        case ast.Constant(value=int() as value) if not isinstance(
            site.parents[node], (ast.BinOp, ast.FormattedValue)
        ):
            new = chance.choice([n for n in (value + 1, value - 1, 10 * value) if n != value])
            yield "constant or slice", "constant", [site.to(node, str(new).encode())]
        case ast.Constant(value=str() as value) if len(value) <= SHORT:
            others = [other for other in site.short if other != value]
            if others:
                instead = repr(chance.choice(others)).encode()
                yield "constant or slice", "constant", [site.to(node, instead)]
        case ast.Slice(lower=lower, upper=upper):
            if lower is not None:
                yield "constant or slice", "slice", [site.to(lower, b"")]
            if upper is not None:
                yield "constant or slice", "slice", [site.to(upper, b"")]
            for part in (lower, upper):
                if part is not None and not isinstance(part, ast.Constant):
                    off = chance.choice([b" + 1", b" - 1"])
                    yield "constant or slice", "slice", [(site.end(part), site.end(part), off)]


def exceptions(site: Site, node: ast.AST, chance: random.Random) -> Made:
    def another(name: str) -> bytes:
        return chance.choice([n for n in (*site.raised, *BUILT_IN_ERRORS) if n != name]).encode()

    match node:
        case ast.Raise(exc=ast.Call(func=ast.Name(id=name) as func)):
            yield "exception", "raised", [site.to(func, another(name))]
        case ast.Raise(exc=ast.Name(id=name) as raised) if name[:1].isupper():
            yield "exception", "raised", [site.to(raised, another(name))]
        case ast.ExceptHandler(type=ast.Name(id=name) as caught):
            yield "exception", "caught", [site.to(caught, another(name))]
        case ast.ExceptHandler(type=ast.Tuple(elts=[*parts]) as caught) if len(parts) > 1:
            kept = [p for p in parts if p is not chance.choice(parts)]
            new = b"(" + b", ".join(map(site.source, kept)) + b",)"
            yield "exception", "caught", [site.to(caught, new)]


def copies(site: Site, node: ast.AST, chance: random.Random) -> Made:
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr="copy"), args=[], keywords=[]):
            yield "copy", "missing", [site.to(node, site.source(value))]
        case ast.Call(
            func=ast.Name(id="copy" | "deepcopy")
            | ast.Attribute(attr="copy" | "deepcopy", value=ast.Name(id="copy")),
            args=[value],
        ):
            yield "copy", "missing", [site.to(node, site.source(value))]
        case ast.Call(
            func=ast.Name(id="list" | "dict" | "set"), args=[ast.Name() | ast.Attribute() as value]
        ) if not node.keywords:
            yield "copy", "missing", [site.to(node, site.source(value))]
        case ast.Subscript(value=value, slice=ast.Slice(lower=None, upper=None, step=None)):
            yield "copy", "missing", [site.to(node, site.source(value))]


def calls(site: Site, node: ast.AST, chance: random.Random) -> Made:
    match node:
        case ast.Call(func=ast.Name(id=name), args=[value, *rest]) if name in WRAPPERS:
            copies_it = name in ("list", "dict", "set") and isinstance(value, ast.Name)
            if not (rest or copies_it or isinstance(value, (ast.GeneratorExp, ast.Starred))):
                yield "call", f"{name}()", [site.to(node, site.source(value))]
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in STRIPPED:
            yield "call", f".{name}()", [site.to(node, site.source(value))]
        case ast.Call(func=ast.Name(id=name), args=[value], keywords=[]):
            if not isinstance(value, (ast.GeneratorExp, ast.Starred)):
                yield "call", "own function", [site.to(node, site.source(value))]


def mutable_defaults(site: Site, node: ast.AST, chance: random.Random) -> Made:
    match node:
        case ast.If(
            test=ast.Compare(left=ast.Name(id=name), ops=[ast.Is()], comparators=[ast.Constant()]),
            body=[ast.Assign(targets=[ast.Name(id=target)], value=value)],
            orelse=[],
        ) if name == target and not _is_elif(site, node):
            default = _default_of(site.inner(node), name)
            if default is not None and isinstance(value, (ast.List, ast.Dict, ast.Set, ast.Call)):
                changes = [site.to(default, site.source(value)), site.without(node)]
                yield "mutable default", "parameter", changes
        case ast.BoolOp(op=ast.Or(), values=[ast.Name(id=name), ast.List() | ast.Dict() as value]):
            default = _default_of(site.inner(node), name)
            if default is not None:
                changes = [site.to(default, site.source(value)), site.to(node, name.encode())]
                yield "mutable default", "parameter", changes
        case (
            ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id="self"), attr=attr) as target], value=value
            )
            | ast.AnnAssign(
                target=ast.Attribute(value=ast.Name(id="self"), attr=attr) as target, value=value
            )
        ) if isinstance(value, (ast.List, ast.Dict, ast.Set, ast.Call)):
            function = site.inner(node)
            if function is None or function.name != "__init__":
                return
            if isinstance(value, ast.Call) and (value.args or value.keywords):
                return
            if _own_names(function) & {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}:
                return
            # One object for all instances, made with the class.
            line = site.starts[function.lineno - 1]
            new = b" " * function.col_offset + attr.encode() + b" = " + site.source(value) + b"\n"
            if not function.decorator_list:
                changes = [(line, line, new), site.without(node)]
                yield "mutable default", "class attribute", changes


def _default_of(function: Function | None, name: str) -> ast.expr | None:
    """A parameter's default, where it is None."""
    if function is None:
        return None
    named = [*function.args.posonlyargs, *function.args.args]
    pairs = list(zip(reversed(named), reversed(function.args.defaults), strict=False))
    pairs += [
        (a, d)
        for a, d in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
        if d is not None
    ]
    for argument, default in pairs:
        if argument.arg == name and isinstance(default, ast.Constant) and default.value is None:
            return default
    return None


def waits(site: Site, node: ast.AST, chance: random.Random) -> Made:
    match node:
        case ast.Await(value=value):
            yield "await or yield", "lost await", [site.to(node, site.source(value))]
        case ast.YieldFrom(value=value):
            new = b"yield " + site.source(value)
            yield "await or yield", "yield from", [site.to(node, new)]
        case ast.Yield(value=ast.expr() as value):
            parent = site.parents[node]
            if isinstance(parent, ast.Expr):
                yield "await or yield", "yield", [site.to(node, b"return " + site.source(value))]
                yield (
                    "await or yield",
                    "yield",
                    [site.to(node, b"yield from " + site.source(value))],
                )
                yield "await or yield", "lost yield", [site.to(node, site.source(value))]


MAKERS = (
    conditions,
    arithmetic,
    names,
    order,
    guards,
    returns,
    constants,
    exceptions,
    copies,
    calls,
    mutable_defaults,
    waits,
)
