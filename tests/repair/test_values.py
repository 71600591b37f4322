"""What the values of a run say of candidates, without a run of their own."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.repair.inside.values import Probe, Watch, probe_of, same

BEFORE = """\
def price(items, rate=None):
    total = 0
    for item in items:
        total += item.cost
    if total > 100:
        return total - 5
    return float(total)
"""


def trees(old: str, new: str) -> tuple[ast.AST, ast.AST]:
    assert BEFORE.count(old) == 1
    return ast.parse(BEFORE).body[0], ast.parse(BEFORE.replace(old, new)).body[0]


class Item:
    def __init__(self, cost: int) -> None:
        self.cost = cost


def watched(probe: Probe, run: Callable[[dict[str, Any]], object]) -> Probe:
    """The probe after a run of the function as it stands in BEFORE."""
    names: dict[str, Any] = {}
    exec(compile(BEFORE, "shop.py", "exec"), names)
    before = sys.gettrace()
    Watch({os.path.realpath("shop.py"): [probe]}).start()
    try:
        run(names)
    finally:
        sys.settrace(before)
    return probe


ITEMS = [Item(7), Item(0)]

CASES = [
    # what never changes the value is ruled out
    ("total > 100", "total >= 100", True),
    ("total > 100", "total > 100 and items", True),
    ("return float(total)", "return float(abs(total))", True),
    ("total += item.cost", "total += int(item.cost)", True),
    # what changes it once is not
    ("total > 100", "total < 100", False),
    ("total += item.cost", "total += item.cost + 1", False),
    ("in items", "in list(items)", False),
    # guards: by whether they act
    ("    if total", "    if rate is not None:\n        return 0\n    if total", True),
    ("    if total", "    if rate is None:\n        return 0\n    if total", False),
    ("        total += item.cost", "        if item:\n            total += item.cost", True),
    ("        total += item.cost", "        if item.cost:\n            total += item.cost", False),
    # what can not work
    ("item.cost", "item.price", True),
    ("total > 100", "totals > 100", True),
]


@pytest.mark.parametrize(("old", "new", "ruled_out"), CASES)
def test_values_rule_out_what_changes_nothing(old: str, new: str, ruled_out: bool) -> None:
    probe = probe_of(*trees(old, new))
    assert probe is not None
    watched(probe, lambda names: names["price"](ITEMS))
    assert probe.hits > 0
    assert probe.ruled_out is ruled_out


def test_a_line_that_was_not_reached_rules_nothing_out() -> None:
    probe = probe_of(*trees("return total - 5", "return total - 6"))
    assert probe is not None
    watched(probe, lambda names: names["price"](ITEMS))
    assert (probe.hits, probe.ruled_out) == (0, False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("float(total)", "float(items.read())"),  # who knows what it does
        ("total = 0", "totals = 0"),
        ("float(total)", "(total := 3)"),
        ("total = 0", "pass"),
        ("items, rate", "rate, items"),
    ],
)
def test_what_is_not_safe_to_evaluate_is_left_to_a_run(old: str, new: str) -> None:
    assert probe_of(*trees(old, new)) is None


def test_equal_values_are_the_same_only_if_nothing_can_tell_them_apart() -> None:
    numbers = [1]
    assert same(numbers, numbers)
    assert not same(numbers, [1])
    assert same((1, "a"), (1, "a"))
    assert not same(1, True)
    assert not same(1, 1.0)
    assert not same((numbers,), ([1],))
