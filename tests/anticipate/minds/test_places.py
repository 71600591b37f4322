"""What a model says of a file is checked against the file."""

from __future__ import annotations

import pytest

from swe_sleep.anticipate.places import Texts
from swe_sleep.records import Place

SHOP = "def total(prices):\n    return sum(prices) + 1\n\n\ndef vat(cents):\n    return cents\n"
TEXTS = Texts({"shop.py": SHOP})


@pytest.mark.parametrize(
    ("line", "quote", "found"),
    [
        (2, "sum(prices) + 1", 2),
        (2, "return  sum( prices )", 2),  # white space is nothing
        (1, "sum(prices)", 2),  # off by one
        (6, "def total", 1),  # miscounted, but it stands there once
        (5, "return", 6),  # the nearest
    ],
)
def test_a_quote_that_is_there(line: int, quote: str, found: int) -> None:
    assert TEXTS.place("shop.py", line, quote) == (Place("shop.py", found), "")


@pytest.mark.parametrize(
    ("path", "line", "quote", "why"),
    [
        ("shop.py", 2, "os.system", "'os.system' does not stand at shop.py:2"),
        ("shop.py", 9, "return", "has no line 9"),
        ("shop.py", 0, "return", "has no line 0"),
        ("shop.py", -1, "return", "has no line -1"),
        ("shop.py", 2, "  ", "nothing is quoted"),
        ("../shop.py", 2, "return", "is none of the files"),
        ("x" * 5000, 2, "return", "..."),
    ],
)
def test_one_that_is_not(path: str, line: int, quote: str, why: str) -> None:
    place, said = TEXTS.place(path, line, quote)
    assert place is None
    assert why in said
    assert len(said) < 300


def test_names_that_stand_nowhere() -> None:
    text = (
        "`total` and `vat()` and `Shop.total(prices)`, not `evil` nor `os.system()`; `+ 1` is none."
    )
    assert TEXTS.unknown(text) == ["evil", "os.system()"]
