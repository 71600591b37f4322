from cubby import Cache, ManualClock


def weighed(maxweight=100):
    return Cache(maxsize=None, maxweight=maxweight, weigh=len, clock=ManualClock())


def test_full_cache_keeps_the_others():
    cache = Cache(maxsize=2, clock=ManualClock())
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("b", 3)
    assert sorted(cache.items()) == [("a", 1), ("b", 3)]
    cache.put("a", 4)
    assert sorted(cache.items()) == [("a", 4), ("b", 3)]
    assert cache.stats.evictions == 0


def test_weight_is_that_of_the_new_value():
    cache = weighed()
    for size in (30, 20, 90):
        cache.put("a", "x" * size)
        assert cache.weight == size
    assert cache.stats.evictions == 0


def test_weight_of_an_empty_cache():
    cache = weighed()
    for _ in range(3):
        cache.put("a", "x" * 20)
    cache.clear()
    assert cache.weight == 0


def test_heavier_value_makes_room():
    cache = weighed()
    cache.put("a", "x" * 40)
    cache.put("b", "x" * 30)
    cache.put("b", "x" * 60)
    assert sorted(cache.keys()) == ["a", "b"]
    cache.put("b", "x" * 61)
    assert cache.keys() == ["b"]
    assert cache.weight == 61


def test_listeners_hear_of_the_old_value():
    cache = Cache(maxsize=2, clock=ManualClock())
    heard = []
    cache.on_removal(lambda *what: heard.append(what))
    cache.put("a", 1)
    cache.put("a", 2)
    assert heard == [("a", 1, "replaced")]
