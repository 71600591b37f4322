"""What is masked, what stays, and when it is not worth it."""

from __future__ import annotations

from swe_sleep.model.protocol import Message, user
from swe_sleep.solve.masking import PLACEHOLDER, MaskPolicy, mask


def turns(count: int, size: int = 1000) -> tuple[Message, ...]:
    messages = [user("first")]
    for n in range(count):
        thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
        call = {"type": "tool_use", "id": f"c{n}", "name": "bash", "input": {"command": "ls"}}
        result = {"type": "tool_result", "tool_use_id": f"c{n}", "content": "x" * size}
        messages += [Message("assistant", (thought, call)), Message("user", (result,))]
    return tuple(messages)


def contents(messages: tuple[Message, ...]) -> list[object]:
    return [b["content"] for m in messages for b in m.blocks if b["type"] == "tool_result"]


def thoughts(messages: tuple[Message, ...]) -> list[int]:
    return [i for i, m in enumerate(messages) if any(b["type"] == "thinking" for b in m.blocks)]


def test_old_results_go_and_the_newest_stay() -> None:
    messages = turns(10)
    masked = mask(messages, MaskPolicy(keep=3), bound=False)
    assert masked is not None
    assert contents(masked) == [PLACEHOLDER] * 7 + ["x" * 1000] * 3
    assert [m.role for m in masked] == [m.role for m in messages]
    assert thoughts(masked) == thoughts(messages)
    assert contents(messages) == ["x" * 1000] * 10, "the given messages are as they were"


def test_bound_thinking_goes_after_the_first_change() -> None:
    messages = (*turns(1, size=10), *turns(9)[1:])
    masked = mask(messages, MaskPolicy(keep=3), bound=True)
    assert masked is not None
    # the first result was short and stays, so the two thoughts before the first change hold
    assert thoughts(masked) == [1, 3]
    calls = [b["id"] for m in masked for b in m.blocks if b["type"] == "tool_use"]
    assert len(calls) == 10


def test_a_message_of_nothing_but_thinking_does_not_become_empty() -> None:
    messages = (*turns(5), Message("assistant", ({"type": "thinking", "thinking": "hm"},)))
    masked = mask(messages, MaskPolicy(keep=1), bound=True)
    assert masked is not None
    assert masked[-1].blocks == ({"type": "text", "text": "(thinking taken out)"},)


def test_a_small_step_is_not_worth_the_cache() -> None:
    big_and_new = (*turns(1, size=1000), *turns(3, size=20_000)[1:])
    policy = MaskPolicy(keep=3)
    assert mask(big_and_new, policy, bound=False) is None
    assert mask(big_and_new, policy, bound=False, force=True) is not None


def test_nothing_to_mask() -> None:
    assert mask(turns(2), MaskPolicy(keep=8), bound=True) is None
    assert mask(turns(20, size=100), MaskPolicy(keep=2), bound=True, force=True) is None
    once = mask(turns(9), MaskPolicy(keep=1), bound=True)
    assert once is not None
    assert mask(once, MaskPolicy(keep=1), bound=True) is None
