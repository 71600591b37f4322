"""Baskets, receipts and refunds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from shelflife.money import contained_vat, show, split
from shelflife.pricing import Line, Offer, price_line
from shelflife.products import UnknownProduct
from shelflife.stock import Stock


class Basket:
    """What a customer wants to buy."""

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        self.counts: dict[str, int] = {}
        for sku, quantity in (counts or {}).items():
            self.add(sku, quantity)

    def add(self, sku: str, quantity: int = 1) -> None:
        if quantity < 1:
            raise ValueError(f"cannot add {quantity} of {sku}")
        self.counts[sku] = self.counts.get(sku, 0) + quantity

    def remove(self, sku: str, quantity: int = 1) -> None:
        """Put packs back; with the last one, the product leaves the basket."""
        left = self.counts.get(sku, 0) - quantity
        if left < 0:
            raise ValueError(f"there are fewer than {quantity} of {sku} in the basket")
        if left:
            self.counts[sku] = left
        else:
            self.counts.pop(sku, None)


@dataclass(frozen=True)
class Receipt:
    """What was sold, and for how much."""

    day: date
    lines: tuple[Line, ...]

    @property
    def total(self) -> int:
        return sum(line.paid for line in self.lines)

    @property
    def saved(self) -> int:
        return sum(line.saved for line in self.lines)

    @property
    def vat(self) -> int:
        """The VAT that the total contains."""
        return sum(contained_vat(line.paid, line.product.vat) for line in self.lines)

    def line(self, sku: str) -> Line:
        for line in self.lines:
            if line.product.sku == sku:
                return line
        raise UnknownProduct(f"{sku} is not on this receipt")

    def text(self) -> str:
        """The receipt as the till prints it."""
        rows = [f"{'':>3} {self.day:%d.%m.%Y}"]
        for line in self.lines:
            rows.append(f"{line.quantity:>3} {line.product.name:<24}{show(line.full):>8}")
            if line.saved:
                rows.append(f"{'':>3} {'saved':<24}{show(-line.saved):>8}")
        rows.append(f"{'':>3} {'TOTAL':<24}{show(self.total):>8}")
        return "\n".join(rows)


def checkout(basket: Basket, stock: Stock, offers: Mapping[str, Offer], today: date) -> Receipt:
    """Sell a basket, whole or not at all. Raises OutOfStock; the shelf is as it was then."""
    if not basket.counts:
        raise ValueError("the basket is empty")
    planned = {sku: stock.plan(sku, count, today) for sku, count in basket.counts.items()}
    lines = []
    for sku, picks in planned.items():
        lines.append(price_line(picks, today, offers.get(sku)))
        stock.take(picks)
    return Receipt(today, tuple(lines))


def refund(receipt: Receipt, sku: str, quantity: int) -> int:
    """Pence to pay back for so many packs that were bought with this receipt."""
    line = receipt.line(sku)
    if not 1 <= quantity <= line.quantity:
        raise ValueError(f"{quantity} of {line.quantity} {sku} cannot be returned")
    return sum(split(line.paid, line.quantity)[:quantity])
