"""What things cost today: offers, and markdowns close to the use-by date."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from shelflife.expiry import days_left
from shelflife.money import percent_of
from shelflife.products import Product
from shelflife.stock import Pick

MARKDOWNS = {0: 50, 1: 25}
"""Percent off, by the days a pack has left."""


@dataclass(frozen=True)
class Offer:
    """Take so many, pay for fewer."""

    take: int
    pay: int

    def saving(self, quantity: int, price: int) -> int:
        """Pence saved on so many packs at this price."""
        return quantity // self.take * (self.take - self.pay) * price

    @classmethod
    def parse(cls, text: str) -> Offer:
        """An offer as the poster says it: "3 for 2"."""
        found = re.fullmatch(r"(\d+) for (\d+)", text.strip().lower())
        if found is None or int(found[1]) <= int(found[2]):
            raise ValueError(f"not an offer: {text!r}")
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True)
class Line:
    """One line of a receipt: so many packs of a product, before and after what was saved."""

    product: Product
    quantity: int
    full: int
    saved: int = 0

    @property
    def paid(self) -> int:
        return self.full - self.saved


def markdown(left: int) -> int:
    """Percent off for a pack with so many days left."""
    return MARKDOWNS.get(left, 0)


def price_line(picks: Sequence[Pick], today: date, offer: Offer | None = None) -> Line:
    """Price the packs picked for one product.

    Packs close to their date are marked down; the offer counts only packs at full price.
    """
    product = picks[0].batch.product
    saved = 0
    at_full_price = 0
    for batch, quantity in picks:
        off = markdown(days_left(batch, today))
        if off:
            saved += percent_of(product.price, off) * quantity
        else:
            at_full_price += quantity
    if offer is not None:
        saved += offer.saving(at_full_price, product.price)
    quantity = sum(pick.quantity for pick in picks)
    return Line(product, quantity, full=product.price * quantity, saved=saved)
