import pytest

from coinage import Money, parse, show
from coinage.parsing import BadAmount


@pytest.mark.parametrize(
    ("text", "minor", "currency"),
    [("500 JPY", 500, "JPY"), ("-1,200 krw", -1200, "KRW"), ("1.250 KWD", 1250, "KWD"), ("1.5 KWD", 1500, "KWD")],
)
def test_parse(text, minor, currency):
    assert parse(text) == Money(minor, currency)


def test_show():
    assert show(Money(1500, "JPY")) == "1,500 JPY"
    assert show(Money(-5, "KWD")) == "-0.005 KWD"


@pytest.mark.parametrize("text", ["0.5 JPY", "0.555 EUR", "1.2345 KWD"])
def test_too_many_places(text):
    with pytest.raises(BadAmount):
        parse(text)


@pytest.mark.parametrize("text", ["1,500 JPY", "-0.005 KWD", "2.50 EUR"])
def test_there_and_back(text):
    assert show(parse(text)) == text
