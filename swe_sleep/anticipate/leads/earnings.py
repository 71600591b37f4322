"""Which kinds of lead earn proofs on this repository. One that never does is switched off."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from swe_sleep.notes.store import Store

FACT = "earnings of leads"
MANY = 60
MANY_FINDINGS = 20
"""Leads of one kind that were tried without a proof before the kind is switched off: of our own
comparison, of which about one in fifteen is worth a proof, and of a checker, which has dozens."""


class Earned(msgspec.Struct, frozen=True):
    """How the leads of one kind fared."""

    tried: int = 0
    earned: int = 0


class Earnings:
    """What is known of every kind, kept in the store. Whoever tries a lead says how it went."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> Mapping[str, Earned]:
        """Every kind that was ever tried."""
        kept = self._store.recall(FACT)
        return {} if kept is None else msgspec.json.decode(kept, type=dict[str, Earned])

    def active(self, kind: str) -> bool:
        """Whether leads of this kind are worth trying."""
        return _active(kind, self.all().get(kind, Earned()))

    def record(self, kind: str, earned: bool) -> None:
        """One lead of the kind was tried: it was reproduced, or it was not."""
        known = self.all()
        old = known.get(kind, Earned())
        new = Earned(old.tried + 1, old.earned + earned)
        self._store.remember(FACT, msgspec.json.encode({**known, kind: new}))

    def said(self) -> list[str]:
        """The kinds that are switched off, in words."""
        return [
            f"leads of the kind {kind} are off: {each.tried} were tried, none was reproduced"
            for kind, each in sorted(self.all().items())
            if not _active(kind, each)
        ]


def most(kind: str) -> int:
    """How many leads of a kind are tried without a proof."""
    return MANY_FINDINGS if kind.startswith(("ruff ", "ty ")) else MANY


def _active(kind: str, known: Earned) -> bool:
    return known.earned > 0 or known.tried < most(kind)
