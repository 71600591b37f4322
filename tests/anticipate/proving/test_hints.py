"""What changed lines say of inputs."""

from __future__ import annotations

import re

import pytest

from swe_sleep.anticipate.proving.changed import changed_functions, file_change
from swe_sleep.anticipate.proving.hints import Hint, hints_of
from swe_sleep.anticipate.proving.samples import matching

PLAIN = "def f(text, size=3, *, mark=None):\n    return g(text)\n"


def hints(body: str, plain: str = PLAIN) -> list[Hint]:
    """The hints of a change that takes `body` out of the function."""
    head, _, rest = plain.partition("\n")
    (change,) = changed_functions(
        file_change("a.py", f"{head}\n{body}{rest}".encode(), plain.encode())
    )
    return hints_of(change)


def values(found: list[Hint], about: str) -> set[str]:
    return {h.value for h in found if about in h.about and h.guard}


@pytest.mark.parametrize(
    ("guard", "about", "wanted"),
    [
        ("if mark is None:", "mark", {"None"}),
        ("if not text:", "text", {"None"}),
        ("if text == 'stop':", "text", {"'stop'"}),
        ("if size < 7:", "size", {"6", "7", "8"}),
        ("if len(text) > 2:", "text", {"'a'", "'aa'", "'aaa'"}),
        ("if isinstance(text, bytes):", "text", {"b''", "b'a'"}),
        ("if text.startswith('//'):", "text", {"'//'", "'//a'"}),
        ("if '%' in text:", "text", {"'%'", "'a%b'"}),
        ("if size in (4, 5):", "size", {"4", "5"}),
    ],
)
def test_a_condition_that_went_says_what_it_stood_for(
    guard: str, about: str, wanted: set[str]
) -> None:
    assert wanted <= values(hints(f"    {guard}\n        return 1\n"), about)


def test_a_handler_that_went_says_what_raises() -> None:
    body = "    try:\n        return {}[text]\n    except TypeError:\n        return 0\n"
    assert {"[]", "{}"} <= values(hints(body), "text")


def test_a_value_is_followed_through_names() -> None:
    body = "    short = text.strip()\n    for part in short:\n"
    body += "        if part == '|':\n            return 1\n"
    assert "'|'" in values(hints(body), "text")


def test_a_changed_constant_that_the_function_uses_is_read() -> None:
    old = b"WORD = 'abc'\ndef f(x):\n    return WORD in x\n"
    (change,) = changed_functions(file_change("a.py", old, old.replace(b"abc", b"xyz")))
    assert {"'abc'", "'xyz'"} <= {hint.value for hint in hints_of(change)}


def test_docstrings_comments_and_moves_are_no_change() -> None:
    old = b'def f(x):\n    """Old."""\n    return x\n'
    new = b'import os\n\ndef f(x):\n    """New."""\n    return x  # as is\n'
    assert changed_functions(file_change("a.py", old, new)) == []
    assert changed_functions(file_change("a.py", old, b"def f(:")) == []


@pytest.mark.parametrize(
    "pattern", [r"^\d+-[a-z]{2,3}$", r"(foo|bar)\s*=", r"[^:\s]+:", r"\*\*(.+?)\*\*"]
)
def test_samples_match_their_pattern(pattern: str) -> None:
    found = matching(pattern)
    assert found and all(re.search(pattern, text) for text in found)


@pytest.mark.parametrize("pattern", ["(", "a{99999}", "x" * 500, "(?P<n>"])
def test_what_is_no_pattern_or_too_long_has_no_samples(pattern: str) -> None:
    assert matching(pattern) == []
