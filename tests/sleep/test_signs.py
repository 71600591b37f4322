"""Who is at work: told without being in anybody's way, and never of a process that is another's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from swe_sleep.sandbox import owners
from swe_sleep.sleep import signs


def test_who_holds_the_lock_is_at_work_on_its_work_tree(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    assert signs.at_work(tmp_path, root) is None
    with signs.locked(tmp_path, root, 0):
        assert signs.at_work(tmp_path, root) == os.getpid()
        assert signs.at_work(tmp_path, tmp_path / "other") is None
    assert signs.at_work(tmp_path, root) is None


def test_asking_is_in_the_way_of_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass that began while somebody asked was told that another one runs."""

    def took(*arguments: object, **more: object) -> None:
        pytest.fail("it took the lock")

    monkeypatch.setattr(FileLock, "acquire", took)
    assert signs.at_work(tmp_path, tmp_path / "shop") is None


def test_what_a_killed_pass_left_names_nobody(tmp_path: Path) -> None:
    """Its id may be another process by now, which `swe-sleep stop` must not end."""
    root = tmp_path / "shop"
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = owners.started(process.pid)
    me = owners.me().split(" ")
    for owner, found in {
        f"{process.pid} {start} {me[-1]}": process.pid,
        f"{process.pid} 1 {me[-1]}": None,
        f"{process.pid} {start} another-machine": None,
        str(process.pid): None,
        "": None,
    }.items():
        (tmp_path / signs.PID).write_text(f"{owner}\n{root}")
        assert signs.at_work(tmp_path, root) == found, owner
    process.communicate()
    (tmp_path / signs.PID).write_text(f"{process.pid} {start} {me[-1]}\n{root}")
    assert signs.at_work(tmp_path, root) is None
