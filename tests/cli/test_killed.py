"""kill -9, twenty times at random moments: nothing finished is lost, and nothing is done twice."""

from __future__ import annotations

import itertools
import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

KILLS = 20
WATCHED = 5
"""Every so many-th of them hits a watcher."""
SEED = 20261122


def run(root: Path, env: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "swe_sleep", *arguments]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=root, env=env, stdout=nowhere, stderr=nowhere)


def rows(root: Path, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(root / ".git/swe-sleep/notes.db")) as db:
        return db.execute(question).fetchall()


def edit(root: Path, number: int) -> None:
    """A change a time; every third breaks a test, so that the later stages have work."""
    file = root / "shop/basket.py"
    text = file.read_text().partition("\nEDIT")[0]
    sign = ">" if number % 3 == 0 else ">="
    text = text.replace("total > 5000", "total >= 5000").replace(
        "total >= 5000", f"total {sign} 5000"
    )
    file.write_text(f"{text}\nEDIT = {number}\n")


@pytest.mark.slow
@pytest.mark.timeout(900)  # of which a machine with nothing else to do takes one
def test_killed_twenty_times_at_random_moments(
    shop: Path,
    clean_environment: Callable[..., dict[str, str]],
    cli: Any,
) -> None:
    env = clean_environment(SWE_SLEEP_SLEEP__SPECULATE_S="5", SWE_SLEEP_SLEEP__BUDGET_S="3000")
    chance = random.Random(SEED)
    assert run(shop, env, "sleep").wait(300) == 0
    edit(shop, 0)
    began = time.monotonic()
    assert run(shop, env, "sleep").wait(300) == 0
    whole_s = time.monotonic() - began

    killed = 0
    done: set[tuple[Any, ...]] = set(rows(shop, "SELECT key FROM units"))
    for number in itertools.count(1):
        if killed == KILLS:
            break
        assert number < 4 * KILLS, "they end before they can be killed"
        edit(shop, number)
        began = time.monotonic()
        watched = number % WATCHED == 0
        process = run(shop, env, "watch" if watched else "sleep")
        try:
            process.wait(chance.uniform(0.1, 1.0) * whole_s)
        except subprocess.TimeoutExpired:
            process.kill()
        if process.wait() == -signal.SIGKILL:
            killed += 1
        else:  # the machine is quicker than it was
            whole_s = min(whole_s, time.monotonic() - began)
        assert rows(shop, "PRAGMA integrity_check") == [("ok",)]
        now = set(rows(shop, "SELECT key FROM units"))
        assert done <= now, "what was finished is lost"
        done = now

    edit(shop, 1)  # all tests pass
    last = run(shop, env, "sleep")
    assert last.wait(300) == 0
    whole(shop, done)
    assert cli(shop, "sleep", "--dry-run").out == "Nothing to do: every note is fresh.\n"
    status = json.loads(cli(shop, "status", "--json").out)
    assert (status["files_without_outline"], status["proven_bugs"]) == (0, [])
    assert status["queue"] == {"events": 0, "watcher": None, "pass": None}


def whole(root: Path, done: set[tuple[Any, ...]]) -> None:
    """What must hold of any store, whatever happened to its writers."""
    assert done <= set(rows(root, "SELECT key FROM units"))
    twice = "SELECT key FROM journal WHERE outcome = 'done' GROUP BY key HAVING count(*) > 1"
    assert rows(root, twice) == []
    unwritten = (
        "SELECT key FROM journal WHERE outcome = 'done' AND key NOT IN (SELECT key FROM units)"
    )
    assert rows(root, unwritten) == []
    assert rows(root, "PRAGMA foreign_key_check") == []
    searched = rows(root, "SELECT count(*) FROM notes_text")
    assert searched == rows(root, "SELECT count(*) FROM notes")
    same = "SELECT 1 FROM notes GROUP BY kind, subject, producer, content_key HAVING count(*) > 1"
    assert rows(root, same) == []


def test_two_passes_at_once_do_nothing_twice(
    shop: Path, clean_environment: Callable[..., dict[str, str]]
) -> None:
    """A second pass is told so, or begins after the first and finds nothing to do."""
    env = clean_environment()
    both = [run(shop, env, "sleep") for _ in range(2)]

    codes = sorted(process.wait(300) for process in both)

    assert codes in ([0, 0], [0, 2])
    whole(shop, set())
    assert rows(shop, "SELECT count(*) FROM units WHERE pass = 'tests'") == [(1,)]


def test_second_watcher_says_so_and_does_no_work(
    shop: Path, clean_environment: Callable[..., dict[str, str]], refused: Any, process: Any
) -> None:
    first = run(shop, clean_environment(), "watch")
    try:
        end = time.monotonic() + 120
        while not (shop / ".git/swe-sleep/watch.pid").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        refused(process(["watch"], shop), f"watched already by process {first.pid}")
    finally:
        first.terminate()
        assert first.wait(60) == 0
    whole(shop, set())
