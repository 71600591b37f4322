from cubby import Cache, LayeredCache, ManualClock, memoize


def test_memoized_none():
    asked = []

    @memoize
    def find(login):
        asked.append(login)

    assert find("nobody") is None
    assert find("nobody") is None
    assert asked == ["nobody"]
    assert find.forget("nobody") is True
    assert find("nobody") is None
    assert asked == ["nobody"] * 2


def test_memoized_none_expires():
    asked = []
    clock = ManualClock()

    @memoize(Cache(clock=clock), ttl=600)
    def find(login):
        asked.append(login)

    find("nobody")
    clock.advance(599)
    find("nobody")
    assert len(asked) == 1
    clock.advance(1)
    find("nobody")
    assert len(asked) == 2


def layered(clock):
    return LayeredCache(Cache(clock=clock), Cache(clock=clock), front_ttl=5)


def test_layered_none():
    cache = layered(ManualClock())
    cache.put("nobody", None)
    assert cache.get("nobody", "unknown") is None


def test_layered_none_at_the_back():
    clock = ManualClock()
    cache = layered(clock)
    cache.put("nobody", None)
    clock.advance(5)
    assert cache.get("nobody", "unknown") is None
    assert "nobody" in cache.front


def test_what_is_not_there_is_still_missing():
    cache = layered(ManualClock())
    assert cache.get("nobody", "unknown") == "unknown"
    assert "nobody" not in cache
