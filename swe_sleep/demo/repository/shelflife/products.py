"""What the shop sells."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shelflife import money


class UnknownProduct(KeyError):
    """No product has this code."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Product:
    """One thing on the shelf, with its price in pence and how long it keeps, in days."""

    sku: str
    name: str
    price: int
    shelf_life: int
    """Days it keeps after delivery."""
    open_life: int | None = None
    """Days it keeps once opened; None if opening makes no difference."""
    vat: int = 0
    """Percent, contained in the price."""
    target: int = 0
    """How many the shop wants to have."""
    case: int = 1
    """How many come in one case from the wholesaler."""


class Catalogue:
    """All products, by their code."""

    def __init__(self, products: Iterable[Product] = ()) -> None:
        self._products: dict[str, Product] = {}
        for product in products:
            self.add(product)

    @classmethod
    def from_csv(cls, text: str) -> Catalogue:
        """Read the wholesaler's list: sku,name,price,shelf_life,open_life,vat,target,case.

        The price is written as on the shelf. Empty fields have their usual value.
        """
        catalogue = cls()
        for row in csv.DictReader(text.splitlines()):
            catalogue.add(
                Product(
                    sku=row["sku"].strip().upper(),
                    name=row["name"].strip(),
                    price=money.parse(row["price"]),
                    shelf_life=int(row["shelf_life"]),
                    open_life=int(row["open_life"]) if row["open_life"] else None,
                    vat=int(row["vat"] or 0),
                    target=int(row["target"] or 0),
                    case=int(row["case"] or 1),
                )
            )
        return catalogue

    def add(self, product: Product) -> None:
        if product.sku in self._products:
            raise ValueError(f"{product.sku} is in the catalogue already")
        self._products[product.sku] = product

    def find(self, words: str) -> list[Product]:
        """Products whose name has all of the words, in any case and order."""
        wanted = words.lower().split()
        return [p for p in self if all(word in p.name.lower() for word in wanted)]

    def __getitem__(self, sku: str) -> Product:
        try:
            return self._products[sku]
        except KeyError:
            near = difflib.get_close_matches(sku, self._products, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UnknownProduct(f"no product {sku}{hint}") from None

    def __contains__(self, sku: object) -> bool:
        return sku in self._products

    def __iter__(self) -> Iterator[Product]:
        return iter(sorted(self._products.values(), key=lambda product: product.sku))

    def __len__(self) -> int:
        return len(self._products)
