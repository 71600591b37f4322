from coinage.sheets import read
from coinage.taxes import gross

SHEET = "name; price; rate\nchair; 49.90;\nbook; 15.00; reduced\nlamp; 2; \n"


def test_an_empty_rate_is_the_standard_one():
    assert [each.rate for each in read(SHEET)] == ["standard", "reduced", "standard"]


def test_it_can_be_sold():
    assert gross(read(SHEET)[0].price, read(SHEET)[0].rate).minor == 5938


def test_no_column_for_the_rate():
    assert [each.rate for each in read("name; price\nlamp; 2")] == ["standard"]
