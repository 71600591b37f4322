from cubby import Cache, Shelf, SlidingCache


def test_options_stay_with_their_cache():
    shelf = Shelf({"caches": {"sessions": {"maxsize": 10, "ttl": "30m"}, "pages": {}}})
    assert (shelf["pages"].maxsize, shelf["pages"].ttl) == (128, None)
    assert (shelf["sessions"].maxsize, shelf["sessions"].ttl) == (10, 1800)


def test_order_makes_no_difference():
    options = {"a": {"ttl": 5}, "b": {"sliding": True}, "c": {"maxsize": 3}, "d": {}}
    for names in ("abcd", "dcba", "bdac"):
        shelf = Shelf({"caches": {name: options[name] for name in names}})
        assert [shelf[name].ttl for name in "abcd"] == [5, None, None, None]
        assert [shelf[name].maxsize for name in "abcd"] == [128, 128, 3, 128]
        assert [type(shelf[name]) for name in "abcd"] == [Cache, SlidingCache, Cache, Cache]


def test_defaults_come_back():
    config = {"defaults": {"maxsize": 7}, "caches": {"a": {"maxsize": 9}, "b": {"ttl": 1}}}
    shelf = Shelf(config)
    assert (shelf["a"].maxsize, shelf["b"].maxsize) == (9, 7)
    assert config == {"defaults": {"maxsize": 7}, "caches": {"a": {"maxsize": 9}, "b": {"ttl": 1}}}


def test_two_shelves():
    Shelf({"caches": {"a": {"maxsize": 9}}})
    assert Shelf({"caches": {"a": {}}})["a"].maxsize == 128
