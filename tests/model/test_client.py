"""The real SDK against a local server: what is sent, what comes back, what each fault becomes."""

from __future__ import annotations

import itertools
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.model.client import ClaudeModel, ClientOptions
from swe_sleep.model.faults import ModelFault
from swe_sleep.model.protocol import Message, Request, user
from swe_sleep.model.tools import BASH, EDITOR, SUBMIT

Connect = Callable[..., ClaudeModel]


def ask(*messages: Message, **values: Any) -> Request:
    return Request("Be brief.", messages or (user("Hello"),), (BASH, EDITOR, SUBMIT), **values)


def test_a_reply_is_streamed_and_read(messages_api: Any, model: Connect) -> None:
    api = messages_api
    api.reply(
        api.thinking("hm, hm"),
        api.text("Listing."),
        api.call("bash", command="ls"),
        usage=api.Usage(input=7, output=11, cache_read=3, cache_write=5),
    )
    pieces: list[str] = []
    reply = model(api.url).turn(ask(), on_text=pieces.append)
    assert "".join(pieces) == "hm, hmListing."
    assert len(pieces) > 2
    assert reply.stop == "tool_use"
    assert reply.text == "Listing."
    assert [(c.name, c.input, c.invalid) for c in reply.calls] == [("bash", {"command": "ls"}, "")]
    assert reply.blocks[0] == {"type": "thinking", "thinking": "hm, hm", "signature": "c2lnbmVk"}
    assert reply.request_id == "req_test"
    usage = reply.usage
    assert (usage.input_tokens, usage.output_tokens) == (7, 11)
    assert (usage.cache_read_tokens, usage.cache_write_tokens) == (3, 5)
    assert usage.turns == 1


def test_what_is_sent(messages_api: Any, model: Connect) -> None:
    api = messages_api
    api.reply(api.text("hi"))
    model(api.url).turn(ask(effort="low", max_tokens=500, schema={"type": "object"}))
    seen = api.requests[0]
    assert seen.headers["authorization"] == "Bearer test-key"
    assert seen.body["model"] == "claude-opus-5-5"
    assert seen.body["max_tokens"] == 500
    assert seen.body["stream"] is True
    assert seen.body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert seen.body["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": {"type": "object"}},
    }
    types = [tool.get("type", "custom") for tool in seen.body["tools"]]
    assert types == ["bash_20250124", "text_editor_20250728", "custom"]


@pytest.mark.parametrize(
    ("name", "thinking", "effort", "sent_thinking", "sent_effort"),
    [
        ("claude-opus-5-5", False, "max", "adaptive", "max"),  # its thinking cannot be turned off
        ("claude-sonnet-5-5", True, "max", "adaptive", "max"),
        # these think unless they are told not to, each in its own words
        ("claude-sonnet-5-5", False, "max", "between_tools", "high"),
        ("claude-opus-5", False, "low", "disabled", "low"),
        ("claude-opus-4-8", False, "high", None, "high"),
        ("claude-opus-4-6", True, "xhigh", "adaptive", None),
        ("claude-haiku-4-5-20251001", True, "high", None, None),
        ("somebody-elses", True, "high", None, None),
    ],
)
def test_thinking_and_effort_go_only_to_models_that_take_them(
    messages_api: Any,
    model: Connect,
    name: str,
    thinking: bool,
    effort: Any,
    sent_thinking: str | None,
    sent_effort: str | None,
) -> None:
    api = messages_api
    api.reply(api.text("hi"))
    model(api.url, model=name, thinking=thinking).turn(ask(effort=effort))
    body = api.requests[0].body
    assert body.get("thinking", {}).get("type") == sent_thinking
    assert body.get("output_config", {}).get("effort") == sent_effort


MARK = b',"cache_control":{"type":"ephemeral"}'


def on_the_wire(raw: bytes, key: str) -> bytes:
    """The very bytes of a top-level value."""
    text = raw.decode()
    start = text.index(f'"{key}":') + len(key) + 3
    return text[start : json.JSONDecoder().raw_decode(text, start)[1]].encode()


def in_cache_order(raw: bytes) -> bytes:
    """What was sent, in the order in which the server caches it, without the marks and the closing
    brackets of the last message."""
    parts = [on_the_wire(raw, key) for key in ("tools", "system", "messages")]
    return b"".join(parts).replace(MARK, b"").removesuffix(b"]}]")


