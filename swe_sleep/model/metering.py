"""A model whose every request is inside a budget, added up, and written in a ledger."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from swe_sleep.errors import BudgetExceeded
from swe_sleep.model.budget import Budget, Grant, PromptBound, priced
from swe_sleep.model.catalogue import Prices, abilities
from swe_sleep.model.client import MOST_OUTPUT, size_bytes
from swe_sleep.model.faults import ModelFault
from swe_sleep.model.protocol import Message, Model, OnText, Reply, Request
from swe_sleep.records import Usage


@dataclass(frozen=True, slots=True)
class Entry:
    """One request in the ledger. `outcome` is the stop reason, or the kind of fault."""

    purpose: str
    model: str
    usage: Usage
    outcome: str
    started: float
    """Unix time."""


Ledger = Callable[[Entry], None]


class MeteredModel:
    """Wraps a model. One a conversation: it learns the size of the prompt from the replies."""

    def __init__(
        self, model: Model, prices: Prices, *, budget: Budget, ledger: Ledger | None = None
    ) -> None:
        self._model = model
        self._prices = prices
        self._ledger = ledger
        self._bound = PromptBound()
        self.budget = budget
        self.usage = Usage()

    @property
    def name(self) -> str:
        return self._model.name

    def recall(self, messages: Sequence[Message], usage: Usage) -> None:
        """Take the measure of a request from an earlier part of the conversation."""
        self._bound.learn([_size(message) for message in messages], usage)

    def turn(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        sizes = [_size(message) for message in request.messages]
        fixed = size_bytes([request.system, list(request.tools), request.schema])
        asked = min(request.max_tokens or MOST_OUTPUT, abilities(self.name).max_output)
        prompt = self._bound.of(sizes, fixed)
        grant = self.budget.grant(self.name, prompt, asked, stop=request.stop)
        started = time.time()
        usage, outcome = Usage(), "interrupted"
        try:
            reply = self._model.turn(_within(request, grant), on_text=on_text)
            usage, outcome = priced(self._prices, self.name, reply.usage), reply.stop
            self._bound.learn(sizes, usage)
            return dataclasses.replace(reply, usage=usage)
        except ModelFault as fault:
            usage, outcome = priced(self._prices, self.name, fault.usage), fault.kind
            left_s = self.budget.seconds_left()
            if fault.kind == "timeout" and left_s is not None and left_s <= 0:
                limit = self.budget.limits.seconds
                raise BudgetExceeded(f"The time limit of {limit:g} s is reached.") from fault
            raise
        finally:
            self.budget.settle(grant, usage)
            self.usage += usage
            if self._ledger is not None:
                self._ledger(Entry(request.purpose, self.name, usage, outcome, started))


def _size(message: Message) -> int:
    return size_bytes(list(message.blocks)) + 16


def _within(request: Request, grant: Grant) -> Request:
    times = [t for t in (request.timeout_s, grant.timeout_s) if t is not None]
    return dataclasses.replace(
        request, max_tokens=grant.max_tokens, timeout_s=min(times, default=None)
    )
