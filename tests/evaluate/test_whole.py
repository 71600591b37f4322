"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from swe_sleep.errors import SweSleepError
from swe_sleep.evaluate.whole import write_whole


def test_a_file_comes_with_its_folder_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "new" / "tasks.jsonl"
    write_whole(file, b"old")
    write_whole(file, b"new")
    assert file.read_bytes() == b"new"
    assert [each.name for each in file.parent.iterdir()] == ["tasks.jsonl"]


def test_others_may_read_it_as_far_as_the_person_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "tasks.jsonl", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "tasks.jsonl").stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_put_there_leaves_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl" / "in the way").mkdir(parents=True)
    with pytest.raises(SweSleepError, match="cannot write"):
        write_whole(tmp_path / "tasks.jsonl", b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["tasks.jsonl"]
