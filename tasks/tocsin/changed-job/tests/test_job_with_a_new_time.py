from datetime import datetime, timedelta

import pytest

from tocsin import Job, Scheduler
from tocsin.queue import ReadyQueue
from tocsin.triggers import Every, Once

NOON = datetime(2024, 3, 1, 12, 0)
HOUR = timedelta(hours=1)


@pytest.fixture
def scheduler():
    return Scheduler(clock=lambda: NOON)


def report(ran, hours):
    return Job("report", lambda: ran.append(hours), Once(NOON + hours * HOUR))


def test_only_the_new_time_counts(scheduler):
    ran = []
    scheduler.add(report(ran, 2), NOON)
    scheduler.remove("report")
    scheduler.add(report(ran, 5), NOON)
    assert scheduler.next_due() == NOON + 5 * HOUR
    assert scheduler.run_due(NOON + 2 * HOUR) == []
    scheduler.run_due(NOON + 5 * HOUR)
    assert ran == [5]
    assert scheduler.next_due() is None


def test_same_time_again(scheduler):
    ran = []
    for _ in range(2):
        scheduler.add(report(ran, 2), NOON)
        scheduler.remove("report")
    scheduler.add(report(ran, 2), NOON)
    assert len(scheduler.run_due(NOON + 2 * HOUR)) == 1
    assert ran == [2]


def test_changed_several_times(scheduler):
    ran = []
    for minutes in (10, 20, 30):
        if "report" in scheduler:
            scheduler.remove("report")
        every = Every(timedelta(minutes=minutes), NOON)
        scheduler.add(Job("report", lambda m=minutes: ran.append(m), every), NOON)
    for minutes in range(1, 61):
        scheduler.run_due(NOON + timedelta(minutes=minutes))
    assert ran == [30, 30]


def test_entry_from_before_is_gone():
    queue = ReadyQueue()
    queue.push("a", NOON)
    queue.push("b", NOON)
    queue.discard("a")
    queue.push("a", NOON + HOUR)
    assert len(queue) == 2
    assert queue.pop_due(NOON) == ["b"]
    assert "a" in queue
    assert queue.next_due() == NOON + HOUR
    assert queue.pop_due(NOON + HOUR) == ["a"]


def test_several_entries_of_one_job():
    queue = ReadyQueue()
    queue.push("a", NOON)
    queue.push("a", NOON + HOUR)
    assert queue.pop_due(NOON + HOUR) == ["a", "a"]
    queue.push("a", NOON)
    queue.push("a", NOON + HOUR)
    queue.discard("a")
    assert queue.next_due() is None
    assert queue.pop_due(NOON + HOUR) == []
