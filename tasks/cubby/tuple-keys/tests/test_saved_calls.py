from cubby import Cache, ManualClock, load, memoize, save


def reloaded(cache, path):
    save(cache, str(path))
    other = Cache(clock=ManualClock())
    load(other, str(path))
    return other


def test_memoized_results_survive(tmp_path):
    asked = []

    def rate(currency, day, exact=False):
        asked.append(currency)
        return 4.3

    first = memoize(Cache(clock=ManualClock()))(rate)
    first("EUR", "2023-12-01")
    first("USD", day="2023-12-01", exact=True)
    second = memoize(reloaded(first.cache, tmp_path / "rates.jsonl"))(rate)
    assert second("EUR", "2023-12-01") == 4.3
    assert second("USD", exact=True, day="2023-12-01") == 4.3
    assert asked == ["EUR", "USD"]


def test_keys_of_tuples_survive(tmp_path):
    cache = Cache(clock=ManualClock())
    cache.put(("EUR", 2023), 4.3)
    cache.put(("EUR",), 4.4)
    other = reloaded(cache, tmp_path / "c")
    assert other.keys() == [("EUR", 2023), ("EUR",)]
    assert other.get(("EUR", 2023)) == 4.3


def test_nested_keys_survive(tmp_path):
    cache = Cache(clock=ManualClock())
    cache.put(("a", (1, ("b", None)), ()), 1)
    assert reloaded(cache, tmp_path / "c").keys() == [("a", (1, ("b", None)), ())]


def test_values_stay_lists(tmp_path):
    cache = Cache(clock=ManualClock())
    cache.put("a", [1, [2, 3]])
    assert reloaded(cache, tmp_path / "c").get("a") == [1, [2, 3]]
