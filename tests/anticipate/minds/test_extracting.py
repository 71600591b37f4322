"""Summaries that the code itself gives."""

from __future__ import annotations

from swe_sleep.anticipate.extracting import MOST_LINES, MOST_TEXT, extract
from swe_sleep.anticipate.summaries import above, body, key_of
from swe_sleep.notes.kinds import SummaryData

CODE = '''\
"""Keeps stock. More is said
here."""

MOST = 10
name = "x"


class Stock:
    """What is on the shelves. It must not be copied."""

    def take(self, count):
        """Take some off.

        Raises ValueError if there are too few. Nothing else.
        """
        if not count:
            return None
        if count > self.left:
            raise ValueError(f"only {self.left}")
        else:
            assert self.left >= 0
        try:
            self.log()
        except OSError:
            raise RuntimeError("no log")
        # FIXME: the log is never
        # closed here
        for each in self.items:
            if each is None:
                raise KeyError
        return self.left  # the rest


def _inner():
    """Not for others."""
    raise NotFound()
'''


def said(data: SummaryData) -> list[str]:
    return [f"{line.place.line} {line.sort} {line.text}" for line in data.lines]


def test_what_the_code_says() -> None:
    data = extract("stock.py", CODE, python=True)
    assert data.purpose == "Keeps stock."
    assert said(data) == [
        "4 invariant `MOST` is `10`",
        "8 contract `Stock`: It must not be copied.",
        "8 does `Stock`: What is on the shelves.",
        "11 contract `Stock.take`: Raises ValueError if there are too few.",
        "11 does `Stock.take`: Take some off.",
        "16 contract `Stock.take` gives `None` if `not count`",
        "19 contract `Stock.take` raises ValueError (f'only {self.left}') if `count > self.left`",
        "21 invariant `Stock.take` asserts `self.left >= 0`",
        "25 contract `Stock.take` raises RuntimeError ('no log') on `OSError`",
        "26 pitfall FIXME: the log is never closed here",
        "30 contract `Stock.take` raises KeyError if `each is None`",
        "36 contract `_inner` raises NotFound",
    ]


def test_what_tests_assert() -> None:
    text = (
        "import pytest\n\n\nclass TestStock:\n    def test_take(self):\n"
        "        with pytest.raises(ValueError):\n            take(9)\n"
        "        assert take(1) == 9\n        assert take(2) == 8\n\n\n"
        "def helper():\n    assert 1\n"
    )
    assert said(extract("test_stock.py", text, python=True, test=True)) == [
        "6 asserts `TestStock.test_take`: `pytest.raises(ValueError)`",
        "8 asserts `TestStock.test_take`: `take(1) == 9`",
    ]


def test_other_languages_have_their_warnings() -> None:
    text = "package shop\n// TODO: negative amounts are lost\nfunc f() {}\n"
    assert said(extract("shop.go", text, python=False)) == [
        "2 pitfall TODO: negative amounts are lost"
    ]


def test_it_stays_short_and_never_fails() -> None:
    long = "def f(x):\n" + "".join(
        f"    if x == {n}:\n        raise ValueError('{'y' * 900}{n}')\n" for n in range(300)
    )
    data = extract("a.py", long, python=True)
    assert len(data.lines) == MOST_LINES
    assert all(len(line.text) <= MOST_TEXT for line in data.lines)
    nested = "(" * 5000
    for text in ("", "def f(", "\0", "'''", "\t x\n  y", nested, "x = '\\d'", "#" * 10, "\ud800"):
        extract("a.py", text, python=True)
        extract("a.js", text, python=False)


def test_what_stands_above_repeats_the_most_telling() -> None:
    parts = {"stock.py": extract("stock.py", CODE, python=True), "empty.py": SummaryData()}
    data = above("Shelves.", parts, 2)
    assert said(data) == [
        "None does `stock.py`: Keeps stock.",
        "8 contract `Stock`: It must not be copied.",
        "26 pitfall FIXME: the log is never closed here",
    ]
    assert body(data).startswith("Shelves.\n- `stock.py` (does) ")
    assert key_of(parts) == key_of(dict(reversed(parts.items())))
    assert key_of(parts) != key_of({"stock.py": parts["stock.py"]})


def test_a_licence_at_the_head_of_a_file_is_no_pitfall() -> None:
    terms = (
        "Copyright (c) 2013 Somebody",
        "",
        "Redistribution and use are permitted provided that the names are",
        "never used to endorse products. THERE IS NO WARRANTY: You must not sue.",
    )
    code = "# NOTE: do not import it twice\nx = 1\n# A licence must be named, never guessed.\n"
    for text in (
        "\n".join(f"# {line}".rstrip() for line in terms) + f"\n\n{code}",
        "#!/usr/bin/python\n\n" + "\n".join(f"# {line}" for line in terms if line) + f"\n\n{code}",
    ):
        assert [line.partition(" ")[2] for line in said(extract("a.py", text, python=True))] == [
            "pitfall NOTE: do not import it twice",
            "pitfall A licence must be named, never guessed.",
        ]
    shown = said(
        extract("a.rb", "\n".join(f"# {line}" for line in terms) + "\nx = 1\n", python=False)
    )
    assert shown == []
