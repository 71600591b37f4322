import pytest

from quern import QueryError, parse_query


def failure(text):
    with pytest.raises(QueryError) as caught:
        parse_query(text)
    return caught.value


def test_column_on_the_second_line():
    error = failure("status = open\nand and")
    assert (error.line, error.column) == (2, 5)
    assert str(error) == "expected a value, found 'and' (line 2, column 5)"


def test_column_at_the_start_of_a_line():
    error = failure("status = open\n\n) or a = 1")
    assert (error.line, error.column) == (3, 1)


def test_caret_is_below_the_token():
    error = failure("a = 1\nand b in 3\nlimit 2")
    assert error.pointer() == "and b in 3\n         ^"


def test_column_on_the_first_of_two_lines():
    error = failure("a = 1 and and\nlimit 2")
    assert (error.column, error.line) == (11, 1)
