import pytest

from quern import Engine, parse_condition, to_text
from quern.nodes import Compare, Field, Literal


def path_is(value):
    return Compare("=", Field(("path",)), Literal(value))


def test_escaped_backslash_before_n_and_t():
    assert parse_condition(r'path = "C:\\new"') == path_is(r"C:\new")
    assert parse_condition(r"path = 'C:\\temp\\next'") == path_is(r"C:\temp\next")
    assert parse_condition(r'path = "\\\\host\\nas"') == path_is(r"\\host\nas")


def test_printed_path_is_read_back():
    for value in (r"C:\new", r"C:\temp\x", "C:\\", r"\\host\share", "\\\n", "a\\\\tb"):
        assert parse_condition(to_text(path_is(value))) == path_is(value)


def test_path_with_quotes_is_read_back():
    for value in ('C:\\"new"', "it's \\'n", "\\\"'"):
        assert parse_condition(to_text(path_is(value))) == path_is(value)


def test_explained_query_selects_the_same():
    engine = Engine()
    files = [{"id": 1, "path": r"C:\temp\notes"}, {"id": 2, "path": "/tmp/notes"}]
    query = r'path = "C:\\temp\\notes"'
    assert engine.select(query, files) == files[:1]
    assert engine.select(engine.explain(query), files) == files[:1]


@pytest.mark.parametrize(
    ("text", "value"), [(r'"a\nb"', "a\nb"), (r'"a\tb"', "a\tb"), (r'"a\"b"', 'a"b')]
)
def test_other_escapes_still_work(text, value):
    assert parse_condition(f"path = {text}") == path_is(value)
