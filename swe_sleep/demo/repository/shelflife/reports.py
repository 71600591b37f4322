"""Lists for the shopkeeper: what to order, what to sell, what was thrown away."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from shelflife.expiry import EXPIRED, Batch, status, use_by
from shelflife.money import show
from shelflife.products import Catalogue
from shelflife.stock import Stock


def shortfall(target: int, have: int, case: int = 1) -> int:
    """How many to order to reach the target, in whole cases; 0 if there are enough."""
    missing = max(0, target - have)
    return -(-missing // case) * case


def reorder(stock: Stock, catalogue: Catalogue, today: date) -> dict[str, int]:
    """What to order from the wholesaler, by product code."""
    orders: dict[str, int] = {}
    for product in catalogue:
        missing = shortfall(product.target, stock.on_hand(product.sku, today), product.case)
        if missing:
            orders[product.sku] = missing
    return orders


def expiring(stock: Stock, today: date, days: int) -> list[Batch]:
    """Batches that can be sold today and whose date falls within so many days, soonest first."""
    horizon = today + timedelta(days=days)
    found = [
        batch
        for batch in stock.batches()
        if status(batch, today) != EXPIRED and use_by(batch) <= horizon
    ]
    return sorted(found, key=use_by)


def waste(discarded: Iterable[Batch]) -> dict[str, int]:
    """Pence lost by product code, at shelf prices."""
    lost: dict[str, int] = {}
    for batch in discarded:
        sku = batch.product.sku
        lost[sku] = lost.get(sku, 0) + batch.quantity * batch.product.price
    return lost


def shelf_list(stock: Stock, today: date) -> str:
    """One line a batch: how many, what, until when, and what the label says."""
    return "\n".join(
        f"{batch.quantity:>4} {batch.product.name:<24}"
        f"{use_by(batch):%d.%m.}  {status(batch, today)}"
        for batch in stock.batches()
    )


def waste_text(discarded: Iterable[Batch]) -> str:
    """The waste report, dearest first, with its sum."""
    lost = waste(discarded)
    rows = [f"{sku:<10}{show(lost[sku]):>8}" for sku in sorted(lost, key=lambda sku: -lost[sku])]
    return "\n".join([*rows, f"{'TOTAL':<10}{show(sum(lost.values())):>8}"])
