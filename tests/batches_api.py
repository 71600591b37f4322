"""Message batches for the local server in messages_api.py, with their faults.

A batch has ended as soon as it is made, unless `hold` is set. What each request comes to is made by
`outcome`. `faults` hold, by operation ("create", "get", "list", "results", "cancel", "count"),
what the next such calls meet instead.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

PATH = "/v1/messages/batches"
COUNT = "/v1/messages/count_tokens"
Json = dict[str, Any]
Fault = Callable[[Any, Callable[[], None]], None]
"""Given the exchange, and what would answer it properly."""


@dataclass
class Batch:
    id: str
    requests: list[Json]
    status: str = "in_progress"
    results: list[Json] = field(default_factory=list)

    def shown(self, url: str) -> Json:
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        if self.status == "ended":
            for each in self.results:
                counts[each["result"]["type"]] += 1
        else:
            counts["processing"] = len(self.requests)
        ended = self.status == "ended"
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": self.status,
            "request_counts": counts,
            "created_at": "2026-11-22T10:00:00Z",
            "expires_at": "2026-11-23T10:00:00Z",
            "ended_at": "2026-11-22T10:01:00Z" if ended else None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{url}{PATH}/{self.id}/results" if ended else None,
        }


class BatchesApi:
    """`answer(params)` gives the content blocks of a reply."""

    def __init__(self, url: str, message: Callable[[Json], Json]) -> None:
        self._url = url
        self._lock = threading.Lock()
        self.message = message
        self.made: list[Batch] = []
        self.asked: list[str] = []
        """The custom id of every request that was ever accepted."""
        self.hold = False
        self.absent = False
        """The server has no batches."""
        self.counts = True
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.calls: list[str] = []
        """Operations, in order."""
        self.outcome: Callable[[Json], Json] = lambda request: {
            "type": "succeeded",
            "message": self.message(request["params"]),
        }
        self.arrange: Callable[[list[bytes]], Sequence[bytes]] = lambda lines: lines
        """What is sent of the lines of the results."""

    # -- the play ----------------------------------------------------------------------------------

    def fails(self, operation: str, status: int, kind: str, times: int = 1) -> None:
        error = {"type": "error", "error": {"type": kind, "message": "no"}}
        for _ in range(times):
            self.faults[operation].append(
                lambda ex, proper: ex.plain(status, error, {"retry-after-ms": "1"})
            )

    def loses_answer(self, operation: str = "create", status: int | None = None) -> None:
        """It is done, but its answer does not arrive: the connection breaks, or there is an
        error."""

        def play(exchange: Any, proper: Callable[[], None]) -> None:
            exchange.muted = True
            proper()
            exchange.muted = False
            if status is None:
                exchange.handler.close_connection = True
            else:
                error = {"type": "error", "error": {"type": "api_error", "message": "no"}}
                exchange.plain(status, error, {"retry-after-ms": "1"})

        self.faults[operation].append(play)

    def hangs(self, operation: str, released: threading.Event) -> None:
        """It is done; the answer comes once released."""

        def play(exchange: Any, proper: Callable[[], None]) -> None:
            exchange.muted = True
            proper()
            exchange.muted = False
            released.wait(60)
            exchange.handler.close_connection = True

        self.faults[operation].append(play)

    def cuts_results(self, after: int) -> None:
        """The connection breaks after so many bytes of the results."""

        def play(exchange: Any, proper: Callable[[], None]) -> None:
            exchange.cut_after = after
            proper()

        self.faults["results"].append(play)

    def finish(self) -> None:
        """What was held has ended."""
        with self._lock:
            self.hold = False
            for batch in self.made:
                self._end(batch)

    def foreign(self, *custom_ids: str, ended: bool = True) -> Batch:
        """A batch that another program on the same account made."""
        with self._lock:
            batch = Batch(
                f"msgbatch_{len(self.made):04d}",
                [{"custom_id": each, "params": {"model": "x"}} for each in custom_ids],
            )
            self.made.append(batch)
            batch.results = [
                {"custom_id": each, "result": {"type": "canceled"}} for each in custom_ids
            ]
            batch.status = "ended" if ended else "in_progress"
        return batch

    def _end(self, batch: Batch) -> None:
        if batch.status != "ended":
            batch.results = batch.results or [
                {"custom_id": each["custom_id"], "result": self.outcome(each)}
                for each in batch.requests
            ]
            batch.status = "ended"

    # -- answering ---------------------------------------------------------------------------------

    def takes(self, path: str) -> bool:
        return path == COUNT or path.startswith(PATH)

    def answer(self, exchange: Any, method: str, query: dict[str, str]) -> None:
        path = exchange.path
        rest = [part for part in path.removeprefix(PATH).split("/") if part]
        if path == COUNT:
            operation = "count"
        elif not rest:
            operation = "create" if method == "POST" else "list"
        else:
            operation = rest[1] if len(rest) > 1 else "get"
        with self._lock:
            self.calls.append(operation)
            fault = self.faults[operation].pop(0) if self.faults[operation] else None

        def proper() -> None:
            if (operation == "count" and not self.counts) or (operation != "count" and self.absent):
                self._missing(exchange)
            elif operation == "count":
                exchange.plain(200, {"input_tokens": len(json.dumps(exchange.body)) // 4}, {})
            elif operation == "create":
                exchange.plain(200, self._create(exchange.body).shown(self._url), {})
            elif operation == "list":
                self._list(exchange, query)
            else:
                self._one(exchange, operation, rest[0])

        if fault is not None:
            fault(exchange, proper)
        else:
            proper()

    def _create(self, body: Json) -> Batch:
        with self._lock:
            batch = Batch(f"msgbatch_{len(self.made):04d}", body["requests"])
            ids = [each["custom_id"] for each in batch.requests]
            assert len(set(ids)) == len(ids)
            self.asked += ids
            self.made.append(batch)
            if not self.hold:
                self._end(batch)
        return batch

    def _list(self, exchange: Any, query: dict[str, str]) -> None:
        newest_first = list(reversed(self.made))
        if after := query.get("after_id"):
            place = next((i for i, b in enumerate(newest_first) if b.id == after), -1)
            newest_first = newest_first[place + 1 :]
        limit = int(query.get("limit", 20))
        page = newest_first[:limit]
        exchange.plain(
            200,
            {
                "data": [each.shown(self._url) for each in page],
                "has_more": len(newest_first) > limit,
                "first_id": page[0].id if page else None,
                "last_id": page[-1].id if page else None,
            },
            {},
        )

    def _one(self, exchange: Any, operation: str, batch_id: str) -> None:
        batch = next((each for each in self.made if each.id == batch_id), None)
        if batch is None:
            self._missing(exchange)
        elif operation == "results":
            lines = [json.dumps(each).encode() + b"\n" for each in batch.results]
            exchange.lines(b"".join(self.arrange(lines)))
        else:
            if operation == "cancel":
                with self._lock:
                    self.outcome = lambda request: {"type": "canceled"}
                    self._end(batch)
            exchange.plain(200, batch.shown(self._url), {})

    @staticmethod
    def _missing(exchange: Any) -> None:
        error = {"type": "error", "error": {"type": "not_found_error", "message": "no"}}
        exchange.plain(404, error, {})

    def wait_for(self, operation: str, *, timeout_s: float = 60.0) -> bool:
        """Until such a call has come."""
        until = time.monotonic() + timeout_s
        while operation not in self.calls:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True
