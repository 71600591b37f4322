"""Asking directly: what is sent, what is kept, and the limits."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.errors import BudgetExceeded
from swe_sleep.model.catalogue import prices
from swe_sleep.model.client import ClaudeModel, ClientOptions
from swe_sleep.model.faults import ModelFault
from swe_sleep.model.protocol import Message, Request, user
from swe_sleep.model.secrets import Masker
from swe_sleep.sleep.budget import Budget, Stopped
from swe_sleep.sleep.desk import Allowed, Desk, LimitReached
from swe_sleep.sleep.limits import reached, spent_today

ONE = Request("You summarise code.", (user("def f(): ..."),), max_tokens=2000, purpose="summary")


def about(text: str) -> Request:
    return dataclasses.replace(ONE, messages=(user(text),))


def test_a_reply_is_kept_and_paid_for_once(office: Any) -> None:
    api = office.api
    api.reply(api.text("It does f."), usage=api.Usage(input=1000, output=100))
    first = office.desk().ask(ONE, note="summary a.py")
    again = office.desk().ask(ONE, note="summary a.py")
    assert first.text == again.text == "It does f."
    assert first.usage == again.usage
    assert first.usage.cost_usd == pytest.approx((1000 * 4 + 100 * 20) / 1e6)
    (line,) = office.store.spent()
    assert (line.activity, line.what, line.model) == ("sleep", "summary", "claude-opus-5-5")
    assert office.usd() == pytest.approx(first.usage.cost_usd)
    assert spent_today(office.store, office.clock) == pytest.approx(first.usage.cost_usd)


@pytest.mark.parametrize(
    "change",
    [
        {"system": "Else."},
        {"messages": (user("def g(): ..."),)},
        {"effort": "low"},
        {"schema": {"type": "object"}},
        {"max_tokens": 1999},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_request_is_another_question(office: Any, change: dict[str, Any]) -> None:
    api = office.api
    api.reply(api.text("one"))
    api.reply(api.text("two"))
    desk = office.desk()
    assert desk.ask(ONE, note="n").text == "one"
    assert desk.ask(dataclasses.replace(ONE, **change), note="n").text == "two"


def test_a_loop_of_several_turns_replays(office: Any) -> None:
    api = office.api

    def loop(desk: Any) -> list[str]:
        messages: tuple[Message, ...] = (user("Begin."),)
        said: list[str] = []
        for _ in range(3):
            reply = desk.ask(dataclasses.replace(ONE, messages=messages), note="loop")
            said.append(reply.text)
            messages = (*messages, Message("assistant", reply.blocks), user("Go on."))
        return said

    for number in range(3):
        api.reply(api.text(f"step {number}"))
    assert loop(office.desk()) == loop(office.desk()) == ["step 0", "step 1", "step 2"]
    assert len(api.requests) == 3


def test_secrets_stay_here(office: Any) -> None:
    api = office.api
    secret = "hunter2-is-my-password"
    api.reply(api.text("Fine."))
    desk = office.desk(secrets=[secret])
    desk.ask(
        dataclasses.replace(
            ONE,
            system=f"Mind {secret}.",
            messages=(
                user(f"a = '{secret}'"),
                Message("assistant", ({"type": "tool_use", "id": "t", "name": "n", "input": {}},)),
                Message(
                    "user",
                    ({"type": "tool_result", "tool_use_id": "t", "content": f"got {secret}"},),
                ),
            ),
        ),
        note="n",
    )
    assert secret.encode() not in api.requests[0].raw
    assert api.requests[0].raw.count(b"[secret masked") == 3
    for file in office.folder.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file


def test_what_was_said_is_written_down(office: Any) -> None:
    api = office.api
    api.reply(api.text("Fine."))
    api.fails(400, "invalid_request_error", "bad")
    desk = office.desk()
    desk.ask(ONE, note="summary a.py")
    with pytest.raises(ModelFault):
        desk.ask(about("else"), note="summary a.py")
    (file,) = (office.folder / "trajectories").iterdir()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["request", "reply", "request", "fault"]
    assert lines[0]["body"]["messages"][0]["content"][0]["text"] == "def f(): ..."
    assert lines[1]["blocks"][0]["text"] == "Fine."
    assert lines[3]["fault"] == "request"


# -- limits ----------------------------------------------------------------------------------------


def spend(office: Any, limits: dict[str, float], most: int = 50) -> tuple[int, LimitReached]:
    """Ask different things until a limit is reached."""
    api = office.api
    api.otherwise = lambda body: (api.text("Yes."),)
    api.usage = lambda body, blocks: api.Usage(output=body["max_tokens"])
    desk = office.desk(**limits)
    for number in range(most):
        try:
            desk.ask(about(f"{number:05}"), note=f"note {number}")
        except LimitReached as error:
            return number, error
    raise AssertionError("no limit was reached")


@pytest.mark.parametrize(
    ("limits", "limit", "words"),
    [
        ({"day_usd": 0.30, "pass_usd": 9}, "day", "$0.30 a day"),
        ({"pass_usd": 0.30}, "pass", "$0.30 for one pass"),
        ({"pass_tokens": 12_000}, "tokens", "12,000 tokens"),
    ],
    ids=["day", "pass", "tokens"],
)
def test_a_limit_is_never_exceeded(
    office: Any, limits: dict[str, float], limit: str, words: str
) -> None:
    """The server takes all that it is allowed, every time."""
    asked, error = spend(office, limits)
    assert error.limit == limit
    assert words in str(error)
    assert len(office.api.requests) == asked > 0
    spent = sum(line.usage.tokens for line in office.store.spent())
    if limit == "tokens":
        assert spent <= 12_000
    else:
        assert office.usd() <= 0.30
        assert office.usd() > 0.15
    (kept,) = reached(office.store, office.clock)
    assert (kept.limit, kept.says) == (limit, str(error))


def test_a_note_has_a_limit_of_its_own(office: Any) -> None:
    api = office.api
    api.otherwise = lambda body: (api.text("Yes."),)
    api.usage = lambda body, blocks: api.Usage(output=body["max_tokens"])
    desk = office.desk(note_usd=0.10)
    desk.ask(about("1"), note="a")
    desk.ask(about("2"), note="b")
    with pytest.raises(LimitReached, match=r"\$0.10 for one note"):
        for number in range(9):
            desk.ask(about(f"a{number}"), note="a")
    desk.ask(about("3"), note="c")
    desk.work_on("the same file, changed")
    desk.ask(about("4"), note="a")


def test_the_day_is_counted_over_passes(office: Any) -> None:
    spend(office, {"day_usd": 0.30, "pass_usd": 9})
    with pytest.raises(LimitReached) as caught:
        office.desk(day_usd=0.30).ask(about("more"), note="m")
    assert caught.value.limit == "day"
    office.clock.passes(25 * 3600)
    office.desk(day_usd=0.30).ask(about("more"), note="m")


def test_a_model_without_a_price_is_not_asked(office: Any) -> None:
    with pytest.raises(LimitReached, match="price of no-such-model is not known") as caught:
        office.desk(model="no-such-model").ask(ONE, note="n")
    assert caught.value.limit == "price"
    assert office.api.requests == []


def test_nothing_is_allowed(office: Any) -> None:
    with pytest.raises(BudgetExceeded):
        office.desk(day_usd=0.0).ask(ONE, note="n")
    assert office.api.requests == []


def test_a_long_prompt_is_counted_before_it_is_refused(office: Any) -> None:
    """By its bytes it might cost too much, by the server's count it does not."""
    api = office.api
    api.reply(api.text("Long."))
    long = about("word " * 12_000)
    office.desk(note_usd=0.20).ask(long, note="n")
    assert api.batches.calls == ["count"]
    api.batches.counts = False
    with pytest.raises(LimitReached):
        office.desk(note_usd=0.20).ask(about("else " * 12_000), note="n")


