import pytest

from coinage import Money
from coinage.discounts import Step, bulk, bulk_rate


@pytest.mark.parametrize(("pieces", "rate"), [(10, 5), (50, 10), (100, 15)])
def test_the_first_of_a_step(pieces, rate):
    assert bulk_rate(pieces) == rate


@pytest.mark.parametrize(("pieces", "rate"), [(9, 0), (49, 5), (99, 10)])
def test_the_last_before_a_step(pieces, rate):
    assert bulk_rate(pieces) == rate


def test_steps_of_ones_own():
    assert bulk(Money(200, "EUR"), 2, (Step(2, 50),)) == Money(200, "EUR")
