from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from swe_sleep.sandbox.cache import KEPT, RECORD, Cache, write_record


def make(folder: Path) -> Path:
    made = folder / "made"
    made.mkdir()
    write_record(made, "")
    return made


def test_the_newest_are_kept_and_nothing_young_goes(tmp_path: Path) -> None:
    old = time.time() - 7200
    for number in range(KEPT + 5):
        place = tmp_path / f"old{number:02}"
        place.mkdir()
        write_record(place, "")
        os.utime(place / RECORD, (old + number, old + number))
    (tmp_path / "young").mkdir()
    write_record(tmp_path / "young", "")
    Cache(tmp_path).kept("new", make)
    left = {each.name for each in tmp_path.iterdir() if each.is_dir()}
    assert {"new", "young", f"old{KEPT + 4}"} <= left
    assert "old00" not in left
    assert len(left) == KEPT


def test_two_that_tidy_up_at_once_do_not_fall_over_each_other(tmp_path: Path) -> None:
    """What one removes, the other has just listed."""
    old = time.time() - 7200
    for number in range(400):
        place = tmp_path / f"old{number:03}"
        place.mkdir()
        write_record(place, "")
        os.utime(place / RECORD, (old, old))
    problems: list[BaseException] = []
    start = threading.Barrier(6)

    def keep(name: str) -> None:
        start.wait()
        try:
            Cache(tmp_path).kept(name, make)
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=keep, args=(f"new{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
