"""What a batch costs, what a request looks like in one, and what its results say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.model.batches import params, whole
from swe_sleep.model.catalogue import prices
from swe_sleep.model.client import ClaudeModel, ClientOptions, body
from swe_sleep.model.faults import reported
from swe_sleep.model.protocol import Request, user

OWN = '[[price]]\nmodels = ["mine"]\ninput = 1\ncache_write = 1\ncache_read = 1\noutput = 2\n'


def test_a_batch_costs_half() -> None:
    whole_price = prices().of("claude-opus-5-5", 1000)
    half = prices().in_batch().of("claude-opus-5-5", 1000)
    assert whole_price is not None and half is not None
    assert (half.input, half.output) == (whole_price.input / 2, whole_price.output / 2)
    again = prices().in_batch().in_batch().of("claude-opus-5-5", 1000)
    assert again == half


@pytest.mark.parametrize(("said", "output"), [("", 2.0), ("batch_factor = 0.25\n", 0.5)])
def test_of_a_list_of_ones_own_it_is_half_only_where_that_says_so(
    tmp_path: Path, said: str, output: float
) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(said + OWN)
    price = prices(file).in_batch().of("mine", 10)
    assert price is not None
    assert price.output == output


def test_a_request_in_a_batch_is_the_same_without_cache_points() -> None:
    request = Request("Be brief.", (user("one", "two"),), max_tokens=5, schema={"type": "object"})
    model = ClaudeModel(ClientOptions(api_key="k"))
    sent, direct = params(request, model), body(request, model.options)
    assert "cache_control" in json.dumps(direct)
    assert "cache_control" not in json.dumps(sent)
    assert sent.keys() == direct.keys()
    assert sent["output_config"] == direct["output_config"]


MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5-5",
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "text", "text": "Look."},
        {"type": "tool_use", "id": "t", "name": "bash", "input": {"command": "ls"}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 2},
}


def test_a_reply_that_did_not_come_as_a_stream() -> None:
    reply = whole(MESSAGE)
    assert (reply.text, reply.stop) == ("Look.", "tool_use")
    assert [(call.name, call.input, call.invalid) for call in reply.calls] == [
        ("bash", {"command": "ls"}, "")
    ]
    assert (reply.usage.prompt_tokens, reply.usage.output_tokens, reply.usage.turns) == (12, 5, 1)
    assert reply.blocks[0] == MESSAGE["content"][0]


def test_a_call_that_was_cut_off_is_not_taken_as_whole() -> None:
    reply = whole({**MESSAGE, "stop_reason": "max_tokens"})
    assert "cut off" in reply.calls[0].invalid


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("invalid_request_error", "request"),
        ("authentication_error", "denied"),
        ("permission_error", "denied"),
        ("billing_error", "money"),
        ("not_found_error", "unknown_model"),
        ("rate_limit_error", "limited"),
        ("api_error", "server"),
        ("timeout_error", "server"),
        ("overloaded_error", "overloaded"),
        ("request_too_large", "context"),
        ("", "request"),
    ],
)
def test_an_error_among_the_results(kind: str, fault: str) -> None:
    assert reported(kind, "no", model="m").kind == fault
    if kind == "invalid_request_error":
        assert reported(kind, "prompt is too long: 9 > 8", model="m").kind == "context"
