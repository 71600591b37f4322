"""Slips in what a function does or keeps: guards, returns, exceptions, copies, defaults."""

from __future__ import annotations

import ast
import random

from benchmarks.slips.site import Function, Made, Site, own_names

BUILT_IN_ERRORS = (
    "ValueError",
    "TypeError",
    "KeyError",
    "IndexError",
    "AttributeError",
    "RuntimeError",
    "LookupError",
)


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
                if isinstance(n, ast.Name) and n.id in own_names(function) - {"self", "cls"}
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
            if own_names(function) & {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}:
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
