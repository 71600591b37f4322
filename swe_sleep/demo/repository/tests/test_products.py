from __future__ import annotations

import pytest

from shelflife import Catalogue, Product, UnknownProduct
from shelflife.money import BadPrice

LIST = """\
sku,name,price,shelf_life,open_life,vat,target,case
milk,"Milk, 1 litre",1.35,7,3,,20,6
SOAP, Olive soap ,2.40,700,,20,,
"""


def test_the_wholesalers_list_is_read() -> None:
    catalogue = Catalogue.from_csv(LIST)
    assert list(catalogue) == [
        Product("MILK", "Milk, 1 litre", 135, 7, open_life=3, target=20, case=6),
        Product("SOAP", "Olive soap", 240, 700, vat=20),
    ]


def test_a_bad_price_in_the_list_is_refused() -> None:
    with pytest.raises(BadPrice):
        Catalogue.from_csv(LIST.replace("1.35", "cheap"))


def test_products_come_in_the_order_of_their_codes(catalogue: Catalogue) -> None:
    assert [product.sku for product in catalogue] == ["BREAD", "CREAM", "MILK", "SOAP", "YOG"]
    assert len(catalogue) == 5


def test_a_code_is_given_only_once(catalogue: Catalogue) -> None:
    with pytest.raises(ValueError, match="MILK is in the catalogue already"):
        catalogue.add(Product("MILK", "Goat's milk", 250, 5))


def test_products_are_found_by_words_in_any_order(catalogue: Catalogue) -> None:
    assert catalogue.find("litre MILK") == [catalogue["MILK"]]
    assert catalogue.find("caviar") == []


def test_an_unknown_code_names_its_neighbour(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownProduct) as raised:
        catalogue["MLIK"]
    assert str(raised.value) == "no product MLIK; did you mean MILK?"


def test_membership(catalogue: Catalogue) -> None:
    assert "MILK" in catalogue
    assert "CAVIAR" not in catalogue
