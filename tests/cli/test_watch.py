from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


class Watcher:
    """`swe-sleep watch` as a process of its own, with its lines as they come."""

    def __init__(self, root: Path, env: dict[str, str], *flags: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "swe_sleep", "watch", "--settle-s", "0.1", *flags],
            cwd=root,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self.errors: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._threads = [
            threading.Thread(target=self._read, args=("stdout",)),
            threading.Thread(target=self._read, args=("stderr",)),
        ]
        for thread in self._threads:
            thread.start()

    def _read(self, name: str) -> None:
        stream = getattr(self.process, name)
        for line in stream:
            (self.said if name == "stdout" else self.errors).append(line)
            if name == "stdout":
                self._lines.put(line)
        if name == "stdout":
            self._lines.put(None)

    def until(self, *words: str, timeout_s: float = 120) -> str:
        """The next line that holds one of these."""
        end = time.monotonic() + timeout_s
        while (line := self._lines.get(timeout=max(0.01, end - time.monotonic()))) is not None:
            if any(each in line for each in words):
                return line
        raise AssertionError(f"ended before it said {words!r}: {self.said} {self.errors}")

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        code = self.process.wait(120)
        self.close()
        return code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture
def watching(
    clean_environment: Callable[..., dict[str, str]], tmp_path: Path
) -> Iterator[Callable[..., Watcher]]:
    """`watching(root, *flags)` starts a watcher whose temporary files are in `tmp_path/tmp`."""
    (tmp_path / "tmp").mkdir()
    started: list[Watcher] = []

    def start(root: Path, *flags: str) -> Watcher:
        env = clean_environment(TMPDIR=str(tmp_path / "tmp"), SWE_SLEEP_SLEEP__SPECULATE_S="10")
        started.append(Watcher(root, env, *flags))
        return started[-1]

    yield start
    for watcher in started:
        watcher.close()


@pytest.fixture
def orphans() -> Iterator[Callable[[], list[str]]]:
    """`orphans()` names the processes that lost their parent in this test and still run."""
    if not sys.platform.startswith("linux"):
        yield list
        return
    subreaper = 36  # PR_SET_CHILD_SUBREAPER: orphans become children of this process
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    before = set(_children())
    assert prctl(subreaper, 1, 0, 0, 0) == 0

    def look() -> list[str]:
        end = time.monotonic() + 60
        while left := {p: name for p, name in _children().items() if p not in before}:
            for pid in left:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            if time.monotonic() > end:
                break
            time.sleep(0.05)
        return list(left.values())

    yield look
    prctl(subreaper, 0, 0, 0, 0)


def _children() -> dict[int, str]:
    found = {}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int((folder / "stat").read_text().rpartition(") ")[2].split()[1]) == os.getpid():
                found[int(folder.name)] = (folder / "cmdline").read_text()
    return found


def left(folder: Path) -> list[Path]:
    """What is in a temporary folder, but for the user's own one that all sandboxes share."""
    return [each for each in folder.rglob("*") if each != folder / f"swe-sleep-{os.getuid()}"]


def state(root: Path) -> set[str]:
    return {file.name for file in (root / ".git/swe-sleep").iterdir()}


def test_an_edit_becomes_a_note(
    watching: Callable[..., Watcher],
    orphans: Callable[[], list[str]],
    cli: Any,
    shop: Path,
    break_shop: Callable[[Path], None],
    failing: str,
    refused: Callable[..., None],
    git: Any,
    tmp_path: Path,
) -> None:
    watcher = watching(shop)
    assert str(shop) in watcher.until("watching ")
    watcher.until("notes renewed in")
    said = json.loads(cli(shop, "status", "--json").out)
    assert said["queue"]["watcher"] == watcher.process.pid
    refused(cli(shop, "watch"), f"watched already by process {watcher.process.pid}.")

    break_shop(shop)
    watcher.until("changed: shop/basket.py")
    watcher.until("anticipated issue, reproduced")
    assert failing in watcher.until("fails")
    watcher.until("patch prepared and tested")
    watcher.until("renewed in")
    assert failing in cli(shop, "notes", "bugs").out

    assert watcher.end() == 0
    assert "Traceback" not in "".join(watcher.errors)
    assert [line for line in watcher.errors if not line.startswith("…")] == []
    assert orphans() == []
    assert left(tmp_path / "tmp") == []
    assert git(shop, "status", "--porcelain") == "M shop/basket.py"
    kept = {name for name in state(shop) if not name.endswith(".lock")}
    assert kept == {"notes.db", "trajectories"}  # where `notes` has its key for placeholders
    assert cli(shop, "sleep", "--dry-run").out == "Nothing to do: every note is fresh.\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_the_middle_of_a_pass(
    watching: Callable[..., Watcher],
    orphans: Callable[[], list[str]],
    shop: Path,
    tmp_path: Path,
    number: int,
) -> None:
    (shop / "tests/test_slow.py").write_text(
        "import time\n\n\ndef test_slow():\n    time.sleep(100)\n"
    )
    watcher = watching(shop)
    end = time.monotonic() + 120
    while not any(line.startswith("… tests") for line in watcher.errors):
        assert time.monotonic() < end, watcher.errors
        time.sleep(0.05)
    assert watcher.end(number) == 0
    assert "Traceback" not in "".join(watcher.errors)
    assert orphans() == []
    assert left(tmp_path / "tmp") == []
    assert {name for name in state(shop) if not name.endswith(".lock")} == {"notes.db"}


def test_two_work_trees_of_one_repository(
    watching: Callable[..., Watcher], shop: Path, git: Any, cli: Any
) -> None:
    other = shop.with_name("other")
    git(shop, "worktree", "add", "-q", str(other))
    first, second = watching(shop), watching(other)
    first.until("watching ")
    second.until("watching ")
    second.until("renewed in", "Nothing to do")
    (other / "shop/extra.py").write_text("def surplus():\n    return 1\n")
    second.until("changed: shop/extra.py")
    assert first.end() == 0
    assert second.end() == 0
    assert not any("changed" in line for line in first.said)


def test_what_hooks_queue_is_taken_at_the_start(
    watching: Callable[..., Watcher], shop: Path
) -> None:
    folder = shop / ".git/swe-sleep"
    folder.mkdir()
    (folder / "queue").write_text(f"1 post-commit {shop}\n")
    watcher = watching(shop, "--poll-s", "0.2", "--budget-s", "30")
    watcher.until("notes renewed in")
    assert not (folder / "queue").exists()
    assert watcher.end() == 0


def test_a_watcher_that_was_killed_is_in_nobodys_way(
    watching: Callable[..., Watcher], shop: Path, cli: Any
) -> None:
    watcher = watching(shop)
    watcher.until("notes renewed in")
    watcher.process.kill()
    watcher.process.wait()
    assert json.loads(cli(shop, "status", "--json").out)["queue"]["watcher"] is None
    again = watching(shop)
    again.until("Nothing to do")
    assert again.end() == 0
