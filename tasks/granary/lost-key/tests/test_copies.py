from granary import SortedDict, SortedList


def test_list():
    words = SortedList(["pear", "Fig", "apple"], key=str.lower)
    other = words.copy()
    other.add("Banana")
    assert list(other) == ["apple", "Banana", "Fig", "pear"]
    assert list(words) == ["apple", "Fig", "pear"]


def test_dict():
    ages = SortedDict({"bob": 1, "Cid": 2, "ann": 3}, key=str.lower)
    other = ages.copy()
    other["Abe"] = 4
    assert list(other.items()) == [("Abe", 4), ("ann", 3), ("bob", 1), ("Cid", 2)]
    assert list(ages) == ["ann", "bob", "Cid"]


def test_values_without_an_order_of_their_own():
    points = SortedList([2 + 1j, 1 + 5j], key=lambda point: point.real)
    assert list(points.copy()) == [1 + 5j, 2 + 1j]
    assert list(SortedDict({2j: "b", 1j: "a"}, key=abs).copy().values()) == ["a", "b"]


def test_without_a_key():
    assert list(SortedList("ba").copy()) == ["a", "b"]
    assert list(SortedDict({"b": 1, "a": 2}).copy()) == ["a", "b"]