def points(body: dict[str, Any]) -> list[str]:
    found = ["system"] if "cache_control" in body["system"][-1] else []
    for index, message in enumerate(body["messages"]):
        found += [f"{index}.{n}" for n, b in enumerate(message["content"]) if "cache_control" in b]
    return found


def test_each_request_begins_with_the_bytes_of_the_one_before(
    messages_api: Any, model: Connect
) -> None:
    api = messages_api
    claude = model(api.url)
    messages: tuple[Message, ...] = (user("Mend the café \U0001f375", "Known: nothing"),)
    for turn in range(4):
        api.reply(api.thinking(f"étape {turn}"), api.call("bash", command=f'echo "{turn}\\n"'))
        # a lower limit, as when a budget runs short, is no part of what is cached
        reply = claude.turn(ask(*messages, max_tokens=9000 - turn, effort="high"))
        result = {"type": "tool_result", "tool_use_id": reply.calls[0].call_id, "content": "ok"}
        messages += (Message("assistant", reply.blocks), Message("user", (result,)))
    bodies = [seen.body for seen in api.requests]
    for older, newer in itertools.pairwise(api.requests):
        assert len(in_cache_order(older.raw)) > 500
        assert in_cache_order(newer.raw).startswith(in_cache_order(older.raw))
        assert older.raw.count(MARK) == len(points(older.body)) <= 4
        last = points(older.body)[-1]
        assert last in points(newer.body), "what the last request wrote is not read"
        for key in ("thinking", "output_config", "model"):
            assert older.body[key] == newer.body[key]
    assert points(bodies[0]) == ["system", "0.1"]
    assert points(bodies[3]) == ["system", "0.1", "4.0", "6.0"]


@pytest.mark.parametrize(
    ("status", "kind"), [(429, "rate_limit_error"), (500, "api_error"), (529, "overloaded_error")]
)
def test_a_fault_that_passes_is_retried_by_the_sdk(
    messages_api: Any, model: Connect, status: int, kind: str
) -> None:
    api = messages_api
    api.fails(status, kind, times=2)
    api.reply(api.text("there"))
    assert model(api.url).turn(ask()).text == "there"
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    ("status", "error", "message", "times", "kind", "words"),
    [
        (529, "overloaded_error", "Overloaded", 3, "overloaded", "overloaded, also after 2"),
        (429, "rate_limit_error", "slow down", 3, "limited", "rate limit is reached, also after 2"),
        (500, "api_error", "oops", 3, "server", "server failed (500), also after 2 retries: oops"),
        (401, "authentication_error", "invalid key", 1, "denied", "ANTHROPIC_API_KEY"),
        (403, "permission_error", "not yours", 1, "denied", "not yours"),
        (404, "not_found_error", "model: x", 1, "unknown_model", "'claude-opus-5-5'"),
        (400, "invalid_request_error", "prompt is too long: 2 > 1", 1, "context", "too long"),
        (413, "request_too_large", "big", 1, "context", "too long"),
        (400, "invalid_request_error", "messages: wrong", 1, "request", "messages: wrong"),
        (402, "billing_error", "no credit", 1, "money", "credit"),
    ],
)
def test_a_fault_for_good_is_one_clear_line(
    messages_api: Any,
    model: Connect,
    status: int,
    error: str,
    message: str,
    times: int,
    kind: str,
    words: str,
) -> None:
    messages_api.fails(status, error, message, times=times)
    with pytest.raises(ModelFault) as caught:
        model(messages_api.url).turn(ask())
    assert caught.value.kind == kind
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.usage.tokens == 0


def test_a_server_that_asks_to_wait_for_hours_is_not_waited_for(
    messages_api: Any, model: Connect
) -> None:
    messages_api.fails(429, "rate_limit_error", retry_after_ms="", retry_after="86400")
    with pytest.raises(ModelFault, match="86400 seconds") as caught:
        model(messages_api.url).turn(ask())
    assert caught.value.kind == "limited"


def test_a_server_that_never_answers(messages_api: Any, model: Connect) -> None:
    messages_api.never_answers()
    with pytest.raises(ModelFault, match="did not answer in time") as caught:
        model(messages_api.url, timeout_s=0.3, max_retries=0).turn(ask())
    assert caught.value.kind == "timeout"


