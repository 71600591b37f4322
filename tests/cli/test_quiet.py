"""A quiet repository: no work, no process, no request. And how what runs is ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.sleep.processor import below, processes

QUIET_S = 3.0
Environment = Callable[..., dict[str, str]]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(clean_environment: Environment) -> Iterator[Start]:
    """`start(root, *arguments, **variables)` runs a command line as a user would."""
    started: list[subprocess.Popen[str]] = []

    def run(root: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "swe_sleep", *arguments],
            cwd=root,
            env=clean_environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"ended with {process.wait()} before it said {words!r}: {said}")


@pytest.fixture
def refusing() -> Iterator[tuple[str, list[str]]]:
    """A server that refuses every request, and the paths it was asked for."""
    asked: list[str] = []

    class Refuse(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_error(403)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's table of processes")
def test_without_a_change_nothing_is_done_started_or_asked(
    start: Start, shop: Path, refusing: tuple[str, list[str]]
) -> None:
    url, asked = refusing
    key = {"SWE_SLEEP_MODEL__BASE_URL": url, "ANTHROPIC_API_KEY": "none"}
    watcher = start(shop, "watch", **key)
    until(watcher, "renewed in")
    settled_s = -1.0
    while taken(watcher.pid) - settled_s > 0.02:  # it gets ready for the next change
        settled_s = taken(watcher.pid)
        time.sleep(1.0)

    before, requests, processes_seen = taken(watcher.pid), len(asked), family(watcher.pid)
    end = time.monotonic() + QUIET_S
    while time.monotonic() < end:
        assert family(watcher.pid) <= processes_seen
        time.sleep(0.02)

    assert taken(watcher.pid) - before <= 0.02 * QUIET_S
    assert len(asked) == requests


def family(pid: int) -> set[int]:
    return {process.pid for process in below(pid)}


def taken(pid: int) -> float:
    """Processor seconds of a process and all below it."""
    me = next(each for each in processes() if each.pid == pid)
    return sum(each.user_s + each.system_s for each in [me, *below(pid)])


# -- ending ----------------------------------------------------------------------------------------


@pytest.fixture
def hanging(shop: Path) -> Path:
    """The shop, with a test that hangs and has begun once the file `begun` is there."""
    (shop / "tests/test_hang.py").write_text(
        "import time\n\n\ndef test_hang():\n    time.sleep(1000)\n"
    )
    return shop


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_pass_whose_test_hangs_ends_within_a_second(
    start: Start, hanging: Path, number: int
) -> None:
    process = start(hanging, "sleep")
    until(process, "… tests: new")
    children = wait_for_tests(process.pid)

    began = time.monotonic()
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    took_s = time.monotonic() - began

    assert process.returncode == 130
    assert "stopped, what was finished is kept" in said.lower()
    assert not children & {each.pid for each in processes()}
    assert took_s < 1.0 + 3 * lateness_s()


def wait_for_tests(pid: int) -> set[int]:
    """All that runs below a pass, once its sandbox runs a command."""
    end = time.monotonic() + 60
    while len(found := family(pid)) < 4:
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def lateness_s() -> float:
    """What starting and ending Python takes on this machine now: a measure of how busy it is."""
    began = time.monotonic()
    for _ in range(4):
        subprocess.run([sys.executable, "-c", "import json, sqlite3"], check=True)
    return time.monotonic() - began


def test_stop_ends_the_watcher_and_its_pass(start: Start, hanging: Path, cli: Any) -> None:
    watcher = start(hanging, "watch")
    until(watcher, "… tests: new")

    ran = cli(hanging, "stop")

    assert ran.code == 0
    assert f"ended: the watcher (pid {watcher.pid})" in ran.out
    assert watcher.wait(120) == 0
    assert cli(hanging, "stop").out == "Nothing runs on this work tree.\n"


def test_stop_of_what_has_just_ended(cli: Any, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["true"]) as process:
        pass
    answers = [process.pid, None]
    monkeypatch.setattr("swe_sleep.sleep.signs.at_work", lambda folder, root: answers.pop(0))

    ran = cli(shop, "stop")

    assert (ran.code, ran.out) == (0, f"ended: a pass (pid {process.pid})\n")


def test_stop_ends_a_pass_of_a_person(start: Start, hanging: Path, cli: Any) -> None:
    process = start(hanging, "sleep")
    until(process, "… tests: new")

    assert f"ended: a pass (pid {process.pid})" in cli(hanging, "stop").out
    assert process.wait(120) == 130


def test_processor_time_is_a_limit_that_is_said(cli: Any, shop: Path) -> None:
    busy = "def test_busy():\n    while True:\n        pass\n"
    (shop / "tests/test_busy.py").write_text(busy)
    (shop / "pyproject.toml").write_text("[tool.swe-sleep.sleep]\nbudget_cpu_s = 4\n")

    ran = cli(shop, "sleep")

    assert ran.code == 0, ran
    assert "4 s of processor time; left: " in ran.out
    status = cli(shop, "status")
    assert "limit reached at" in status.out
    assert "4 s of processor time" in status.out
    (reached,) = json.loads(cli(shop, "status", "--json").out)["limits"]
    assert reached["left"]
    assert abs(reached["at"] - time.time()) < 600


def test_a_whole_pass_reaches_no_limit(cli: Any, slept: Path) -> None:
    assert json.loads(cli(slept, "status", "--json").out)["limits"] == []


def test_the_ledger_tells_what_each_pass_spent(cli: Any, slept: Path) -> None:
    (day,) = json.loads(cli(slept, "status", "--json").out)["days"].values()
    assert day["tests"]["spent"]["test_runs"] >= 2
    assert day["tests"]["spent"]["wall_s"] > 0
    assert (day["tests"]["uses"], day["tests"]["saved"]["wall_s"]) == (0, 0)
    assert "its notes were not used yet" in cli(slept, "status").out


def test_what_notes_saved_is_shown(cli: Any, slept: Path) -> None:
    from swe_sleep.notes.ledger import Saved
    from swe_sleep.notes.store import Store
    from swe_sleep.records import Usage

    store = Store(slept / ".git/swe-sleep/notes.db")
    usage = Usage(wall_s=60, output_tokens=900, cost_usd=0.02)
    store.record(saved=[Saved(0.0, "solve", "speculate", "t", usage, "taken")])
    store.record(saved=[Saved(time.time() - 2 * 86400, "solve", "tests", "t", Usage(wall_s=5))])
    store.close()

    said = cli(slept, "status").out

    assert "saved 60.0 s, 900 tokens, 0.020 USD in 1 use" in said
    assert "7 days" in said
    assert "saved 65.0 s, 900 tokens, 0.020 USD in 2 uses" in said


def test_a_watcher_that_waits_for_the_machine_says_so(cli: Any, slept: Path) -> None:
    from swe_sleep.integrations import queue
    from swe_sleep.notes.store import Store
    from swe_sleep.sleep import signs

    store = Store(slept / ".git/swe-sleep/notes.db")
    signs.tell_waiting(store, True)
    assert "waiting  " not in cli(slept, "status").out, "nobody is at work"
    with queue.watching(slept / ".git/swe-sleep", slept):
        assert "the machine is busy with other work since" in cli(slept, "status").out
        signs.tell_waiting(store, False)
        assert "waiting  " not in cli(slept, "status").out
    store.close()
