"""Giving way: who waits for a busy machine, how long, and at which priority the rest runs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swe_sleep.sleep import courtesy, processor
from swe_sleep.sleep.budget import Budget
from swe_sleep.sleep.courtesy import BUSY, FREE, Courtesy, Load
from swe_sleep.sleep.units import Level

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's table of processes")
BUSY_LOOP = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"
"""It ends with whoever started it."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LOOK_S": 0.01, "QUIET_S": 0.05, "FIRST_S": 0.01, "CHANGE_S": 0.1}.items():
        monkeypatch.setattr(courtesy, name, value)


@pytest.fixture(autouse=True)
def _priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test changes this process's own, which could not be taken back."""
    monkeypatch.setattr("swe_sleep.sleep.courtesy.priority.low", lambda pids: None)
    monkeypatch.setattr("swe_sleep.sleep.courtesy.priority.background", lambda pids: None)


class Machine:
    """Says how busy it is, and when somebody waits for it."""

    def __init__(self, *shares: float | None) -> None:
        self.shares = list(shares)
        self.told: list[bool] = []
        self.courtesy = Courtesy(load=self.load, tell=self.told.append)

    def load(self) -> float | None:
        return self.shares.pop(0) if len(self.shares) > 1 else self.shares[0]


def test_the_proof_of_an_edit_waits_for_nothing() -> None:
    machine = Machine(1.0)
    machine.courtesy.ready(Level.PROOF, Budget(60))
    assert machine.told == []


@pytest.mark.parametrize("level", [Level.SLEEP, Level.SPARE])
def test_what_nobody_waits_for_begins_when_the_machine_is_free(
    level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courtesy, "LOOK_S", 0.05)
    machine = Machine(None, BUSY + 0.1, *[1.0] * 20, FREE / 2)
    budget = Budget(1.5)

    machine.courtesy.ready(level, budget)

    assert machine.told == [True, False]
    assert budget.left_s > 0.6, "waiting is not work"


def test_a_pause_of_a_build_does_not_count_as_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courtesy, "QUIET_S", 1.0)  # two looks take longer on a busy machine
    pauses = [1.0, 1.0, 0.0, 0.0] * 5
    machine = Machine(None, 1.0, *pauses, 0.0)

    machine.courtesy.ready(Level.SLEEP, Budget(60))

    assert machine.shares == [0.0], "every pause was seen, and waited out"


def test_a_machine_with_room_left_makes_nobody_wait() -> None:
    machine = Machine(None, BUSY - 0.1)
    machine.courtesy.ready(Level.SLEEP, Budget(60))
    assert machine.told == []


def test_no_table_of_the_load_no_waiting() -> None:
    machine = Machine(None)
    machine.courtesy.ready(Level.SLEEP, Budget(60))
    assert machine.told == []


def test_leads_of_a_change_wait_a_little_once_a_pass() -> None:
    machine = Machine(None, 1.0)
    budget = Budget(60)
    machine.courtesy.begin()
    for _ in range(3):
        machine.courtesy.ready(Level.CHANGE, budget)
    assert machine.told == [True, False]

    machine.courtesy.begin()
    machine.courtesy.ready(Level.CHANGE, budget)
    assert machine.told == [True, False] * 2


def test_a_stop_ends_the_waiting_at_once() -> None:
    machine = Machine(None, 1.0)
    budget = Budget(60)
    timer = threading.Timer(0.1, budget.stop.set)
    timer.start()
    began = time.monotonic()

    machine.courtesy.ready(Level.SLEEP, budget)

    assert time.monotonic() - began < 50
    assert machine.told == [True, False]


def test_whoever_asked_for_the_pass_does_not_want_it_to_wait() -> None:
    machine = Machine(None, 1.0)
    machine.courtesy.waits = False
    machine.courtesy.ready(Level.SLEEP, Budget(60))
    assert machine.told == []


# -- real processes -------------------------------------------------------------------------------


@pytest.fixture
def spinning() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """`spinning(**options)` starts a process that does nothing but work."""
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str = BUSY_LOOP) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "-I", "-c", code]))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@linux
def test_our_own_work_is_not_taken_for_others(
    spinning: Callable[..., subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the machine counts is what the others did, 1 s a look, and what we did.
    monkeypatch.setattr(processor, "machine_s", lambda: 100.0 * time.monotonic() + own())
    monkeypatch.setattr(os, "getpriority", lambda which, who: 0)

    def own() -> float:
        return sum(processor.taken())

    load = Load(cores=100)
    load.look()
    spinning()
    until = time.monotonic() + 30
    before = own()
    while own() - before < 0.3 and time.monotonic() < until:
        time.sleep(0.05)

    assert own() - before >= 0.3
    assert load.look() == pytest.approx(1.0, abs=0.2)


@linux
def test_processor_time_counts_whoever_is_below_us(
    spinning: Callable[..., subprocess.Popen[bytes]],
) -> None:
    deeper = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY_LOOP!r}])"
    budget = Budget(60, cpu_s=0.3)
    assert not budget.exhausted()

    spinning(deeper)

    until = time.monotonic() + 30
    while not budget.exhausted() and time.monotonic() < until:
        time.sleep(0.05)
    assert budget.overworked
    assert budget.cut()
    assert budget.limit == "0.3 s of processor time"


@linux
def test_priorities_are_inherited_and_can_be_taken_back(tmp_path: Path) -> None:
    code = """
import os, subprocess, sys
from swe_sleep.sleep import priority
def show(what):
    child = [sys.executable, "-I", "-c", "import os; print(os.nice(0), os.sched_getscheduler(0))"]
    print(what, *subprocess.run(child, capture_output=True, text=True).stdout.split())
show("first"); priority.low(); show("low"); priority.background(); show("background")
priority.low(); show("again")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    first, low, background, again = (line.split()[1:] for line in done.stdout.splitlines())
    nice = max(10, int(first[0]))
    assert low == again == [str(nice), str(os.SCHED_OTHER)]
    assert background == [str(nice), str(os.SCHED_BATCH)]
