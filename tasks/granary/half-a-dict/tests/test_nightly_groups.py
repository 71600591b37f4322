import pytest

from granary import SortedDict


@pytest.fixture
def groups():
    return SortedDict({"old": 1, "new": 2, "mid": 3})


def test_pop(groups):
    assert groups.pop("old") == 1
    assert list(groups.items()) == [("mid", 3), ("new", 2)]
    assert groups.last() == ("new", 2)
    groups["old"] = 5
    assert list(groups) == ["mid", "new", "old"]


def test_pop_what_is_not_there(groups):
    assert groups.pop("none", None) is None
    assert groups.pop("none", 7) == 7
    with pytest.raises(KeyError):
        groups.pop("none")
    assert list(groups) == ["mid", "new", "old"]


def test_setdefault():
    groups = SortedDict()
    for name in ["b", "a", "b", "c"]:
        groups.setdefault(name, []).append(name)
    assert list(groups.items()) == [("a", ["a"]), ("b", ["b", "b"]), ("c", ["c"])]
    assert groups.setdefault("d") is None
    assert groups.first() == ("a", ["a"])
    assert len(groups) == len(list(groups)) == 4


def test_in_place_union(groups):
    groups |= {"x": 4, "mid": 5}
    assert list(groups.items()) == [("mid", 5), ("new", 2), ("old", 1), ("x", 4)]
    assert isinstance(groups, SortedDict)
    del groups["x"]
    assert list(groups) == ["mid", "new", "old"]
