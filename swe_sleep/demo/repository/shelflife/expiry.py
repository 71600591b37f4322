"""Until when things may be sold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from shelflife.products import Product

FRESH = "fresh"
SOON = "sell soon"
LAST_DAY = "last day"
EXPIRED = "expired"

SOON_DAYS = 2
"""With this many days left or fewer, a pack should be sold soon."""


@dataclass
class Batch:
    """Packs of one product that came on one day. The quantity falls as they are sold."""

    product: Product
    quantity: int
    delivered: date
    opened: date | None = None


def use_by(batch: Batch) -> date:
    """The last day on which packs of the batch may be sold or eaten.

    Opening a pack can only bring that day forward.
    """
    printed = batch.delivered + timedelta(days=batch.product.shelf_life)
    if batch.opened is None or batch.product.open_life is None:
        return printed
    return min(printed, batch.opened + timedelta(days=batch.product.open_life))


def days_left(batch: Batch, today: date) -> int:
    """Days until the use-by date: 0 on that date itself, negative after it."""
    return (use_by(batch) - today).days


def status(batch: Batch, today: date) -> str:
    """What the shelf label says: fresh, sell soon, last day or expired."""
    left = days_left(batch, today)
    if left < 0:
        return EXPIRED
    if left == 0:
        return LAST_DAY
    if left <= SOON_DAYS:
        return SOON
    return FRESH


def sellable(batch: Batch, today: date) -> bool:
    """Whether packs of the batch may be sold today."""
    return status(batch, today) != EXPIRED
