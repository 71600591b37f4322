import random

from granary import IntervalMap


def test_closed_gap():
    bookings = IntervalMap()
    bookings.set(0, 10, "busy")
    bookings.set(20, 30, "busy")
    bookings.set(10, 20, "busy")
    assert list(bookings.items()) == [(0, 30, "busy")]
    assert len(bookings) == 1


def test_same_value_within_an_interval():
    bookings = IntervalMap()
    bookings.set(0, 30, "x")
    bookings.set(10, 20, "x")
    assert list(bookings.items()) == [(0, 30, "x")]


def test_gap_between_different_values():
    bookings = IntervalMap()
    bookings.set(0, 10, "a")
    bookings.set(20, 30, "b")
    bookings.set(10, 20, "b")
    assert list(bookings.items()) == [(0, 10, "a"), (10, 30, "b")]
    bookings.set(10, 12, "a")
    assert list(bookings.items()) == [(0, 12, "a"), (12, 30, "b")]


def test_never_two_equal_neighbours():
    dice = random.Random(2)
    bookings, plain = IntervalMap(), {}
    for _ in range(400):
        start = dice.randrange(60)
        end = start + dice.randrange(1, 12)
        value = dice.randrange(2)
        bookings.set(start, end, value)
        plain.update(dict.fromkeys(range(start, end), value))
        items = list(bookings.items())
        for (_, finish, before), (begin, _, after) in zip(items, items[1:]):
            assert finish < begin or (finish == begin and before != after)
    assert {point: bookings[point] for point in range(80) if point in bookings} == plain
