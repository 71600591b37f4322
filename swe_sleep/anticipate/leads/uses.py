"""Leads from who uses what a change touched: calls that no longer fit, names that are gone,
methods of a class that no longer take what its base class's do, constants that others read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from swe_sleep.anticipate.leads.lead import Kind, Lead
from swe_sleep.index.breakage import BrokenCall, broken_calls
from swe_sleep.index.calls import Call, misfit
from swe_sleep.index.compare import SymbolChange, compare
from swe_sleep.index.graph import Graph
from swe_sleep.index.outline import Outline, Symbol
from swe_sleep.index.parameters import Signature, signature_of
from swe_sleep.records import Place, Suspicion

WEIGHTS: Mapping[Kind, float] = {"signature": 0.8, "removed": 0.7, "override": 0.6}
CERTAIN = 1.0
"""Only calls that can mean nothing else are said not to fit; a guess would be noise."""
MOST_LEADS = 2
"""Issues noted for one changed file: who breaks everything at once knows."""
TEXTS = (".toml", ".cfg", ".ini", ".yaml", ".yml", ".json", ".rst", ".md", ".txt")
"""Files beside the code that may name what is in it."""
MOST_TEXT = 400_000
MOST_PLACES = 10
CHECKS: Mapping[Kind, str] = {
    "signature": "Run the code that makes the call.",
    "removed": "Import or run what still uses the name.",
    "override": "Call the method as its base class's callers do, on an object of the subclass.",
}


def find(
    graph: Graph,
    path: str,
    old: Outline,
    new: Outline | None,
    read: Callable[[str], bytes],
    files: Iterable[str],
) -> list[Lead]:
    """One lead for each symbol of a changed file and each kind, the surest first. `graph` holds the
    new outlines; `read` gives the content of a file now, of which `files` are all there are."""
    changes = compare(old, new)
    graph.replace(path, old)  # who called what is gone is told by the graph before the change
    try:
        calls = broken_calls(graph, path, old, new, read)
        found = broken(path, [call for call in calls if call.weight >= CERTAIN])
    finally:
        graph.replace(path, new)
    if new is not None and new.language == "python":
        found += overrides(graph, path, new, changes)
        found += exported(path, old, new)
    gone = [change.old for change in changes if change.what == "removed" and change.old]
    if gone and path.endswith(".py"):
        module = graph.module_name(path) or path[:-3].removeprefix("src/").replace("/", ".")
        found += named(path, module, gone, texts(files, read))
    best: dict[str, Lead] = {}
    for lead in found:
        best.setdefault(lead.subject, lead)
    return sorted(best.values(), key=lambda lead: -lead.weight)


def choose(leads: Sequence[Lead], active: Callable[[str], bool], *, whole: bool) -> list[Lead]:
    """Those that are worth a note; `whole` says that all of the file is gone."""
    most = 1 if whole else MOST_LEADS
    return [lead for lead in leads if active(lead.kind)][:most]


def may_break(changes: Iterable[SymbolChange]) -> bool:
    """Whether `find` may find anything; it needs the graph."""
    return any(
        change.what in ("removed", "renamed")
        or (change.signature is not None and change.signature.may_break_calls)
        for change in changes
    )


def broken(path: str, calls: Iterable[BrokenCall]) -> list[Lead]:
    """One lead for each changed symbol that calls or uses no longer fit."""
    groups: dict[str, list[BrokenCall]] = defaultdict(list)
    for call in calls:
        groups[call.qualname].append(call)
    found = []
    for qualname, group in groups.items():
        first, *others = group
        kind: Kind = "removed" if "is gone" in first.why else "signature"
        what = "uses" if kind == "removed" else "calls"
        found.append(
            Lead(
                path,
                qualname,
                kind,
                first.place,
                first.why
                if kind == "removed"
                else f"{first.place} {what} {qualname} in a way that no longer fits: {first.why}",
                WEIGHTS[kind] * first.weight,
                CHECKS[kind],
                tuple(Suspicion(call.place, call.weight, call.why) for call in others),
            )
        )
    return found


def overrides(
    graph: Graph, path: str, new: Outline, changes: Iterable[SymbolChange]
) -> Iterator[Lead]:
    """Methods that no longer take what the method that they override takes, or that one of their
    subclass now does not. `graph` holds the new outline."""
    for change in changes:
        old, now = change.old, change.new
        if (
            now is None
            or old is None
            or now.kind != "method"
            or change.signature is None
            or not change.signature.may_break_calls
            or now.name in ("__init__", "__new__")
            or "staticmethod" in now.decorators
        ):
            continue
        before, after = _signature(old), _signature(now)
        owner = new.symbols[now.parent] if now.parent >= 0 else None
        if before is None or after is None or owner is None:
            continue
        for where, method in _relatives(graph, path, owner, now.name, below=True):
            taken = _signature(method)
            why = _unlike(after, taken) if taken is not None else ""
            if why and taken is not None and not _unlike(before, taken):
                said = f"{method.qualname} overrides {now.qualname}, but {why}"
                yield _override(path, now, Place(where, method.name_line), said)
        for where, method in _relatives(graph, path, owner, now.name, below=False):
            expected = _signature(method)
            why = _unlike(expected, after) if expected is not None else ""
            if why and expected is not None and not _unlike(expected, before):
                said = f"{now.qualname} overrides {method.qualname} of {where}, but {why}"
                yield _override(path, now, Place(path, now.name_line), said)


def named(
    path: str, module: str, gone: Iterable[Symbol], texts: Mapping[str, str]
) -> Iterator[Lead]:
    """Symbols that are gone and are still named, with their module, in configuration or docs."""
    for symbol in gone:
        if not module or symbol.kind not in ("function", "class", "method"):
            continue
        name = re.escape(symbol.qualname)
        wanted = re.compile(rf"(?<![\w.]){re.escape(module)}[:.]{name}(?!\w)")
        places = [
            Place(where, text.count("\n", 0, match.start()) + 1)
            for where, text in texts.items()
            if (match := wanted.search(text)) is not None
        ]
        if places:
            first, *others = places[:MOST_PLACES]
            yield Lead(
                path,
                symbol.qualname,
                "removed",
                first,
                f"{first} names {symbol.qualname}, which is gone",
                WEIGHTS["removed"],
                CHECKS["removed"],
                tuple(Suspicion(place, 0.5, "names it too") for place in others),
            )


def exported(path: str, old: Outline, new: Outline) -> Iterator[Lead]:
    """Names that `__all__` still lists, and that are defined no longer."""
    if new.exports is None or any(("*", "*") in item.names for item in new.imports):
        return
    here = {symbol.name for symbol in new.symbols if symbol.parent < 0}
    for item in new.imports:
        here |= {name for _, name in item.names} | {item.alias}
    was = {symbol.name for symbol in old.symbols if symbol.parent < 0}
    for item in old.imports:
        was |= {name for _, name in item.names}
    for name in new.exports:
        if name in was and name not in here:
            why = f"__all__ lists {name}, which is gone"
            yield Lead(path, name, "removed", Place(path, 1), why, 0.8, CHECKS["removed"])


def texts(paths: Iterable[str], read: Callable[[str], bytes]) -> dict[str, str]:
    """The configuration and documentation among some files, as text."""
    found = {}
    for path in paths:
        if path.endswith(TEXTS):
            content = read(path)
            if len(content) <= MOST_TEXT:
                found[path] = content.decode("utf-8", "replace")
    return found


def _override(path: str, method: Symbol, place: Place, why: str) -> Lead:
    return Lead(
        path, method.qualname, "override", place, why, WEIGHTS["override"], CHECKS["override"]
    )


def _signature(symbol: Symbol) -> Signature | None:
    return signature_of(symbol.signature, "python")


def _unlike(expected: Signature, taken: Signature) -> str:
    """Why a call that just fits the one does not fit the other; "" where it does."""
    required = [p for p in expected.parameters[1:] if p.required]
    by_position = sum(p.passing != "keyword" for p in required)
    keywords = tuple(p.name for p in required if p.passing == "keyword")
    return misfit(Call("", "", 0, 0, by_position, keywords), taken, bound=True).replace(
        "passes", "its caller passes"
    )


def _relatives(
    graph: Graph, path: str, owner: Symbol, name: str, *, below: bool
) -> Iterator[tuple[str, Symbol]]:
    """The methods of this name in the direct subclasses of a class, or in its bases."""
    if below:
        files = {path, *graph.users_of(path, owner.qualname)}
        classes = [
            (where, symbol)
            for where in sorted(files)
            for symbol in graph.symbols_in(where)
            if symbol.kind == "class" and _derives(graph, where, symbol, path, owner)
        ]
    else:
        classes = [
            (definition.path, definition.symbol)
            for base in owner.bases
            for definition in graph.resolve(path, base)
            if definition.symbol.kind == "class"
        ]
    for where, each in classes:
        method = graph.symbol(where, f"{each.qualname}.{name}")
        if method is not None and "staticmethod" not in method.decorators:
            yield where, method


def _derives(graph: Graph, where: str, symbol: Symbol, path: str, owner: Symbol) -> bool:
    return any(
        definition.path == path and definition.symbol.qualname == owner.qualname
        for base in symbol.bases
        if base.rpartition(".")[2] in graph.names_in(where, owner.name)
        for definition in graph.resolve(where, base)
    )
