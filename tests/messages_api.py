"""A local server that speaks the Messages API and plays a script, for the real SDK to talk to.

Streaming included. Each request takes the next scripted step; one that has none left is answered
by `otherwise`, or with an error and remembered, and `check` fails for it, as it does for steps that
nobody asked for. Message batches are `batches`. Loaded by the `messages_api` fixture.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import select
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Block = dict[str, Any]
BEDROCK = "/invoke-with-response-stream"
"""The end of the path by which Bedrock is asked to stream, in an encoding of its own."""
Respond = Callable[["_Exchange"], None]


def text(words: str) -> Block:
    return {"type": "text", "text": words}


def thinking(words: str, signature: str = "c2lnbmVk") -> Block:
    return {"type": "thinking", "thinking": words, "signature": signature}


def call(name: str, *, call_id: str = "", **values: object) -> Block:
    return {"type": "tool_use", "id": call_id, "name": name, "input": values}


def broken_call(name: str, raw: str, *, call_id: str = "") -> Block:
    """A call whose input is streamed as this text, whatever it is."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": {}, "raw": raw}


def asks_messages(path: str) -> bool:
    """Whether this is a request for a message, by Anthropic's own path or a platform's."""
    return path == "/v1/messages" or path.endswith((":streamRawPredict", BEDROCK))


