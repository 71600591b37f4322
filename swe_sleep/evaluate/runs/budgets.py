"""How much may be spent, in a text that a person gives and that names what was compared.

`candidates=200`, `turns=20,effort=low`, or `default` for what the settings say. The same budget has
one text, however it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from swe_sleep.config import Effort
from swe_sleep.errors import UsageError

DEFAULT = "default"
Kind = Literal["test", "sleep"]
SECONDS = "seconds"
FOLLOW = "follow"
FOLLOWED = 4
"""Commits before the last one over which a sleep follows the history, as a watcher would have."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Amounts by name, in the order of the names; those that are not named are the settings'."""

    kind: Kind
    amounts: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        return ",".join(f"{name}={amount}" for name, amount in self.amounts) or DEFAULT

    def flags(self) -> dict[str, Any]:
        """Settings by dotted key."""
        names = _NAMES[self.kind]
        return {
            key: names[name].read(amount)
            for name, amount in self.amounts
            for key in names[name].keys
        }

    @property
    def followed(self) -> int:
        """Of a sleep: the commits that it follows before the last one."""
        return int(dict(self.amounts).get(FOLLOW, FOLLOWED))


@dataclass(frozen=True, slots=True)
class _Name:
    keys: tuple[str, ...]
    read: Callable[[str], Any]


def _amount(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError
    return value


def _effort(text: str) -> str:
    if text not in get_args(Effort):
        raise ValueError
    return text


_NAMES: Mapping[Kind, Mapping[str, _Name]] = {
    "test": {
        SECONDS: _Name(("solve.search_s", "model.budget_s"), _amount),
        "candidates": _Name(("solve.search_candidates",), _count),
        "turns": _Name(("model.max_turns",), _count),
        "tokens": _Name(("model.budget_tokens",), _count),
        "usd": _Name(("model.budget_usd",), _amount),
        "effort": _Name(("model.effort",), _effort),
    },
    "sleep": {
        SECONDS: _Name(("sleep.budget_s",), _amount),
        "cpu": _Name(("sleep.budget_cpu_s",), _amount),
        "tokens": _Name(("sleep.budget_tokens",), _count),
        "usd": _Name(("sleep.budget_usd",), _amount),
        "effort": _Name(("sleep.effort",), _effort),
        FOLLOW: _Name((), _count),
    },
}


def budget(kind: Kind, text: str) -> Budget:
    """Read a budget. Raises UsageError, with the names that there are."""
    names = _NAMES[kind]
    found: dict[str, str] = {}
    for part in text.split(",") if text.strip() not in ("", DEFAULT) else ():
        name, mark, amount = (each.strip() for each in part.partition("="))
        if name not in names or not mark:
            raise UsageError(
                f"{part.strip()!r} is no part of a budget at {kind} time.",
                f"Give {DEFAULT}, or NAME=AMOUNT of {', '.join(names)}, joined by commas.",
            )
        if name in found:
            raise UsageError(f"the budget {text!r} says {name} twice.")
        try:
            value = names[name].read(amount)
        except ValueError:
            efforts = f"; one of {', '.join(get_args(Effort))}" if name == "effort" else ""
            raise UsageError(f"{amount!r} is no amount of {name}{efforts}.") from None
        found[name] = f"{value:g}" if isinstance(value, float) else str(value)
    return Budget(kind, tuple((name, found[name]) for name in names if name in found))
