import pytest

from coinage import Money
from coinage.amounts import total
from coinage.splitting import share_out, split


@pytest.mark.parametrize("minor", [100, 101, 7, -100])
def test_nothing_is_lost(minor):
    assert total(split(Money(minor, "EUR"), 6)) == Money(minor, "EUR")


def test_the_first_ones_are_larger():
    assert [each.minor for each in split(Money(11, "EUR"), 4)] == [3, 3, 3, 2]


def test_weights():
    assert [each.minor for each in share_out(Money(100, "EUR"), [1, 1, 4])] == [17, 17, 66]


def test_what_comes_out_even():
    assert [each.minor for each in split(Money(12, "EUR"), 4)] == [3, 3, 3, 3]
