from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.evaluate.runs import sleeping
from swe_sleep.evaluate.runs.conditions import Conditions
from swe_sleep.evaluate.runs.sleeping import Nap, share, sleep
from swe_sleep.evaluate.tasks.task import Suite
from swe_sleep.sleep.engine import SleepReport


@pytest.mark.parametrize("most", [30.0, 300.0])
@pytest.mark.parametrize("overrun", [0.2, 1.0, 9.0])
def test_half_of_a_budget_is_for_the_commit_that_the_tasks_are_about(
    most: float, overrun: float
) -> None:
    """Also where each commit before it took several times what it was given."""
    spent = 0.0
    for follow in (4, 3, 2, 1):
        given = share(most, spent, follow)
        assert 0 <= given <= most / 2
        spent += given * overrun
    last = share(most, spent, 0)
    assert last >= most / 2
    assert last == max(most / 2, most - spent)
    assert share(most, 0.0, 0) == most


def test_an_environment_is_no_part_of_the_budget(
    make_suite: Callable[..., Suite], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a trial pay for its own. And it is said where the time was too short."""
    task = make_suite("basket").cases[0].task
    events: list[str] = []
    clock = [0.0]

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return clock[0]

    class Backend:
        def prepare(self, snapshot: Any, *, progress: Callable[[str], None]) -> None:
            events.append("prepare")
            clock[0] += 1000.0

    class Sleeps:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def __enter__(self) -> Sleeps:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def sleep(self, snapshot: Any, *, seconds: float) -> Any:
            events.append(f"{seconds:g}")
            clock[0] += seconds
            return SleepReport(units={"outline": 1}, left_by_pass={"tests": 1, "hunt": 2})

    monkeypatch.setattr(sleeping, "time", Clock)
    monkeypatch.setattr(sleeping, "backend_for", lambda *_, **__: Backend())
    monkeypatch.setattr(sleeping, "sleeper", Sleeps)
    nap = Nap(
        "key",
        task.repo,
        task.base_commit,
        task.sources,
        "seconds=40,follow=2",
        0,
        Conditions("search", {"sandbox.backend": "local"}),
    )
    woke = sleep(nap, lambda line: None)
    assert events == ["prepare", "10", "prepare", "10", "prepare", "20"]
    assert woke.slept.usage.wall_s == 40
    assert woke.slept.problems == ("the budget ended before all of tests was done",)
    assert sleeping.STORE in woke.files
