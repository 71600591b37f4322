from cubby import Cache, Shelf
from cubby.report import row_of


def used(cache, hits, misses):
    cache.put("there", 1)
    for _ in range(hits):
        cache.get("there")
    for _ in range(misses):
        cache.get("not there")
    return cache


def test_table_shows_percent():
    assert row_of("users", used(Cache(), 9, 1))[-1] == "90.0%"
    assert row_of("users", used(Cache(), 1, 7))[-1] == "12.5%"


def test_perfect_cache():
    assert row_of("users", used(Cache(), 3, 0))[-1] == "100.0%"


def test_good_caches_are_not_poor():
    shelf = Shelf({"caches": {"good": {}, "perfect": {}, "bad": {}}})
    used(shelf["good"], 9, 1)
    used(shelf["perfect"], 5, 0)
    used(shelf["bad"], 1, 9)
    assert shelf.poor(20) == ["bad"]
    assert shelf.poor(95) == ["bad", "good"]


def test_threshold():
    shelf = Shelf({"caches": {"a": {}}})
    used(shelf["a"], 1, 3)
    assert shelf.poor(25) == []
    assert shelf.poor(26) == ["a"]


def test_fraction_for_the_monitoring():
    assert used(Cache(), 9, 1).stats.hit_rate == 0.9
