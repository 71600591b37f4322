from datetime import date

from coinage import Money
from coinage.invoices import Invoice, Line


def invoice():
    return Invoice("24-100", date(2024, 7, 3))


def test_a_line_that_comes_later_is_taxed():
    made = invoice()
    made.add(Line("desk", Money(1000, "EUR")))
    assert made.tax() == Money(190, "EUR")
    made.add(Line("book", Money(1000, "EUR"), 1, "reduced"))
    assert made.tax() == Money(260, "EUR")


def test_an_invoice_that_was_looked_at_while_empty():
    made = invoice()
    assert made.gross() == Money(0, "EUR")
    made.add(Line("desk", Money(1000, "EUR")))
    assert made.gross() == Money(1190, "EUR")


def test_two_invoices():
    one, other = invoice(), invoice()
    one.add(Line("desk", Money(1000, "EUR")))
    assert (one.tax(), other.tax()) == (Money(190, "EUR"), Money(0, "EUR"))
