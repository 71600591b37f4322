"""Whole days in the shop, from the delivery to the list for the wholesaler."""

from __future__ import annotations

from datetime import date

from shelflife import Basket, Catalogue, Offer, Stock, checkout, read_delivery, refund
from shelflife.reports import reorder, waste

NOTE = """\
# Monday
BREAD,6,2026-03-02
MILK,6,2026-03-02
YOG,12,2026-03-02
# Wednesday
BREAD,4,2026-03-04
MILK,6,2026-03-04
"""


def test_a_week(catalogue: Catalogue, offers: dict[str, Offer]) -> None:
    stock = Stock(read_delivery(NOTE, catalogue))

    wednesday = date(2026, 3, 4)
    receipt = checkout(Basket({"BREAD": 2, "MILK": 1, "YOG": 3}), stock, offers, wednesday)
    assert receipt.total == 2 * 135 + 135 + 240

    friday = date(2026, 3, 6)
    assert waste(stock.discard_expired(friday)) == {"BREAD": 4 * 180}
    assert stock.on_hand("BREAD", friday) == 4
    assert reorder(stock, catalogue, friday) == {
        "BREAD": 2,
        "CREAM": 4,
        "MILK": 12,
        "SOAP": 5,
        "YOG": 4,
    }


def test_bread_is_sold_at_half_price_on_its_last_evening(stock: Stock) -> None:
    thursday = date(2026, 3, 5)
    receipt = checkout(Basket({"BREAD": 8}), stock, {}, thursday)
    assert receipt.total == 8 * 90
    assert stock.discard_expired(date(2026, 3, 6)) == []


def test_a_customer_brings_something_back(stock: Stock, offers: dict[str, Offer]) -> None:
    sunday = date(2026, 3, 8)
    receipt = checkout(Basket({"MILK": 2, "YOG": 4}), stock, offers, sunday)
    assert receipt.total == 2 * (135 - 34) + 3 * 120
    assert refund(receipt, "MILK", 1) == 101
    assert refund(receipt, "YOG", 4) == 360
