"""What an issue's text claims, read without running anything."""

from __future__ import annotations

import time

import pytest

from swe_sleep.solve.reproduction.claims import Claim, Standing, claims_of
from swe_sleep.solve.reproduction.parts import Raised


def told(text: str) -> list[tuple[str, str, str, str]]:
    """Each claim as kind, code, expected and actual."""
    return [(c.kind, c.code, c.expected, c.actual) for c in claims_of(text)]


@pytest.mark.parametrize(
    ("sentence", "code", "expected", "actual"),
    [
        ("`f(2)` returns 4 instead of 5.", "f(2)", "5", "4"),
        ("`f(2)` returns `4`, it should return `5`.", "f(2)", "5", "4"),
        ("f('1h') gives 60 when it should give 3600", "f('1h')", "3600", "60"),
        ("I expected `f(3)` to be 9, but got 6.", "f(3)", "9", "6"),
        ("`f(3)` should be `[1, 2]`, not `[2, 1]`.", "f(3)", "[1, 2]", "[2, 1]"),
        ("- `f('x')` -> `1`, expected `2`", "f('x')", "2", "1"),
        ("`f(1)` is None. It should be 'a'.", "f(1)", "'a'", "None"),
        ("`f(1)` must return True for ones.", "f(1)", "True", ""),
    ],
)
def test_a_sentence_says_what_is_and_what_should_be(
    sentence: str, code: str, expected: str, actual: str
) -> None:
    assert told(f"Wrong numbers\n\n{sentence}") == [("value", code, expected, actual)]


@pytest.mark.parametrize(
    "sentence",
    [
        "We use `f(2)` to build the 3 tables.",
        "`x.y.z AS w` gives real name `'y'` instead of `'z'`.",
        "The result must contain `[1, 2]`.",
        "`f(2)` rightly returns 4.",
        "It should be faster.",
    ],
)
def test_a_sentence_that_says_no_value_of_code_claims_nothing(sentence: str) -> None:
    assert told(f"A title\n\n{sentence}") == []


@pytest.mark.parametrize(
    ("remark", "expected", "actual"),
    [
        ("returns 3, expected 4", "4", "3"),
        ("several pieces, expected 1", "1", ""),
        ("=> [1, 2] (should be [1])", "[1]", "[1, 2]"),
        ("3, should be 4", "4", "3"),
        ("prints 3 instead of 4", "4", "3"),
        ("not [1, 2]", "[1, 2]", ""),
    ],
)
def test_a_comment_beside_code(remark: str, expected: str, actual: str) -> None:
    text = f"Title\n\n```python\nimport a\nx = 1\na.f(x)  # {remark}\n```\n"
    assert told(text)[0][1:] == ("a.f(x)  # " + remark, expected, actual)
    assert claims_of(text)[0].setup == ("import a", "x = 1")


def test_a_session_with_the_wish_after_it() -> None:
    text = (
        "get_name() is wrong\n\n```python\n>>> ident = lib.parse('a.b.c')\n>>> ident.get_name()\n"
        "'b'\n```\n\nI'd expect `'c'`.\n"
    )
    assert told(text) == [("value", "ident.get_name()", "'c'", "'b'")]


def test_wishes_in_order() -> None:
    text = "T\n\n`f(1)` returns `'1B'`, `f(2)` returns `'2B'`. I expected `'1K'`, `'2K'`, ...\n"
    assert told(text) == [("value", "f(1)", "'1K'", "'1B'"), ("value", "f(2)", "'2K'", "'2B'")]


def test_sections_say_what_an_output_is() -> None:
    text = (
        "Off by one\n\n### Steps\n```python\nimport a\nprint('x', a.f(1))\n```\n"
        "### Current behavior\n```\nx 1\n```\n### Expected behavior\n```\nx 2\n```\n"
        "### Versions\n```\nprint 2.9.3\n```\n"
    )
    assert told(text) == [("prints", "", "x 2", "x 1")]


def test_a_template_with_nan() -> None:
    text = (
        "f is nan\n**To Reproduce**\n```python\nimport a\na.f(aoi=100)\n```\nreturns `nan`.\n\n"
        "**Expected behavior**\nThe result should be `0`, as it was.\n\n**Versions:**\n - a: 0.9\n"
    )
    assert told(text) == [("value", "a.f(aoi=100)", "0", "nan")]


def test_labels() -> None:
    text = "Bug\n\n```python\nimport a\na.f(1)\n```\n\nExpected: 3\nActual: 4\n"
    assert told(text) == [("value", "a.f(1)", "3", "4")]


def test_a_traceback_with_the_code_that_raised_it() -> None:
    text = (
        "f crashes\n\n```python\nimport a\na.f(None)\n```\n```\n"
        "Traceback (most recent call last):\n"
        '  File "x.py", line 2, in <module>\n    a.f(None)\nTypeError: no len()\n```\n'
    )
    (claim,) = claims_of(text)
    assert claim.kind == "runs"
    assert claim.raised == Raised("TypeError", "no len()")
    assert claim.standing is Standing.RAISES
    assert claim.setup == ("import a", "a.f(None)")


def test_a_traceback_where_a_value_is_wanted() -> None:
    text = (
        "f\n\n>>> import a\n>>> a.f('')\nTraceback (most recent call last):\n  ...\n"
        "IndexError: string index out of range\n\nI'd expect `[]`.\n"
    )
    (claim,) = claims_of(text)
    assert (claim.kind, claim.expected) == ("value", "[]")
    assert claim.raised == Raised("IndexError", "string index out of range")


def test_an_exception_that_should_come() -> None:
    (claim,) = claims_of("No check\n\n`a.f(-1)` should raise `ValueError`.\n")
    assert (claim.kind, claim.code, claim.expected) == ("raises", "a.f(-1)", "ValueError")


def test_assertions_are_claims_each() -> None:
    text = "T\n\n```python\nimport a\nassert a.f(1) == 1\nassert a.f(2) == 2\n```\n"
    first, second = claims_of(text)
    assert (first.kind, second.kind) == ("assertion", "assertion")
    assert second.setup == ("import a",)


def test_only_a_wrong_outcome_is_weak() -> None:
    text = "str is wrong\n\n```python\n>>> str(a.M('x'))\n'y'\n```\n\nThat means something else.\n"
    weak = claims_of(text)[-1]
    assert (weak.kind, weak.actual, weak.standing) == ("differs", "'y'", Standing.DIFFERS)


def test_a_wrong_truth_implies_the_other() -> None:
    text = "copies differ\n\n```python\n>>> copy(o) == o\nFalse\n```\n"
    claim: Claim = claims_of(text)[0]
    assert (claim.expected, claim.actual, claim.standing) == ("True", "False", Standing.IMPLIED)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "\0\ud800`",
        "[" * 60_000,
        "f(" * 30_000,
        "`" * 60_000,
        "```\n" * 20_000,
        ">>> f(1)\n1\n" * 6_000,
        "Expected: 3\n" * 5_000,
        "returns `1` " * 5_000,
        "```python\n" + "(" * 9_000 + "\n```",
        "```python\n" + "1+" * 5_000 + "1\n```",
        "```python\n" + "a" + ".b" * 5_000 + "\n```",
        "Traceback (most recent call last):\n" * 1_700,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_any_text_is_read_in_little_time(text: str) -> None:
    began = time.process_time()
    claims_of(text)
    assert time.process_time() - began < 5
