"""Message batches: many requests sent together, answered within a day, at half the price.

Only Anthropic's own API has them. Nothing here is retried when a batch is made: whether one was
made all the same can only be found out by looking at the server's list, which is the caller's work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from swe_sleep.model.client import ClaudeModel, body
from swe_sleep.model.faults import ModelFault, reported
from swe_sleep.model.protocol import Reply, Request
from swe_sleep.model.reading import Reading

if TYPE_CHECKING:
    from anthropic import Anthropic

CALL_S = 60.0
"""For one call."""
LISTED = 100
"""Batches looked at a page, and not more pages than this many."""

T = TypeVar("T")
Ended = Literal["succeeded", "errored", "expired", "canceled"]


@dataclass(frozen=True, slots=True)
class Batch:
    """`ended` once there are results for everything; `size` are its requests."""

    id: str
    ended: bool
    size: int


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one request. `reply` for "succeeded", `fault` for "errored"."""

    custom_id: str
    ended: Ended
    reply: Reply | None = None
    fault: ModelFault | None = None


def params(request: Request, model: ClaudeModel) -> dict[str, object]:
    """The request as it stands in a batch: without cache points, since what is in it runs in any
    order, hours apart, and writing to the cache costs more than reading plainly."""
    return cast("dict[str, object]", _uncached(body(request, model.options)))


def _uncached(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _uncached(each) for name, each in value.items() if name != "cache_control"}
    if isinstance(value, list | tuple):
        return [_uncached(each) for each in value]
    return value


class Batches:
    """The server's batches. Every method raises ModelFault."""

    def __init__(self, model: ClaudeModel, stop: Callable[[], bool] = lambda: False) -> None:
        """A call is given up with the fault "stopped" once `stop` is true."""
        self._model = model
        self._stop = stop

    def create(
        self, requests: Sequence[tuple[str, Mapping[str, object]]], *, timeout_s: float = CALL_S
    ) -> Batch:
        """Post requests, each with its `custom_id`. The fault "no_batches" is for a server that
        has none; with "timeout", "connection" and "server" the batch may have been made."""
        entries = [{"custom_id": name, "params": dict(each)} for name, each in requests]

        def make(client: Anthropic) -> Any:
            once = client.with_options(max_retries=0)
            return once.messages.batches.create(requests=cast("Any", entries))

        return _batch(self._call(make, timeout_s))

    def get(self, batch_id: str) -> Batch:
        return _batch(self._call(lambda client: client.messages.batches.retrieve(batch_id)))

    def newest(self) -> str:
        """The id of the batch that was made last, or ""."""
        page = self._call(lambda client: client.messages.batches.list(limit=1))
        return next((str(each.id) for each in page.data), "")

    def since(self, newest: str) -> list[Batch]:
        """All that were made after one, last first."""

        def collect(client: Anthropic) -> list[Batch]:
            found: list[Batch] = []
            for each in client.messages.batches.list(limit=LISTED):
                if each.id == newest or len(found) >= LISTED * LISTED:
                    break
                found.append(_batch(each))
            return found

        return self._call(collect)

    def cancel(self, batch_id: str) -> None:
        self._call(lambda client: client.messages.batches.cancel(batch_id))

    def results(self, batch_id: str) -> Iterator[Result]:
        """In any order, as they arrive. Lines that are no results are left out. The fault "cut" is
        for a stream that broke off: what was given until then is good."""
        lines = self._call(lambda client: iter(client.messages.batches.results(batch_id)))
        end = object()
        while True:
            try:
                line = self._call(lambda client: next(lines, end))
            except ModelFault as fault:
                if fault.kind in ("reply", "connection", "timeout"):
                    text = "The results of a batch broke off in the middle."
                    raise ModelFault("cut", text) from fault
                raise
            if line is end:
                return
            found = self._result(line)
            if found is not None:
                yield found

    def _result(self, line: object) -> Result | None:
        value = line.to_dict(mode="json") if hasattr(line, "to_dict") else line
        if not isinstance(value, Mapping) or not isinstance(value.get("result"), Mapping):
            return None
        custom_id, result = str(value.get("custom_id", "")), value["result"]
        ended = result.get("type")
        if ended == "succeeded" and isinstance(result.get("message"), Mapping):
            return Result(custom_id, "succeeded", reply=whole(result["message"]))
        if ended == "errored":
            outer = result.get("error")
            error = outer.get("error") if isinstance(outer, Mapping) else None
            told = error if isinstance(error, Mapping) else {}
            kind, said = str(told.get("type", "")), str(told.get("message", ""))
            return Result(custom_id, "errored", fault=reported(kind, said, model=self._model.name))
        if ended in ("expired", "canceled"):
            return Result(custom_id, ended)
        return None

    def _call(self, make: Callable[[Anthropic], T], timeout_s: float = CALL_S) -> T:
        try:
            return self._model.call(make, timeout_s=timeout_s, stop=self._stop)
        except ModelFault as fault:
            status = getattr(fault.__cause__, "status_code", None)
            if status in (404, 405, 501):
                text = "The model's server has no such message batch, or none at all."
                raise ModelFault("no_batches", text) from fault
            raise


def whole(message: Mapping[str, Any]) -> Reply:
    """A reply that did not come as a stream."""
    reading = Reading()
    reading.feed({"type": "message_start", "message": message})
    blocks = message.get("content")
    for index, block in enumerate(blocks if isinstance(blocks, list) else ()):
        reading.feed({"type": "content_block_start", "content_block": block})
        reading.feed({"type": "content_block_stop", "index": index})
    delta = {key: message.get(key) for key in ("stop_reason", "stop_details")}
    reading.feed({"type": "message_delta", "delta": delta, "usage": message.get("usage")})
    return reading.reply(wall_s=0.0, request_id=str(message.get("id", "")))


def _batch(made: Any) -> Batch:
    """Raises ModelFault where it is none."""
    value = made.to_dict(mode="json") if hasattr(made, "to_dict") else {}
    counts = value.get("request_counts")
    if not isinstance(value.get("id"), str) or not isinstance(counts, dict):
        said = " ".join(json.dumps(value, default=str).split())[:200]
        raise ModelFault("reply", f"The model's server gave a batch that cannot be read: {said}")
    size = sum(count for count in counts.values() if isinstance(count, int))
    return Batch(value["id"], value.get("processing_status") == "ended", size)
