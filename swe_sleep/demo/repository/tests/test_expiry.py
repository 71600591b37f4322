from __future__ import annotations

from datetime import date, timedelta

import pytest

from shelflife import Batch, Catalogue, days_left, status, use_by
from shelflife.expiry import sellable


def test_the_use_by_date_counts_from_delivery(milk: Batch) -> None:
    assert use_by(milk) == date(2026, 3, 9)


def test_opened_milk_keeps_three_days(milk: Batch) -> None:
    milk.opened = date(2026, 3, 3)
    assert use_by(milk) == date(2026, 3, 6)


def test_opening_late_does_not_make_it_keep_longer(milk: Batch) -> None:
    milk.opened = date(2026, 3, 8)
    assert use_by(milk) == date(2026, 3, 9)


def test_opening_soap_makes_no_difference(catalogue: Catalogue, monday: date) -> None:
    soap = Batch(catalogue["SOAP"], 1, monday)
    sealed = use_by(soap)
    soap.opened = monday
    assert use_by(soap) == sealed


@pytest.mark.parametrize(("day", "left"), [(2, 7), (9, 0), (11, -2)])
def test_days_left(milk: Batch, day: int, left: int) -> None:
    assert days_left(milk, date(2026, 3, day)) == left


def test_milk_is_fresh_on_delivery(milk: Batch, monday: date) -> None:
    assert status(milk, monday) == "fresh"


def test_three_days_before_its_date_milk_is_fresh(milk: Batch) -> None:
    assert status(milk, date(2026, 3, 6)) == "fresh"


@pytest.mark.parametrize("day", [7, 8])
def test_the_days_before_its_date_milk_should_sell_soon(milk: Batch, day: int) -> None:
    assert status(milk, date(2026, 3, day)) == "sell soon"


def test_on_its_use_by_date_milk_has_its_last_day(milk: Batch) -> None:
    assert status(milk, date(2026, 3, 9)) == "last day"


def test_after_its_date_milk_is_expired(milk: Batch) -> None:
    assert status(milk, use_by(milk) + timedelta(days=1)) == "expired"
    assert status(milk, use_by(milk) + timedelta(days=30)) == "expired"


def test_milk_is_sold_until_the_end_of_its_use_by_date(milk: Batch) -> None:
    assert sellable(milk, date(2026, 3, 9))
    assert not sellable(milk, date(2026, 3, 10))
