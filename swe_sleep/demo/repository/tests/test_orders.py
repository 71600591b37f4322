from __future__ import annotations

from datetime import date

import pytest

from shelflife import Basket, Offer, OutOfStock, Stock, UnknownProduct, checkout, refund


def test_a_basket_adds_up_what_is_put_in_twice() -> None:
    basket = Basket({"MILK": 1})
    basket.add("MILK", 2)
    assert basket.counts == {"MILK": 3}


def test_the_last_pack_removed_removes_the_product() -> None:
    basket = Basket({"MILK": 2, "YOG": 1})
    basket.remove("MILK")
    basket.remove("YOG")
    assert basket.counts == {"MILK": 1}


def test_more_cannot_be_removed_than_is_in_the_basket() -> None:
    with pytest.raises(ValueError, match="fewer than 3 of MILK"):
        Basket({"MILK": 2}).remove("MILK", 3)


def test_an_empty_basket_is_not_sold(stock: Stock, monday: date) -> None:
    with pytest.raises(ValueError, match="empty"):
        checkout(Basket(), stock, {}, monday)


def test_what_is_sold_leaves_the_shelf(stock: Stock, monday: date) -> None:
    checkout(Basket({"MILK": 4}), stock, {}, monday)
    assert stock.on_hand("MILK", monday) == 6


def test_a_basket_is_sold_whole_or_not_at_all(stock: Stock, monday: date) -> None:
    with pytest.raises(OutOfStock):
        checkout(Basket({"MILK": 4, "SOAP": 4}), stock, {}, monday)
    assert stock.on_hand("MILK", monday) == 10


def test_totals(stock: Stock, offers: dict[str, Offer], monday: date) -> None:
    receipt = checkout(Basket({"MILK": 2, "YOG": 3, "SOAP": 1}), stock, offers, monday)
    assert receipt.total == 270 + 240 + 240
    assert receipt.saved == 120
    assert receipt.vat == 40


def test_the_printed_receipt(stock: Stock, offers: dict[str, Offer], monday: date) -> None:
    receipt = checkout(Basket({"MILK": 1, "YOG": 3}), stock, offers, monday)
    assert receipt.text().splitlines() == [
        "    02.03.2026",
        "  1 Milk, 1 litre               1.35",
        "  3 Plain yoghurt               3.60",
        "    saved                      -1.20",
        "    TOTAL                       3.75",
    ]


def test_a_refund_at_full_price(stock: Stock, monday: date) -> None:
    receipt = checkout(Basket({"MILK": 3}), stock, {}, monday)
    assert refund(receipt, "MILK", 1) == 135
    assert refund(receipt, "MILK", 3) == 405


def test_a_refund_pays_back_what_was_paid(
    stock: Stock, offers: dict[str, Offer], monday: date
) -> None:
    receipt = checkout(Basket({"YOG": 3}), stock, offers, monday)
    assert refund(receipt, "YOG", 1) == 80
    assert refund(receipt, "YOG", 3) == 240


def test_more_cannot_be_returned_than_was_bought(stock: Stock, monday: date) -> None:
    receipt = checkout(Basket({"MILK": 1}), stock, {}, monday)
    with pytest.raises(ValueError, match="2 of 1 MILK"):
        refund(receipt, "MILK", 2)


def test_what_is_not_on_the_receipt_cannot_be_returned(stock: Stock, monday: date) -> None:
    receipt = checkout(Basket({"MILK": 1}), stock, {}, monday)
    with pytest.raises(UnknownProduct, match="SOAP is not on this receipt"):
        refund(receipt, "SOAP", 1)
