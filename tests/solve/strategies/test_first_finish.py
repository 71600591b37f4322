"""Several candidates at once: the first verified patch is taken, and the others are ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.errors import EngineLost
from swe_sleep.records import Issue

TOTAL = Issue("The total is one too high.", ("test_shop.py::test_total",))


def turns(body: dict[str, Any]) -> int:
    """Replies that the conversation holds already."""
    return sum(message["role"] == "assistant" for message in body["messages"])


def given_up(api: Any) -> list[Any]:
    """Hands in what does not pass, though the first call may say so."""
    return [api.call("submit", summary="No.") for _ in range(2)]


def test_the_first_verified_patch_ends_the_others(
    shop: Any, messages_api: Any, edit: Callable[..., Any]
) -> None:
    api = messages_api
    api.reply(edit("sum(prices)"), api.call("submit", summary="A stray + 1."))
    api.never_answers()
    began = time.monotonic()
    solved = shop.solve(TOTAL)
    assert solved.solved
    assert "-    return sum(prices) + 1\n+    return sum(prices)\n" in solved.patch.diff
    assert solved.solver == "agent"
    assert time.monotonic() - began < 60, "a server that holds a request is not waited for"
    assert messages_api.gone.wait(30), "the request in flight is ended"
    assert len(shop.opened) == 3
    for sandbox in shop.opened[1:]:
        with pytest.raises(EngineLost):
            sandbox.run(["true"], timeout_s=5)
    assert any("is verified: ending the others" in line for line in shop.said)
    assert not [t for t in threading.enumerate() if t.name.startswith("candidate")]
    first, second = shop.trajectories()
    endings = sorted(lines[-1].get("ending", "") for lines in (first, second))
    assert endings == ["stopped", "submitted"]


def test_the_first_request_goes_alone_and_all_send_the_same(
    shop: Any, messages_api: Any, edit: Callable[..., Any]
) -> None:
    api = messages_api
    api.slow(edit("sum(prices) + 2"), *given_up(api))
    for _ in range(2):
        api.reply(edit("sum(prices) + 2"), *given_up(api))
    shop.solve(TOTAL, solve__candidates=3)
    opening = [seen for seen in api.requests if turns(seen.body) == 0]
    assert len(opening) == 3
    assert len({seen.raw for seen in opening}) == 1, "the same bytes"
    block = opening[0].body["messages"][0]["content"][-1]
    assert block["cache_control"] == {"type": "ephemeral"}
    assert opening[0].begun is not None
    assert all(seen.arrived > opening[0].begun for seen in opening[1:])


def test_a_candidate_that_fails_ends_itself_alone(
    shop: Any, messages_api: Any, edit: Callable[..., Any]
) -> None:
    api = messages_api
    api.fails(401, "authentication_error", "no such key")
    api.reply(edit("sum(prices)"), api.call("submit", summary="A stray + 1."))
    solved = shop.solve(TOTAL)
    assert solved.solved


def test_a_sandbox_that_is_lost_ends_its_candidate_alone(
    shop: Any, messages_api: Any, edit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = shop.open
    count = iter(range(9))

    def losing(snapshot: Any) -> Any:
        if next(count) == 1:
            raise EngineLost("The engine is gone.")
        return opening(snapshot)

    monkeypatch.setattr(shop, "open", losing)
    messages_api.reply(edit("sum(prices)"), messages_api.call("submit", summary="A stray + 1."))
    solved = shop.solve(TOTAL)
    assert solved.solved
    (line,) = [line for line in shop.said if "given up" in line]
    assert line.startswith("candidate ")
    assert line.endswith(": given up: The engine is gone.")


def test_without_a_verified_patch_the_best_is_kept(
    shop: Any, messages_api: Any, edit: Callable[..., Any]
) -> None:
    api = messages_api
    api.reply(edit("sum(prices) + 2"), *given_up(api))
    api.reply(*given_up(api))
    solved = shop.solve(TOTAL)
    assert not solved.solved
    assert "+    return sum(prices) + 2" in solved.patch.diff
    assert "still fails" in solved.why


def test_the_limits_are_for_all_together(
    shop: Any, messages_api: Any, edit: Callable[..., Any]
) -> None:
    api = messages_api
    for number in range(4):
        api.reply(api.call("bash", command=f"echo {number} > note.txt"))
    solved = shop.solve(TOTAL, model__max_turns=4)
    assert solved.usage.turns == 4
    assert len(api.requests) == 4
    assert "limit of 4 turns" in str(shop.trajectories())
    assert solved.patch is not None


def test_ctrl_c_ends_all_and_keeps_the_best(
    shop: Any, messages_api: Any, edit: Callable[..., Any]
) -> None:
    api = messages_api
    api.reply(edit("sum(prices)"))
    api.never_answers(2)

    def press() -> None:
        assert api.wait_for(3)
        shop.stop.set()

    pressing = threading.Thread(target=press)
    pressing.start()
    solved = shop.solve(TOTAL)
    pressing.join()
    assert solved.patch is not None and "shop.py" in solved.patch.paths
    assert not [t for t in threading.enumerate() if t.name.startswith("candidate")]


def test_a_command_under_way_does_not_hold_the_winner_up(
    shop: Any, messages_api: Any, edit: Callable[..., Any]
) -> None:
    api = messages_api
    api.reply(api.call("bash", command="sleep 600"))
    api.reply(edit("sum(prices)"), api.call("submit", summary="A stray + 1."))
    began = time.monotonic()
    assert shop.solve(TOTAL).solved
    assert time.monotonic() - began < 150


def test_single_speaks_without_a_number(
    shop: Any, messages_api: Any, edit: Callable[..., Any]
) -> None:
    messages_api.reply(edit("sum(prices)"), messages_api.call("submit", summary="A stray + 1."))
    assert shop.solve(TOTAL, "single").solved
    assert "submit A stray + 1." in shop.said
    assert len(shop.trajectories()) == 1
