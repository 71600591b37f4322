"""Which hunks of a change make a test fail."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swe_sleep.records import Place
from swe_sleep.repair.culprits import culprits, mixture
from swe_sleep.repair.history import hunks

OLD = b"".join(b"line %d\n" % n for n in range(30))


def changed(*numbers: int) -> bytes:
    """The old text with some lines changed; lines are counted from 0."""
    lines = OLD.splitlines(keepends=True)
    for number in numbers:
        lines[number] = b"NEW %d\n" % number
    return b"".join(lines)


def has(*texts: bytes):  # type: ignore[no-untyped-def]
    return lambda contents: all(any(t in c for c in contents.values()) for t in texts)


def test_one_hunk_of_many_is_found_in_few_runs() -> None:
    after = changed(*range(0, 30, 2))

    found = culprits({"a.py": OLD}, {"a.py": after}, has(b"NEW 14\n"))

    assert found.places == (Place("a.py", 15),)
    assert found.hunks == 15
    assert found.smallest
    assert found.runs <= 12


def test_two_hunks_in_two_files_that_only_together_fail() -> None:
    before, after = {"a.py": OLD, "b.py": OLD}, {"a.py": changed(2, 8), "b.py": changed(5, 20)}

    found = culprits(before, after, lambda c: b"NEW 8" in c["a.py"] and b"NEW 5" in c["b.py"])

    assert found.places == (Place("a.py", 9), Place("b.py", 6))


def test_what_the_failing_test_runs_is_tried_first() -> None:
    after = changed(*range(0, 30, 2))

    found = culprits({"a.py": OLD}, {"a.py": after}, has(b"NEW 14\n"), ran={"a.py": {15, 16}})

    assert found.places == (Place("a.py", 15),)
    assert found.runs == 3


def test_lines_taken_away_are_told_by_the_line_after_them() -> None:
    lines = OLD.splitlines(keepends=True)
    after = b"".join(lines[:4] + lines[6:20] + [b"more\n"] + lines[20:])

    found = culprits({"a.py": OLD}, {"a.py": after}, lambda c: b"line 5\n" not in c["a.py"])

    assert found.places == (Place("a.py", 5),)


def test_nothing_is_blamed_where_the_old_contents_fail_too() -> None:
    found = culprits({"a.py": OLD}, {"a.py": changed(3)}, lambda contents: True)

    assert found.places == ()
    assert not found.smallest


def test_runs_have_an_end_and_it_is_said() -> None:
    after = changed(*range(0, 30, 2))

    found = culprits({"a.py": OLD}, {"a.py": after}, has(b"NEW 14\n"), most_runs=4)

    assert found.runs == 4
    assert not found.smallest
    assert Place("a.py", 15) in found.places


@pytest.mark.parametrize("after", [b"", b"x", b"line 0\nother", OLD + b"no end of line"])
def test_odd_ends_of_files(after: bytes) -> None:
    found = culprits({"a.py": OLD}, {"a.py": after}, lambda c: c["a.py"] == after)

    assert found.places
    assert all(place.line for place in found.places)


lines_of_text = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n"]), max_size=12)


@given(lines_of_text, lines_of_text)
def test_a_mixture_goes_from_the_old_text_to_the_new_one(
    old: list[bytes], new: list[bytes]
) -> None:
    before, after = b"".join(old), b"".join(new)
    every = hunks("a.py", before, after)
    contents: Mapping[str, bytes] = {"a.py": after}

    assert mixture(contents, every, every)["a.py"] == after
    assert mixture(contents, every, ())["a.py"] == before
