"""What a change set takes from each function, and what it gives it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from swe_sleep.anticipate.leads.atoms import Atom, atoms
from swe_sleep.anticipate.leads.scopes import Scope, scopes
from swe_sleep.repo.lines import opcodes

Key = tuple[str, str]


@dataclass(frozen=True, eq=False)
class ScopeChange:
    """One definition that both versions have, with the parts that it lost and gained. A part that
    reappears anywhere in the change set is not lost: it was moved."""

    path: str
    old: Scope
    new: Scope
    lost: tuple[Atom, ...]
    gained: tuple[Atom, ...]

    @property
    def qualname(self) -> str:
        return self.new.qualname

    @cached_property
    def opcodes(self) -> list[tuple[str, int, int, int, int]]:
        old, new = (
            [line.encode("utf-8", "replace") for line in scope.lines]
            for scope in (self.old, self.new)
        )
        return [code for code in opcodes(old, new) if code[0] != "equal"]

    @cached_property
    def removed_lines(self) -> int:
        return sum(i2 - i1 for _, i1, i2, _, _ in self.opcodes)

    @cached_property
    def added_lines(self) -> int:
        return sum(j2 - j1 for _, _, _, j1, j2 in self.opcodes)


@dataclass(frozen=True, eq=False)
class ChangeSet:
    """The Python source files of one change, compared."""

    scopes: tuple[ScopeChange, ...]
    added: tuple[tuple[str, Scope], ...]
    removed: tuple[tuple[str, Scope], ...]
    files: int
    unread: tuple[str, ...] = ()
    """Files that are no Python (any more)."""
    old: Mapping[str, Mapping[str, Scope]] = field(default_factory=dict)
    new: Mapping[str, Mapping[str, Scope]] = field(default_factory=dict)

    @cached_property
    def removed_lines(self) -> int:
        lost = sum(len(scope.lines) for _, scope in self.removed)
        return lost + sum(each.removed_lines for each in self.scopes)

    @cached_property
    def added_lines(self) -> int:
        gained = sum(len(scope.lines) for _, scope in self.added)
        return gained + sum(each.added_lines for each in self.scopes)


def compare(before: Mapping[str, bytes | None], after: Mapping[str, bytes | None]) -> ChangeSet:
    """Compare two versions of some files; None is a file that is not there."""
    old: dict[str, Mapping[str, Scope]] = {}
    new: dict[str, Mapping[str, Scope]] = {}
    unread: list[str] = []
    for path in sorted(before.keys() | after.keys()):
        was, now = scopes(before.get(path)), scopes(after.get(path))
        if (was is None and before.get(path) is not None) or (
            now is None and after.get(path) is not None
        ):
            unread.append(path)
            continue
        old[path], new[path] = was or {}, now or {}
    both = [
        (path, old[path][name], scope)
        for path, found in new.items()
        for name, scope in found.items()
        if name in old[path]
        and old[path][name].text != scope.text
        and old[path][name].lines != scope.lines
    ]
    added = _only(new, old)
    removed = _only(old, new)
    was_there = [list(atoms(scope)) for _, scope, _ in both]
    is_there = [list(atoms(scope)) for _, _, scope in both]
    net = Counter(_keys(_flat(was_there)))
    net.update(_keys(atom for _, scope in removed for atom in atoms(scope)))
    net.subtract(_keys(_flat(is_there)))
    net.subtract(_keys(atom for _, scope in added for atom in atoms(scope)))
    changes = []
    for (path, scope, now_scope), mine, now_mine in zip(both, was_there, is_there, strict=True):
        lost = [atom for atom in _without(mine, now_mine) if net[atom.key] > 0]
        gained = [atom for atom in _without(now_mine, mine) if net[atom.key] < 0]
        changes.append(ScopeChange(path, scope, now_scope, tuple(lost), tuple(gained)))
    return ChangeSet(
        tuple(changes), added, removed, len(old) + len(unread), tuple(unread), old, new
    )


def _only(
    these: Mapping[str, Mapping[str, Scope]], those: Mapping[str, Mapping[str, Scope]]
) -> tuple[tuple[str, Scope], ...]:
    return tuple(
        (path, scope)
        for path, found in these.items()
        for name, scope in found.items()
        if name not in those[path]
    )


def _flat(lists: Iterable[list[Atom]]) -> Iterator[Atom]:
    for each in lists:
        yield from each


def _keys(found: Iterable[Atom]) -> Iterator[Key]:
    return (atom.key for atom in found)


def _without(mine: list[Atom], theirs: list[Atom]) -> list[Atom]:
    """Those of mine that they do not have, counting."""
    left = Counter(_keys(theirs))
    found = []
    for atom in mine:
        if left[atom.key] > 0:
            left[atom.key] -= 1
        else:
            found.append(atom)
    return found
