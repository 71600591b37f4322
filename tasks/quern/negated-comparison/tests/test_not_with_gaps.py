import pytest

from quern import Engine

TICKETS = [
    {"id": 1, "priority": 5, "cost": 10},
    {"id": 2, "cost": 3},
    {"id": 3, "priority": 2},
    {"id": 4, "priority": None, "cost": 10},
]


def ids(query, rows=TICKETS):
    return [row["id"] for row in Engine().select(query, rows)]


def test_record_without_the_field():
    assert ids("not (priority > 3)") == [2, 3, 4]
    assert ids("not priority <= 3") == [1, 2, 4]
    assert ids("not priority < 3") == [1, 2, 4]
    assert ids("not priority >= 5") == [2, 3, 4]


def test_negated_group():
    assert ids("not (priority > 3 or cost > 5)") == [2, 3]
    assert ids("not (priority > 3 and cost > 5)") == [2, 3, 4]


def test_incomparable_values():
    rows = [{"id": 1, "v": "high"}, {"id": 2, "v": 7}]
    assert ids("not v > 3", rows) == [1]


def test_list_field():
    rows = [{"id": 1, "v": [1, 9]}, {"id": 2, "v": [1, 2]}, {"id": 3, "v": []}]
    assert ids("v > 3", rows) == [1]
    assert ids("not v > 3", rows) == [2, 3]


@pytest.mark.parametrize("condition", ["priority = 2", "priority != 2", "priority is null"])
def test_every_record_is_on_one_side(condition):
    assert sorted(ids(condition) + ids(f"not {condition}")) == [1, 2, 3, 4]
