"""Every request is added up, priced and written in the ledger, failed ones too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.errors import BudgetExceeded
from swe_sleep.model.budget import Budget, Limits
from swe_sleep.model.catalogue import prices
from swe_sleep.model.client import ClaudeModel
from swe_sleep.model.faults import ModelFault
from swe_sleep.model.metering import Entry, MeteredModel
from swe_sleep.model.protocol import Request, user

Connect = Callable[..., ClaudeModel]


def test_usage_and_ledger(messages_api: Any, model: Connect) -> None:
    api = messages_api
    api.reply(api.text("one"), usage=api.Usage(input=1_000, output=500, cache_write=2_000))
    api.cut(api.text("two"), after=5)
    api.fails(401, "authentication_error")
    book: list[Entry] = []
    budget = Budget(Limits(turns=9), prices())
    metered = MeteredModel(model(api.url), prices(), budget=budget, ledger=book.append)
    request = Request("s", (user("hello"),), purpose="summary")
    reply = metered.turn(request)
    assert reply.usage.cost_usd == pytest.approx((1_000 * 4 + 2_000 * 5 + 500 * 20) / 1e6)
    for _ in range(2):
        with pytest.raises(ModelFault):
            metered.turn(request)
    assert [(e.purpose, e.outcome, e.usage.turns) for e in book] == [
        ("summary", "end_turn", 1),
        ("summary", "cut", 1),
        ("summary", "denied", 0),
    ]
    assert metered.usage == budget.spent
    assert metered.usage.turns == 2
    assert metered.usage.cost_usd is not None


def test_nothing_is_sent_that_could_go_over(messages_api: Any, model: Connect) -> None:
    budget = Budget(Limits(tokens=6_000), prices())
    metered = MeteredModel(model(messages_api.url), prices(), budget=budget)
    with pytest.raises(BudgetExceeded):
        metered.turn(Request("s", (user("x" * 3_000),)))
    assert messages_api.requests == []


def test_the_request_carries_the_lowered_limit(messages_api: Any, model: Connect) -> None:
    api = messages_api
    api.reply(api.text("ok"))
    budget = Budget(Limits(tokens=10_000), prices())
    MeteredModel(model(api.url), prices(), budget=budget).turn(Request("s", (user("hi"),)))
    assert 5_000 < api.requests[0].body["max_tokens"] < 6_000


def test_a_model_without_a_price_costs_none(messages_api: Any, model: Connect) -> None:
    api = messages_api
    api.reply(api.text("ok"))
    metered = MeteredModel(
        model(api.url, model="house-model"), prices(), budget=Budget(Limits(), prices())
    )
    assert metered.turn(Request("s", (user("hi"),))).usage.cost_usd is None
    assert metered.usage.cost_usd is None
    assert metered.usage.tokens > 0


def test_the_time_limit_reaches_into_a_reply(messages_api: Any, model: Connect) -> None:
    api = messages_api
    api.stalls(api.text("One moment"), after=5)
    budget = Budget(Limits(seconds=3), prices())
    metered = MeteredModel(model(api.url, max_retries=0), prices(), budget=budget)
    for _ in range(2):
        with pytest.raises(BudgetExceeded, match="time limit of 3 s"):
            metered.turn(Request("s", (user("hi"),)))
    assert len(api.requests) == 1
