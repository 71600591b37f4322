from __future__ import annotations

from datetime import date, timedelta

import pytest

from shelflife import Batch, Catalogue, OutOfStock, Stock, UnknownProduct, read_delivery, use_by
from shelflife.stock import Pick


@pytest.fixture
def milks(catalogue: Catalogue, monday: date) -> list[Batch]:
    """Three deliveries of milk, two days apart."""
    return [Batch(catalogue["MILK"], 5, monday + timedelta(days=2 * n)) for n in range(3)]


def test_what_expires_first_stands_in_front(milks: list[Batch]) -> None:
    assert Stock(reversed(milks)).batches("MILK") == milks


def test_an_opened_pack_comes_before_sealed_ones(milks: list[Batch], monday: date) -> None:
    opened = Batch(milks[0].product, 1, monday, opened=monday)
    assert Stock([*milks, opened]).batches("MILK")[0] is opened


def test_an_empty_batch_is_refused(catalogue: Catalogue, monday: date) -> None:
    with pytest.raises(ValueError, match="a batch of 0 MILK"):
        Stock([Batch(catalogue["MILK"], 0, monday)])


def test_on_hand_counts_all_batches(milks: list[Batch], monday: date) -> None:
    assert Stock(milks).on_hand("MILK", monday) == 15
    assert Stock(milks).on_hand("YOG", monday) == 0


def test_on_hand_leaves_out_what_expired(milks: list[Batch]) -> None:
    assert Stock(milks).on_hand("MILK", date(2026, 3, 10)) == 10


def test_the_oldest_packs_are_picked_first(milks: list[Batch], monday: date) -> None:
    assert Stock(milks).plan("MILK", 7, monday) == [Pick(milks[0], 5), Pick(milks[1], 2)]


def test_planning_takes_nothing(milks: list[Batch], monday: date) -> None:
    stock = Stock(milks)
    stock.plan("MILK", 15, monday)
    assert stock.on_hand("MILK", monday) == 15


def test_expired_packs_are_not_picked(milks: list[Batch]) -> None:
    assert Stock(milks).plan("MILK", 1, date(2026, 3, 10)) == [Pick(milks[1], 1)]


def test_too_few_packs(milks: list[Batch], monday: date) -> None:
    with pytest.raises(OutOfStock) as raised:
        Stock(milks).plan("MILK", 16, monday)
    assert str(raised.value) == "MILK: 16 wanted, 15 available"


def test_selling_nothing_is_refused(milks: list[Batch], monday: date) -> None:
    with pytest.raises(ValueError, match="cannot sell 0"):
        Stock(milks).plan("MILK", 0, monday)


def test_taking_leaves_what_was_not_picked(milks: list[Batch], monday: date) -> None:
    stock = Stock(milks)
    stock.take(stock.plan("MILK", 7, monday))
    assert [batch.quantity for batch in stock.batches("MILK")] == [3, 5]


def test_only_expired_batches_are_discarded(milks: list[Batch]) -> None:
    stock = Stock(milks)
    assert stock.discard_expired(date(2026, 3, 10)) == [milks[0]]
    assert stock.batches() == milks[1:]


def test_all_expired_batches_are_discarded_at_once(milks: list[Batch]) -> None:
    stock = Stock(milks)
    today = use_by(milks[2]) + timedelta(days=1)
    assert stock.discard_expired(today) == milks
    assert stock.batches() == []


def test_a_delivery_note_is_read(catalogue: Catalogue) -> None:
    note = "# Tuesday, from the dairy\nMILK,12,2026-03-03\n\nyog, 8, 2026-03-01\n"
    assert read_delivery(note, catalogue) == [
        Batch(catalogue["MILK"], 12, date(2026, 3, 3)),
        Batch(catalogue["YOG"], 8, date(2026, 3, 1)),
    ]


@pytest.mark.parametrize("line", ["MILK,12", "MILK,12,yesterday"])
def test_an_unreadable_line_is_named(catalogue: Catalogue, line: str) -> None:
    with pytest.raises(ValueError, match="line 2 of the delivery note"):
        read_delivery(f"YOG,8,2026-03-01\n{line}\n", catalogue)


def test_a_delivery_of_something_unknown(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownProduct, match="CAVIAR"):
        read_delivery("CAVIAR,1,2026-03-03", catalogue)
