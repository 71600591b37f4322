"""The passes' only way to a model.

A reply is kept under the hash of the whole request, so a unit that is run again is given what was
answered already: a pass is plain code, loops of several turns too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from swe_sleep.errors import BudgetExceeded, SweSleepError
from swe_sleep.model.budget import Budget as Spending
from swe_sleep.model.budget import Limits
from swe_sleep.model.catalogue import Prices
from swe_sleep.model.client import ClaudeModel, body
from swe_sleep.model.faults import ModelFault
from swe_sleep.model.metering import MeteredModel
from swe_sleep.model.protocol import Block, Message, Reply, Request
from swe_sleep.model.secrets import Masker
from swe_sleep.notes.store import Spent, Store
from swe_sleep.sleep.budget import Budget

REPLIES = "reply"
"""The kind of artefact."""


class Later(SweSleepError):
    """The reply comes with a batch: the unit waits, and is run again once it was collected."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The limits of one pass. Money in US dollars."""

    pass_usd: float = 0.50
    day_usd: float = 2.0
    note_usd: float = 0.15
    pass_tokens: int = 400_000


class Desk:
    """Asks, within the limits. For one thread, and one pass over the repository at a time."""

    def __init__(
        self,
        store: Store,
        model: ClaudeModel,
        prices: Prices,
        masker: Callable[[], Masker],
        budget: Budget,
        allowed: Allowed = Allowed(),
        progress: Callable[[str], None] = lambda line: None,
    ) -> None:
        """`masker` is called at the first request."""
        self._store = store
        self._model = model
        self._prices = prices
        self._masker = masker
        self._masked: Masker | None = None
        self._budget = budget
        self._progress = progress
        limits = Limits(tokens=allowed.pass_tokens, usd=allowed.pass_usd)
        self._spending = Spending(limits, prices)

    def ask(self, request: Request, *, note: str, urgent: bool = False) -> Reply:
        """The reply to a request. `note` names what it is for, such as "summary shop/money.py":
        the limit per note counts by it. `urgent`: somebody waits, so it is asked at once.

        The usage of a reply is what it once cost, also where it was kept: it belongs to the note.
        Raises Later, BudgetExceeded, ModelFault (a ModelError), and Stopped.
        """
        request = self._safe(request)
        key = self._key(request)
        kept = self._store.artefacts(REPLIES, [key]).get(key)
        if kept is not None:
            return msgspec.json.decode(kept, type=Reply)
        metered = MeteredModel(self._model, self._prices, budget=self._spending)
        timed = dataclasses.replace(
            request, timeout_s=self._budget.left_s, stop=self._budget.exhausted
        )
        try:
            reply = metered.turn(timed)
        except ModelFault as fault:
            if fault.kind == "stopped":
                self._budget.checkpoint()
                raise BudgetExceeded("The time of this pass is over.") from fault
            raise
        self._store.record(
            artefacts=[(REPLIES, key, msgspec.json.encode(reply))],
            spent=Spent(time.time(), "sleep", request.purpose, self._model.name, reply.usage),
        )
        return reply

    def _safe(self, request: Request) -> Request:
        """The request with its secrets masked."""
        if self._masked is None:
            self._masked = self._masker()
        mask = self._masked
        messages = tuple(
            Message(each.role, tuple(_masked_block(block, mask) for block in each.blocks))
            for each in request.messages
        )
        return dataclasses.replace(request, system=mask(request.system), messages=messages)

    def _key(self, request: Request) -> str:
        asked = body(request, self._model.options)
        return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()


def _masked_block(block: Block, mask: Masker) -> Block:
    if block.get("type") in ("thinking", "redacted_thinking"):
        return block  # the server takes them back only as they came
    return {name: _masked(value, mask) for name, value in block.items()}


def _masked(value: object, mask: Masker) -> object:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return _masked_block(value, mask)
    if isinstance(value, list | tuple):
        return [_masked(each, mask) for each in value]
    return value
