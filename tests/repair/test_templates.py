"""Each template finds the fix it is there for."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from swe_sleep.repair.candidates import candidates_at
from swe_sleep.repair.lessons import TOKEN, Lesson
from swe_sleep.repair.source import Source
from swe_sleep.repair.spot import Spot
from swe_sleep.repair.templates import TEMPLATES

TABLE = {template.name: template for template in TEMPLATES}

FOLDER = Path(__file__).with_name("templates")


class Case(NamedTuple):
    """A template, text with the suspicious line marked by "#!", and the whole text it makes.
    After the template's name may stand what a past fix replaced: `name: old -> new`."""

    template: str
    taught: str
    before: str
    after: str


def cases() -> Iterator[Case]:
    """Read the cases, which stand as they would stand in a file."""
    for file in sorted(FOLDER.glob("*.txt")):
        for text in re.split(r"^### ", file.read_text(), flags=re.MULTILINE)[1:]:
            name, _, code = text.partition("\n")
            before, after = code.split("---\n")
            name, _, taught = name.partition(": ")
            yield Case(name, taught, before.rstrip("\n") + "\n", after.rstrip("\n") + "\n")


CASES = tuple(cases())


def texts(code: str, name: str, taught: str = "") -> list[str]:
    """The texts that one template offers for the marked line."""
    source = Source.parse("m.py", code.encode())
    assert source is not None
    line = next(n for n, text in enumerate(code.splitlines(), 1) if "#!" in text)
    statement = source.statement_at(line)
    assert statement is not None
    old, _, new = taught.partition(" -> ")
    lesson = Lesson(tuple(TOKEN.findall(old)), tuple(TOKEN.findall(new)))
    spot = Spot(source, statement, lessons=(lesson,) if taught else ())
    found = []
    for candidate in candidates_at(spot, [TABLE[name]]):
        found.append(candidate.apply({"m.py": code.encode()})["m.py"].decode())
    return found


@pytest.mark.parametrize("case", CASES, ids=[case.template for case in CASES])
def test_a_template_offers_the_fix_and_keeps_the_rest(case: Case) -> None:
    assert case.after in texts(case.before, case.template, case.taught)


def test_every_template_is_shown_here() -> None:
    assert {case.template for case in CASES} == set(TABLE)


def test_nothing_but_the_edit_changes() -> None:
    code = 'def f( a,b ):  # keep\n    x = {"k" :a  }   # and this #!\n\ndef  g(c,d):  return c<d\n'
    for template in TEMPLATES:
        for text in texts(code, template.name):
            assert "# keep" in text
            assert "\ndef  g(c,d):  return c<d\n" in text


def test_columns_count_bytes() -> None:
    assert "def f(é, ß):\n    return 'ü' + é <= ß #!" in texts(
        "def f(é, ß):\n    return 'ü' + é < ß #!", "comparison boundary"
    )


def test_lines_that_end_in_crlf_stay_so() -> None:
    for text in texts("def f(a):\r\n    return a.b #!\r\n", "missing guard"):
        assert text.count("\n") == text.count("\r\n")


def test_code_in_f_strings_is_mended_where_its_place_is_known() -> None:
    found = texts("def f(a, b):\n    return f'{a - b}' #!", "arithmetic operator")
    assert all(text.startswith("def f(a, b):\n    return f'") for text in found)


def test_one_line_bodies_get_no_lines_put_in() -> None:
    code = "def f(a):\n    if a: return a.b #!\n    return 1\n"
    assert texts(code, "missing guard") == []


def test_summaries_are_for_people() -> None:
    code = textwrap.dedent("""
        class Text:
            def split(self):
                return self.words[1:] #!
    """)
    source = Source.parse("m.py", code.encode())
    assert source is not None
    statement = source.statement_at(4)
    assert statement is not None
    said = {c.summary for c in candidates_at(Spot(source, statement), [TABLE["whole number"]])}
    assert "in `Text.split`, the slice starts at 0 instead of 1" in said
