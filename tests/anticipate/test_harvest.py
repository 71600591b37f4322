"""Calls seen in test runs come back as source that makes them again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.anticipate.harvest import Call, harvest
from swe_sleep.testing.tests import Tests

Harvested = Callable[..., dict[str, list[Call]]]

SHOP = """
import dataclasses, enum, itertools

numbers = itertools.count()


class Size(enum.Enum):
    SMALL = 1


@dataclasses.dataclass
class Item:
    name: str
    size: Size = Size.SMALL


class Basket:
    def __init__(self, owner, *, limit=3):
        self.owner, self.limit, self.items = owner, limit, []
        self.number = next(numbers)  # many classes count their instances

    def add(self, item, count=1):
        self.items.extend([item] * count)
        if len(self.items) > self.limit:
            raise OverflowError("too many")
        return len(self.items)

    @property
    def free(self):
        return self.limit - len(self.items)

    @classmethod
    def of(cls, text):
        return cls(text.strip())


def total(prices, discount=0, *more, **others):
    return sum(prices) - discount


def outer(text):
    return total([len(text)])
"""
TESTS = """
import pytest
from shop import Basket, Item, Size, outer, total


def test_add():
    basket = Basket("Ann", limit=1)
    assert basket.free == 1
    assert basket.add(Item("pen")) == 1
    with pytest.raises(OverflowError):
        Basket("Bob").add(Item("ink", Size.SMALL), 4)


def test_total():
    assert total([1, 2.5], discount=1) == 2.5
    assert total((1,), 0, 7, extra={"a": None}) == 1
    assert total(iter([1, 2])) == 3
    assert total(x for x in [1]) == 1


def test_outer():
    assert outer("abc") == 3
    assert Basket.of(" Ann ").owner == "Ann"
"""


@pytest.fixture
def harvested(open_tests: Callable[..., Tests]) -> Harvested:
    tests = open_tests({"shop.py": SHOP, "test_shop.py": TESTS})

    def run(*names: str, **options: Any) -> dict[str, list[Call]]:
        found = harvest(tests, {"shop.py": names}, ["test_shop.py"], timeout_s=60, **options)
        return {qualname: calls for (_, qualname), calls in found.items()}

    return run


def test_calls_are_written_as_source_that_makes_them_again(harvested: Harvested) -> None:
    found = harvested("Basket.add", "Basket.free", "Basket.of", "Basket.__init__", "total")
    assert [(c.expression, c.result, c.raised) for c in found["Basket.add"]] == [
        ("Basket('Ann', limit=1).add(Item(name='pen', size=Size.SMALL))", "1", ""),
        ("Basket('Bob').add(Item(name='ink', size=Size.SMALL), 4)", "", "OverflowError"),
    ]
    assert found["Basket.add"][0].imports == (
        "from shop import Basket",
        "from shop import Item",
        "from shop import Size",
    )
    assert [c.expression for c in found["Basket.free"]] == ["Basket('Ann', limit=1).free"]
    assert [c.expression for c in found["Basket.of"]] == ["Basket.of(' Ann ')"]
    assert "Basket('Ann', limit=1)" in [c.expression for c in found["Basket.__init__"]]
    assert [c.expression for c in found["total"]] == [
        "total([1, 2.5], 1)",
        "total((1,), 0, 7, extra={'a': None})",
        "total(iter([1, 2]))",
        "total([3])",
    ]
    assert found["total"][0].test_id == "test_shop.py::test_total"


def test_what_the_tests_call_on_the_way_to_a_target_is_kept_where_asked_for(
    harvested: Harvested,
) -> None:
    assert set(harvested("total", entries=True)) == {"total", "outer"}
    assert set(harvested("total")) == {"total"}


def test_no_more_than_so_many_of_each_are_kept(harvested: Harvested) -> None:
    assert len(harvested("total", per_function=2)["total"]) == 2
