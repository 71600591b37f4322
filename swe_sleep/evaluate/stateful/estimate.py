"""What a run may cost, before it begins: a guess from sizes, or from what was measured already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swe_sleep.anticipate.rethinking import TOOLS
from swe_sleep.config import Effort
from swe_sleep.evaluate.stateful import answering, reading
from swe_sleep.evaluate.stateful.plan import Asked, Nap, Options
from swe_sleep.evaluate.stateful.reading import Reading
from swe_sleep.evaluate.stateful.records import Answered
from swe_sleep.model.catalogue import Prices
from swe_sleep.model.client import size_bytes
from swe_sleep.records import Usage

BYTES_A_TOKEN = 3.5
MEMORY_CHARS = 2_000
TURNS = 3
"""Of a reading."""
WRITTEN = {0: 50, 1: 120, 2: 250, 3: 450, 4: 900}
"""Tokens of a reply, by level."""
THOUGHT: Mapping[Effort | None, int] = {
    "low": 800,
    "medium": 2_500,
    "high": 6_000,
    "xhigh": 12_000,
    "max": 20_000,
    None: 3_000,
}
"""Tokens of thinking, by effort."""
EXPECTED = 400


@dataclass(frozen=True, slots=True)
class Estimate:
    readings: int
    answers: int
    lists: int
    """Of expected questions."""
    usd: float | None
    """None where no price is known."""


def estimate(
    asked: Sequence[Asked],
    options: Options,
    readings: Mapping[str, Reading],
    answers: Mapping[str, Answered],
    *,
    model: str,
    prices: Prices,
    thinks: bool,
    thinks_asleep: bool,
) -> Estimate:
    """Of what is not done yet. `thinks` and `thinks_asleep`: whether the model thinks before it
    answers, and when it reads."""
    waiting = [each for each in asked if each.key not in answers]
    naps: dict[str, Nap] = {
        nap.key: nap
        for each in waiting
        for nap in each.naps
        if nap.text and nap.key not in readings
    }
    texts = {each.query.text_id: each.text for each in waiting if each.text}
    lists = texts if options.foresee else {}
    usages = [_reading(nap, thinks_asleep) for nap in naps.values()]
    usages += [_answer(each, options, thinks) for each in waiting]
    usages += [_list(text, thinks_asleep) for text in lists.values()]
    costs = [prices.cost_usd(model, usage) for usage in usages]
    known = [cost for cost in costs if cost is not None]
    usd = sum(known) if len(known) == len(costs) else None
    return Estimate(len(naps), len(waiting), len(lists), usd)


def _reading(nap: Nap, thinks: bool) -> Usage:
    fixed = _tokens(reading.system()) + size_bytes(list(TOOLS)) / BYTES_A_TOKEN
    prompt = fixed + _tokens(reading.shown(nap.text)) + 100
    written = MEMORY_CHARS / BYTES_A_TOKEN
    thought = THOUGHT[nap.effort] if thinks or nap.effort else 0
    # each turn reads the memory that those before it wrote
    read = TURNS * prompt + written * TURNS * (TURNS - 1) / 2
    return Usage(input_tokens=int(read), output_tokens=int(written * 2 + thought))


def _answer(asked: Asked, options: Options, thinks: bool) -> Usage:
    plain = not asked.naps or options.with_context
    memory = MEMORY_CHARS * len(asked.naps)
    shown = reading.shown(asked.text if plain else "", "m" * memory)
    prompt = _tokens(answering.system(asked.budget)) + _tokens(shown) + 150
    prompt += _tokens(asked.query.question)
    level, effort = asked.budget.level, asked.budget.effort
    written = WRITTEN[2] if level is None else WRITTEN[level]
    thought = THOUGHT[effort] if thinks else 0
    return Usage(input_tokens=int(prompt), output_tokens=written + thought)


def _list(text: str, thinks: bool) -> Usage:
    thought = THOUGHT[None] if thinks else 0
    prompt = _tokens(reading.shown(text)) + 300
    return Usage(input_tokens=int(prompt), output_tokens=EXPECTED + thought)


def _tokens(text: str) -> float:
    return len(text.encode("utf-8", "replace")) / BYTES_A_TOKEN
