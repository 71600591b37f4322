"""Old and new code on the same inputs: what is proven, what is only a change, what is refuted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from swe_sleep.anticipate.proving.judge import Circumstances
from swe_sleep.anticipate.proving.prover import Prover, Tried
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.testing.tests import Tests

TESTS = """
from words import first, head, join, ratio

def test_words():
    assert first("a b") == "a"
    assert join(["a", "b"]) == "a b"
    assert ratio(1, 2) == 0.5
    assert head("abc") == "a"
"""
GOOD = '''
def first(text):
    if not text.strip():
        return ""
    return text.split()[0]


def join(words, mark=" "):
    """
    >>> join(["x", "y"], "-")
    'x-y'
    """
    return mark.join(str(word) for word in words)


def ratio(part: int, whole: int) -> float:
    try:
        return part / whole
    except ZeroDivisionError:
        return 0.0


def head(text: str) -> str:
    if not text:
        raise ValueError("no text")
    return text[:1]
'''

Try = Callable[..., Tried]


@pytest.fixture
def tried(open_both: Callable[..., tuple[Tests, Snapshot]]) -> Try:
    """What comes of replacing a piece of the good code."""

    def run(qualname: str, old: str, new: str, **around: bool) -> Tried:
        assert old in GOOD
        tests, snapshot = open_both({"words.py": GOOD.replace(old, new), "test_words.py": TESTS})
        prover = Prover(tests, snapshot, {"words.py": GOOD.encode()}, Circumstances(**around))
        change = next(c for c in prover.changes if c.qualname == qualname)
        found = prover.prove(change, ["test_words.py::test_words"], seconds=60)
        assert tests.sandbox.changes() == {}
        return found

    return run


def test_a_guard_that_went_is_proven_by_the_input_that_it_named(tried: Try) -> None:
    found = tried("first", '    if not text.strip():\n        return ""\n', "")
    assert found.proven is not None
    assert found.proven.verdict.kind == "crash"
    assert found.proven.message.startswith("IndexError")
    assert found.proven.test.path == "test_swe_sleep_first.py"
    assert "result = first('')\n    assert result == ''" in found.proven.test.content


def test_a_handler_that_went_is_proven(tried: Try) -> None:
    handler = (
        "    try:\n        return part / whole\n    except ZeroDivisionError:\n        return 0.0"
    )
    found = tried("ratio", handler, "    return part / whole")
    assert found.proven is not None
    assert found.proven.message.startswith("ZeroDivisionError")


def test_a_broken_example_of_the_docstring_is_proven(tried: Try) -> None:
    found = tried("join", "mark.join(", '" ".join(')
    assert found.proven is not None
    assert found.proven.verdict.kind == "documented"


def test_a_value_that_is_no_longer_of_the_type_that_is_said_is_proven(tried: Try) -> None:
    found = tried("head", "    return text[:1]", "    if len(text) > 2:\n        return text[:1]")
    assert found.proven is not None
    assert found.proven.verdict.kind == "annotation"


def test_a_return_that_is_missing_on_one_way_is_proven(tried: Try) -> None:
    found = tried(
        "first",
        "    return text.split()[0]",
        "    if text[0] != ' ':\n        return text.split()[0]",
    )
    assert found.proven is not None
    assert found.proven.verdict.kind == "lost"


def test_another_value_is_only_a_change(tried: Try) -> None:
    found = tried("first", "text.split()[0]", "text.split()[-1]")
    assert found.differing > 0
    assert found.proven is None and not found.refuted


def test_an_error_that_is_raised_on_purpose_is_only_a_change(tried: Try) -> None:
    found = tried("first", '        return ""\n', '        raise LookupError("no words")\n')
    assert found.differing > 0
    assert found.proven is None


def test_a_change_of_the_signature_is_meant(tried: Try) -> None:
    found = tried(
        "first",
        'first(text):\n    if not text.strip():\n        return ""',
        "first(text, *more):\n    pass",
    )
    assert found.proven is None


def test_a_guard_that_means_the_same_is_refuted(tried: Try) -> None:
    found = tried("head", "    if not text:\n", "    if len(text) == 0:\n")
    assert found.proven is None
    assert found.refuted or found.differing  # what has no length is a type that is ruled out
