"""Reading a streamed reply: events are folded into blocks, and calls are classified.

The SDK's own accumulator raises in the middle of a stream when a tool's input is not JSON, and
takes input that was cut off as if it were whole; both would be lost, or done, unseen. So the raw
events are folded here, and each call is either valid or invalid because of something.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast, get_args

from swe_sleep.model.protocol import Block, Reply, Stop, ToolCall
from swe_sleep.records import Usage

_DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


@dataclass(slots=True)
class Reading:
    """The state of one reply while it arrives. `feed` takes the events as JSON objects."""

    blocks: list[dict[str, object]] = field(default_factory=list)
    inputs: dict[int, str] = field(default_factory=dict)
    """The raw JSON text of each call's input, by the block's index."""
    closed: set[int] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    model: str = ""
    stop: str = ""
    refusal: str = ""
    finished: bool = False
    received: int = 0
    """Bytes of text that arrived: no fewer than the tokens."""

    def feed(self, event: Mapping[str, object]) -> str:
        """Take one event; gives back the text in it that a person may want to see."""
        kind = event.get("type")
        if kind == "message_start":
            message = _object(event.get("message"))
            self.model = str(message.get("model", ""))
            self._count(message.get("usage"))
        elif kind == "content_block_start":
            self.blocks.append(dict(_object(event.get("content_block"))))
        elif kind == "content_block_delta":
            return self._delta(_index(event), _object(event.get("delta")))
        elif kind == "content_block_stop":
            self.closed.add(_index(event))
        elif kind == "message_delta":
            delta = _object(event.get("delta"))
            self.stop = str(delta.get("stop_reason") or "")
            details = _object(delta.get("stop_details"))
            self.refusal = str(details.get("explanation") or details.get("category") or "")
            self._count(event.get("usage"))
        elif kind == "message_stop":
            self.finished = True
        return ""

    def _delta(self, index: int, delta: Mapping[str, object]) -> str:
        kind = str(delta.get("type"))
        block = self.blocks[index]
        if kind == "input_json_delta":
            text = str(delta.get("partial_json", ""))
            self.inputs[index] = self.inputs.get(index, "") + text
            self.received += len(text.encode())
        elif kind in _DELTAS:
            key = _DELTAS[kind]
            text = str(delta.get(key, ""))
            if key == "signature":
                block[key] = text
                return ""
            block[key] = str(block.get(key) or "") + text
            self.received += len(text.encode())
            return text
        elif kind == "citations_delta":
            citations = block.get("citations")
            known = list(citations) if isinstance(citations, list) else []
            block["citations"] = [*known, delta.get("citation")]
        return ""

    def _count(self, usage: object) -> None:
        # counts in later events are totals, and those left out keep their value
        for key, value in _object(usage).items():
            if isinstance(value, int) and key.endswith("_tokens"):
                self.counts[key] = value

    def usage(self, wall_s: float) -> Usage:
        """What the reply took. For one that broke off, as many output tokens as could be seen."""
        output = self.counts.get("output_tokens", 0)
        if not self.stop:
            output = max(output, self.received)
        return Usage(
            input_tokens=self.counts.get("input_tokens", 0),
            cache_read_tokens=self.counts.get("cache_read_input_tokens", 0),
            cache_write_tokens=self.counts.get("cache_creation_input_tokens", 0),
            output_tokens=output,
            turns=1 if self.counts else 0,
            wall_s=wall_s,
        )

    def reply(self, *, wall_s: float, request_id: str) -> Reply:
        """The whole reply; to be asked for once `finished`."""
        stop = self.stop if self.stop in get_args(Stop) else "end_turn"
        cut = stop in ("max_tokens", "model_context_window_exceeded", "refusal")
        blocks: list[Block] = []
        calls: list[ToolCall] = []
        for index, block in enumerate(self.blocks):
            if block.get("type") == "tool_use":
                last = index == len(self.blocks) - 1
                call = self._call(index, block, cut=cut and last)
                calls.append(call)
                block["input"] = dict(call.input)
            if block.get("type") == "text" and not block.get("text"):
                continue  # the server takes no empty text back
            blocks.append(block)
        while blocks and blocks[-1].get("type") in ("thinking", "redacted_thinking"):
            blocks.pop()  # nor a message that ends with a thought, such as one that was cut
        return Reply(
            blocks=tuple(blocks),
            stop=cast("Stop", stop),
            usage=self.usage(wall_s),
            model=self.model,
            request_id=request_id,
            calls=tuple(calls),
            refusal=self.refusal if stop == "refusal" else "",
        )

    def _call(self, index: int, block: Block, *, cut: bool) -> ToolCall:
        call_id, name = str(block.get("id", "")), str(block.get("name", ""))
        raw = self.inputs.get(index, "")
        if cut or index not in self.closed:
            return ToolCall(call_id, name, {}, "the reply was cut off before the call was complete")
        if not raw:
            return ToolCall(call_id, name, _object(block.get("input")))
        try:
            value = json.loads(raw)
        except ValueError as error:
            return ToolCall(call_id, name, {}, f"the input is not valid JSON ({error})")
        if not isinstance(value, dict):
            return ToolCall(call_id, name, {}, "the input is not a JSON object")
        return ToolCall(call_id, name, value)


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _index(event: Mapping[str, object]) -> int:
    index = event.get("index")
    return index if isinstance(index, int) else -1
