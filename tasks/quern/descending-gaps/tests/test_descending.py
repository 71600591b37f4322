from quern import Engine


def names(query, rows):
    return "".join(row["n"] for row in Engine().select(query, rows))


def test_missing_and_null_come_last():
    rows = [{"n": "a", "score": 3}, {"n": "b"}, {"n": "c", "score": 8}]
    assert names("sort by score desc", rows) == "cab"
    rows[1]["score"] = None
    assert names("sort by score desc", rows) == "cab"


def test_second_column():
    rows = [
        {"n": "a", "team": "x"},
        {"n": "b", "team": "x", "score": 1},
        {"n": "c", "team": "w"},
        {"n": "d", "team": "w", "score": 2},
        {"n": "e", "team": "w", "score": 4},
    ]
    assert names("sort by team, score desc", rows) == "edcba"


def test_with_limit():
    rows = [{"n": "a"}, {"n": "b"}, {"n": "c", "score": 1}, {"n": "d", "score": "high"}]
    assert names("sort by score desc limit 2", rows) == "dc"


def test_equal_rows_keep_their_order():
    rows = [{"n": "a", "score": 1}, {"n": "b", "score": 2}, {"n": "c", "score": 1}]
    assert names("sort by score desc", rows) == "bac"


def test_ascending():
    rows = [{"n": "a"}, {"n": "b", "score": 2}, {"n": "c", "score": 1}]
    assert names("sort by score", rows) == "cba"
