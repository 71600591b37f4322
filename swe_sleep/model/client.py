"""The one door to a language model: Claude over the Messages API, through the anthropic SDK.

Retries are the SDK's own (connection errors, 408, 409, 429 and 5xx, with the server's
`retry-after`); nothing is added here but a limit on how long such a wait may be. A stream that
breaks off is not asked for again here: that is a decision about a turn, and the caller's.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from swe_sleep.model.catalogue import abilities
from swe_sleep.model.faults import ModelFault, translate
from swe_sleep.model.protocol import Message, OnText, Reply, Request
from swe_sleep.model.providers import ClientOptions as ClientOptions
from swe_sleep.model.providers import advised, connect
from swe_sleep.model.reading import Reading
from swe_sleep.model.sockets import Sockets
from swe_sleep.model.waiting import Errand, Stopped

if TYPE_CHECKING:
    from anthropic import Anthropic

T = TypeVar("T")

CACHE = {"type": "ephemeral"}
LONGEST_WAIT_S = 120.0
"""A server that asks to wait longer before a retry is not waited for."""
COUNT_S = 20.0
MOST_OUTPUT = 32_000
"""Tokens asked for at most, thinking included, where the caller does not say."""


def body(request: Request, options: ClientOptions) -> dict[str, object]:
    """The request as the API takes it, its bytes stable from turn to turn.

    At most four cache points: the end of the system prompt (with the tools before it), of the
    first message, of the last but one of ours (which the turn before has written) and of the last.
    """
    able = abilities(options.model)
    found: dict[str, object] = {
        "model": options.model,
        "max_tokens": min(request.max_tokens or MOST_OUTPUT, able.max_output),
        "messages": _messages(request.messages),
        "system": [{"type": "text", "text": request.system, "cache_control": CACHE}],
    }
    if request.tools:
        found["tools"] = [dict(tool) for tool in request.tools]
    if able.thinking == "always" or (able.thinking == "adaptive" and options.thinking):
        # "summarized": text between calls comes as thinking, and is empty otherwise
        found["thinking"] = {"type": "adaptive", "display": "summarized"}
    elif able.off:
        found["thinking"] = {"type": able.off}
    output: dict[str, object] = {}
    if request.effort in able.effort:
        highest = able.off and not options.thinking and request.effort in ("xhigh", "max")
        output["effort"] = "high" if highest else request.effort
    if request.schema is not None:
        output["format"] = {"type": "json_schema", "schema": dict(request.schema)}
    if output:
        found["output_config"] = output
    return found


def _messages(messages: tuple[Message, ...]) -> list[dict[str, object]]:
    ours = [i for i, message in enumerate(messages) if message.role == "user"]
    marked = {0, *ours[-2:]}
    made: list[dict[str, object]] = []
    for index, message in enumerate(messages):
        blocks = [dict(block) for block in message.blocks]
        if index in marked and blocks:
            blocks[-1]["cache_control"] = CACHE
        made.append({"role": message.role, "content": blocks})
    return made


def size_bytes(value: object) -> int:
    """The size as JSON in UTF-8; no fewer bytes than the text in it has tokens."""
    return len(json.dumps(value, ensure_ascii=False, default=_plain).encode("utf-8", "replace"))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


class ClaudeModel:
    """Claude, or whatever answers at `base_url`. A context manager; the connection is made at the
    first turn. Turns may be asked for from several threads."""

    def __init__(self, options: ClientOptions) -> None:
        self.options = options
        self._client: Anthropic | None = None
        self._connecting = threading.Lock()
        self._thread = threading.local()
        self._sockets = Sockets()

    @property
    def name(self) -> str:
        return self.options.model

    def close(self) -> None:
        """Turns that are under way end with a fault."""
        self._sockets.shut_down()
        if self._client is not None:
            self._client.close()
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def turn(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        started = time.monotonic()
        reading = Reading()
        errand = Errand(lambda gone: self._ask(request, reading, started, on_text, gone))
        try:
            return errand.wait(timeout_s=request.timeout_s, stop=request.stop)
        except Stopped:
            fault: ModelFault = ModelFault("stopped", "The run was stopped.")
        except TimeoutError:
            fault = ModelFault("timeout", "The model's reply took longer than the time left.")
        fault.usage = reading.usage(time.monotonic() - started)
        raise fault

    def call(
        self,
        make: Callable[[Anthropic], T],
        *,
        timeout_s: float | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> T:
        """What another call of the client gives, with the same care. Raises ModelFault."""

        def run(given_up: threading.Event) -> T:
            self._thread.given_up = given_up
            try:
                return make(self._connected())
            except ModelFault:
                raise
            except Exception as error:
                raise self._fault(error, Reading(), time.monotonic(), began=False) from error

        try:
            return Errand(run).wait(timeout_s=timeout_s, stop=stop)
        except Stopped:
            raise ModelFault("stopped", "The run was stopped.") from None
        except TimeoutError:
            raise ModelFault("timeout", "The model's server did not answer in time.") from None

    def count(self, request: Request) -> int:
        """The tokens of a request's prompt, as the server counts them, which costs nothing. Raises
        ModelFault."""
        asked = body(request, self.options)
        del asked["max_tokens"]

        def make(client: Anthropic) -> int:
            counting = cast("Callable[..., Any]", client.messages.count_tokens)
            return int(counting(**asked).input_tokens)

        return self.call(make, timeout_s=COUNT_S, stop=request.stop)

    def _ask(
        self,
        request: Request,
        reading: Reading,
        started: float,
        on_text: OnText | None,
        given_up: threading.Event,
    ) -> Reply:
        """In a thread of its own; nothing that it does once it is given up is seen by anybody."""
        self._thread.given_up = given_up
        try:
            # The SDK's types for a request are unions of dozens of TypedDicts; `body` is tested
            # against a server instead.
            create = cast("Callable[..., Any]", self._connected().messages.create)
            stream = create(
                **body(request, self.options), stream=True, timeout=self._timeout(request)
            )
        except ModelFault:
            raise
        except Exception as error:
            raise self._fault(error, reading, started, began=False) from error
        request_id = str(stream.response.headers.get("request-id", ""))
        try:
            with stream:
                for event in stream:
                    if given_up.is_set():
                        raise ModelFault("stopped", "Nobody waits for this reply any more.")
                    if request.on_begin is not None and not reading.counts:
                        request.on_begin()
                    text = reading.feed(event.to_dict())
                    if text and on_text is not None:
                        on_text(text)
        except ModelFault:
            raise
        except Exception as error:
            raise self._fault(error, reading, started, began=True) from error
        wall_s = time.monotonic() - started
        if not reading.finished:
            if not reading.counts:
                raise ModelFault("reply", "The model's server sent no reply.")
            raise ModelFault(
                "cut", "The model's reply broke off in the middle.", reading.usage(wall_s)
            )
        return reading.reply(wall_s=wall_s, request_id=request_id)

    def _timeout(self, request: Request) -> Any:
        from anthropic import Timeout

        limit = self.options.timeout_s
        if request.timeout_s is not None:
            limit = max(0.1, min(limit, request.timeout_s))
        return Timeout(limit, connect=min(limit, self.options.connect_timeout_s))

    def _fault(
        self, error: Exception, reading: Reading, started: float, *, began: bool
    ) -> ModelFault:
        fault = translate(
            error,
            model=self.options.model,
            retries=self.options.max_retries,
            began=began,
            usage=reading.usage(time.monotonic() - started),
        )
        return advised(fault, self.options.provider, error)

    def _connected(self) -> Anthropic:
        with self._connecting:
            if self._client is None:
                from anthropic import DefaultHttpxClient

                http = DefaultHttpxClient(event_hooks={"request": [self._sockets.watch]})
                try:
                    self._client = connect(self.options, [_watched(self._thread)], http)
                except BaseException:
                    http.close()
                    raise
            return self._client


def _watched(thread: threading.local) -> Callable[[Any, Callable[[Any], Any]], Any]:
    """Middleware: begin no request that nobody waits for, and hand a response on unless the SDK
    would sleep very long before its retry."""

    def each(request: Any, call_next: Callable[[Any], Any]) -> Any:
        if thread.given_up.is_set():
            raise ModelFault("stopped", "Nobody waits for this reply any more.")
        response = call_next(request)
        if response.status_code >= 400:
            asked = response.headers.get("retry-after", "")
            try:
                wait_s = float(asked)
            except ValueError:
                wait_s = 0.0
            if wait_s > LONGEST_WAIT_S:
                raise ModelFault(
                    "limited",
                    f"The model's server asks to wait {wait_s:.0f} seconds before a retry.",
                )
        return response

    return each
