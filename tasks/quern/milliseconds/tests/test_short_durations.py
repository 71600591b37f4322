from datetime import timedelta

import pytest

from quern import Engine
from quern.units import format_duration, parse_duration


def test_milliseconds():
    assert parse_duration("500ms") == timedelta(milliseconds=500)
    assert parse_duration("1.5ms") == timedelta(microseconds=1500)


def test_mixed_with_other_units():
    assert parse_duration("1s250ms") == timedelta(seconds=1, milliseconds=250)
    assert parse_duration("2m5ms") == timedelta(minutes=2, milliseconds=5)


def test_round_trip():
    for span in (timedelta(milliseconds=20), timedelta(hours=1, milliseconds=999)):
        assert parse_duration(format_duration(span)) == span


def test_in_a_query():
    rows = [
        {"id": 1, "elapsed": timedelta(milliseconds=120)},
        {"id": 2, "elapsed": timedelta(seconds=2)},
    ]
    assert Engine().select("elapsed > 500ms", rows) == rows[1:]


@pytest.mark.parametrize(
    ("text", "span"),
    [("5m", timedelta(minutes=5)), ("1m30s", timedelta(seconds=90)), ("3w", timedelta(weeks=3))],
)
def test_long_units(text, span):
    assert parse_duration(text) == span
