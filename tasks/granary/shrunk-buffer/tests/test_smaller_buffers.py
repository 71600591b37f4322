import pytest

from granary import RingBuffer


@pytest.mark.parametrize("capacity", [1, 2, 4])
def test_newest_items_stay(capacity):
    ring = RingBuffer(5, "abcdefg")
    ring.resize(capacity)
    assert ring == RingBuffer(capacity, "abcdefg")
    ring.append("x")
    assert ring == RingBuffer(capacity, "abcdefgx")


def test_not_full():
    ring = RingBuffer(9, "abcde")
    ring.resize(3)
    assert list(ring) == ["c", "d", "e"]
    assert ring.full


@pytest.mark.parametrize("capacity", [5, 8])
def test_room_for_all(capacity):
    ring = RingBuffer(5, "abcdefg")
    ring.resize(capacity)
    assert list(ring) == ["c", "d", "e", "f", "g"]
    assert ring.capacity == capacity
