import pytest

from cubby import Cache, ManualClock


@pytest.fixture
def cache():
    return Cache(maxsize=2, clock=ManualClock())


def test_put_without_the_tag(cache):
    cache.put("p", 1, tags=["old"])
    cache.put("p", 2)
    assert cache.tagged("old") == set()
    assert cache.invalidate("old") == 0
    assert cache.get("p") == 2


def test_put_with_another_tag(cache):
    cache.put("p", 1, tags=["old", "nl"])
    cache.put("p", 2, tags=["new", "nl"])
    assert cache.invalidate("old") == 0
    assert cache.tagged("nl") == cache.tagged("new") == {"p"}
    assert cache.get("p") == 2
    assert cache.invalidate("new") == 1
    assert cache.get("p") is None


def test_after_expiry(cache):
    cache.put("p", 1, ttl=5, tags=["old"])
    cache.clock.advance(5)
    assert cache.get("p") is None
    cache.put("p", 2)
    assert cache.invalidate("old") == 0
    assert cache.get("p") == 2


def test_after_eviction(cache):
    cache.put("p", 1, tags=["old"])
    cache.put("q", 1)
    cache.put("r", 1)
    assert "p" not in cache
    cache.put("p", 2, tags=["new"])
    assert cache.invalidate("old") == 0
    assert cache.get("p") == 2


def test_same_tag_again(cache):
    cache.put("p", 1, tags=["old"])
    cache.put("p", 2, tags=["old"])
    assert cache.invalidate("old") == 1
    assert cache.get("p") is None
