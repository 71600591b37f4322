"""The passes' only way to a model.

A reply is kept under the hash of the whole request, so a unit that is run again is given what was
answered already: a pass is plain code, loops of several turns too. (It may say it in other words
when it is run again: `openings.py`.) What nobody waits for goes in a
message batch at the end of the pass (`outbox.py`): then `ask` raises Later, and the unit is run
again once the reply was collected.

Nothing is sent whose worst case does not fit every limit (`grants.py`), and the worst case is set
aside in the store first.
"""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from swe_sleep.config import Effort
from swe_sleep.errors import StoreError, SweSleepError
from swe_sleep.model.batches import Batches, Result, params
from swe_sleep.model.budget import priced
from swe_sleep.model.catalogue import Prices
from swe_sleep.model.client import ClaudeModel, body
from swe_sleep.model.faults import Kind, ModelFault
from swe_sleep.model.protocol import Block, Message, Reply, Request
from swe_sleep.model.secrets import Masker
from swe_sleep.model.trajectory import Trajectory
from swe_sleep.notes.asked import Asked, Row, State
from swe_sleep.notes.store import Spent, Store
from swe_sleep.records import Usage
from swe_sleep.sleep.budget import Budget
from swe_sleep.sleep.grants import Grant, Grants, key_of
from swe_sleep.sleep.grants import LimitReached as LimitReached
from swe_sleep.sleep.limits import Allowed as Allowed
from swe_sleep.sleep.limits import Moment, now
from swe_sleep.sleep.openings import Openings
from swe_sleep.sleep.outbox import Outbox

TRIES = 2
"""What ended without a reply so often is not asked again on that day."""
FASTEST = 400
"""Tokens a second that no model writes: what may have been written when a reply broke off."""
FILE_BYTES = 2_000_000
"""A trajectory that is longer is put aside, in place of the one put aside before."""

DOWN = frozenset(
    {"no_key", "denied", "unknown_model", "money", "limited", "overloaded", "server", "connection"}
)
"""Faults that the next request would meet too."""
PASSING = frozenset({"limited", "overloaded", "server", "connection", "timeout", "cut", "stopped"})
"""Faults after which the same request may well be answered."""


class Later(SweSleepError):
    """The reply comes with a batch: the unit waits, and is run again once it was collected."""


