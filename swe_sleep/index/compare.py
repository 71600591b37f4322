"""What changed between two outlines of one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from swe_sleep.index.outline import Outline, Symbol
from swe_sleep.index.parameters import Parameter, Signature, signature_of

CALLABLE = frozenset({"function", "method", "prototype", "macro"})


@dataclass(frozen=True, slots=True)
class SignatureChange:
    """How a function's parameters changed. `renamed` are (old, new) at the same position."""

    added: tuple[Parameter, ...] = ()
    removed: tuple[Parameter, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    reordered: bool = False
    now_required: tuple[str, ...] = ()
    now_optional: tuple[str, ...] = ()
    default_changed: tuple[str, ...] = ()
    annotation_changed: tuple[str, ...] = ()
    passing_changed: tuple[str, ...] = ()
    returns_changed: bool = False

    @property
    def may_break_calls(self) -> bool:
        """Whether some call that fitted before may not fit now, or mean something else."""
        return bool(
            self.removed
            or self.renamed
            or self.reordered
            or self.now_required
            or self.passing_changed
            or any(p.required for p in self.added)
        )

    def __str__(self) -> str:
        parts = [f"{p.name} added" + (" (required)" if p.required else "") for p in self.added]
        parts += [f"{p.name} removed" for p in self.removed]
        parts += [f"{old} renamed to {new}" for old, new in self.renamed]
        parts += ["parameters reordered"] if self.reordered else []
        parts += [f"{name} now required" for name in self.now_required]
        parts += [f"{name} now optional" for name in self.now_optional]
        parts += [f"default of {name} changed" for name in self.default_changed]
        parts += [f"type of {name} changed" for name in self.annotation_changed]
        parts += [f"{name} passed another way" for name in self.passing_changed]
        parts += ["return type changed"] if self.returns_changed else []
        return ", ".join(parts)


What = Literal["added", "removed", "changed", "renamed"]


@dataclass(frozen=True, slots=True)
class SymbolChange:
    """One symbol's change. `old` is None for an added one, `new` for a removed one; a renamed one
    has the same text under another name or in another class. Of a changed one, the fields below
    say what."""

    what: What
    old: Symbol | None
    new: Symbol | None
    signature: SignatureChange | None = None
    bases: bool = False
    decorators: bool = False
    kind: bool = False
    body: bool = False

    @property
    def qualname(self) -> str:
        symbol = self.new or self.old
        return symbol.qualname if symbol is not None else ""

    @property
    def body_only(self) -> bool:
        """Nothing that a caller sees without running it has changed."""
        return self.what == "changed" and not (
            self.signature or self.bases or self.decorators or self.kind
        )


def compare(old: Outline | None, new: Outline | None) -> tuple[SymbolChange, ...]:
    """The changes from one outline of a file to another, in the order of the new one, removals
    last. None stands for no file. A symbol that only moved within the file is no change."""
    before, after = _by_name(old), _by_name(new)
    language = (new or old or Outline("")).language
    gone = {key: symbol for key, symbol in before.items() if key not in after}
    changes: list[SymbolChange] = []
    for key, symbol in after.items():
        earlier = before.get(key)
        if earlier is not None:
            change = _change(earlier, symbol, language)
            if change is not None:
                changes.append(change)
            continue
        twin = _twin(symbol, gone)
        if twin is not None:
            changes.append(SymbolChange("renamed", gone.pop(twin), symbol))
        else:
            changes.append(SymbolChange("added", None, symbol))
    changes.extend(SymbolChange("removed", symbol, None) for symbol in gone.values())
    return tuple(changes)


def _by_name(outline: Outline | None) -> dict[tuple[str, int], Symbol]:
    """Symbols by qualified name, and by number where one name is defined several times."""
    found: dict[tuple[str, int], Symbol] = {}
    count: dict[str, int] = {}
    for symbol in outline.symbols if outline is not None else ():
        number = count.get(symbol.qualname, 0)
        count[symbol.qualname] = number + 1
        found[symbol.qualname, number] = symbol
    return found


def _twin(symbol: Symbol, gone: Mapping[tuple[str, int], Symbol]) -> tuple[str, int] | None:
    if symbol.end_line == symbol.line:
        return None  # too short to be known again
    for key, old in gone.items():
        if old.digest == symbol.digest and old.kind == symbol.kind:
            return key
    return None


def _change(old: Symbol, new: Symbol, language: str) -> SymbolChange | None:
    same_signature = old.signature == new.signature
    change = SymbolChange(
        "changed",
        old,
        new,
        signature=None if same_signature else _signatures(old, new, language),
        bases=old.bases != new.bases,
        decorators=old.decorators != new.decorators,
        kind=old.kind != new.kind,
        body=old.digest != new.digest,
    )
    return None if change.body_only and not change.body and same_signature else change


def _signatures(old: Symbol, new: Symbol, language: str) -> SignatureChange | None:
    if old.kind not in CALLABLE or new.kind not in CALLABLE:
        return None
    before, after = signature_of(old.signature, language), signature_of(new.signature, language)
    if before is None or after is None:
        return SignatureChange(returns_changed=True)
    return signature_change(before, after)


def signature_change(before: Signature, after: Signature) -> SignatureChange | None:
    """What changed from one signature to another, or None if nothing did."""
    if before == after:
        return None
    old = {p.name: p for p in before.parameters}
    new = {p.name: p for p in after.parameters}
    removed = [p for p in before.parameters if p.name not in new]
    added = [p for p in after.parameters if p.name not in old]
    renamed = _renamed(before, after, removed, added)
    for was, now in renamed:
        removed = [p for p in removed if p.name != was]
        added = [p for p in added if p.name != now]
    both = [(old[name], new[name]) for name in old if name in new]
    stay = [p.name for p in before.parameters if p.name in new]
    return SignatureChange(
        added=tuple(added),
        removed=tuple(removed),
        renamed=tuple(renamed),
        reordered=stay != [p.name for p in after.parameters if p.name in old]
        or _shifted(before, after, added),
        now_required=tuple(b.name for a, b in both if b.required and not a.required),
        now_optional=tuple(b.name for a, b in both if a.required and not b.required),
        default_changed=tuple(
            b.name for a, b in both if a.default != b.default and not a.required and not b.required
        ),
        annotation_changed=tuple(b.name for a, b in both if a.annotation != b.annotation),
        passing_changed=tuple(b.name for a, b in both if a.passing != b.passing),
        returns_changed=before.returns != after.returns,
    )


def _renamed(
    before: Signature, after: Signature, removed: list[Parameter], added: list[Parameter]
) -> list[tuple[str, str]]:
    """Pairs at the same position that differ in nothing but the name."""
    pairs = []
    for one, other in zip(before.parameters, after.parameters, strict=False):
        alike = one._replace(name="") == other._replace(name="")
        if one in removed and other in added and alike:
            pairs.append((one.name, other.name))
    return pairs


def _shifted(before: Signature, after: Signature, added: list[Parameter]) -> bool:
    """Whether a new parameter stands before one that was passed by position."""
    positional = [p.name for p in after.parameters if p.passing in ("positional", "either")]
    old = {p.name for p in before.parameters if p.passing in ("positional", "either")}
    last = max((i for i, name in enumerate(positional) if name in old), default=-1)
    return any(p.name in positional and positional.index(p.name) < last for p in added)
