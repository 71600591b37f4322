from cubby import Cache, ManualClock
from cubby.policy import LFU


def test_oldest_of_unused_entries_leaves():
    cache = Cache(maxsize=3, policy="lfu", clock=ManualClock())
    for key in "abcde":
        cache.put(key, key.upper())
    assert cache.keys() == ["c", "d", "e"]


def test_order_of_last_use_counts():
    policy = LFU()
    for key in "abcd":
        policy.add(key)
    for key in "dbca":
        policy.touch(key)
    left = []
    while len(left) < 4:
        left.append(policy.victim())
        policy.remove(left[-1])
    assert left == ["d", "b", "c", "a"]


def test_fewest_uses_come_before_age():
    policy = LFU()
    for key in "abc":
        policy.add(key)
    for key in "aac":
        policy.touch(key)
    assert policy.victim() == "b"
