"""The repository's own tests with other values in them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from swe_sleep.anticipate.proving.judge import Circumstances
from swe_sleep.anticipate.proving.prover import Prover, Tried
from swe_sleep.anticipate.proving.rewriting import general
from swe_sleep.anticipate.proving.variants import Variant
from swe_sleep.records import WrittenTest
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.testing.tests import Tests

BOX = """
class Box:
    def __init__(self):
        self._kept = {}

    def put(self, key, value):
        self._kept[key] = value
        return self

    def get(self, key):
        if not isinstance(key, str):
            raise KeyError(key)
        found = self._kept.get(key.strip())
        if found is None:
            return 0
        return len(found)

    def copy(self):
        other = Box()
        other._kept = {key: value for key, value in self._kept.items()}
        return other
"""
TESTS = """
import unittest

import pytest

from box import Box

WORD = "abc"


@pytest.fixture
def box():
    return Box().put("a", WORD)


class TestBox:
    def test_get(self, box):
        assert box.get("a") == 3

    @pytest.mark.parametrize("value", ["x", "yz"])
    def test_copy(self, box, value):
        box.put("b", value)
        assert box.copy().get("b") == box.get("b")


class OldStyle(unittest.TestCase):
    def test_put(self):
        self.assertEqual(Box().put("k", "v").get("k"), 1)
"""

Try = Callable[..., Tried]


@pytest.fixture
def tried(open_both: Callable[..., tuple[Tests, Snapshot]]) -> Try:
    """What variants of one test show of a replaced piece of code."""

    def run(test: str, qualname: str, old: str, new: str, **around: bool) -> Tried:
        assert BOX.count(old) == 1
        tests, snapshot = open_both({"box.py": BOX.replace(old, new), "test_box.py": TESTS})
        prover = Prover(tests, snapshot, {"box.py": BOX.encode()}, Circumstances(**around))
        change = next(c for c in prover.changes if c.qualname == qualname)
        found = prover.prove(change, [f"test_box.py::{test}"], seconds=60)
        assert tests.sandbox.changes() == {}
        return found

    return run


NONE = ("        if found is None:\n            return 0\n", "")


def test_a_crash_that_another_value_brings_is_proven(tried: Try) -> None:
    found = tried("TestBox::test_get", "Box.get", *NONE)
    assert found.proven is not None
    assert found.proven.message.startswith("TypeError: object of type 'NoneType'")
    content = found.proven.test.content
    assert "def box():" in content and "OldStyle" not in content and "test_copy" not in content
    assert found.proven.test.tests == (
        f"{found.proven.test.path}::TestBox::test_get_with_another_value",
    )


def test_a_test_of_unittest_is_varied_too(tried: Try) -> None:
    found = tried("OldStyle::test_put", "Box.get", *NONE)
    assert found.proven is not None
    assert found.proven.message.startswith("TypeError")


COPY = ("in self._kept.items()}", "in self._kept.items() if value}")


def test_an_assertion_that_held_for_another_value_is_the_word_of_its_author(tried: Try) -> None:
    broken = ("other._kept = {key: value for", "other._kept = {key: value.strip() for")
    found = tried("TestBox::test_copy[yz]", "Box.copy", *broken)
    assert found.proven is not None
    assert found.proven.verdict.kind == "assertion"
    assert "value = '" in found.proven.test.content
    assert "parametrize" not in found.proven.test.content


def test_where_tests_were_changed_too_an_assertion_says_nothing(tried: Try) -> None:
    broken = ("other._kept = {key: value for", "other._kept = {key: value.strip() for")
    found = tried("TestBox::test_copy[yz]", "Box.copy", *broken, tests=True)
    assert found.differing > 0
    assert found.proven is None


def test_what_makes_no_difference_gives_nothing(tried: Try) -> None:
    found = tried("TestBox::test_copy[yz]", "Box.copy", *COPY)
    assert found.proven is None


SHOP = "def postage(total):\n    if total > 5000:\n        return 0\n    return 490\n"
CHARGED = (
    "from shop import postage\n\n\ndef test_charged():\n    assert postage(4999) == 490\n\n\n"
    "def test_free():\n    assert postage(5001) == 0\n"
)


def test_whoever_mends_a_bug_is_not_told_that_the_old_value_was_right(
    open_both: Callable[..., tuple[Tests, Snapshot]],
) -> None:
    mended = SHOP.replace("> 5000", ">= 5000")
    tests, snapshot = open_both({"shop.py": mended, "test_shop.py": CHARGED})
    prover = Prover(tests, snapshot, {"shop.py": SHOP.encode()}, Circumstances())
    (change,) = prover.changes

    found = prover.prove(
        change, ["test_shop.py::test_charged", "test_shop.py::test_free"], seconds=60
    )

    assert found.differing > 0
    assert found.proven is None


@pytest.mark.parametrize(
    ("asserted", "holds_for_any"),
    [
        ("assert loads(dumps(x)) == x", True),
        ("assert first(x) in every(x)", True),
        ("self.assertEqual(f(x), g(x))", True),
        ("assert f(x) == 3", False),
        ("assert f(x) == expected", False),
        ("assert f(x)", False),
        ("self.assertTrue(f(x))", False),
        ("assert 0 <= f(x)", False),
        ("f(x)", False),
    ],
)
def test_which_assertions_hold_for_any_value(asserted: str, holds_for_any: bool) -> None:
    test = WrittenTest("t.py", f"def test():\n    {asserted}\n", ("t.py::test",))
    variant = Variant("t.py::test", (), {"x": "1", "expected": "2"}, changed={"x": "1"})
    assert general(test, variant) is holds_for_any
