from __future__ import annotations

from datetime import date

import pytest

from shelflife import Batch, Catalogue, Stock
from shelflife.reports import expiring, reorder, shelf_list, shortfall, waste, waste_text


@pytest.mark.parametrize(
    ("target", "have", "case", "wanted"),
    [(12, 5, 1, 7), (12, 12, 1, 0), (5, 12, 1, 0), (20, 10, 6, 12)],
)
def test_shortfall_is_ordered_in_whole_cases(
    target: int, have: int, case: int, wanted: int
) -> None:
    assert shortfall(target, have, case) == wanted


def test_what_is_missing_is_reordered(stock: Stock, catalogue: Catalogue, monday: date) -> None:
    assert reorder(stock, catalogue, monday) == {"CREAM": 4, "MILK": 12, "SOAP": 2}


def test_expired_packs_are_reordered(stock: Stock, catalogue: Catalogue) -> None:
    assert reorder(stock, catalogue, date(2026, 3, 6))["BREAD"] == 6


def test_a_full_shelf_needs_no_order(catalogue: Catalogue, monday: date) -> None:
    full = Stock(Batch(product, product.target + 1, monday) for product in catalogue)
    assert reorder(full, catalogue, monday) == {}


def test_what_expires_within_the_week(stock: Stock, monday: date) -> None:
    assert [b.product.sku for b in expiring(stock, monday, 7)] == ["BREAD", "MILK"]
    assert [b.product.sku for b in expiring(stock, monday, 3)] == ["BREAD"]


def test_what_expired_is_not_expiring(stock: Stock) -> None:
    assert [b.product.sku for b in expiring(stock, date(2026, 3, 6), 7)] == ["MILK"]


def test_waste_is_added_up_by_product(catalogue: Catalogue, monday: date) -> None:
    bread, milk = catalogue["BREAD"], catalogue["MILK"]
    gone = [Batch(bread, 2, monday), Batch(milk, 1, monday), Batch(bread, 1, monday)]
    assert waste(gone) == {"BREAD": 540, "MILK": 135}


def test_the_dearest_waste_comes_first(catalogue: Catalogue, monday: date) -> None:
    gone = [Batch(catalogue["MILK"], 1, monday), Batch(catalogue["SOAP"], 1, monday)]
    assert waste_text(gone).split() == ["SOAP", "2.40", "MILK", "1.35", "TOTAL", "3.75"]


def test_the_shelf_list(stock: Stock) -> None:
    assert shelf_list(stock, date(2026, 3, 6)).splitlines() == [
        "   8 Brown bread             05.03.  expired",
        "  10 Milk, 1 litre           09.03.  fresh",
        "   3 Olive soap              31.01.  fresh",
        "  12 Plain yoghurt           23.03.  fresh",
    ]