def test_a_reply_that_was_cut_is_asked_for_again_where_more_fits(office: Any) -> None:
    api = office.api
    loose = dataclasses.replace(ONE, max_tokens=None)
    api.reply(api.text("Cut"), stop="max_tokens", usage=api.Usage(input=10, output=10))
    assert office.desk(note_usd=0.06).ask(loose, note="n").text == "Cut"
    assert office.desk(note_usd=0.06).ask(loose, note="n").text == "Cut"
    assert len(api.requests) == 1
    api.reply(api.text("Whole"))
    assert office.desk(note_usd=0.50).ask(loose, note="n").text == "Whole"
    assert api.requests[1].body["max_tokens"] > 2 * api.requests[0].body["max_tokens"]


# -- the clock -------------------------------------------------------------------------------------

HOUR, DAY = 3600.0, 86400.0


def forward(clock: Any) -> None:
    clock.wall += DAY


def back(clock: Any) -> None:
    clock.wall -= DAY


def there_and_back(clock: Any) -> None:
    clock.wall += 3 * DAY
    clock.passes(1)
    clock.wall -= 3 * DAY


def back_over_a_restart(clock: Any) -> None:
    clock.boot, clock.ticks = "two", 5.0
    clock.wall -= 40 * DAY


def restart(clock: Any) -> None:
    clock.boot, clock.ticks = "two", 5.0


