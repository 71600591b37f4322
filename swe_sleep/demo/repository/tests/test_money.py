from __future__ import annotations

import pytest

from shelflife import money


@pytest.mark.parametrize(("text", "pence"), [("1.35", 135), (" 0.05 ", 5), ("85p", 85)])
def test_a_price_is_read_as_people_write_it(text: str, pence: int) -> None:
    assert money.parse(text) == pence


@pytest.mark.parametrize("text", ["", "1.5", "free"])
def test_what_is_not_a_price_is_refused(text: str) -> None:
    with pytest.raises(money.BadPrice, match="not a price"):
        money.parse(text)


@pytest.mark.parametrize(("pence", "text"), [(135, "1.35"), (0, "0.00"), (-5, "-0.05")])
def test_an_amount_is_shown_with_two_digits(pence: int, text: str) -> None:
    assert money.show(pence) == text


def test_half_a_penny_rounds_up() -> None:
    assert money.percent_of(135, 50) == 68
    assert money.percent_of(135, 25) == 34
    assert money.percent_of(130, 25) == 33


def test_vat_is_taken_out_of_the_price() -> None:
    assert money.contained_vat(240, 20) == 40
    assert money.contained_vat(100, 20) == 17
    assert money.contained_vat(100, 0) == 0


def test_splitting_loses_no_penny() -> None:
    assert money.split(100, 3) == [34, 33, 33]
    assert money.split(240, 2) == [120, 120]


def test_splitting_into_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="0 parts"):
        money.split(100, 0)
