from __future__ import annotations

from datetime import date

import pytest

from shelflife import Batch, Catalogue, Offer
from shelflife.pricing import markdown, price_line
from shelflife.stock import Pick


@pytest.mark.parametrize(("quantity", "saved"), [(1, 0), (2, 0), (3, 120), (7, 240)])
def test_three_for_two(quantity: int, saved: int) -> None:
    assert Offer(take=3, pay=2).saving(quantity, 120) == saved


@pytest.mark.parametrize(("quantity", "saved"), [(4, 0), (5, 200), (10, 400)])
def test_five_for_three(quantity: int, saved: int) -> None:
    assert Offer(take=5, pay=3).saving(quantity, 100) == saved


def test_an_offer_is_read_from_the_poster() -> None:
    assert Offer.parse("3 for 2") == Offer(take=3, pay=2)


@pytest.mark.parametrize("text", ["3 for 3", "half price"])
def test_what_is_not_an_offer_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an offer"):
        Offer.parse(text)


@pytest.mark.parametrize(("left", "percent"), [(0, 50), (1, 25), (2, 0)])
def test_markdown_by_days_left(left: int, percent: int) -> None:
    assert markdown(left) == percent


def test_fresh_packs_cost_their_price(milk: Batch, monday: date) -> None:
    line = price_line([Pick(milk, 2)], monday)
    assert (line.quantity, line.full, line.saved, line.paid) == (2, 270, 0, 270)


def test_on_the_last_day_packs_cost_half(milk: Batch) -> None:
    line = price_line([Pick(milk, 2)], date(2026, 3, 9))
    assert (line.full, line.saved, line.paid) == (270, 136, 134)


def test_only_the_old_packs_are_marked_down(catalogue: Catalogue) -> None:
    old = Batch(catalogue["BREAD"], 1, date(2026, 3, 2))
    new = Batch(catalogue["BREAD"], 5, date(2026, 3, 4))
    assert price_line([Pick(old, 1), Pick(new, 1)], date(2026, 3, 4)).saved == 45


def test_an_offer_counts_only_packs_at_full_price(catalogue: Catalogue) -> None:
    old = Batch(catalogue["YOG"], 1, date(2026, 2, 10))
    new = Batch(catalogue["YOG"], 5, date(2026, 3, 2))
    offer = Offer(take=3, pay=2)
    today = date(2026, 3, 3)
    assert price_line([Pick(old, 1), Pick(new, 2)], today, offer).saved == 60
    assert price_line([Pick(old, 1), Pick(new, 3)], today, offer).saved == 180
