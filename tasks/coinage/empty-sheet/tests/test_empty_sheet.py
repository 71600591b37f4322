import pytest

from coinage import sheets


@pytest.mark.parametrize("text", ["", "\n", "  \n\n \n"])
def test_an_empty_sheet_has_no_articles(text):
    assert sheets.read(text) == []


def test_a_head_alone():
    assert sheets.read("name; price\n") == []
