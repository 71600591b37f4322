from datetime import UTC, datetime, time, timedelta, timezone

from tocsin import Job, Scheduler
from tocsin.triggers import Once
from tocsin.windows import QuietHours


def night(hours):
    return QuietHours(time(22, 0), time(6, 0), timezone(timedelta(hours=hours)))


def utc(day, hour, minute=0):
    return datetime(2024, 3, day, hour, minute, tzinfo=UTC)


def test_east_of_greenwich():
    assert night(2).next_open(utc(1, 23)) == utc(2, 4)
    assert night(2).next_open(utc(1, 20)) == utc(2, 4)
    assert night(2).next_open(utc(2, 3, 59)) == utc(2, 4)
    assert night(10).next_open(utc(1, 13)) == utc(1, 20)


def test_west_of_greenwich():
    assert night(-5).next_open(utc(2, 3)) == utc(2, 11)
    assert night(-5).next_open(utc(2, 10)) == utc(2, 11)


def test_scheduler_wakes_up_in_time():
    ran = []
    scheduler = Scheduler(quiet=night(2), clock=lambda: utc(1, 12))
    scheduler.add(Job("job", lambda: ran.append(1), Once(utc(1, 23))), utc(1, 12))
    scheduler.run_due(utc(1, 23))
    assert ran == []
    assert scheduler.next_due() == utc(2, 4)
    scheduler.run_due(utc(2, 4))
    assert ran == [1]


def test_in_greenwich_and_without_a_zone():
    assert night(0).next_open(utc(1, 23)) == utc(2, 6)
    assert night(2).next_open(datetime(2024, 3, 1, 23)) == datetime(2024, 3, 2, 6)
    assert night(2).next_open(utc(1, 19, 59)) == utc(1, 19, 59)
