"""Fixes of names: the wrong variable, attribute, method or keyword; a missing `self.`."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from swe_sleep.repair.ingredients import attributes_of, calls_of, last_name
from swe_sleep.repair.source import FUNCTIONS, Source
from swe_sleep.repair.spot import Fix, Spot, alike

_CLASHES = ({"number", "text", "list", "dict", "set"},)


def variable(spot: Spot) -> Iterator[Fix]:
    """Another variable in scope, first those that are used alike and named alike."""
    for node in spot.of(ast.Name):
        assert isinstance(node, ast.Name)
        if not isinstance(node.ctx, ast.Load):
            continue
        parent = spot.source.parent(node)
        called = isinstance(parent, ast.Call) and parent.func is node
        if called:
            continue  # `calls.sibling_function` does those
        inner = _comprehension_names(spot, node)
        for other in (*inner, *spot.names):
            if other == node.id:
                continue
            weight = _fitness(spot, node.id, other) * spot.may_replace(node.id, other)
            if other in inner:
                weight = max(weight, 0.5)
            if weight > 0.12:
                yield spot.swap(node, other, weight=weight)


def _comprehension_names(spot: Spot, node: ast.AST) -> tuple[str, ...]:
    found: list[str] = []
    for ancestor in spot.source.ancestors(node):
        for generator in getattr(ancestor, "generators", ()):
            found += [n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name)]
        if isinstance(ancestor, ast.stmt):
            break
    return tuple(found)


def _fitness(spot: Spot, name: str, other: str) -> float:
    mine, theirs = spot.uses.get(name, frozenset()), spot.uses.get(other, frozenset())
    for kinds in _CLASHES:
        if mine & kinds and theirs & kinds and not mine & theirs & kinds:
            return 0.0
    local = other in spot.locals
    if not local:
        similar = alike(name, other)
        if "class" in theirs or "called" in theirs or similar < 0.5:
            return 0.0 if similar < 0.6 else 0.3 * similar
        return 0.5 * similar
    overlap = len(mine & theirs) / max(1, len(mine | theirs))
    weight = 0.3 + 0.35 * overlap + 0.35 * alike(name, other)
    if other == spot.receiver:
        weight *= 0.25
    return weight


def assigned_variable(spot: Spot) -> Iterator[Fix]:
    """The right value put into the wrong variable."""
    for node in spot.of(ast.Name):
        assert isinstance(node, ast.Name)
        if isinstance(node.ctx, ast.Store) and isinstance(
            spot.statement, (ast.Assign, ast.AugAssign)
        ):
            for other in spot.locals:
                if other != node.id and other != spot.receiver:
                    yield spot.swap(node, other, weight=max(0.1, _fitness(spot, node.id, other)))


def attribute(spot: Spot) -> Iterator[Fix]:
    """Another attribute or method of the same object, as the class or the file knows them."""
    known = _attributes(spot)
    for node in spot.of(ast.Attribute):
        assert isinstance(node, ast.Attribute)
        parent = spot.source.parent(node)
        called = isinstance(parent, ast.Call) and parent.func is node
        owner = ast.unparse(node.value)
        for other, was_called in known.get(owner, {}).items():
            if other == node.attr:
                continue
            weight = 0.35 + 0.65 * alike(node.attr, other)
            if called != was_called:
                weight *= 0.3
            _start, end = spot.source.span(node)
            yield Fix(
                end - len(node.attr.encode()),
                end,
                other,
                f"`.{node.attr}` becomes `.{other}`",
                weight,
            )


def _attributes(spot: Spot) -> dict[str, dict[str, bool]]:
    """Per object text, its attributes seen in this file, and whether they are called."""
    klass = spot.source.class_of(spot.statement)
    return spot.source.remember(klass or spot.source.tree, _Table(spot.source, spot.receiver))


@dataclass(frozen=True)
class _Table:
    source: Source
    receiver: str

    def __call__(self, node: ast.AST) -> dict[str, dict[str, bool]]:
        klass = node if isinstance(node, ast.ClassDef) else None
        found: dict[str, Counter[tuple[str, bool]]] = {}
        for (owner, within), counts in self.source.once(attributes_of).items():
            if owner not in ("self", "cls") or within is klass:
                found[owner] = Counter(counts)
        if klass is not None and self.receiver:
            mine = found.setdefault(self.receiver, Counter())
            for member in klass.body:
                if isinstance(member, FUNCTIONS) and not member.name.startswith("__"):
                    decorated = {d.id for d in member.decorator_list if isinstance(d, ast.Name)}
                    mine[member.name, "property" not in decorated] += 1
                elif isinstance(member, (ast.Assign, ast.AnnAssign)):
                    targets = member.targets if isinstance(member, ast.Assign) else [member.target]
                    for target in targets:
                        if isinstance(target, ast.Name):
                            mine[target.id, False] += 1
        return {
            owner: {name: called for (name, called), _ in counts.most_common(40)}
            for owner, counts in found.items()
        }


def missing_self(spot: Spot) -> Iterator[Fix]:
    """`x` for `self.x`, and `self.x` for a parameter or local `x`."""
    if not spot.receiver:
        return
    mine = _attributes(spot).get(spot.receiver, {})
    for node in spot.nodes:
        if isinstance(node, ast.Name) and node.id in mine:
            yield spot.swap(node, f"{spot.receiver}.{node.id}")
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == spot.receiver
            and (node.attr in spot.locals or node.attr.lstrip("_") in spot.locals)
        ):
            name = node.attr if node.attr in spot.locals else node.attr.lstrip("_")
            yield spot.swap(node, name, weight=0.9)


def variable_for_attribute(spot: Spot) -> Iterator[Fix]:
    """A local where an attribute stands, or an attribute of self where a local stands."""
    if not spot.receiver:
        return
    mine = _attributes(spot).get(spot.receiver, {})
    for node in spot.of(ast.Name):
        assert isinstance(node, ast.Name)
        if not isinstance(node.ctx, ast.Load) or node.id == spot.receiver:
            continue
        for other, called in mine.items():
            if not called and other != node.id:
                similar = alike(node.id, other)
                if similar >= 0.4:
                    yield spot.swap(node, f"{spot.receiver}.{other}", weight=0.6 * similar)


def part_of(spot: Spot) -> Iterator[Fix]:
    """A value for one of its attributes, and an attribute for the whole (`user` / `user.name`)."""
    known = _attributes(spot)
    for node in spot.nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            parent = spot.source.parent(node)
            if not (isinstance(parent, ast.Call) and parent.func is node):
                yield spot.swap(node, spot.text(node.value), weight=0.3)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            parent = spot.source.parent(node)
            if isinstance(parent, ast.Attribute) or node.id in (spot.receiver, "self"):
                continue
            for other, called in list(known.get(node.id, {}).items())[:6]:
                if not called:
                    yield spot.swap(node, f"{node.id}.{other}", weight=0.5)


def keyword(spot: Spot) -> Iterator[Fix]:
    """A wrong keyword, or a value for a keyword that is another name in scope."""
    calls = spot.source.once(calls_of)
    for node in spot.of(ast.Call):
        assert isinstance(node, ast.Call)
        called = calls.get(last_name(node.func))
        options = set(called.parameters) if called else set()
        present = {k.arg for k in node.keywords}
        for word in node.keywords:
            if word.arg is None:
                continue
            start, _ = spot.source.span(word)
            for other in sorted(options - present):
                what = f"`{word.arg}=` becomes `{other}=`"
                yield Fix(
                    start,
                    start + len(word.arg.encode()),
                    other,
                    what,
                    0.3 + 0.7 * alike(word.arg, other),
                )
            if word.arg in spot.names and not (
                isinstance(word.value, ast.Name) and word.value.id == word.arg
            ):
                yield spot.swap(word.value, word.arg, weight=0.9)
