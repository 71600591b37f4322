from datetime import datetime

import pytest

from tocsin import CronExpression


def test_days():
    assert CronExpression.parse("0 0 */10 * *").day.values == {1, 11, 21, 31}
    assert CronExpression.parse("0 0 */2,4 * *").day.values == set(range(1, 32, 2)) | {4}


def test_months():
    assert CronExpression.parse("0 0 1 */3 *").month.values == {1, 4, 7, 10}


def test_next_time():
    expression = CronExpression.parse("30 6 */15 * *")
    assert expression.next_after(datetime(2024, 3, 2)) == datetime(2024, 3, 16, 6, 30)
    assert expression.next_after(datetime(2024, 3, 17)) == datetime(2024, 3, 31, 6, 30)


@pytest.mark.parametrize(
    ("text", "minutes"), [("*/25", {0, 25, 50}), ("7/20", {7, 27, 47}), ("3-9/4", {3, 7})]
)
def test_minutes(text, minutes):
    assert CronExpression.parse(f"{text} * * * *").minute.values == minutes
