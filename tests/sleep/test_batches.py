"""Asking in message batches: what is sent, collected and paid for, and every fault on the way.

What the server has accepted is counted: nothing is asked twice, and no answer is lost.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from swe_sleep.errors import SweSleepError
from swe_sleep.model.faults import ModelFault
from swe_sleep.model.protocol import Message, Request, user
from swe_sleep.sleep.desk import Desk, Later, LimitReached
from swe_sleep.sleep.limits import spent_today, waiting

ONE = Request("You summarise code.", (user("f0"),), max_tokens=2000, purpose="summary")
LONG_S = 1000.0
"""After so long every batch is looked after."""


def about(text: str) -> Request:
    return dataclasses.replace(ONE, messages=(user(text),))


def echo(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": "about " + body["messages"][0]["content"][0]["text"]}]


def gather(desk: Desk, *texts: str) -> None:
    for text in texts:
        desk.work_on(f"unit {text}")
        with pytest.raises(Later):
            desk.ask(about(text), note=f"note {text}")


def answers(desk: Desk, *texts: str) -> list[str]:
    """The replies that are here; of the others what kind of fault, or "later"."""
    found = []
    for text in texts:
        desk.work_on(f"unit {text}")
        try:
            found.append(desk.ask(about(text), note=f"note {text}").text)
        except Later:
            found.append("later")
        except ModelFault as fault:
            found.append(fault.kind)
    return found


@pytest.fixture
def bureau(office: Any) -> Any:
    office.api.otherwise = echo
    return office


def posted(office: Any, *texts: str, **more: Any) -> Desk:
    """One pass, which gathers and posts."""
    desk: Desk = office.desk(batch=True, **more)
    gather(desk, *texts)
    desk.post()
    return desk


def later(office: Any, **more: Any) -> Desk:
    """The next pass, once the batch may be looked at."""
    office.clock.passes(LONG_S)
    desk: Desk = office.desk(batch=True, **more)
    desk.collect()
    return desk


def test_one_batch_for_all_that_was_gathered(bureau: Any) -> None:
    api = bureau.api
    desk = posted(bureau, "f0", "f1", "f2")
    assert [len(batch.requests) for batch in api.batches.made] == [3]
    assert desk.waiting() == {"unit f0", "unit f1", "unit f2"}
    assert desk.waiting_by_pass() == {"summary": 3}
    assert waiting(bureau.store, bureau.clock).requests == 3
    after = later(bureau)
    assert after.waiting() == frozenset()
    assert answers(after, "f0", "f1", "f2") == ["about f0", "about f1", "about f2"]
    assert api.requests == [], "nothing was asked directly"
    assert len(api.batches.asked) == len(set(api.batches.asked)) == 3
    assert waiting(bureau.store, bureau.clock).next_look_s is None


def test_half_the_price(bureau: Any) -> None:
    api = bureau.api
    api.usage = lambda body, blocks: api.Usage(input=1000, output=100)
    posted(bureau, "f0")
    reply = later(bureau).ask(ONE, note="note f0")
    assert reply.usage.cost_usd == pytest.approx((1000 * 4 + 100 * 20) / 2e6)
    assert bureau.usd() == pytest.approx(reply.usage.cost_usd)
    (params,) = [each["params"] for each in api.batches.made[0].requests]
    assert "cache_control" not in json.dumps(params)
    assert "stream" not in params


def test_what_is_set_aside_counts_as_spent(bureau: Any) -> None:
    bureau.api.batches.hold = True
    desk = posted(bureau, "f0", "f1", day_usd=0.10)
    held = spent_today(bureau.store, bureau.clock)
    assert held > 0.03
    with pytest.raises(LimitReached, match="a day"):
        for number in range(2, 9):
            gather(desk, f"f{number}")
    assert spent_today(bureau.store, bureau.clock) <= 0.10
    bureau.clock.passes(25 * 3600)
    assert spent_today(bureau.store, bureau.clock) >= held, "also on the next day"
    bureau.api.batches.finish()
    later(bureau)
    assert spent_today(bureau.store, bureau.clock) < held
    assert spent_today(bureau.store, bureau.clock) == pytest.approx(bureau.usd())


def test_a_batch_that_takes_long_is_looked_at_ever_more_seldom(bureau: Any) -> None:
    api = bureau.api
    api.batches.hold = True
    posted(bureau, "f0")
    looks = []
    for _ in range(6 * 60):  # a pass a minute
        bureau.clock.passes(60)
        before = api.batches.calls.count("get")
        bureau.desk(batch=True).collect()
        looks.append(api.batches.calls.count("get") - before)
    assert 6 * 4 <= sum(looks) <= 6 * 4 + 6
    assert sum(looks[:60]) >= 6
    api.batches.finish()
    assert answers(later(bureau), "f0") == ["about f0"]


def test_no_batch_no_call(bureau: Any) -> None:
    desk = bureau.desk(batch=True)
    assert not desk.collect()
    assert not desk.post()
    assert bureau.api.batches.calls == []


def test_who_waits_is_answered_at_once(bureau: Any) -> None:
    api = bureau.api
    desk = bureau.desk(batch=True)
    gather(desk, "f0", "f1")
    assert desk.ask(about("f0"), note="note f0", urgent=True).text == "about f0"
    desk.post()
    assert len(api.requests) == 1
    assert [len(batch.requests) for batch in api.batches.made] == [1]
    with pytest.raises(Later):  # posted already: it would be paid twice
        desk.ask(about("f1"), note="note f1", urgent=True)


def test_a_server_without_batches(bureau: Any) -> None:
    api = bureau.api
    api.batches.absent = True
    desk = bureau.desk(batch=True)
    gather(desk, "f0")
    assert desk.post(), "what was gathered is to be planned again"
    assert desk.waiting() == frozenset()
    assert answers(desk, "f0") == ["about f0"]
    assert any("no message batches" in line for line in bureau.said)


def test_a_pass_that_is_stopped_posts_nothing(bureau: Any) -> None:
    stop = threading.Event()
    desk = bureau.desk(batch=True, stop=stop)
    gather(desk, "f0")
    stop.set()
    desk.post()
    assert bureau.api.batches.calls == []
    assert spent_today(bureau.store, bureau.clock) == 0
    assert answers(posted(bureau, "f0"), "f0") == ["later"]


def test_a_loop_of_several_turns_goes_on_batch_by_batch(bureau: Any) -> None:
    api = bureau.api
    turns = iter(("one", "two", "three"))
    api.otherwise = lambda body: (api.text(next(turns)),)

    def loop(desk: Desk) -> list[str]:
        messages: tuple[Message, ...] = (user("Begin."),)
        said: list[str] = []
        while "three" not in said:
            reply = desk.ask(dataclasses.replace(ONE, messages=messages), note="loop")
            said.append(reply.text)
            messages = (*messages, Message("assistant", reply.blocks), user("Go on."))
        return said

    for _ in range(3):
        desk = later(bureau)
        with pytest.raises(Later):
            loop(desk)
        desk.post()
    assert loop(later(bureau)) == ["one", "two", "three"]
    assert [len(batch.requests) for batch in api.batches.made] == [1, 1, 1]


# -- the table of faults ---------------------------------------------------------------------------

Play = Callable[[Any], None]


def ended(result: dict[str, Any], *texts: str) -> Play:
    """These requests come to another end than a reply, the first time."""

    def play(api: Any) -> None:
        usual, left = api.batches.outcome, set(texts)

        def outcome(request: dict[str, Any]) -> Any:
            text = request["params"]["messages"][0]["content"][0]["text"]
            if text in left:
                left.discard(text)
                return result
            return usual(request)

        api.batches.outcome = outcome

    return play


def error(kind: str) -> dict[str, Any]:
    return {
        "type": "errored",
        "error": {"type": "error", "error": {"type": kind, "message": "no"}},
    }


def arranged(arrange: Callable[[list[bytes]], list[bytes]], times: int = 1) -> Play:
    """The results are sent another way, so many times."""

    def play(api: Any) -> None:
        left = [arrange] * times

        def once(lines: list[bytes]) -> list[bytes]:
            return left.pop()(lines) if left else lines

        api.batches.arrange = once

    return play


def unknown(lines: list[bytes]) -> list[bytes]:
    strange = json.loads(lines[0])
    strange["custom_id"] = "somebody-elses"
    return [
        json.dumps(strange).encode() + b"\n",
        b"[]\n",
        b'{"custom_id": "x"}\n',
        *lines,
        lines[0],
    ]


def fault(method: str, *arguments: Any) -> Play:
    return lambda api: getattr(api.batches, method)(*arguments)


GOOD = ["about f0", "about f1", "about f2"]


@dataclass(frozen=True)
class Case:
    """`first` and `then`: what is known when the batch was looked at once, and after another pass
    or two. `batches` are those that the server accepted at last, `asked` the requests in them."""

    name: str
    play: Play
    first: list[str]
    then: list[str]
    batches: int = 1
    asked: int = 3


LATER = ["later"] * 3
TABLE = [
    # posting
    Case("create: 429", fault("fails", "create", 429, "rate_limit_error"), LATER, GOOD),
    Case("create: 400", fault("fails", "create", 400, "invalid_request_error"), LATER, GOOD),
    Case("create: 500", fault("fails", "create", 500, "api_error"), LATER, GOOD),
    Case("create: 529", fault("fails", "create", 529, "overloaded_error"), LATER, GOOD),
    Case("create: 500 after it was accepted", fault("loses_answer", "create", 500), GOOD, GOOD),
    Case("create: reset after it was accepted", fault("loses_answer", "create"), GOOD, GOOD),
    Case("list: 500 for good", fault("fails", "list", 500, "api_error", 2), LATER, GOOD),
    # looking
    Case("get: 500 for good", fault("fails", "get", 500, "api_error", 2), LATER, GOOD),
    Case("get: 429, then well", fault("fails", "get", 429, "rate_limit_error"), GOOD, GOOD),
    # collecting
    Case("results: 500 for good", fault("fails", "results", 500, "api_error", 2), LATER, GOOD),
    Case("results: cut before the first", fault("cuts_results", 10), LATER, GOOD),
    Case(
        "results: cut in the second",
        fault("cuts_results", 700),
        ["about f0", "later", "later"],
        GOOD,
    ),
    Case(
        "results: one is missing",
        arranged(lambda lines: lines[:2]),
        ["about f0", "about f1", "later"],
        GOOD,
    ),
    Case(
        "results: one is missing for good",
        arranged(lambda lines: lines[:2], 3),
        ["about f0", "about f1", "later"],
        GOOD,
        2,
        4,
    ),
    Case("results: in another order", arranged(lambda lines: lines[::-1]), GOOD, GOOD),
    Case("results: unknown and double ids", arranged(unknown), GOOD, GOOD),
    Case("results: not JSON", arranged(lambda lines: [b"{oops\n"]), LATER, GOOD),
    # ends
    Case(
        "expired, once",
        ended({"type": "expired"}, "f1"),
        ["about f0", "later", "about f2"],
        GOOD,
        2,
        4,
    ),
    Case(
        "overloaded, once",
        ended(error("overloaded_error"), "f1"),
        ["about f0", "later", "about f2"],
        GOOD,
        2,
        4,
    ),
    Case(
        "errored: bad request",
        ended(error("invalid_request_error"), "f1"),
        ["about f0", "request", "about f2"],
        ["about f0", "request", "about f2"],
    ),
    Case(
        "canceled", ended({"type": "canceled"}, "f0", "f1", "f2"), ["stopped"] * 3, ["stopped"] * 3
    ),
]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_a_fault_loses_nothing_and_asks_nothing_twice(case: Case, bureau: Any) -> None:
    api = bureau.api
    case.play(api)
    texts = ("f0", "f1", "f2")
    posted(bureau, *texts)
    desk = later(bureau)
    assert answers(desk, *texts) == case.first
    desk.post()
    for _ in range(4):
        desk = later(bureau)
        found = answers(desk, *texts)
        desk.post()
    assert found == case.then
    assert len(api.batches.made) == case.batches
    assert len(api.batches.asked) == case.asked
    assert api.requests == [], "nothing was asked directly"
    assert not desk.waiting()
    lost = "missing for good" in case.name
    replies = [line.usage for line in bureau.store.spent() if line.usage.turns]
    assert len(replies) == sum(text.startswith("about") for text in found)
    assert (bureau.usd() > sum(u.cost_usd for u in replies)) == lost, "what is lost is paid for"
    assert spent_today(bureau.store, bureau.clock) == pytest.approx(bureau.usd())


def test_what_expires_twice_is_let_be(bureau: Any) -> None:
    bureau.api.batches.outcome = lambda request: {"type": "expired"}
    posted(bureau, "f0")
    desk = later(bureau)
    assert answers(desk, "f0") == ["later"]
    desk.post()
    for _ in range(3):
        desk = later(bureau)
        assert answers(desk, "f0") == ["expired"]
        desk.post()
    assert len(bureau.api.batches.made) == 2
    assert bureau.usd() == 0


def test_what_expired_is_asked_directly_where_somebody_waits(bureau: Any) -> None:
    ended({"type": "expired"}, "f0")(bureau.api)
    posted(bureau, "f0")
    desk = later(bureau)
    assert desk.ask(about("f0"), note="note f0", urgent=True).text == "about f0"


def test_batches_of_other_programs_are_left_alone(bureau: Any) -> None:
    """The id of ours is lost; two of the same size are there, one of them still under way."""
    api = bureau.api
    api.batches.hold = True
    api.batches.foreign("a", "b")
    api.batches.loses_answer("create")
    posted(bureau, "f0", "f1")
    api.batches.foreign("c", "d", ended=False)
    api.batches.foreign("e")
    for _ in range(5):
        assert answers(later(bureau), "f0", "f1") == ["later", "later"]
    api.batches.finish()
    assert answers(later(bureau), "f0", "f1") == ["about f0", "about f1"]
    assert len(api.batches.asked) == 2


def test_a_batch_that_is_gone_is_paid_for_and_asked_again(bureau: Any) -> None:
    api = bureau.api
    posted(bureau, "f0")
    api.batches.made.clear()
    desk = later(bureau)
    held = bureau.usd()
    assert held > 0, "it may have been answered"
    assert answers(desk, "f0") == ["later"]
    desk.post()
    assert answers(later(bureau), "f0") == ["about f0"]


def test_a_clock_that_goes_back_does_not_put_a_look_off(bureau: Any) -> None:
    posted(bureau, "f0")
    bureau.clock.wall -= 30 * 86400
    assert answers(later(bureau), "f0") == ["about f0"]


def test_the_limits_hold_over_many_batches(bureau: Any) -> None:
    """The server takes all that it is allowed; half of the batches are never answered."""
    api = bureau.api
    api.usage = lambda body, blocks: api.Usage(output=body["max_tokens"])
    for number in range(12):
        api.batches.hold = number % 2 == 0
        desk = later(bureau, day_usd=0.30)
        for each in range(4):
            desk.work_on(f"unit {number} {each}")
            try:
                desk.ask(about(f"f{number}{each}"), note="n")
            except SweSleepError:
                continue
        desk.post()
        assert spent_today(bureau.store, bureau.clock) <= 0.30
    assert 0.05 < bureau.usd() <= 0.30


def test_a_unit_that_says_it_in_other_words_is_given_its_answer(bureau: Any) -> None:
    """When it is run again, the background that it gives has changed, but its code has not."""
    api = bureau.api

    def conversation(desk: Desk, background: str) -> str:
        desk.work_on("unit")
        first = dataclasses.replace(
            ONE, system=background, messages=(user("code"), user(background))
        )
        reply = desk.ask(first, note="n")
        more = (Message("assistant", reply.blocks), user("Go on."))
        second = dataclasses.replace(first, messages=(*first.messages, *more))
        answer = desk.ask(second, note="n").text
        other = desk.ask(about(f"and {background}"), note="n").text
        return f"{answer}, {other}"

    for background in ("one", "two", "three"):
        desk = later(bureau)
        with pytest.raises(Later):
            conversation(desk, background)
        desk.post()
    assert conversation(later(bureau), "four") == "about code, about and three"
    assert len(api.batches.asked) == 3
    sent = [each["params"] for batch in api.batches.made for each in batch.requests]
    assert [each["system"][0]["text"] for each in sent[:2]] == ["one", "one"]
    assert len(sent[1]["messages"]) == 4
    desk = later(bureau)
    desk.work_on("another unit")
    with pytest.raises(Later):
        desk.ask(dataclasses.replace(ONE, system="four"), note="n")
