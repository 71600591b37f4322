import pytest

from granary import SortedDict, SortedList


@pytest.fixture
def rows():
    return SortedList(range(5000), key=lambda number: number // 1000)


@pytest.mark.parametrize("row", [3999, 3500, 4999, 999])
def test_row_is_found(rows, row):
    assert row in rows
    assert rows.index(row) == row
    rows.remove(row)
    assert row not in rows
    assert len(rows) == 4999
    assert list(rows) == [number for number in range(5000) if number != row]


def test_all_can_be_discarded(rows):
    for row in range(4999, -1, -7):
        rows.discard(row)
    assert list(rows) == [number for number in range(5000) if (4999 - number) % 7]


def test_others_are_not_found(rows):
    assert 3999.5 not in rows
    assert 7000 not in rows
    assert -5 not in rows
    with pytest.raises(ValueError):
        rows.remove(5000)


def test_dict_with_many_equal_keys():
    days = SortedDict({number: str(number) for number in range(2000)}, key=lambda number: 0)
    del days[1999]
    assert len(days) == 1999
    assert 1999 not in list(days)
