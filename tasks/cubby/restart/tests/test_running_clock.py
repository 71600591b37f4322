import pytest

from cubby import Cache, ManualClock, load, save


@pytest.fixture
def path(tmp_path):
    cache = Cache(clock=ManualClock(70.0))
    cache.put("long", 1, ttl=300)
    cache.put("short", 2, ttl=10)
    cache.put("ever", 3)
    cache.clock.advance(4)
    save(cache, str(tmp_path / "c.jsonl"))
    return str(tmp_path / "c.jsonl")


def test_lifetime_left_on_a_running_clock(path):
    clock = ManualClock(86400.0)
    cache = Cache(clock=clock)
    assert load(cache, path) == 3
    assert len(cache) == 3
    assert cache.remaining("long") == 296
    assert cache.remaining("short") == 6
    assert cache.remaining("ever") is None
    clock.advance(6)
    assert sorted(cache.keys()) == ["ever", "long"]


def test_age_on_a_running_clock(path):
    cache = Cache(clock=ManualClock(86400.0))
    load(cache, path)
    assert cache.age("ever") == 4
    cache.clock.advance(5)
    assert cache.age("ever") == 9


def test_real_clock(tmp_path):
    cache = Cache()
    cache.put("a", 1, ttl=3600)
    save(cache, str(tmp_path / "c"))
    other = Cache()
    load(other, str(tmp_path / "c"))
    other.put("b", 2)
    assert sorted(other.keys()) == ["a", "b"]
    assert 3000 < other.remaining("a") <= 3600
    assert 0 <= other.age("a") < 600


def test_clock_that_has_just_begun(path):
    cache = Cache(clock=ManualClock())
    load(cache, path)
    assert cache.remaining("long") == 296
