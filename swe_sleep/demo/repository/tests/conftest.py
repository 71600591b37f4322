from __future__ import annotations

from datetime import date

import pytest

from shelflife import Batch, Catalogue, Offer, Product, Stock

MONDAY = date(2026, 3, 2)


@pytest.fixture
def monday() -> date:
    return MONDAY


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(
        [
            Product("BREAD", "Brown bread", price=180, shelf_life=3, target=6),
            Product("CREAM", "Double cream", price=150, shelf_life=10, open_life=3, target=4),
            Product(
                "MILK", "Milk, 1 litre", price=135, shelf_life=7, open_life=3, target=20, case=6
            ),
            Product("SOAP", "Olive soap", price=240, shelf_life=700, vat=20, target=5),
            Product("YOG", "Plain yoghurt", price=120, shelf_life=21, target=12, case=4),
        ]
    )


@pytest.fixture
def milk(catalogue: Catalogue, monday: date) -> Batch:
    """Delivered on Monday the 2nd; to be used by Monday the 9th."""
    return Batch(catalogue["MILK"], 10, monday)


@pytest.fixture
def stock(catalogue: Catalogue, monday: date) -> Stock:
    """A shop on Monday morning."""
    return Stock(
        [
            Batch(catalogue["MILK"], 10, monday),
            Batch(catalogue["YOG"], 12, monday),
            Batch(catalogue["BREAD"], 8, monday),
            Batch(catalogue["SOAP"], 3, monday),
        ]
    )


@pytest.fixture
def offers() -> dict[str, Offer]:
    return {"YOG": Offer(take=3, pay=2)}