def _batches_module() -> Any:
    """Its neighbour, which tests cannot import by name."""
    name = "batches_api_for_tests"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("batches_api.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@dataclass
class _Usage:
    """What the server says a reply took. None: input by the size of the request."""

    input: int | None = None
    output: int = 20
    cache_read: int = 0
    cache_write: int = 0


@dataclass
class Seen:
    """One request, as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    raw: bytes = b""
    arrived: float = 0.0
    """By the monotonic clock, as is `begun`, when the first event of its reply was sent."""
    begun: float | None = None


class MessagesApi:
    """The server, its script, and what was asked of it."""

    text = staticmethod(text)
    thinking = staticmethod(thinking)
    call = staticmethod(call)
    broken_call = staticmethod(broken_call)
    Usage = _Usage

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        self.unscripted: list[str] = []
        self.released = threading.Event()
        self.gone = threading.Event()
        """A client went away from a request that was held."""
        self.otherwise: Callable[[dict[str, Any]], Sequence[Block]] | None = None
        """Makes replies where the script has ended."""
        self.usage: Callable[[dict[str, Any], Sequence[Block]], _Usage] = lambda *_: _Usage()
        """What a reply took, where the script does not say: by request and blocks."""
        self._steps: list[Respond] = []
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._calls = 0
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                size = int(self.headers.get("content-length", 0))
                raw = self.rfile.read(size)
                address = urlsplit(self.path)
                headers = {k.lower(): v for k, v in self.headers.items()}
                body = json.loads(raw) if raw else {}
                seen = Seen(address.path, headers, body, raw, time.monotonic())
                exchange = _Exchange(self, seen)
                if api.batches.takes(address.path):
                    query = dict(parse_qsl(address.query))
                    api.batches.answer(exchange, self.command, query)
                else:
                    api._answer(exchange)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that went away is part of the play

        self._server = Server(("127.0.0.1", 0), Handler)
        self.batches = _batches_module().BatchesApi(self.url, self._batched)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # -- the script ---------------------------------------------------------------------------

    def reply(
        self, *blocks: Block, stop: str = "", usage: _Usage | None = None, **more: Any
    ) -> None:
        """A whole reply. The stop reason is "tool_use" with calls and "end_turn" without."""
        self._steps.append(lambda ex: ex.stream(self._message(ex, blocks, stop, usage, more)))

    def compute(self, make: Callable[[dict[str, Any]], Sequence[Block]]) -> None:
        """A whole reply made from the request."""
        self._steps.append(lambda ex: ex.stream(self._message(ex, make(ex.body), "", None, {})))

    def cut(self, *blocks: Block, after: int = 3) -> None:
        """A reply whose connection is closed after so many events."""
        self._steps.append(
            lambda ex: ex.stream(self._message(ex, blocks, "", None, {}), cut_after=after)
        )

    def resets(self) -> None:
        """A connection that is reset before the first event."""
        self._steps.append(
            lambda ex: ex.stream(self._message(ex, (), "", None, {}), cut_after=0, reset=True)
        )

    def ends_early(self, *blocks: Block, after: int = 3) -> None:
        """A reply whose stream ends properly, but too soon."""
        self._steps.append(
            lambda ex: ex.stream(self._message(ex, blocks, "", None, {}), end_after=after)
        )

    def error_in_stream(self, kind: str, *blocks: Block, after: int = 3) -> None:
        self._steps.append(
            lambda ex: ex.stream(
                self._message(ex, blocks, "", None, {}), end_after=after, error=kind
            )
        )

    def fails(
        self, status: int, kind: str, message: str = "no", *, times: int = 1, **headers: str
    ) -> None:
        error = {"type": "error", "error": {"type": kind, "message": message}}
        wanted = {"retry-after-ms": "1", **{k.replace("_", "-"): v for k, v in headers.items()}}
        for _ in range(times):
            self._steps.append(lambda ex: ex.plain(status, error, wanted))

    def never_answers(self, times: int = 1) -> None:
        """Holds the request until the test is over."""
        for _ in range(times):
            self._steps.append(lambda ex: self._hold(ex))

    def stalls(self, *blocks: Block, after: int = 3) -> None:
        """Begins a reply and then falls silent until the test is over."""
        self._steps.append(
            lambda ex: ex.stream(
                self._message(ex, blocks, "", None, {}), cut_after=after, wait=self.released
            )
        )

    def pings(self) -> None:
        """A reply that begins, and then nothing but pings until the test is over."""
        self._steps.append(
            lambda ex: ex.stream(self._message(ex, (), "", None, {}), pings=self.released)
        )

    def garbles(self) -> None:
        """A stream whose events are not JSON."""
        self._steps.append(lambda ex: ex.raw_stream(b"event: message_start\ndata: {oops\n\n"))

    def slow(self, *blocks: Block) -> None:
        """A whole reply that begins when another request has come, or after a second."""

        def play(exchange: _Exchange) -> None:
            self.wait_for(2, timeout_s=1.0)
            exchange.stream(self._message(exchange, blocks, "", None, {}))

        self._steps.append(play)

    def wait_for(self, requests: int, *, timeout_s: float = 60.0) -> bool:
        """Until so many requests have come."""
        with self._arrived:
            return self._arrived.wait_for(lambda: len(self.requests) >= requests, timeout_s)

    def _hold(self, exchange: _Exchange) -> None:
        connection = exchange.handler.connection
        while not self.released.wait(0.02):
            ready, _, _ = select.select([connection], [], [], 0)
            if ready and not connection.recv(1, socket.MSG_PEEK):
                self.gone.set()
                break
        exchange.handler.close_connection = True

    def _batched(self, params: dict[str, Any]) -> dict[str, Any]:
        """A message for a request in a batch."""
        seen = Seen("", {}, params)
        make = self.otherwise or (lambda body: (text("Done."),))
        blocks = make(params)
        return self._message(_Exchange(None, seen), blocks, "", None, {})

    # -- the end ------------------------------------------------------------------------------

    def check(self) -> None:
        assert not self.unscripted, f"requests nobody scripted: {self.unscripted}"
        assert not self._steps, f"{len(self._steps)} scripted steps were never asked for"

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    # -- answering ----------------------------------------------------------------------------

    def _answer(self, exchange: _Exchange) -> None:
        with self._lock:
            path = exchange.path
            self.requests.append(exchange.seen)
            self._arrived.notify_all()
            step = self._steps.pop(0) if self._steps and asks_messages(path) else None
            if step is None and self.otherwise is not None and asks_messages(path):
                make = self.otherwise
                step = lambda ex: ex.stream(self._message(ex, make(ex.body), "", None, {}))  # noqa: E731
            if step is None:
                self.unscripted.append(path)
        if step is None:
            error = {"type": "error", "error": {"type": "test", "message": "nothing scripted"}}
            exchange.plain(418, error, {})
        else:
            step(exchange)

    def _message(
        self,
        exchange: _Exchange,
        blocks: Sequence[Block],
        stop: str,
        usage: _Usage | None,
        more: Mapping[str, Any],
    ) -> dict[str, Any]:
        made = []
        for block in blocks:
            if block["type"] == "tool_use" and not block["id"]:
                self._calls += 1
                block = {**block, "id": f"toolu_{self._calls:04d}"}
            made.append(block)
        if not stop:
            calls = any(block["type"] == "tool_use" for block in made)
            stop = "tool_use" if calls else "end_turn"
        usage = usage or self.usage(exchange.body, made)
        size = len(json.dumps(exchange.body)) // 4
        return {
            "id": f"msg_{len(self.requests):04d}",
            "type": "message",
            "role": "assistant",
            "model": exchange.body.get("model", ""),
            "content": made,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {
                "input_tokens": size if usage.input is None else usage.input,
                "cache_read_input_tokens": usage.cache_read,
                "cache_creation_input_tokens": usage.cache_write,
                "output_tokens": usage.output,
            },
            **more,
        }


@dataclass
class _Exchange:
    handler: Any
    seen: Seen
    muted: bool = False
    """Nothing is sent."""
    cut_after: int | None = None
    """Bytes of plain lines after which the connection breaks."""

    @property
    def body(self) -> dict[str, Any]:
        return self.seen.body

    @property
    def path(self) -> str:
        return self.seen.path

    def plain(self, status: int, value: object, headers: Mapping[str, str]) -> None:
        if self.muted:
            return
        data = json.dumps(value).encode()
        self.handler.send_response(status)
        for name, content in headers.items():
            self.handler.send_header(name, content)
        self.handler.send_header("content-type", "application/json")
        self.handler.send_header("content-length", str(len(data)))
        self.handler.end_headers()
        self.handler.wfile.write(data)

    def lines(self, data: bytes) -> None:
        """JSON lines."""
        self.handler.send_response(200)
        self.handler.send_header("content-type", "application/binary")
        self.handler.send_header("content-length", str(len(data)))
        self.handler.end_headers()
        self.handler.wfile.write(data[: self.cut_after])
        if self.cut_after is not None:
            self.handler.close_connection = True

    def raw_stream(self, data: bytes) -> None:
        self.handler.send_response(200)
        self.handler.send_header("content-type", "text/event-stream")
        self.handler.send_header("content-length", str(len(data)))
        self.handler.end_headers()
        self.handler.wfile.write(data)

    def stream(
        self,
        message: dict[str, Any],
        *,
        cut_after: int | None = None,
        end_after: int | None = None,
        error: str = "",
        wait: threading.Event | None = None,
        reset: bool = False,
        pings: threading.Event | None = None,
    ) -> None:
        if not self.body.get("stream") and not self.path.endswith(BEDROCK):
            self.plain(200, message, {"request-id": "req_test"})
            return
        handler = self.handler
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("request-id", "req_test")
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        self.seen.begun = time.monotonic()
        for number, event in enumerate(_events(message)):
            if number == end_after:
                break
            if number == cut_after:
                if wait is not None:
                    wait.wait(60)
                self._break_off(reset=reset)
                return
            self._send(event["type"], event)
            while pings is not None and not pings.wait(0.02):
                self._send("ping", {"type": "ping"})
        if error:
            self._send("error", {"type": "error", "error": {"type": error, "message": "no"}})
        handler.wfile.write(b"0\r\n\r\n")
        handler.wfile.flush()

    def _send(self, name: str, event: Mapping[str, Any]) -> None:
        data = f"event: {name}\ndata: {json.dumps(event)}\n\n".encode()
        if self.path.endswith(BEDROCK):
            data = _bedrock_frame(event)
        self.handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.handler.wfile.flush()

    def _break_off(self, *, reset: bool) -> None:
        self.handler.close_connection = True
        if reset:  # which also takes back what the client has not read yet
            linger = struct.pack("ii", 1, 0)
            self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.handler.connection.close()


def _bedrock_frame(event: Mapping[str, Any]) -> bytes:
    """One event in AWS's encoding: lengths, headers and payload, each half with a checksum."""
    payload = json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}).encode()
    headers = b"".join(
        struct.pack(f">B{len(name)}sBH{len(value)}s", len(name), name, 7, len(value), value)
        for name, value in (
            (b":event-type", b"chunk"),
            (b":content-type", b"application/json"),
            (b":message-type", b"event"),
        )
    )
    start = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    start += struct.pack(">I", zlib.crc32(start))
    whole = start + headers + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def _events(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    start = {**message, "content": [], "stop_reason": None}
    start["usage"] = {**message["usage"], "output_tokens": 1}
    yield {"type": "message_start", "message": start}
    yield {"type": "ping"}
    for index, block in enumerate(message["content"]):
        yield from _block_events(index, block)
    delta = {
        "stop_reason": message["stop_reason"],
        "stop_sequence": None,
        "stop_details": message.get("stop_details"),
    }
    yield {"type": "message_delta", "delta": delta, "usage": message["usage"]}
    yield {"type": "message_stop"}


def _block_events(index: int, block: Block) -> Iterator[dict[str, Any]]:
    def event(kind: str, **values: Any) -> dict[str, Any]:
        return {"type": f"content_block_{kind}", "index": index, **values}

    if block["type"] == "text":
        yield event("start", content_block={"type": "text", "text": ""})
        for part in _halves(block["text"]):
            yield event("delta", delta={"type": "text_delta", "text": part})
    elif block["type"] == "thinking":
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        yield event("start", content_block=empty)
        for part in _halves(block["thinking"]):
            yield event("delta", delta={"type": "thinking_delta", "thinking": part})
        signed = {"type": "signature_delta", "signature": block["signature"]}
        yield event("delta", delta=signed)
    elif block["type"] == "tool_use":
        raw = block.get("raw", json.dumps(block["input"]))
        shown = {k: v for k, v in block.items() if k != "raw"}
        yield event("start", content_block={**shown, "input": {}})
        for part in _halves(raw):
            yield event("delta", delta={"type": "input_json_delta", "partial_json": part})
    else:
        yield event("start", content_block=block)
    yield event("stop")


def _halves(whole: str) -> tuple[str, ...]:
    middle = len(whole) // 2
    return tuple(part for part in (whole[:middle], whole[middle:]) if part)
