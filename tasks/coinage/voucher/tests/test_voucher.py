from coinage import Money
from coinage.discounts import redeem, redeem_all


def eur(minor):
    return Money(minor, "EUR")


def test_what_is_left_stays_on_the_voucher():
    assert redeem(eur(700), eur(1000)) == (eur(0), eur(300))


def test_nobody_is_paid_out():
    left, rests = redeem_all(eur(250), [eur(200), eur(200), eur(100)])
    assert left == eur(0)
    assert rests == [eur(0), eur(150), eur(100)]


def test_a_voucher_of_the_price():
    assert redeem(eur(700), eur(700)) == (eur(0), eur(0))
