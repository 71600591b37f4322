from datetime import date

import pytest

from coinage.invoices import due


@pytest.mark.parametrize(
    ("issued", "months", "expected"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 1, 30), 1, date(2023, 2, 28)),
        (date(2023, 12, 31), 2, date(2024, 2, 29)),
        (date(2024, 3, 31), 1, date(2024, 4, 30)),
    ],
)
def test_the_last_of_the_month(issued, months, expected):
    assert due(issued, months=months) == expected


def test_days_come_after_months():
    assert due(date(2024, 1, 31), months=1, days=1) == date(2024, 3, 1)


def test_the_turn_of_the_year():
    assert due(date(2024, 12, 5), months=1) == date(2025, 1, 5)
