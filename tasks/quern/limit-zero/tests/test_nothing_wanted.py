from quern import Engine, parse_query, to_text

ROWS = [{"id": 1, "a": 1}, {"id": 2, "a": 2}, {"id": 3, "a": 1}]


def test_no_rows():
    engine = Engine()
    assert engine.select("limit 0", ROWS) == []
    assert engine.select("a = 1 limit 0", ROWS) == []
    assert engine.count("a = 1 limit 0", ROWS) == 0
    assert engine.first("limit 0", ROWS) is None


def test_with_offset_and_sort():
    assert Engine().select("sort by a desc limit 0 offset 1", ROWS) == []


def test_zero_is_printed():
    for text in ("limit 0", "a = 1 limit 0", "a = 1 sort by a limit 0 offset 2"):
        printed = to_text(parse_query(text))
        assert printed == text


def test_no_limit():
    assert Engine().select("a = 1", ROWS) == [ROWS[0], ROWS[2]]
    assert to_text(parse_query("a = 1 offset 2")) == "a = 1 offset 2"
