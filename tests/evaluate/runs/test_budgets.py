from __future__ import annotations

import pytest

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.runs.budgets import budget
from swe_sleep.evaluate.runs.conditions import Conditions


def test_one_budget_has_one_text() -> None:
    assert budget("test", " candidates=200 , seconds=30 ").text == "seconds=30,candidates=200"
    assert budget("test", "seconds=30.0,candidates=0200").text == "seconds=30,candidates=200"
    assert budget("test", "").text == budget("test", "default").text == "default"


@pytest.mark.parametrize(
    "text",
    ["candidates", "candidates=many", "seconds=-1", "seconds=nan", "apples=3", "turns=2,turns=3"],
)
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        budget("test", text)
    with pytest.raises(UsageError, match="one of low, medium"):
        budget("test", "effort=huge")


def test_a_budget_becomes_settings() -> None:
    settings = Conditions().settings(
        budget("test", "candidates=7,seconds=9,turns=3,effort=low").flags(),
        budget("sleep", "seconds=11,cpu=12,follow=2").flags(),
        day="2024-05-31",
    )
    assert settings.solve.search_candidates == 7
    assert settings.solve.search_s == settings.model.budget_s == 9
    assert (settings.model.max_turns, settings.model.effort) == (3, "low")
    assert (settings.sleep.budget_s, settings.sleep.budget_cpu_s) == (11, 12)
    assert settings.environment.until == "2024-05-31"
    assert not settings.sleep.ask_model
    assert budget("sleep", "follow=2").followed == 2
    assert Conditions("agent").settings().sleep.ask_model
