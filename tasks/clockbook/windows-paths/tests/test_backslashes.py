from datetime import datetime

import pytest

from clockbook.codec import decode, encode, escape, unescape
from clockbook.entry import Entry
from clockbook.store import Book

NINE = datetime(2024, 3, 4, 9, 0)


@pytest.mark.parametrize(
    "text",
    ["C:\\temp\\new", "\\n", "\\\\t", "ends with\\", "\\\\\\n"],
    ids=["path", "letter", "two", "last", "three"],
)
def test_any_text_survives(text):
    assert unescape(escape(text)) == text
    entry = Entry(NINE, None, "acme", (), text)
    assert decode(encode(entry)) == entry


def test_tabs_and_line_breaks_are_read_as_before():
    assert unescape("a\\nb\\tc\\\\d") == "a\nb\tc\\d"


def test_note_survives_the_next_command(shell):
    shell.run("add", "09:00", "10:00", "acme", "-n", "C:\\temp\\new")
    shell.run("start", "other")
    shell.run("cancel")
    assert Book.load(shell.path).entries[0].note == "C:\\temp\\new"
    assert shell.run("log", "today").endswith("acme    C:\\temp\\new\n")
