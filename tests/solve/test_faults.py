"""Every fault of a model's server and of a model, and how a run takes it.

The agent has made its edit when the fault comes; the real SDK, a real sandbox and a local server
play it. A run goes on and is handed in, or it ends for a reason that it names; in either case the
edit is in the patch that it gives. `pytest -v` prints the table.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from swe_sleep.errors import StoreFull
from swe_sleep.model.budget import Limits
from swe_sleep.model.tools import EDITOR_NAME
from swe_sleep.solve.work import Work

Play = Callable[[Any], None]


@dataclass(frozen=True)
class Fault:
    """`play` scripts what comes after the edit; `goes_on`: the server then takes a `submit`.
    `asked` are the requests that it takes, the edit's and the last included; `why` is in the
    reason that the run gives, `told` in what the model sees after it."""

    name: str
    play: Play
    ending: str = "submitted"
    why: str = ""
    asked: int = 3
    told: str = ""
    timeout_s: float = 60
    limits: Limits | None = None

    @property
    def id(self) -> str:
        outcome = "goes on" if self.ending == "submitted" else f"ends: {self.ending}"
        return f"{self.name} -> {outcome}"


def says(method: str, *arguments: Any, **values: Any) -> Play:
    return lambda api: getattr(api, method)(*arguments, **values)


def replies(make: Callable[[Any], tuple[Any, ...]], times: int = 1, **more: Any) -> Play:
    def play(api: Any) -> None:
        for _ in range(times):
            api.reply(*make(api), **more)

    return play


def breaks(method: str, times: int = 1, **values: Any) -> Play:
    def play(api: Any) -> None:
        for _ in range(times):
            getattr(api, method)(api.text("Now I look"), after=5, **values)

    return play


def fails(status: int, kind: str, message: str = "no", times: int = 1, **headers: str) -> Play:
    return says("fails", status, kind, message, times=times, **headers)


def long_ago(api: Any) -> None:
    """Something to shorten, and then a server that finds the conversation too long."""
    for _ in range(3):
        api.reply(api.call("bash", command="seq 1000"))
    api.fails(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")


def long_window(api: Any) -> None:
    for _ in range(3):
        api.reply(api.call("bash", command="seq 1000"))
    api.reply(api.text("So"), stop="model_context_window_exceeded")


REFUSAL = {"type": "refusal", "category": "cyber", "explanation": "Not this."}
TABLE = [
    # faults of the server that pass
    Fault(
        "429 with retry-after", fails(429, "rate_limit_error", retry_after_ms="", retry_after="1")
    ),
    Fault("429", fails(429, "rate_limit_error")),
    Fault("408 request time-out", fails(408, "timeout_error")),
    Fault("500", fails(500, "api_error")),
    Fault("502 from a gateway", fails(502, "api_error")),
    Fault("503", fails(503, "api_error")),
    Fault("529 overloaded", fails(529, "overloaded_error")),
    Fault("no answer once", says("never_answers"), timeout_s=2),
    Fault("connection reset before the reply", says("resets")),
    Fault("stream cut in the middle", breaks("cut")),
    Fault("stream ends too soon", breaks("ends_early")),
    Fault("stream falls silent", breaks("stalls"), timeout_s=2),
    Fault(
        "overloaded in the middle of a stream",
        lambda api: api.error_in_stream("overloaded_error", api.text("Now I look"), after=5),
    ),
    # faults of the model
    Fault(
        "call that is not JSON",
        replies(lambda api: (api.broken_call("bash", '{"command": "ls'),)),
        told="not valid JSON",
    ),
    Fault(
        "call that is no object",
        replies(lambda api: (api.broken_call("bash", "[1]"),)),
        told="not a JSON object",
    ),
    Fault(
        "unknown tool",
        replies(lambda api: (api.call("teleport", to="Mars"),)),
        told="there is no tool 'teleport'; there are bash",
    ),
    Fault(
        "call without its input",
        replies(lambda api: (api.call("bash"),)),
        told="'command' is missing",
    ),
    Fault(
        "max_tokens in the text",
        replies(lambda api: (api.text("Let me"),), stop="max_tokens"),
        told="was cut",
    ),
    Fault(
        "max_tokens in a call",
        replies(lambda api: (api.call("bash", command="rm -r ."),), stop="max_tokens"),
        told="cut off before the call was complete",
    ),
    Fault(
        "max_tokens in a thought",
        replies(lambda api: (api.thinking("Let me", signature=""),), stop="max_tokens"),
        told="was cut",
    ),
    Fault("pause_turn", replies(lambda api: (api.text("Working."),), stop="pause_turn")),
    Fault(
        "turn ended without submit",
        replies(lambda api: (api.text("Done!"),)),
        told="without calling `submit`",
    ),
    Fault("empty reply", replies(lambda api: ()), told="was empty"),
    Fault("context too long", long_ago, asked=6, told="1000"),
    Fault("context window full in the reply", long_window, asked=6, told="was cut"),
    # what does not pass
    Fault("429 for good", fails(429, "rate_limit_error", times=2), "model", "rate limit"),
    Fault(
        "429 with retry-after of a day",
        fails(429, "rate_limit_error", retry_after_ms="", retry_after="86400"),
        "model",
        "asks to wait 86400 seconds",
        asked=2,
    ),
    Fault("500 for good", fails(500, "api_error", times=2), "model", "server failed (500)"),
    Fault("529 for good", fails(529, "overloaded_error", times=2), "model", "overloaded"),
    Fault("401 key refused", fails(401, "authentication_error"), "model", "refused the key", 2),
    Fault("402 no credit", fails(402, "billing_error"), "model", "asks for payment", 2),
    Fault("403 not allowed", fails(403, "permission_error"), "model", "may not do this", 2),
    Fault("404 unknown model", fails(404, "not_found_error"), "model", "does not know", 2),
    Fault("400 bad request", fails(400, "invalid_request_error"), "model", "refused the", 2),
    Fault("413 too large", fails(413, "request_too_large"), "model", "too long", 2),
    Fault(
        "context too long, nothing to shorten",
        fails(400, "invalid_request_error", "prompt is too long: 9 > 8"),
        "model",
        "too long",
        asked=2,
    ),
    Fault("no answer for good", says("never_answers", 2), "model", "in time", timeout_s=1),
    Fault("stream cut three times", breaks("cut", 3), "model", "broke off", asked=4),
    Fault("events that are not JSON", says("garbles"), "model", "cannot be read", asked=2),
    Fault("a page of a hotel network", fails(200, "none", "<html>"), "model", "no reply", asked=2),
    Fault(
        "refusal",
        replies(lambda api: (), stop="refusal", stop_details=REFUSAL),
        "refused",
        "Not this.",
        asked=2,
    ),
    Fault("three empty replies", replies(lambda api: (), 3), "stuck", "no step forward", asked=4),
    Fault(
        "three turns of talk",
        replies(lambda api: (api.text("I am done."),), 3),
        "stuck",
        "no step forward",
        asked=4,
    ),
    Fault(
        "three calls that are not JSON",
        replies(lambda api: (api.broken_call("bash", "{"),), 3),
        "stuck",
        "no step forward",
        asked=4,
    ),
    # the limits
    Fault(
        "limit of turns", replies(lambda api: ()), "budget", "1 turns", 1, limits=Limits(turns=1)
    ),
    Fault(
        "limit of tokens",
        replies(lambda api: ()),
        "budget",
        "limit of 30,000 tokens",
        1,
        limits=Limits(tokens=30_000),
    ),
    Fault(
        "limit of money", replies(lambda api: ()), "budget", "of $0.10", 1, limits=Limits(usd=0.10)
    ),
    Fault(
        "limit of seconds, and no answer",
        says("never_answers"),
        "budget",
        "time limit of 5 s",
        2,
        limits=Limits(seconds=5),
    ),
    Fault(
        "limit of seconds, and only pings",
        says("pings"),
        "budget",
        "time limit of 5 s",
        2,
        limits=Limits(seconds=5),
    ),
]


@pytest.mark.parametrize("fault", TABLE, ids=lambda fault: fault.id)
def test_a_fault_ends_well_or_the_run_goes_on(
    fault: Fault, messages_api: Any, solve: Callable[..., Work], shared_site: Any
) -> None:
    import anthropic  # noqa: F401  # takes seconds, which are not to count against a limit

    api = messages_api
    edit = api.call(
        EDITOR_NAME,
        command="str_replace",
        path="shop.py",
        old_str="sum(prices) + 1",
        new_str="sum(prices)",
    )
    api.reply(edit, usage=api.Usage(input=18_000, output=1000))
    if fault.asked > 1:
        fault.play(api)
    if fault.ending == "submitted":
        api.reply(api.call("submit", summary="Done."))
    began = time.monotonic()
    work = solve(site=shared_site(), timeout_s=fault.timeout_s, limits=fault.limits)
    assert work.ending == fault.ending, work.why
    assert fault.why in work.why
    assert "\n" not in work.why
    assert "-    return sum(prices) + 1\n" in work.patch.diff
    assert work.patch.paths == ("shop.py",)
    assert len(api.requests) == fault.asked
    assert fault.told in str(api.requests[-1].body["messages"][-1]["content"])
    assert time.monotonic() - began < 60
    if "retry-after" in fault.name and fault.ending == "submitted":
        assert api.requests[2].arrived - api.requests[1].arrived >= 1


def test_a_sandbox_that_is_lost(
    messages_api: Any, solve: Callable[..., Work], open_site: Any
) -> None:
    site = open_site()
    messages_api.reply(messages_api.call("bash", command="echo y >x"))

    def lose(body: Any) -> Any:
        site.sandbox.close()
        return [messages_api.call("bash", command="ls")]

    messages_api.compute(lose)
    work = solve(site=site)
    assert (work.ending, work.patch.paths) == ("sandbox", ("x",))
    assert "closed" in work.why


def test_a_disk_that_is_full(messages_api: Any, solve: Callable[..., Work], open_site: Any) -> None:
    class Full:
        def write(self, kind: str, **values: object) -> None:
            raise StoreFull("No space is left.")

    messages_api.reply(messages_api.call("bash", command="echo y >x"))
    messages_api.reply(messages_api.call("submit", summary="Done."))
    work = solve(site=open_site(), recorder=Full())
    assert (work.ending, work.patch.paths) == ("submitted", ("x",))


def test_a_run_that_is_stopped(
    messages_api: Any, solve: Callable[..., Work], open_site: Any
) -> None:
    """In a turn, and while a command runs."""
    site = open_site()
    messages_api.reply(messages_api.call("bash", command="echo y >x"))
    messages_api.never_answers()
    work = solve(site=site, stop=lambda: len(messages_api.requests) == 2)
    assert (work.ending, work.patch.paths) == ("stopped", ("x",))

    messages_api.reply(messages_api.call("bash", command="echo z >z; sleep 1000"))
    work = solve(site=site, stop=lambda: "z" in site.sandbox.changes())
    assert (work.ending, work.patch.paths) == ("stopped", ("x", "z"))