class Desk:
    """Asks, within the limits. For one thread, and for the one pass over the repository that is
    under way: what a pass left that died is taken up when the next one begins."""

    def __init__(
        self,
        store: Store,
        model: ClaudeModel,
        prices: Prices,
        masker: Callable[[], Masker],
        budget: Budget,
        allowed: Allowed,
        progress: Callable[[str], None] = lambda line: None,
        *,
        batch: bool = False,
        effort: Effort | None = None,
        folder: Path | None = None,
        clock: Callable[[], Moment] = now,
    ) -> None:
        """`masker` is called at the first request. `folder` is for the trajectories, one a note.
        `batch` only has an effect where the provider has batches."""
        self._store = store
        self._asked = Asked(store)
        self._model = model
        self._prices = prices
        self._masker = masker
        self._masked: Masker | None = None
        self._budget = budget
        self._progress = progress
        self._effort = effort
        self._folder = folder
        self._grants = Grants(store, model, budget, allowed, clock)
        self._down: ModelFault | None = None
        self._batched = batch and model.options.provider == "anthropic"
        self._untold = batch and not self._batched
        self._outbox = Outbox(
            self._asked, Batches(model, budget.stop.is_set), self._collected, clock, progress
        )
        self._unit = ""
        self._openings: Openings | None = None
        self._usage = Usage()
        self._here = uuid.uuid4().hex
        self.problem = ""
        """Why the last batch could not be posted."""

    # -- what the engine calls ---------------------------------------------------------------------

    def work_on(self, unit: str) -> None:
        """The unit of work that asks from here on, by its key: a note's limit counts for one."""
        self._unit = unit
        self._openings = Openings(self._store, unit)

    def move_to(self, masker: Callable[[], Masker]) -> None:
        """The same pass goes on with other content."""
        self._masker, self._masked = masker, None

    def begin(self) -> None:
        """Take up what a pass left that died. To be called while no other pass can run; asks
        nobody."""
        self.problem = ""
        self._outbox.forget()
        for row in self._asked.rows("asking"):
            self._lost(row)
        self._asked.tidy()

    def collect(self) -> bool:
        """Look after the batches whose turn it is; whether any request came to its end."""
        return not self._budget.stop.is_set() and bool(self._outbox.collect())

    def post(self) -> bool:
        """Send what was gathered; whether the units are to be planned again, as they ask directly
        now. Where somebody wants the pass to stop, nothing is sent."""
        if self._budget.stop.is_set():
            self._outbox.forget()
            return False
        try:
            self._outbox.post()
        except ModelFault as fault:
            if fault.kind == "no_batches":
                self._progress("the model's server has no message batches; asking directly")
                self._batched = False
                return True
            if fault.kind != "stopped":
                self.problem = f"a message batch could not be posted: {fault}"
            self._down = fault
        return False

    def waiting(self) -> frozenset[str]:
        """Keys of the units that wait for a batch."""
        return self._asked.waiting_units()

    def waiting_by_pass(self) -> dict[str, int]:
        """How many they are."""
        return self._asked.waiting_by_purpose()

    def taken(self) -> Usage:
        """What was spent since this was asked last, whichever unit it was for."""
        usage, self._usage = self._usage, Usage()
        return dataclasses.replace(usage, wall_s=0.0)  # in that of the units

    # -- what passes call --------------------------------------------------------------------------

    def ask(self, request: Request, *, note: str, urgent: bool = False) -> Reply:
        """The reply to a request. `note` names what it is for, such as "summary shop/money.py":
        the limit per note counts by it. `urgent`: somebody waits, so it is asked at once, unless
        it was posted already.

        The usage of a reply is what it once cost, also where it was kept: it belongs to the note.
        Raises Later, BudgetExceeded, ModelFault (a ModelError), and Stopped.
        """
        said = self._safe(request)
        request = self._openings.held(said, note) if self._openings else said
        key = key_of(request, self._model)
        row = self._asked.get(key)
        cut: Reply | None = None
        if row is not None and row.state == "answered":
            kept = self._replayed(request, row)
            if kept.stop != "max_tokens" or row.room >= self._grants.wanted(request):
                return kept
            cut = kept
        tries = self._may_be_asked(row, urgent=urgent)
        batched = self._batched and not urgent
        if self._untold and not urgent:
            self._untold = False
            provider = self._model.options.provider
            self._progress(f"{provider} has no message batches; asking directly")
        prices = self._prices.in_batch() if batched else self._prices
        unit = self._unit or self._here
        try:
            grant = self._grants.give(request, prices, unit, note, cached=not batched)
        except LimitReached:
            if cut is not None:
                return cut
            raise
        if cut is not None and row is not None and grant.room < 2 * row.room:
            return cut  # it would be cut again
        self._budget.checkpoint()
        row = Row(
            key,
            "gathered" if batched else "asking",
            request.purpose,
            note,
            unit,
            self._model.name,
            usd=grant.usd,
            room=grant.room,
            tries=tries,
            day=self._grants.day().number,
        )
        if not self._asked.begin(row, most_usd=self._grants.allowed.day_usd):
            self._grants.exceeded("day")
        if self._openings is not None:
            self._openings.hold(said, note)
        self._grants.spent[key] = (grant.usd, grant.tokens)
        granted = dataclasses.replace(request, max_tokens=grant.room)
        how = "batch" if batched else "direct"
        self._write(row, "request", how=how, body=body(granted, self._model.options))
        if batched:
            self._outbox.gather(key, params(granted, self._model))
            raise Later(f"{note} waits for a message batch.")
        return self._directly(granted, row, grant)

    def _may_be_asked(self, row: Row | None, *, urgent: bool) -> int:
        """How often it was asked without a reply. Raises what stands against asking."""
        tries = 0
        if row is not None and row.state in ("gathered", "posting", "posted"):
            if not (urgent and self._outbox.take_back(row.key)):
                raise Later(f"{row.note} waits for a message batch.")
            tries = row.tries
        elif row is not None and row.day == self._grants.day().number:
            if row.state == "failed" or (row.state == "again" and row.tries >= TRIES):
                raise _fault(row.reply)
            tries = row.tries
        if self._down is not None:
            raise self._down
        return tries

    def _directly(self, request: Request, row: Row, grant: Grant) -> Reply:
        timed = dataclasses.replace(
            request, timeout_s=self._budget.left_s, stop=self._budget.exhausted
        )
        try:
            reply = self._model.turn(timed)
        except ModelFault as fault:
            self._failed(row, grant, fault)
            if fault.kind in ("stopped", "timeout") and self._budget.exhausted():
                self._budget.checkpoint()
                self._grants.exceeded("time")
            if fault.kind in DOWN:
                self._down = fault
            raise
        except BaseException:
            self._lost(row)
            raise
        usage = priced(self._prices, self._model.name, reply.usage)
        reply = dataclasses.replace(reply, usage=usage)
        self._answered(row, reply)
        self._grants.measure(request, reply)
        return reply

    # -- what came of a request --------------------------------------------------------------------

    def _answered(self, row: Row, reply: Reply) -> None:
        # what has no price is not asked, so a reply without one cannot be
        cost = row.usd if reply.usage.cost_usd is None else reply.usage.cost_usd
        if self._settled(row, "answered", cost, reply.usage, msgspec.json.encode(reply)):
            self._write(row, "reply", blocks=reply.blocks, stop=reply.stop, usage=reply.usage)

    def _failed(self, row: Row, grant: Grant, fault: ModelFault) -> None:
        """A request that was sent directly met a fault. What may have been written until then is
        taken as spent."""
        usage = fault.usage
        if fault.kind in ("timeout", "cut", "stopped"):
            written = max(usage.output_tokens, int(FASTEST * usage.wall_s))
            usage = dataclasses.replace(
                usage,
                input_tokens=usage.input_tokens if usage.prompt_tokens else grant.prompt,
                output_tokens=min(grant.room, written),
            )
        usage = priced(self._prices, self._model.name, usage)
        cost = min(usage.cost_usd or 0.0, grant.usd)
        usage = dataclasses.replace(usage, cost_usd=cost)
        own = fault.kind not in DOWN and fault.kind not in ("timeout", "stopped")
        state: State = "again" if fault.kind in PASSING | DOWN else "failed"
        self._end(row, state, cost, usage, fault, tries=row.tries + own)

    def _lost(self, row: Row) -> None:
        """It may have been answered, and is paid for then, but the answer is not here."""
        fault = ModelFault("cut", "The pass ended while this was asked.")
        usage = Usage(cost_usd=row.usd)
        self._end(row, "again", row.usd, usage, fault, tries=row.tries + 1)

    def _collected(self, row: Row, result: Result | None) -> None:
        """The outbox tells what became of a request in a batch."""
        if result is None:
            self._lost(row)
        elif result.reply is not None:
            usage = priced(self._prices.in_batch(), row.model, result.reply.usage)
            self._answered(row, dataclasses.replace(result.reply, usage=usage))
        elif result.fault is not None:
            state: State = "again" if result.fault.kind in PASSING else "failed"
            self._end(row, state, 0.0, Usage(), result.fault, tries=row.tries + 1)
        elif result.ended == "expired":
            fault = ModelFault("expired", "The message batch expired before this was asked.")
            self._end(row, "again", 0.0, Usage(), fault, tries=row.tries + 1)
        else:
            fault = ModelFault("stopped", "The message batch was cancelled.")
            self._end(row, "failed", 0.0, Usage(), fault, tries=row.tries + 1)

    def _end(
        self, row: Row, state: State, cost: float, usage: Usage, fault: ModelFault, *, tries: int
    ) -> None:
        """Without a reply."""
        told = msgspec.json.encode((fault.kind, str(fault.args[0])))
        if self._settled(row, state, cost, usage, told, tries):
            self._write(row, "fault", fault=fault.kind, says=str(fault), usage=usage)

    def _settled(
        self, row: Row, state: State, cost: float, usage: Usage, reply: bytes, tries: int = 0
    ) -> bool:
        spent = Spent(0.0, "sleep", row.purpose, row.model, usage)
        done = self._asked.settle(
            row,
            state,
            usd=cost,
            day=self._grants.day().number,
            reply=reply,
            tries=tries,
            spent=spent if usage.tokens or usage.cost_usd else None,
        )
        if done:
            self._usage += usage
            if row.key in self._grants.spent:
                self._grants.spent[row.key] = (cost, usage.tokens)
        return done

    def _replayed(self, request: Request, row: Row) -> Reply:
        reply = msgspec.json.decode(row.reply, type=Reply)
        self._grants.measure(request, reply)
        return reply

    # -- what leaves this machine ------------------------------------------------------------------

    def _mask(self) -> Masker:
        if self._masked is None:
            self._masked = self._masker()
        return self._masked

    def _safe(self, request: Request) -> Request:
        """The request with its secrets masked, and the settings' effort."""
        mask = self._mask()
        messages = tuple(
            Message(each.role, tuple(_masked_block(block, mask) for block in each.blocks))
            for each in request.messages
        )
        return dataclasses.replace(
            request,
            system=mask(request.system),
            messages=messages,
            effort=request.effort or self._effort,
        )

    def _write(self, row: Row, line: str, **values: object) -> None:
        """A line in the note's trajectory."""
        if self._folder is None:
            return
        name = hashlib.sha256(row.note.encode()).hexdigest()[:12]
        file = self._folder / f"{row.purpose or 'pass'}-{name}.jsonl"
        try:
            if file.is_file() and file.stat().st_size > FILE_BYTES:
                file.replace(file.with_suffix(".old"))
            with Trajectory(file, masker=self._mask()) as trajectory:
                plain = {name: msgspec.to_builtins(value) for name, value in values.items()}
                trajectory.write(line, note=row.note, key=row.key, unit=row.unit, **plain)
        except (StoreError, OSError) as error:
            self._progress(f"the trajectory of {row.note} cannot be kept: {error}")


def _fault(kept: bytes) -> ModelFault:
    kind, text = msgspec.json.decode(kept, type=tuple[Kind, str])
    return ModelFault(kind, text)


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
