"""Test time: `T_b(q, c')`, one question answered with what is known of its text.

The budget `b` is a level of verbosity, which the prompt asks for, or an effort, which the API has.
In the paper's text the learned context stands in place of the context; its released code sends the
context as well (`with_context`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from swe_sleep.anticipate.asking import schema_of
from swe_sleep.config import Effort
from swe_sleep.errors import UsageError
from swe_sleep.evaluate.stateful.answers import Form, Written
from swe_sleep.evaluate.stateful.reading import shown
from swe_sleep.model.protocol import Request, user
from swe_sleep.prompts.render import prompt_hash, render

LEVELS = (0, 1, 2, 3, 4)
EFFORTS: tuple[Effort, ...] = get_args(Effort)
MOST_TOKENS = 8_000
"""Of a reply by level: far beyond what one needs."""
MOST_THOUGHT: Mapping[Effort, int] = {"low": 32_000, "medium": 32_000}
"""Of a reply by effort, thinking included."""
MOST_THOUGHT_ELSE = 64_000


@dataclass(frozen=True, slots=True)
class Budget:
    """At test time; one of the two is None."""

    level: int | None = None
    effort: Effort | None = None

    @property
    def name(self) -> str:
        return f"effort={self.effort}" if self.level is None else f"level={self.level}"

    @property
    def place(self) -> int:
        """From the least to the most."""
        if self.level is not None:
            return self.level
        return EFFORTS.index(self.effort) if self.effort in EFFORTS else 0

    @property
    def most_tokens(self) -> int:
        if self.effort is None:
            return MOST_TOKENS
        return MOST_THOUGHT.get(self.effort, MOST_THOUGHT_ELSE)


@dataclass(frozen=True, slots=True)
class Sleep:
    """The budget at sleep time: so many readings, each with an effort."""

    readings: int = 1
    effort: Effort | None = None

    @property
    def name(self) -> str:
        return f"readings={self.readings}" + (f",effort={self.effort}" if self.effort else "")


def levels(text: str) -> tuple[Budget, ...]:
    """ "0,1,4" as budgets. Raises UsageError."""
    return tuple(Budget(level=each) for each in numbers(text, LEVELS[0], LEVELS[-1], "--levels"))


def efforts(text: str, option: str) -> tuple[Effort, ...]:
    """ "low,high" as efforts, least first. Raises UsageError."""
    names = [part.strip() for part in text.split(",") if part.strip()]
    wrong = [name for name in names if name not in EFFORTS]
    if wrong or not names:
        raise UsageError(f"{option}: {text!r} is not of {', '.join(EFFORTS)}.")
    return tuple(each for each in EFFORTS if each in names)


def numbers(text: str, least: int, most: int, option: str) -> tuple[int, ...]:
    """ "1,2,5" as numbers, smallest first. Raises UsageError."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(re.fullmatch(r"\d{1,6}", part) for part in parts):
        raise UsageError(f"{option}: {text!r} is no list of numbers, such as 1,2,5.")
    found = sorted({int(part) for part in parts})
    if found[0] < least or found[-1] > most:
        raise UsageError(f"{option}: each must be from {least} to {most}.")
    return tuple(found)


def request(question: str, form: Form, text: str, memory: str, budget: Budget) -> Request:
    """What is sent. The text and its notes are a message of their own, the first, so that a cache
    holds them for all questions on them."""
    return Request(
        system(budget),
        (user(shown(text, memory)), user(_asked(question, form))),
        max_tokens=budget.most_tokens,
        effort=budget.effort,
        schema=schema_of(Written),
        purpose="texts answer",
    )


def system(budget: Budget) -> str:
    """The same in every arm."""
    how = "texts_free" if budget.level is None else f"texts_level_{budget.level}"
    return render("texts_answer_system", how=render(how))


def version(budget: Budget) -> str:
    """Changes with what is asked."""
    return prompt_hash(system(budget), _asked("x", "aime"), shown("x", "y"), str(budget))


def _asked(question: str, form: Form) -> str:
    return render("texts_question", question=question, whole=form == "aime")
