from datetime import datetime

import pytest

from tocsin import CronExpression, ScheduleError
from tocsin.config import read_config


def test_in_a_cron_expression():
    for text in ("0 0 * * FOO", "0 0 * x *", "0 0 * * mon,someday"):
        with pytest.raises(ScheduleError):
            CronExpression.parse(text)


def test_in_a_range():
    for text in ("0 0 * * MON-FOO", "0 0 * XYZ-DEC/2 *"):
        with pytest.raises(ScheduleError):
            CronExpression.parse(text)


def test_in_the_configuration():
    for days in ('["mon", "funday"]', '["x"]'):
        text = f'[jobs.a]\naction = "go"\nweekly = {{ days = {days}, at = "08:00" }}\n'
        with pytest.raises(ScheduleError):
            read_config(text, {"go": print}, datetime(2024, 3, 1))


def test_good_names():
    expression = CronExpression.parse("0 0 * January-mar Sunday,tue")
    assert expression.month.values == {1, 2, 3}
    assert expression.weekday.values == {0, 2}
