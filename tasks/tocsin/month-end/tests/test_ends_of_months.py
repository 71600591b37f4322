from datetime import date, datetime, time, timedelta

from tocsin.triggers import Monthly

AT = time(6, 30)


def days(trigger, start, count):
    found = []
    for _ in range(count):
        start = trigger.next_after(start)
        assert start.time() == AT
        found.append((start.month, start.day))
    return found


def test_after_a_short_month():
    trigger = Monthly(31, AT)
    assert trigger.next_after(datetime(2024, 2, 29, 6, 30)) == datetime(2024, 3, 31, 6, 30)
    assert trigger.next_after(datetime(2024, 4, 30, 12, 0)) == datetime(2024, 5, 31, 6, 30)
    assert Monthly(30, AT).next_after(datetime(2023, 2, 28, 9)) == datetime(2023, 3, 30, 6, 30)


def test_a_whole_year():
    found = days(Monthly(31, AT), datetime(2024, 1, 1), 12)
    assert [day for _, day in found] == [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert [month for month, _ in found] == list(range(1, 13))


def test_every_so_many_months():
    trigger = Monthly(31, AT, every=3, since=date(2023, 11, 1))
    assert days(trigger, datetime(2024, 1, 1), 4) == [(2, 29), (5, 31), (8, 31), (11, 30)]
    assert trigger.next_after(datetime(2025, 4, 1)) == datetime(2025, 5, 31, 6, 30)


def test_days_that_every_month_has():
    trigger = Monthly(28, AT)
    start = datetime(2024, 2, 28, 6, 30)
    assert trigger.next_after(start) == datetime(2024, 3, 28, 6, 30)
    assert trigger.next_after(start - timedelta(minutes=1)) == start