@pytest.mark.parametrize("jump", [forward, back, there_and_back, back_over_a_restart, restart])
def test_a_clock_that_jumps_gives_no_second_allowance(
    office: Any, jump: Callable[[Any], None]
) -> None:
    spend(office, {"day_usd": 0.30, "pass_usd": 9})
    for _ in range(3):
        jump(office.clock)
        with pytest.raises(LimitReached, match="a day"):
            office.desk(day_usd=0.30).ask(about("more"), note="m")
    assert office.usd() <= 0.30


@pytest.mark.parametrize("jump", [forward, back, there_and_back, back_over_a_restart, restart])
def test_a_clock_that_jumps_takes_no_allowance_for_long(
    office: Any, jump: Callable[[Any], None]
) -> None:
    spend(office, {"day_usd": 0.30, "pass_usd": 9})
    jump(office.clock)
    with pytest.raises(LimitReached):
        office.desk(day_usd=0.30).ask(about("more"), note="m")
    office.clock.passes(25 * HOUR)
    office.desk(day_usd=0.30).ask(about("more"), note="m")


def test_the_day_after_a_restart_is_another_day(office: Any) -> None:
    spend(office, {"day_usd": 0.30, "pass_usd": 9})
    restart(office.clock)
    office.clock.passes(25 * HOUR)
    office.desk(day_usd=0.30).ask(about("more"), note="m")


# -- faults ----------------------------------------------------------------------------------------


def test_a_server_that_is_down_is_asked_once_a_pass(office: Any) -> None:
    api = office.api
    api.fails(500, "api_error", times=2)
    desk = office.desk()
    for number in range(5):
        with pytest.raises(ModelFault, match="server failed"):
            desk.ask(about(str(number)), note="n")
    assert len(api.requests) == 2
    assert office.usd() == 0
    api.reply(api.text("Back."))
    assert office.desk().ask(about("0"), note="n").text == "Back."


def test_what_the_server_refuses_is_not_asked_again_today(office: Any) -> None:
    api = office.api
    api.fails(400, "invalid_request_error", "no")
    for _ in range(3):
        with pytest.raises(ModelFault, match="refused the request") as caught:
            office.desk().ask(ONE, note="n")
        assert caught.value.kind == "request"
    assert len(api.requests) == 1
    office.clock.passes(25 * HOUR)
    api.reply(api.text("Now."))
    assert office.desk().ask(ONE, note="n").text == "Now."


def test_a_stream_that_breaks_off_is_paid_for_and_asked_once_more(office: Any) -> None:
    api = office.api
    for _ in range(2):
        api.cut(api.text("Half a reply"), after=5)
    for _ in range(4):
        with pytest.raises(ModelFault, match="broke off"):
            office.desk().ask(ONE, note="n")
    assert len(api.requests) == 2
    assert office.usd() > 0


def test_stopped_in_the_middle(office: Any) -> None:
    api = office.api
    stop = threading.Event()
    api.never_answers()

    def press() -> None:
        api.wait_for(1)
        stop.set()

    threading.Thread(target=press).start()
    with pytest.raises(Stopped):
        office.desk(stop=stop).ask(ONE, note="n")
    assert 0 < office.usd() < 0.15  # it may have been read, and a little of it answered
    api.reply(api.text("Again."))
    assert office.desk().ask(ONE, note="n").text == "Again."


def test_no_time_is_left(office: Any) -> None:
    with pytest.raises(LimitReached, match="time of this pass"):
        office.desk(seconds=0).ask(ONE, note="n")
    api = office.api
    api.never_answers()
    with pytest.raises(LimitReached, match="time of this pass"):
        office.desk(seconds=3).ask(ONE, note="n")
    assert len(api.requests) == 1


def test_a_platform_without_batches_is_asked_directly(office: Any) -> None:
    """Anthropic's own API alone has them; it is said once a pass."""
    options = ClientOptions(provider="bedrock", model="no-such-model", region="eu-west-1")
    with ClaudeModel(options) as model:
        desk = Desk(
            office.store,
            model,
            prices().on("bedrock", options.model, "eu-west-1"),
            Masker,
            Budget(60),
            Allowed(),
            office.said.append,
            batch=True,
        )
        assert office.said == []
        for _ in range(2):
            with pytest.raises(LimitReached, match="price"):
                desk.ask(ONE, note="n")
    assert office.said == ["bedrock has no message batches; asking directly"]
