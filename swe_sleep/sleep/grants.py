"""Whether a request may be sent: its worst case has to fit every limit."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

import msgspec

from swe_sleep.errors import BudgetExceeded
from swe_sleep.model.catalogue import Price, Prices, abilities
from swe_sleep.model.client import ClaudeModel, body, size_bytes
from swe_sleep.model.faults import ModelFault
from swe_sleep.model.protocol import Message, Reply, Request
from swe_sleep.notes.asked import Asked
from swe_sleep.notes.store import Store
from swe_sleep.sleep.budget import Budget
from swe_sleep.sleep.limits import Allowed, Day, Limit, Moment, remember_reached, today

MOST_OUTPUT = 8_000
"""Tokens of a reply where the pass does not say, thinking included."""
LEAST_OUTPUT = 1024
FRAMING = 4000
"""Tokens that the server itself adds for the tools, and around blocks."""
MARGIN = 1.05
"""What the server counts is an estimate."""


class LimitReached(BudgetExceeded):
    def __init__(self, limit: Limit, message: str, advice: str = "") -> None:
        super().__init__(message, advice)
        self.limit: Limit = limit


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to send a request: the longest reply, and what is set aside for it."""

    room: int
    usd: float
    tokens: int
    prompt: int


@dataclass
class Grants:
    """Of one pass."""

    store: Store
    model: ClaudeModel
    budget: Budget
    allowed: Allowed
    clock: Callable[[], Moment]
    spent: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Of this pass: US dollars and tokens of each request, set aside or spent."""
    _measured: dict[str, int] = field(default_factory=dict)
    """Tokens of a prompt with its reply, by the hash of the prompt."""
    _counts: bool = True
    """The server counts tokens."""

    def day(self) -> Day:
        return today(self.store, self.clock())

    def give(
        self, request: Request, prices: Prices, unit: str, note: str, *, cached: bool
    ) -> Grant:
        """Raises LimitReached for a request whose worst case does not fit."""
        if self.budget.left_s <= 0:
            self.exceeded("time")
        left = self._left_usd(unit, note)
        found = self._fitting(self._bound(request), request, prices, left, cached=cached)
        if not isinstance(found, Grant) and found != "price":
            counted = self._counted(request)  # bytes are several times the tokens
            if counted is not None:
                found = self._fitting(counted, request, prices, left, cached=cached)
        return found if isinstance(found, Grant) else self.exceeded(found)

    def exceeded(self, limit: Limit) -> NoReturn:
        """Raises LimitReached, and keeps for `status` that it was."""
        allowed = self.allowed
        says = {
            "day": f"The limit of ${allowed.day_usd:.2f} a day for what sleep asks is reached.",
            "pass": f"The limit of ${allowed.pass_usd:.2f} for one pass is reached.",
            "note": f"The limit of ${allowed.note_usd:.2f} for one note is reached.",
            "tokens": f"The limit of {allowed.pass_tokens:,} tokens for one pass is reached.",
            "time": "The time of this pass is over.",
            "price": f"The price of {self.model.name} is not known, so no limit could be kept.",
        }[limit]
        advice = "Name a price list that has it in SWE_SLEEP_MODEL__PRICES."
        remember_reached(self.store, limit, says, self.day(), self.clock().wall)
        raise LimitReached(limit, says, advice if limit == "price" else "")

    def wanted(self, request: Request) -> int:
        """Tokens of the longest reply that is wanted."""
        return min(request.max_tokens or MOST_OUTPUT, abilities(self.model.name).max_output)

    def _fitting(
        self,
        prompt: int,
        request: Request,
        prices: Prices,
        left_usd: dict[Limit, float],
        *,
        cached: bool,
    ) -> Grant | Limit:
        """The longest reply that fits, or the limit that it is too long for."""
        price = prices.of(self.model.name, prompt)
        if price is None:
            return "price"
        wanted = self.wanted(request)
        least = min(wanted, LEAST_OUTPUT) if request.max_tokens is None else (wanted + 1) // 2
        limit: Limit = "tokens"
        room = self.allowed.pass_tokens - sum(each for _, each in self.spent.values()) - prompt
        prompt_usd = prompt * _input(price, cached=cached) / 1e6
        for name, left in left_usd.items():
            longest = int((left - prompt_usd) / price.output * 1e6) if left > 0 else -1
            if longest < room:
                limit, room = name, longest
        room = min(room, wanted)
        if room < max(1, least):
            return limit
        return Grant(room, prompt_usd + room * price.output / 1e6, prompt + room, prompt)

    def _left_usd(self, unit: str, note: str) -> dict[Limit, float]:
        asked = Asked(self.store)
        return {
            "day": self.allowed.day_usd - asked.day_usd(self.day().number),
            "pass": self.allowed.pass_usd - sum(usd for usd, _ in self.spent.values()),
            "note": self.allowed.note_usd - asked.note_usd(unit, note),
        }

    # -- the size of a prompt ----------------------------------------------------------------------

    def _bound(self, request: Request) -> int:
        """An upper bound of the prompt's tokens, without asking anybody: a token is at least one
        byte, and what a reply told of the prompt before it is known."""
        sizes = [_size(message) for message in request.messages]
        for count in range(len(sizes), 0, -1):
            known = self._measured.get(self._beginning(request, count))
            if known is not None:
                return known + sum(sizes[count:]) + 64
        fixed = size_bytes([request.system, list(request.tools), request.schema])
        return fixed + sum(sizes) + FRAMING

    def _counted(self, request: Request) -> int | None:
        """The prompt's tokens as the server counts them; None where it does not."""
        if not self._counts:
            return None
        try:
            timed = dataclasses.replace(request, stop=self.budget.exhausted)
            return int(self.model.count(timed) * MARGIN) + 64
        except ModelFault as fault:
            self._counts = fault.kind == "stopped"
            return None

    def measure(self, request: Request, reply: Reply) -> None:
        """Learn from a reply how long its prompt was."""
        if reply.usage.prompt_tokens:
            beginning = self._beginning(request, len(request.messages))
            self._measured[beginning] = reply.usage.tokens

    def _beginning(self, request: Request, count: int) -> str:
        part = dataclasses.replace(request, messages=request.messages[:count], max_tokens=None)
        return key_of(part, self.model)


def key_of(request: Request, model: ClaudeModel) -> str:
    """The hash of all that is sent for a request."""
    sent = body(request, model.options)
    return hashlib.sha256(msgspec.json.encode(sent, order="sorted")).hexdigest()


def _input(price: Price, *, cached: bool) -> float:
    return max(price.input, price.cache_write) if cached else price.input


def _size(message: Message) -> int:
    return size_bytes(list(message.blocks)) + 16
