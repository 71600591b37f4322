"""The file that tasks are mined into, while more than one run wants it."""

from __future__ import annotations

from pathlib import Path

import pytest

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.tasks.kept import Kept


def test_who_is_refused_takes_no_lock_away(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    with Kept.open(file, "acme/shop"):
        for _ in range(2):
            with pytest.raises(UsageError, match="another run"), Kept.open(file, "acme/shop"):
                pass
    with Kept.open(file, "acme/shop") as kept:
        kept.write([])
    assert file.read_bytes() == b""


def test_what_goes_wrong_meanwhile_is_not_taken_for_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError), Kept.open(tmp_path / "tasks.jsonl", "acme/shop"):
        raise ConnectionError
