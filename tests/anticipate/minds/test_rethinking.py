"""The paper's loop, on a text that is no repository."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.anticipate.rethinking import Refused, rethink
from swe_sleep.model.faults import ModelFault
from swe_sleep.model.protocol import Request

SYSTEM = "You read a text before anybody asks about it."
TEXT = "A juggler has 16 balls. Half of them are golf balls, and half of these are blue."


def test_it_learns_until_it_says_that_it_is_done(messages_api: Any, ask: Any, asked: Any) -> None:
    api = messages_api
    api.reply(api.thinking("8 golf balls"), api.call("rethink_memory", new_memory="8 golf balls."))
    api.reply(api.call("rethink_memory", new_memory="8 golf balls, 4 of them blue."))
    api.reply(api.call("finish_rethinking_memory"))
    learned = rethink([TEXT], ask, system=SYSTEM)
    assert learned.memory == "8 golf balls, 4 of them blue."
    assert (learned.rethinks, learned.finished) == (2, True)
    assert learned.usage.turns == 3
    first, second, third = asked()
    assert first["messages"][0]["content"][0]["text"] == TEXT
    assert [tool["name"] for tool in first["tools"]] == [
        "rethink_memory",
        "finish_rethinking_memory",
    ]
    assert second["messages"][:2] == _without_marks(first["messages"], second["messages"])[:2]
    answered = third["messages"][-1]["content"][0]
    assert answered["type"] == "tool_result"
    assert answered["content"] == "Rewritten, 2 of at most 10 times."


def _without_marks(messages: Any, like: Any) -> Any:
    """What was sent first, with the cache points of the later request."""
    for message, later in zip(messages, like, strict=False):
        for block, other in zip(message["content"], later["content"], strict=True):
            block.pop("cache_control", None)
            if "cache_control" in other:
                block["cache_control"] = other["cache_control"]
    return messages


def test_both_calls_may_come_at_once(messages_api: Any, ask: Any) -> None:
    api = messages_api
    api.reply(
        api.call("rethink_memory", new_memory="4 are blue."), api.call("finish_rethinking_memory")
    )
    learned = rethink([TEXT], ask, system=SYSTEM, memory="8 golf balls.")
    assert (learned.memory, learned.rethinks, learned.finished) == ("4 are blue.", 1, True)


def test_it_rethinks_ten_times_at_most(messages_api: Any, ask: Any) -> None:
    for number in range(10):
        messages_api.reply(messages_api.call("rethink_memory", new_memory=f"thought {number}"))
    learned = rethink([TEXT], ask, system=SYSTEM)
    assert (learned.memory, learned.rethinks, learned.finished) == ("thought 9", 10, False)


def test_ten_in_one_reply_are_ten(messages_api: Any, ask: Any) -> None:
    calls = [messages_api.call("rethink_memory", new_memory=f"thought {n}") for n in range(12)]
    messages_api.reply(*calls)
    learned = rethink([TEXT], ask, system=SYSTEM)
    assert (learned.memory, learned.rethinks) == ("thought 9", 10)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"new_memory": ""}, "not empty"),
        ({"new_memory": 7}, "not empty"),
        ({}, "not empty"),
        ({"new_memory": "x" * 31}, "1 characters too long"),
    ],
)
def test_what_cannot_be_kept_is_said(
    wrong: Any, told: str, messages_api: Any, ask: Any, asked: Any
) -> None:
    api = messages_api
    api.reply(api.call("rethink_memory", **wrong))
    api.reply(api.call("rethink_memory", new_memory="4 are blue."))
    api.reply(api.call("finish_rethinking_memory"))
    learned = rethink([TEXT], ask, system=SYSTEM, memory="before", most_chars=30)
    assert learned.memory == "4 are blue."
    answer = asked()[1]["messages"][-1]["content"][0]
    assert answer["is_error"] is True
    assert told in answer["content"]


def test_talk_and_unknown_tools_end_it(messages_api: Any, ask: Any, asked: Any) -> None:
    api = messages_api
    api.reply(api.text("There are 4 blue golf balls."))
    api.reply(api.call("bash", command="rm -rf /"))
    learned = rethink([TEXT], ask, system=SYSTEM, memory="before")
    assert (learned.memory, learned.rethinks, learned.finished) == ("before", 0, False)
    assert "only what `rethink_memory` writes" in asked()[1]["messages"][-1]["content"][0]["text"]


def test_a_call_that_is_no_json(messages_api: Any, ask: Any) -> None:
    api = messages_api
    api.reply(api.broken_call("rethink_memory", '{"new_memory": "4'))
    api.reply(api.call("rethink_memory", new_memory="4."), api.call("finish_rethinking_memory"))
    assert rethink([TEXT], ask, system=SYSTEM).memory == "4."


def test_a_call_that_was_cut_is_not_done(messages_api: Any, ask: Any) -> None:
    api = messages_api
    api.reply(api.call("rethink_memory", new_memory="half a"), stop="max_tokens")
    api.reply(api.call("finish_rethinking_memory"))
    assert rethink([TEXT], ask, system=SYSTEM, memory="before").memory == "before"


def test_a_refusal_is_an_error_of_its_own(messages_api: Any, ask: Any) -> None:
    messages_api.reply(stop="refusal", stop_details={"type": "refusal", "explanation": "Not this."})
    with pytest.raises(Refused, match="Not this"):
        rethink([TEXT], ask, system=SYSTEM)


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (lambda api: api.fails(500, "api_error", times=2), "server"),
        (lambda api: api.fails(529, "overloaded_error", times=2), "overloaded"),
        (lambda api: api.fails(429, "rate_limit_error", times=2), "limited"),
        (lambda api: api.fails(401, "authentication_error"), "denied"),
        (lambda api: api.fails(400, "invalid_request_error", "prompt is too long"), "context"),
        (lambda api: api.cut(), "cut"),
        (lambda api: api.garbles(), "reply"),
    ],
)
def test_faults_reach_the_caller(
    play: Callable[[Any], None], kind: str, messages_api: Any, ask: Any
) -> None:
    play(messages_api)
    with pytest.raises(ModelFault) as fault:
        rethink([TEXT], ask, system=SYSTEM)
    assert fault.value.kind == kind


def test_readings_differ_only_at_the_end(messages_api: Any, ask: Any, asked: Any) -> None:
    api = messages_api
    for _ in range(2):
        api.reply(api.call("finish_rethinking_memory"))
    rethink(["shared", TEXT], ask, system=SYSTEM)
    rethink(["shared", TEXT], ask, system=SYSTEM, reading=2)
    one, other = asked()
    assert one["messages"][:2] == other["messages"][:2]
    assert one["messages"][2] != other["messages"][2]
    assert (one["system"], one["tools"]) == (other["system"], other["tools"])


def test_what_the_turns_are_asked_with(messages_api: Any, ask: Any, asked: Any) -> None:
    messages_api.reply(messages_api.call("finish_rethinking_memory"))
    rethink([TEXT], ask, system=SYSTEM, request=Request("", (), effort="low", max_tokens=500))
    assert asked()[0]["max_tokens"] == 500
    assert asked()[0]["output_config"]["effort"] == "low"
