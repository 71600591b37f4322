"""Slips within an expression: what is compared, counted, named, passed and called."""

from __future__ import annotations

import ast
import itertools
import random
from collections.abc import Sequence

from benchmarks.slips.site import SHORT, Function, Made, Site, own_names

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
            if name in own_names(function) and others:
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
    known = own_names(function) - {node.id, "self", "cls", "_"}
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
