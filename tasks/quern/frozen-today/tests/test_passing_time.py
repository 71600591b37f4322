from datetime import date, datetime, timedelta

import pytest

from quern import Engine


class Clock:
    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock(datetime(2024, 5, 1, 9, 0))


@pytest.fixture
def engine(clock):
    return Engine(clock=clock)


def test_today_moves_on(engine, clock):
    rows = [{"id": 1, "due": date(2024, 5, 1)}, {"id": 2, "due": date(2024, 5, 2)}]
    query = "due < today()"
    assert engine.select(query, rows) == []
    clock.now += timedelta(days=1)
    assert engine.select(query, rows) == rows[:1]
    clock.now += timedelta(days=1)
    assert engine.select(query, rows) == rows


def test_now_and_ago_move_on(engine, clock):
    rows = [{"id": 1, "opened": datetime(2024, 5, 1, 8, 30)}]
    assert engine.count("opened > ago(1h)", rows) == 1
    assert engine.count("not opened < now()", rows) == 0
    clock.now += timedelta(hours=3)
    assert engine.count("opened > ago(1h)", rows) == 0
    clock.now -= timedelta(hours=5)
    assert engine.count("not opened < now()", rows) == 1


def test_clock_inside_other_functions(engine, clock):
    rows = [{"id": 1, "y": 2024}]
    assert engine.count("y = year(today())", rows) == 1
    clock.now += timedelta(days=400)
    assert engine.count("y = year(today())", rows) == 0


def test_clock_in_lists_and_ranges(engine, clock):
    rows = [{"id": 1, "due": date(2024, 5, 2)}]
    assert engine.count("due in (today(), 2024-12-31)", rows) == 0
    assert engine.count("due between today() and 2024-05-03", rows) == 1
    clock.now += timedelta(days=1)
    assert engine.count("due in (today(), 2024-12-31)", rows) == 1
    clock.now += timedelta(days=1)
    assert engine.count("due between today() and 2024-05-03", rows) == 0


def test_constant_functions_still_work(engine):
    rows = [{"id": 1, "a": "x"}]
    assert engine.select('a = lower("X")', rows) == rows
