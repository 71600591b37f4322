"""What can be exercised in a file: public functions that only compute, with what is said of them
in words and names."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from swe_sleep.anticipate.hunting.purity import FUNCTIONS, Function, reaches_out
from swe_sleep.anticipate.hunting.seen import names_in
from swe_sleep.anticipate.hunting.siblings import Property, of_class, of_function

_FINE_DECORATORS = frozenset(
    [
        "staticmethod",
        "classmethod",
        "lru_cache",
        "cache",
        "wraps",
        "total_ordering",
        "dataclass",
        "define",
        "frozen",
        "s",
        "attrs",
        "attr_s",
        "final",
        "runtime_checkable",
    ]
)
_ERROR = re.compile(r"\b(?:\w+\.)*(\w*(?:Error|Exception|Warning|StopIteration|SystemExit))\b")
_OUT_OF_REACH = re.compile(
    r"(?:^|/)(?:_?vendor\w*|_?compat\w*|docs?|examples?|scripts?|tools?|benchmarks?|testing|tests?"
    r"|conftest\.py|setup\.py|tasks?\.py|noxfile\.py|__main__\.py|debug\w*|typing\w*)(?:/|\.py|$)"
)
_TYPES = {
    "str": "str", "string": "str", "text": "str", "unicode": "str", "int": "int",
    "integer": "int", "bool": "bool", "boolean": "bool", "float": "float", "bytes": "bytes",
    "list of str": "List[str]", "list of strings": "List[str]", "list[str]": "List[str]",
    "list of int": "List[int]", "list of ints": "List[int]", "list[int]": "List[int]",
    "tuple of str": "Tuple[str, ...]", "dict[str, str]": "Dict[str, str]",
    "iterable of str": "List[str]", "sequence of str": "List[str]", "number": "int",
}  # fmt: skip
_STYLES = (
    re.compile(r"^\s*:param\s+(?P<type>[\w\[\], ]+?)\s+(?P<name>\w+)\s*:", re.M),
    re.compile(r"^\s*:type\s+(?P<name>\w+)\s*:\s*(?P<type>[^\n]+)$", re.M),
    re.compile(r"^\s*(?P<name>\w+)\s*\((?P<type>[\w\[\], ]+?)(?:,\s*optional)?\)\s*:", re.M),
    re.compile(r"^\s*(?P<name>\w+)\s+:\s+(?P<type>[\w\[\], ]+?)(?:,\s*optional)?\s*$", re.M),
    re.compile(r"^\s*(?P<name>\w+)\s*--\s*(?:an?\s+)?(?P<type>str|string|int|integer)\b", re.M),
)
_NAMED = {
    "text": "str", "string": "str", "s": "str", "word": "str", "name": "str", "line": "str",
    "title": "str", "phrase": "str", "sentence": "str", "url": "str", "count": "int",
    "number": "int", "num": "int", "n": "int", "width": "int", "size": "int", "lines": "List[str]",
    "words": "List[str]", "names": "List[str]",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """A function, a method or a class that may be exercised."""

    path: str
    module: str
    qualname: str
    line: int
    end_line: int
    branches: int
    lines: tuple[int, ...]
    """Where its statements begin."""
    properties: tuple[Property, ...]
    expected: frozenset[str] = frozenset()
    """Names of errors that its docstring has."""
    refusals: tuple[str, ...] = ()
    """Errors of its own that the file raises, as it names them."""
    documented: Mapping[str, str] = field(default_factory=dict)
    guesses: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    """Required parameters that nothing but a call says anything of; "self" where an object of the
    class can be made of nothing but a call."""

    @property
    def name(self) -> str:
        return self.qualname.rpartition(".")[2]


def within_reach(path: str, module: str) -> bool:
    """Whether a file may hold what users call: no test, no script, nothing vendored."""
    return bool(module) and not _OUT_OF_REACH.search(path)


def targets(
    path: str, module: str, tree: ast.Module, exported: Collection[str] = ()
) -> Iterator[Target]:
    """All of a file, as they stand. `exported` are names that a package gives on from a private
    module; of such a module nothing else is public."""
    private = any(part.startswith("_") for part in module.split("."))
    top = {node.name: node for node in tree.body if isinstance(node, FUNCTIONS)}
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    refusals = tuple(sorted(_refusals(tree)))
    for name, node in top.items():
        if _public(name) and (not private or name in exported):
            near: dict[str, Function] = dict(top)
            if _fine(node) and not reaches_out(node, near):
                found = of_function(name, node, top)
                yield _target(path, module, name, node, "", found, refusals)
    for name, owner in classes.items():
        if not _public(name) or (private and name not in exported) or _unusual(owner):
            continue
        methods: dict[str, Function] = {n.name: n for n in owner.body if isinstance(n, FUNCTIONS)}
        near = {**top, **methods}
        text = ast.get_docstring(owner) or ""
        found = of_class(methods)
        started = methods.get("__init__")
        if found and (started is None or not reaches_out(started, near)):
            yield _target(path, module, name, owner, text, found, refusals)
        for inner, node in methods.items():
            if _public(inner) and _fine(node) and not reaches_out(node, near):
                found = of_function(inner, node, methods)
                yield _target(path, module, f"{name}.{inner}", node, text, found, refusals)


def _target(
    path: str,
    module: str,
    qualname: str,
    node: Function | ast.ClassDef,
    more: str,
    properties: tuple[Property, ...],
    refusals: tuple[str, ...],
) -> Target:
    text = ast.get_docstring(node) or ""
    names, required, annotated = _parameters(node, "." in qualname)
    documented = {n: t for n, t in _documented(f"{text}\n{more}").items() if n in names}
    known = {*annotated, *documented, *_NAMED}
    statements = tuple(
        sorted({n.lineno for part in node.body for n in ast.walk(part) if isinstance(n, ast.stmt)})
    )
    return Target(
        path,
        module,
        qualname,
        node.lineno,
        node.end_lineno or node.lineno,
        branches(node),
        statements,
        properties,
        frozenset(_ERROR.findall(f"{text}\n{more}")),
        refusals,
        documented,
        {n: _NAMED[n] for n in names if n in _NAMED},
        tuple(name for name in required if name not in known),
    )


def _parameters(
    node: Function | ast.ClassDef, method: bool
) -> tuple[list[str], list[str], list[str]]:
    """The names of a function's parameters, of those without a default, and of those with an
    annotation."""
    if not isinstance(node, FUNCTIONS):
        return [], [], []
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    bare = len(positional) - len(arguments.defaults)
    required = [a.arg for a in positional[:bare]]
    only = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    required += [a.arg for a, default in only if default is None]
    if method and "staticmethod" not in map(_decorator, node.decorator_list):
        required = required[1:]
    everything = [*positional, *arguments.kwonlyargs]
    return [a.arg for a in everything], required, [a.arg for a in everything if a.annotation]


def branches(node: ast.AST) -> int:
    """One more than the decisions: McCabe's measure."""
    kinds = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.IfExp, ast.comprehension)
    count = sum(isinstance(n, kinds) for n in ast.walk(node))
    return 1 + count + sum(len(n.values) - 1 for n in ast.walk(node) if isinstance(n, ast.BoolOp))


def _documented(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for style in _STYLES:
        for match in style.finditer(text):
            said = _TYPES.get(match["type"].strip().strip("`*").lower())
            if said:
                found.setdefault(match["name"], said)
    return found


def _refusals(tree: ast.Module) -> Iterator[str]:
    """The errors that a file's code raises and defines or imports, by the name it has for them."""
    own = {n.name for n in tree.body if isinstance(n, ast.ClassDef)}
    own |= {a.asname or a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            for name in names_in(raised):
                if isinstance(raised, ast.Name) and name in own:
                    yield name


def _public(name: str) -> bool:
    return not name.startswith("_")


def _fine(node: Function) -> bool:
    if isinstance(node, ast.AsyncFunctionDef):
        return False
    return all(_decorator(each) in _FINE_DECORATORS for each in node.decorator_list)


def _unusual(node: ast.ClassDef) -> bool:
    if node.keywords:
        return True
    bases = {_decorator(base) for base in node.bases}
    if bases & {"ABC", "Protocol", "NodeVisitor", "Thread", "TestCase", "Enum", "Exception"}:
        return True
    return any(_decorator(each) not in _FINE_DECORATORS for each in node.decorator_list)


def _decorator(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
