"""Limits hold before a request is sent, whatever it could cost."""

from __future__ import annotations

import threading

import pytest

from swe_sleep.errors import BudgetExceeded
from swe_sleep.model.budget import Budget, Limits, PromptBound
from swe_sleep.model.catalogue import Price, Prices
from swe_sleep.records import Usage

# a prompt token 1 $, or 2 $ where it is written to the cache; an output token 10 $, by the million
PRICES = Prices("2026-01-01", {"m": (Price(1, 2, 0.1, 10),)})


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_without_limits_all_that_was_asked_for_is_granted() -> None:
    budget = Budget(Limits(), PRICES)
    grant = budget.grant("m", 10**9, 32_000)
    assert (grant.max_tokens, grant.timeout_s) == (32_000, None)
    assert budget.remaining() == ""
    assert Budget(Limits(), PRICES).grant("unknown", 1, 5).max_tokens == 5


def test_output_is_lowered_to_the_tokens_that_are_left() -> None:
    budget = Budget(Limits(tokens=10_000), PRICES)
    grant = budget.grant("m", 7_000, 32_000)
    assert grant.max_tokens == 3_000
    budget.settle(grant, Usage(input_tokens=7_000, output_tokens=2_000, turns=1))
    with pytest.raises(BudgetExceeded, match=r"10,000 tokens \(9,000 spent"):
        budget.grant("m", 1, 32_000)


def test_what_others_have_set_aside_is_waited_for() -> None:
    budget = Budget(Limits(tokens=10_000), PRICES)
    first = budget.grant("m", 1_000, 8_000)
    asked = threading.Event()
    granted: list[int] = []

    def stop() -> bool:
        asked.set()  # at the latest when it finds that it has to wait
        return False

    other = threading.Thread(
        target=lambda: granted.append(budget.grant("m", 1_000, 8_000, stop=stop).max_tokens)
    )
    other.start()
    assert asked.wait(30)
    assert not granted
    budget.settle(first, Usage(input_tokens=1_000, output_tokens=500, turns=1))
    other.join(30)
    assert granted == [7_500], "the whole rest, not what was left beside the first"


def test_waiting_for_others_can_be_stopped() -> None:
    budget = Budget(Limits(tokens=10_000), PRICES)
    budget.grant("m", 1_000, 9_000)
    asked = iter([False, False, True])
    with pytest.raises(BudgetExceeded, match="stopped"):
        budget.grant("m", 1_000, 8_000, stop=lambda: next(asked))


def test_output_is_lowered_to_the_money_that_is_left() -> None:
    budget = Budget(Limits(usd=0.1), PRICES)
    # the prompt may cost 0.02 $, as the cache may be cold; 0.08 $ buy 8,000 tokens
    grant = budget.grant("m", 10_000, 32_000)
    assert grant.max_tokens == 8_000
    budget.settle(grant, Usage(input_tokens=10_000, output_tokens=100, cost_usd=0.09, turns=1))
    with pytest.raises(BudgetExceeded, match=r"\$0.10 \(\$0.09 spent\)"):
        budget.grant("m", 1_000, 32_000)
    # a small request still fits
    assert budget.grant("m", 100, 500).max_tokens == 500


def test_a_money_limit_needs_a_price() -> None:
    with pytest.raises(BudgetExceeded, match="price of other is not known") as caught:
        Budget(Limits(usd=5), PRICES).grant("other", 10, 10)
    assert "SWE_SLEEP_MODEL__PRICES" in caught.value.advice


def test_turns_and_seconds() -> None:
    clock = Clock()
    budget = Budget(Limits(turns=2, seconds=60), PRICES, clock=clock)
    clock.now += 20
    assert budget.remaining() == "left: 2 turns, 40 s"
    grant = budget.grant("m", 1, 1)
    assert grant.timeout_s == 40
    budget.settle(grant, Usage(turns=1))
    budget.grant("m", 1, 1)
    with pytest.raises(BudgetExceeded, match="2 turns"):
        budget.grant("m", 1, 1)
    clock.now += 41
    with pytest.raises(BudgetExceeded, match="60 s"):
        budget.grant("m", 1, 1)


def test_what_is_left_is_told_in_one_line() -> None:
    budget = Budget(Limits(tokens=500_000, usd=2, turns=30), PRICES)
    budget.settle(budget.grant("m", 1, 1), Usage(input_tokens=123_456, cost_usd=0.5, turns=1))
    assert budget.remaining() == "left: 29 turns, 376k tokens, $1.50"


def test_many_at_once_stay_inside_together() -> None:
    budget = Budget(Limits(tokens=20_000, usd=0.05, turns=50), PRICES)
    ready = threading.Barrier(8)
    granted: list[int] = []

    def run() -> None:
        ready.wait()
        for _ in range(20):
            try:
                grant = budget.grant("m", 500, 1_500)
            except BudgetExceeded:
                return
            granted.append(grant.max_tokens)
            worst = (500 * 2 + grant.max_tokens * 10) / 1e6
            budget.settle(
                grant,
                Usage(
                    cache_write_tokens=500, output_tokens=grant.max_tokens, cost_usd=worst, turns=1
                ),
            )

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert granted
    assert budget.spent.tokens <= 20_000
    assert budget.spent.cost_usd is not None
    assert budget.spent.cost_usd <= 0.05


def test_the_bound_of_a_prompt_is_by_bytes_until_a_reply_tells() -> None:
    bound = PromptBound(framing=100)
    assert bound.of([1_000], 500) == 1_600
    bound.learn([1_000], Usage(input_tokens=50, cache_read_tokens=200, output_tokens=30))
    # the reply (30 tokens, 80 bytes) and a result of 400 bytes came after the first message
    assert bound.of([1_000, 80, 400], 500) == 280 + 480 + 64
    # masked: what is known is still an upper bound
    assert bound.of([200, 80, 400], 500) == 280 + 480 + 64
    # another conversation
    assert bound.of([5_000, 1, 1], 500) == 5_602
