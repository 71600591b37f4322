"""What an edit did to the lines of a file."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from swe_sleep.repo.lines import line_change

TEXTS = st.lists(st.sampled_from([b"", b"a", b"b", b"  c", b"\r"]), max_size=12).map(b"\n".join)


@given(TEXTS, TEXTS)
def test_every_line_moved_or_was_touched(before: bytes, after: bytes) -> None:
    change = line_change(before, after)

    old, new = before.split(b"\n"), after.split(b"\n")
    assert all(old[i - 1] == new[j - 1] for i, j in change.moved.items())
    assert list(change.moved.values()) == sorted(set(change.moved.values()))
    assert change.touched_before | change.moved.keys() == set(range(1, len(old) + 1))
    assert change.touched_after | set(change.moved.values()) == set(range(1, len(new) + 1))


def test_nothing_changed() -> None:
    change = line_change(b"a\nb\n", b"a\nb\n")

    assert (change.touched_before, change.touched_after) == (frozenset(), frozenset())


def test_insertion_and_deletion_touch_their_neighbours() -> None:
    inserted = line_change(b"a\nb\nc", b"a\nx\nb\nc")

    assert (set(inserted.touched_before), set(inserted.touched_after)) == ({1, 2}, {2})
    assert inserted.moved == {1: 1, 2: 3, 3: 4}
    deleted = line_change(b"a\nx\nb", b"a\nb")
    assert (set(deleted.touched_before), set(deleted.touched_after)) == ({2}, {1, 2})


def test_long_texts_are_compared_in_no_time() -> None:
    before = b"\n".join(b"" if n % 2 else b"a%d" % n for n in range(20_000))
    after = before.replace(b"a", b"b")
    began = time.process_time()

    change = line_change(before, after)

    assert time.process_time() - began < 5
    assert len(change.touched_before) == len(change.touched_after) == 19_999
