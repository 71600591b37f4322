"""What is on the shelves, and what leaves them first."""

from __future__ import annotations

import csv
from bisect import insort
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from shelflife.expiry import Batch, sellable, use_by
from shelflife.products import Catalogue


class OutOfStock(Exception):
    """More was asked for than can be sold."""

    def __init__(self, sku: str, wanted: int, available: int) -> None:
        super().__init__(f"{sku}: {wanted} wanted, {available} available")
        self.sku = sku
        self.wanted = wanted
        self.available = available


class Pick(NamedTuple):
    """So many packs of one batch."""

    batch: Batch
    quantity: int


class Stock:
    """Batches on the shelf. For each product, what expires first stands in front."""

    def __init__(self, batches: Iterable[Batch] = ()) -> None:
        self._batches: dict[str, list[Batch]] = {}
        for batch in batches:
            self.receive(batch)

    def receive(self, batch: Batch) -> None:
        """Put a delivered batch in its place on the shelf."""
        if batch.quantity < 1:
            raise ValueError(f"a batch of {batch.quantity} {batch.product.sku}")
        insort(self._batches.setdefault(batch.product.sku, []), batch, key=use_by)

    def batches(self, sku: str | None = None) -> list[Batch]:
        """The batches of one product, or of all, in the order in which they are sold."""
        if sku is not None:
            return list(self._batches.get(sku, []))
        return [batch for each in sorted(self._batches) for batch in self._batches[each]]

    def on_hand(self, sku: str, today: date) -> int:
        """How many packs can be sold today."""
        return sum(b.quantity for b in self.batches(sku) if sellable(b, today))

    def plan(self, sku: str, quantity: int, today: date) -> list[Pick]:
        """Which packs would be sold, oldest first. Nothing leaves the shelf yet.

        Raises OutOfStock if there are too few that may be sold.
        """
        if quantity < 1:
            raise ValueError(f"cannot sell {quantity} of {sku}")
        picks: list[Pick] = []
        missing = quantity
        for batch in self.batches(sku):
            if missing and sellable(batch, today):
                picks.append(Pick(batch, min(missing, batch.quantity)))
                missing -= picks[-1].quantity
        if missing:
            raise OutOfStock(sku, quantity, quantity - missing)
        return picks

    def take(self, picks: Iterable[Pick]) -> None:
        """Take planned packs off the shelf; batches that are empty then are gone."""
        for batch, quantity in picks:
            batch.quantity -= quantity
            if batch.quantity == 0:
                self._batches[batch.product.sku].remove(batch)

    def discard_expired(self, today: date) -> list[Batch]:
        """Take everything that may no longer be sold off the shelf, and say what it was."""
        expired: list[Batch] = []
        for sku, batches in self._batches.items():
            expired += [batch for batch in batches if not sellable(batch, today)]
            self._batches[sku] = [batch for batch in batches if sellable(batch, today)]
        return expired


def read_delivery(note: str, catalogue: Catalogue) -> list[Batch]:
    """Read a delivery note: lines of sku,quantity,date, with "#" before remarks.

    Raises ValueError with the number of the line that cannot be read, and UnknownProduct.
    """
    batches: list[Batch] = []
    for number, row in enumerate(csv.reader(note.splitlines()), start=1):
        if not row or row[0].startswith("#"):
            continue
        try:
            sku, quantity, day = (cell.strip() for cell in row)
            count, delivered = int(quantity), date.fromisoformat(day)
        except ValueError:
            raise ValueError(
                f"line {number} of the delivery note is not sku,quantity,date"
            ) from None
        batches.append(Batch(catalogue[sku.upper()], count, delivered))
    return batches
