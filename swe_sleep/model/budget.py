"""Hard limits on what may be spent, checked before a request is sent.

A request is only sent if the worst it could cost still fits: every token of its prompt at the
dearest input price (the cache may have expired), and a full `max_tokens` of output. `max_tokens`
is lowered to what is left. A budget may be shared by several runs at once; what one of them has
under way is set aside for it, and the others wait where too little is left beside that, as most of
it comes back.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from swe_sleep.errors import BudgetExceeded
from swe_sleep.model.catalogue import Prices
from swe_sleep.records import Usage

LEAST_OUTPUT = 1024
"""A reply shorter than this is not worth its prompt."""
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """None: no limit. Tokens are all that a model reads and writes, those from its cache too."""

    tokens: int | None = None
    usd: float | None = None
    turns: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to send one request, with its greatest output and time."""

    max_tokens: int
    timeout_s: float | None
    tokens: int
    usd: float


class Budget:
    def __init__(
        self,
        limits: Limits,
        prices: Prices,
        *,
        spent: Usage = Usage(),
        seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`spent` and `seconds` are what an earlier part of the run has used up already."""
        self.limits = limits
        self._prices = prices
        self._clock = clock
        self._started = clock() - seconds
        self._settled = threading.Condition()
        self._spent = spent
        self._set_aside: list[Grant] = []

    @property
    def spent(self) -> Usage:
        return self._spent

    def seconds_left(self) -> float | None:
        if self.limits.seconds is None:
            return None
        return self.limits.seconds - (self._clock() - self._started)

    def grant(
        self,
        model: str,
        prompt_tokens: int,
        max_tokens: int,
        *,
        stop: Callable[[], bool] | None = None,
    ) -> Grant:
        """Set the worst case of a request aside. Raises BudgetExceeded where it does not fit, and
        where money is limited but the model's price is unknown."""
        with self._settled:
            while True:
                left_s = self.seconds_left()
                if left_s is not None and left_s <= 0:
                    raise BudgetExceeded(f"The time limit of {self.limits.seconds:g} s is reached.")
                if stop is not None and stop():
                    raise BudgetExceeded("The run was stopped.")
                turns = self._spent.turns + len(self._set_aside)
                if self.limits.turns is not None and turns >= self.limits.turns:
                    raise BudgetExceeded(f"The limit of {self.limits.turns} turns is reached.")
                alone = not self._set_aside
                try:
                    grant = self._fitting(model, prompt_tokens, max_tokens, left_s)
                except BudgetExceeded:
                    if alone:
                        raise
                else:
                    if alone or grant.max_tokens == max_tokens:
                        self._set_aside.append(grant)
                        return grant
                self._settled.wait(POLL_S)

    def _fitting(
        self, model: str, prompt_tokens: int, max_tokens: int, left_s: float | None
    ) -> Grant:
        output = max_tokens
        if self.limits.tokens is not None:
            held = sum(grant.tokens for grant in self._set_aside)
            output = min(output, self.limits.tokens - self._spent.tokens - held - prompt_tokens)
            if output < min(LEAST_OUTPUT, max_tokens):
                raise BudgetExceeded(
                    f"The next turn could go over the limit of {self.limits.tokens:,} tokens "
                    f"({self._spent.tokens:,} spent)."
                )
        output, usd = self._affordable(model, prompt_tokens, output, max_tokens)
        return Grant(output, left_s, prompt_tokens + output, usd)

    def _affordable(
        self, model: str, prompt_tokens: int, output: int, asked: int
    ) -> tuple[int, float]:
        limit = self.limits.usd
        price = self._prices.of(model, prompt_tokens)
        if price is None:
            if limit is None:
                return output, 0.0
            raise BudgetExceeded(
                f"The price of {model} is not known, so the limit of ${limit:.2f} cannot be kept.",
                "Name a price list that has it in SWE_SLEEP_MODEL__PRICES.",
            )
        prompt_usd = prompt_tokens * max(price.input, price.cache_write) / 1e6
        if limit is not None:
            spent = self._spent.cost_usd
            held = sum(grant.usd for grant in self._set_aside)
            left = -1.0 if spent is None else limit - spent - held - prompt_usd
            output = min(output, int(left / price.output * 1e6))
            if output < min(LEAST_OUTPUT, asked):
                raise BudgetExceeded(
                    f"The next turn could go over the limit of ${limit:.2f} "
                    f"(${spent or 0.0:.2f} spent)."
                )
        return output, prompt_usd + output * price.output / 1e6

    def settle(self, grant: Grant, usage: Usage) -> None:
        """Replace what was set aside by what was really spent."""
        with self._settled:
            self._set_aside.remove(grant)
            self._spent += usage
            self._settled.notify_all()

    def remaining(self) -> str:
        """What is left, in one short line for the model; empty without any limit."""
        parts: list[str] = []
        spent = self._spent
        if self.limits.turns is not None:
            parts.append(f"{max(0, self.limits.turns - spent.turns)} turns")
        if self.limits.tokens is not None:
            parts.append(f"{max(0, self.limits.tokens - spent.tokens) // 1000}k tokens")
        if self.limits.usd is not None and spent.cost_usd is not None:
            parts.append(f"${max(0.0, self.limits.usd - spent.cost_usd):.2f}")
        left_s = self.seconds_left()
        if left_s is not None:
            parts.append(f"{max(0.0, left_s):.0f} s")
        return "left: " + ", ".join(parts) if parts else ""


@dataclass(slots=True)
class PromptBound:
    """An upper bound on a prompt's tokens, without asking anybody.

    A token is at least one byte, so bytes bound tokens, if loosely. Once a reply has told what the
    prompt before it measured, only what came since is bounded by its bytes.
    """

    framing: int = 4000
    """Tokens that the server itself adds for the tools, and around blocks."""
    _messages: int = 0
    _bytes: int = 0
    _tokens: int | None = None

    def of(self, sizes: list[int], fixed: int) -> int:
        """`sizes`: bytes of each message in order; `fixed`: of the system prompt and tools."""
        known = sum(sizes[: self._messages])
        if self._tokens is None or len(sizes) < self._messages or known > self._bytes:
            return fixed + sum(sizes) + self.framing
        return self._tokens + sum(sizes[self._messages :]) + 64

    def learn(self, sizes: list[int], usage: Usage) -> None:
        """Take the measure of a request that was answered, its reply included."""
        if usage.prompt_tokens:
            self._messages, self._bytes = len(sizes), sum(sizes)
            self._tokens = usage.tokens


def priced(prices: Prices, model: str, usage: Usage) -> Usage:
    return dataclasses.replace(usage, cost_usd=prices.cost_usd(model, usage))
