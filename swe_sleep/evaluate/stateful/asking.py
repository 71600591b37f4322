"""Asking within a hard limit on money, with every reply kept: none is paid for twice.

A reply is kept under the hash of the request and of which sample it is. Before a request is sent,
what it can cost at most is written down; where a run was killed before the reply was there, that
counts as spent, as it may have been.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import uuid
from pathlib import Path

import msgspec

from swe_sleep.errors import BudgetExceeded, StoreError, UsageError
from swe_sleep.evaluate.lines import append
from swe_sleep.model.budget import Budget, Limits
from swe_sleep.model.catalogue import Prices, abilities
from swe_sleep.model.client import ClientOptions, body, size_bytes
from swe_sleep.model.metering import Entry, MeteredModel
from swe_sleep.model.protocol import Model, OnText, Reply, Request
from swe_sleep.records import Usage

FRAMING = 4000
"""Tokens that the server may add to a prompt."""


class Sent(msgspec.Struct, frozen=True, tag="sent"):
    """A request that is about to be sent, and what it may take at most."""

    key: str
    errand: str
    most: Usage


class Got(msgspec.Struct, frozen=True, tag="reply"):
    key: str
    errand: str
    reply: Reply


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """No reply came; `usage` is what was spent on it all the same."""

    key: str
    errand: str
    outcome: str
    usage: Usage


Line = Sent | Got | Failed


class Replies:
    """The file that replies are kept in. For several threads of one process."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError where it cannot be read."""
        self._path = path
        self._writing = threading.Lock()
        self._known: dict[str, Reply] = {}
        self.spent = Usage()
        """In all, by earlier runs."""
        self._read()

    def _read(self) -> None:
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        except OSError as error:
            raise UsageError(f"cannot read {self._path}: {error.strerror}.") from error
        taken: dict[str, Usage] = {}
        for raw in lines:
            try:
                line: Line = msgspec.json.decode(raw, type=Line)
            except msgspec.MsgspecError:
                continue  # not whole, as its run was killed
            if isinstance(line, Sent):
                taken.setdefault(line.errand, line.most)
            elif isinstance(line, Got):
                self._known[line.key] = line.reply
                taken[line.errand] = line.reply.usage
            else:
                taken[line.errand] = line.usage
        self.spent = Usage.total(taken.values())

    def get(self, key: str) -> Reply | None:
        return self._known.get(key)

    def write(self, line: Line) -> None:
        """Raises StoreError."""
        with self._writing:
            try:
                append(self._path, line)
            except OSError as error:
                raise StoreError(f"cannot write {self._path}: {error.strerror}.") from error
            if isinstance(line, Got):
                self._known[line.key] = line.reply


class Locks:
    """One lock for each name."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._made: dict[str, threading.Lock] = {}

    def __getitem__(self, name: str) -> threading.Lock:
        with self._making:
            return self._made.setdefault(name, threading.Lock())


class Till:
    """The money of a run, for all that ask."""

    def __init__(self, replies: Replies, prices: Prices, limit_usd: float) -> None:
        self.replies = replies
        self.prices = prices
        self.budget = Budget(Limits(usd=limit_usd), prices, spent=replies.spent)
        self.flying = Locks()
        """By request: two that are alike are not sent at once."""
        self.over = threading.Event()
        """What is under way is given up."""


class Asker:
    """Asks one model. For several threads."""

    def __init__(
        self,
        model: Model,
        options: ClientOptions,
        till: Till,
    ) -> None:
        self._model = model
        self._options = options
        self._till = till

    def ask(self, request: Request, sample: str) -> Reply:
        """The reply to a request, the kept one if there is one. Samples of the same request are
        told apart by `sample`. Raises ModelFault, and BudgetExceeded where it could cost more than
        is left: no reply is cut short for money, as it would count as a wrong one."""
        key = key_of(request, self._options, sample)
        with self._till.flying[key]:
            kept = self._till.replies.get(key)
            return kept if kept is not None else self._send(request, key)

    def _send(self, request: Request, key: str) -> Reply:
        errand = uuid.uuid4().hex
        noted = _Noted(self._model, self._till, request, key, errand)
        usage: list[Entry] = []
        metered = MeteredModel(
            noted, self._till.prices, budget=self._till.budget, ledger=usage.append
        )
        try:
            reply = metered.turn(dataclasses.replace(request, stop=self._till.over.is_set))
        except BaseException:
            if noted.sent and usage:
                last = usage[-1]
                self._till.replies.write(Failed(key, errand, last.outcome, last.usage))
            raise
        self._till.replies.write(Got(key, errand, reply))
        return reply


class _Noted:
    """Writes a request down before it is sent. Sends none whose reply the money may cut short."""

    def __init__(self, model: Model, till: Till, asked: Request, key: str, errand: str) -> None:
        self._model = model
        self._till = till
        self._asked = asked
        self._key = key
        self._errand = errand
        self.sent = False

    @property
    def name(self) -> str:
        return self._model.name

    def turn(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        room = request.max_tokens or 0
        if room < min(self._asked.max_tokens or 0, abilities(self.name).max_output):
            limit, spent = self._till.budget.limits.usd, self._till.budget.spent.cost_usd
            raise BudgetExceeded(
                f"The next reply could go over the limit of ${limit:.2f} (${spent or 0:.2f} spent)."
            )
        messages = [list(message.blocks) for message in request.messages]
        prompt = size_bytes([request.system, list(request.tools), request.schema, messages])
        most = Usage(cache_write_tokens=prompt + FRAMING, output_tokens=room)
        cost = self._till.prices.cost_usd(self.name, most)
        self._till.replies.write(
            Sent(self._key, self._errand, dataclasses.replace(most, cost_usd=cost))
        )
        self.sent = True
        return self._model.turn(request, on_text=on_text)


def key_of(request: Request, options: ClientOptions, sample: str) -> str:
    """By everything that is sent, and which sample it is."""
    sent = json.dumps(body(request, options), sort_keys=True, default=dict)
    found = hashlib.sha256(f"{sample}\0{sent}".encode("utf-8", "surrogatepass"))
    return found.hexdigest()[:32]
