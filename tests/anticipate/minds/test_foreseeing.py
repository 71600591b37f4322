"""Predictions: what is sent, what is kept of the reply, and how readings are merged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import asdict
from msgspec.structs import replace as changed

from swe_sleep.anticipate.asking import Misfit, Unfit
from swe_sleep.anticipate.digest import Module
from swe_sleep.anticipate.foreseeing import (
    Background,
    Foreseen,
    Foresight,
    Prediction,
    checked,
    contexts,
    foresee,
    merge,
)
from swe_sleep.anticipate.places import Texts
from swe_sleep.index.outline import outline
from swe_sleep.prompts.fence import Fence
from swe_sleep.records import Place, State

TEXT = "def total(prices):\n    return sum(prices) + 1\n\n\ndef vat(cents):\n    return cents\n"
MODULE = Module("shop.py", TEXT, outline(TEXT.encode(), "python"))
FENCE = Fence.lasting(b"secret")
GOOD = Foreseen(
    title="The total is one too high",
    symptoms="total([1]) gives 2.",
    path="shop.py",
    line=2,
    quote="sum(prices) + 1",
    why="`total` adds one.",
    check="total([1]) == 1",
    confidence=0.7,
)


def kept(*given: Foreseen) -> list[Prediction]:
    return checked(Foresight(list(given)), Texts({"shop.py": TEXT}), MODULE.outline)


def test_a_prediction_that_stands() -> None:
    (found,) = kept(GOOD)
    assert (found.place, found.qualname) == (Place("shop.py", 2), "total")
    issue = found.issue()
    assert issue.state is State.SUSPECTED
    assert issue.suspicions[0].score == 0.7
    assert issue.text == "The total is one too high\n\ntotal([1]) gives 2."


def test_what_does_not_stand_is_dropped() -> None:
    assert len(kept(GOOD, changed(GOOD, quote="eval("))) == 1
    assert len(kept(GOOD, changed(GOOD, why="`evil_helper` is called."))) == 1
    assert not kept(changed(GOOD, confidence=0.05))
    assert not kept()
    assert kept(changed(GOOD, confidence=7.0))[0].confidence == 0.95
    assert len(kept(*[changed(GOOD, title=f"Issue {n}") for n in range(9)])) == 5
    long = kept(changed(GOOD, title="a " * 500, symptoms="b\n" * 5000, why="c " * 5000))[0]
    assert max(map(len, (long.title, long.symptoms, long.why))) <= 1200


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (changed(GOOD, quote="eval("), "does not stand"),
        (changed(GOOD, path="other.py"), "none of the files"),
        (changed(GOOD, why="`evil_helper` is called."), "`evil_helper` stands nowhere"),
        (changed(GOOD, check=" "), "needs a title and a check"),
    ],
)
def test_where_none_stands_the_reasons_are_given(wrong: Foreseen, why: str) -> None:
    with pytest.raises(Misfit, match=why):
        kept(wrong)


def test_readings_that_agree_count_more() -> None:
    one = kept(GOOD)[0]
    other = replace(one, title="total gives one too high a total", confidence=0.5)
    alone = replace(one, title="VAT is missing", place=Place("shop.py", 6), confidence=0.6)
    found = merge([[one, alone], [other], []])
    assert [(p.title, p.readings) for p in found] == [
        ("The total is one too high", 2),
        ("VAT is missing", 1),
    ]
    assert found[0].confidence == pytest.approx(0.4)
    assert found[1].confidence == pytest.approx(0.2)
    assert merge([]) == []
    elsewhere = replace(one, place=Place("other.py", 2))
    assert len(merge([[one], [elsewhere]])) == 2


def test_what_modules_share_is_sent_alike_and_first() -> None:
    other = Module("other.py", "x = 1\n", outline(b"x = 1\n", "python"))
    one, two = (
        contexts(each, Background(history=("Fix it",)), "A shop.", FENCE)
        for each in (MODULE, other)
    )
    assert one[0] == two[0]
    assert one[1] != two[1]
    assert one[0].startswith(f"The markers' word in this run is {FENCE.tag}.")


def test_two_readings_are_four_requests(messages_api: Any, ask: Any, says: Any, asked: Any) -> None:
    api = messages_api
    reply = {"issues": [asdict(GOOD)]}
    for _ in range(2):
        api.reply(
            api.call("rethink_memory", new_memory="total is wrong"),
            api.call("finish_rethinking_memory"),
        )
        says(reply)
    found = foresee(MODULE, Background(), ask, overview="A shop.", fence=FENCE, readings=2)
    assert [p.readings for p in found] == [2]
    assert found[0].confidence == pytest.approx(0.7)
    bodies = asked()
    assert len(bodies) == 4
    assert bodies[0]["system"] == bodies[2]["system"]
    assert bodies[0]["messages"][:2] == bodies[2]["messages"][:2]
    told = bodies[1]["messages"][0]["content"][0]["text"]
    assert "total is wrong" in told
    assert "sum(prices)" not in told  # the memory stands in place of the code


def test_a_module_that_taught_nothing_is_not_asked_about(messages_api: Any, ask: Any) -> None:
    messages_api.reply(messages_api.call("finish_rethinking_memory"))
    assert foresee(MODULE, Background(), ask, overview="", fence=FENCE) == []


def test_replies_that_never_fit(messages_api: Any, ask: Any, says: Any) -> None:
    messages_api.reply(
        messages_api.call("rethink_memory", new_memory="x"),
        messages_api.call("finish_rethinking_memory"),
    )
    says({"issues": [{**asdict(GOOD), "quote": "eval("}]})
    says({"issues": "none"})
    with pytest.raises(Unfit, match="does not match the schema"):
        foresee(MODULE, Background(), ask, overview="", fence=FENCE)
