"""Stock, use-by dates and till receipts for a small grocer's shop."""

from shelflife.expiry import Batch, days_left, status, use_by
from shelflife.orders import Basket, Receipt, checkout, refund
from shelflife.pricing import Line, Offer
from shelflife.products import Catalogue, Product, UnknownProduct
from shelflife.stock import OutOfStock, Stock, read_delivery

__all__ = [
    "Basket",
    "Batch",
    "Catalogue",
    "Line",
    "Offer",
    "OutOfStock",
    "Product",
    "Receipt",
    "Stock",
    "UnknownProduct",
    "checkout",
    "days_left",
    "read_delivery",
    "refund",
    "status",
    "use_by",
]