def test_a_server_that_is_not_there(model: Connect) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ModelFault, match="cannot be reached") as caught:
        model(f"http://127.0.0.1:{port}", max_retries=0).turn(ask())
    assert caught.value.kind == "connection"


@pytest.mark.parametrize("how", ["cut", "ends_early", "stalls", "error_in_stream"])
def test_a_stream_that_breaks_off(messages_api: Any, model: Connect, how: str) -> None:
    api = messages_api
    given = (api.text("One moment"),)
    if how == "error_in_stream":
        api.error_in_stream("overloaded_error", *given, after=5)
    else:
        getattr(api, how)(*given, after=5)
    with pytest.raises(ModelFault) as caught:
        model(api.url, timeout_s=2 if how == "stalls" else 30, max_retries=0).turn(ask())
    assert caught.value.kind == "cut"
    assert caught.value.usage.input_tokens > 0, "the server read the prompt: it is paid for"
    assert caught.value.usage.output_tokens >= len("One moment")
    assert len(api.requests) == 1


def test_a_connection_reset_before_the_first_event(messages_api: Any, model: Connect) -> None:
    messages_api.resets()
    with pytest.raises(ModelFault) as caught:
        model(messages_api.url).turn(ask())
    assert caught.value.kind == "cut"


def test_events_that_are_not_json(messages_api: Any, model: Connect) -> None:
    messages_api.garbles()
    with pytest.raises(ModelFault, match="cannot be read") as caught:
        model(messages_api.url).turn(ask())
    assert caught.value.kind == "reply"


def test_an_answer_without_events(messages_api: Any, model: Connect) -> None:
    messages_api.fails(200, "none", "<html>Welcome to the hotel network</html>")
    with pytest.raises(ModelFault, match="no reply") as caught:
        model(messages_api.url).turn(ask())
    assert caught.value.kind == "reply"


@pytest.mark.parametrize("how", ["stalls", "pings"])
def test_the_time_for_a_turn_ends_a_slow_stream(
    messages_api: Any, model: Connect, how: str
) -> None:
    api = messages_api
    if how == "pings":
        api.pings()
    else:
        api.stalls(api.text("One moment"), after=5)
    with pytest.raises(ModelFault, match="longer than the time left") as caught:
        model(api.url, max_retries=0).turn(ask(timeout_s=4))
    assert caught.value.kind == "timeout"
    assert caught.value.usage.input_tokens > 0


def test_no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ModelFault, match="ANTHROPIC_API_KEY") as caught:
        ClaudeModel(ClientOptions()).turn(ask())
    assert caught.value.kind == "no_key"


def test_a_call_that_is_not_json_is_told_apart_from_the_others(
    messages_api: Any, model: Connect
) -> None:
    api = messages_api
    api.reply(
        api.broken_call("bash", '{"command": "ls'),
        api.broken_call("bash", "[1]"),
        api.call("bash", command="pwd"),
    )
    reply = model(api.url).turn(ask())
    broken, no_object, fine = reply.calls
    assert "not valid JSON" in broken.invalid
    assert "not a JSON object" in no_object.invalid
    assert (fine.invalid, fine.input) == ("", {"command": "pwd"})
    assert [block["input"] for block in reply.blocks] == [{}, {}, {"command": "pwd"}]


def test_a_call_cut_at_the_output_limit_is_never_taken_as_whole(
    messages_api: Any, model: Connect
) -> None:
    api = messages_api
    # as JSON it is whole, but the model was about to say more
    api.reply(api.text("x"), api.broken_call("bash", '{"command": "rm -r ."}'), stop="max_tokens")
    reply = model(api.url).turn(ask())
    assert reply.stop == "max_tokens"
    assert "cut off" in reply.calls[0].invalid
    assert reply.calls[0].input == {}


def test_a_refusal_says_what_the_server_said(messages_api: Any, model: Connect) -> None:
    api = messages_api
    details = {"type": "refusal", "category": "cyber", "explanation": "Not this."}
    api.reply(stop="refusal", stop_details=details)
    reply = model(api.url).turn(ask())
    assert (reply.stop, reply.refusal, reply.blocks) == ("refusal", "Not this.", ())


def test_an_empty_text_block_is_not_sent_back(messages_api: Any, model: Connect) -> None:
    api = messages_api
    api.reply(api.text(""), api.call("bash", command="ls"))
    assert [b["type"] for b in model(api.url).turn(ask()).blocks] == ["tool_use"]
