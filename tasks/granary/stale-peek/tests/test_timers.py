import random

import pytest

from granary import EmptyError, PriorityQueue


def test_put_off():
    timers = PriorityQueue([("a", 1), ("b", 5)])
    timers.push("a", 9)
    assert timers.peek() == ("b", 5)
    timers.push("b", 12)
    assert timers.peek() == ("a", 9)
    assert timers.pop() == ("a", 9)


def test_cancelled():
    timers = PriorityQueue([("a", 1), ("b", 5), ("c", 7)])
    timers.remove("a")
    timers.remove("b")
    assert timers.peek() == ("c", 7)
    timers.push("a", 8)
    assert timers.peek() == ("c", 7)
    assert len(timers) == 2


def test_all_cancelled():
    timers = PriorityQueue([("a", 1)])
    timers.remove("a")
    with pytest.raises(EmptyError):
        timers.peek()


def test_what_is_seen_is_what_is_taken():
    dice = random.Random(1)
    timers = PriorityQueue()
    for _ in range(600):
        name = dice.randrange(12)
        if dice.random() < 0.6:
            timers.push(name, dice.randrange(50))
        elif name in timers:
            timers.remove(name)
        if timers and dice.random() < 0.4:
            seen = timers.peek()
            assert timers.peek() == seen
            assert seen[1] == min(timers.priority(n) for n in range(12) if n in timers)
            assert timers.pop() == seen
