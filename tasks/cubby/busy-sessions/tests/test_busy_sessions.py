import pytest

from cubby import ManualClock, SlidingCache


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def sessions(clock):
    sessions = SlidingCache(ttl=1800, clock=clock)
    sessions.put("token", "Ola")
    return sessions


def test_get_or_compute_keeps_alive(sessions, clock):
    loaded = []
    for _ in range(4):
        clock.advance(1000)
        assert sessions.get_or_compute("token", lambda: loaded.append(1)) == "Ola"
    assert loaded == []
    assert sessions.remaining("token") == 1800


def test_brackets_keep_alive(sessions, clock):
    for _ in range(3):
        clock.advance(1799)
        assert sessions["token"] == "Ola"


def test_mixed_reads(sessions, clock):
    clock.advance(1500)
    sessions.get_or_compute("token", str)
    clock.advance(1500)
    assert sessions.get("token") == "Ola"
    clock.advance(1500)
    assert sessions["token"] == "Ola"
    assert sessions.stats.hits == 3
    assert sessions.stats.misses == 0


def test_unused_ones_end_and_are_loaded_again(sessions, clock):
    clock.advance(1800)
    assert sessions.get_or_compute("token", lambda: "Ewa") == "Ewa"
    clock.advance(1799)
    assert sessions.peek("token") == "Ewa"
    clock.advance(1)
    with pytest.raises(KeyError):
        sessions["token"]
