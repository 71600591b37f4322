from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swe_sleep.errors import RepositoryError
from swe_sleep.integrations import queue
from swe_sleep.integrations.queue import Queued


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def another() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def _add(state: Path, *lines: str) -> None:
    with (state / queue.QUEUE).open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def _ended() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_reads_what_hooks_write(state: Path) -> None:
    assert queue.pending(state) == []
    _add(state, "1700000000 post-commit /home/a b/repo", "1700000001 post-merge /other")
    expected = [
        Queued(1700000000.0, "post-commit", Path("/home/a b/repo")),
        Queued(1700000001.0, "post-merge", Path("/other")),
    ]
    assert queue.pending(state) == expected
    assert queue.take(state) == expected
    assert queue.take(state) == []
    assert list(state.iterdir()) == []


def test_torn_lines_are_events_all_the_same(state: Path) -> None:
    (state / queue.QUEUE).write_bytes(
        b"1700000000 post-c1700000001 post-commit /a\n\n\xff\0\n1700000002 post-merge /b\n17000"
    )
    events = queue.take(state)
    assert [each.hook for each in events] == ["", "", "post-merge", ""]
    assert all(abs(each.time - time.time()) < 600 for each in events if not each.hook)


def test_roots_are_those_still_there(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for root in (here, there):
        (root / ".git").mkdir(parents=True)
    batch = [Queued(1, "post-commit", here), Queued(2, "post-commit", there)]
    assert queue.roots(batch, here) == [there, here]
    gone = Queued(3, "post-commit", tmp_path / "gone")
    assert queue.roots([gone, Queued(4, "", None)], here) == [here]


def test_batches_until_the_queue_stays_empty(state: Path) -> None:
    _add(state, "1 post-commit /a")
    seen, settled = [], []
    with queue.taking(state, settle=lambda: settled.append(len(queue.pending(state)))) as batches:
        for batch in batches:
            assert queue.running(state) == os.getpid()
            seen.append([each.time for each in batch])
            if len(seen) < 3:
                _add(state, f"{len(seen) + 1} post-commit /a", f"{len(seen) + 1} post-merge /a")
    assert seen == [[1], [2, 2], [3, 3]]
    assert settled == [1, 2, 2]
    assert queue.running(state) is None
    assert list(state.iterdir()) == []


def test_an_event_that_comes_as_the_marker_goes_is_taken(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = iter(["2 post-commit /a"])
    release = queue._release

    def release_late(folder: Path) -> None:
        _add(folder, *(line for line in [next(late, "")] if line))
        release(folder)

    monkeypatch.setattr(queue, "_release", release_late)
    _add(state, "1 post-commit /a")
    with queue.taking(state) as batches:
        assert [[each.time for each in batch] for batch in batches] == [[1], [2]]


def test_a_line_written_to_the_taken_file_is_taken(state: Path) -> None:
    _add(state, "1 post-commit /a")
    with (state / queue.QUEUE).open("a") as slow, queue.taking(state) as batches:
        assert [each.time for each in next(batches)] == [1]
        slow.write("2 post-commit /a\n")
        slow.flush()
        assert [each.time for each in next(batches)] == [2]
        assert list(batches) == []


def test_what_a_failed_pass_had_taken_comes_again(state: Path) -> None:
    _add(state, "1 post-commit /a")
    with pytest.raises(ZeroDivisionError), queue.taking(state) as batches:
        for _ in batches:
            raise ZeroDivisionError
    assert queue.running(state) is None
    _add(state, "2 post-commit /a")
    assert [each.time for each in queue.pending(state)] == [1, 2]
    with queue.taking(state) as batches:
        assert [each.time for batch in batches for each in batch] == [1, 2]


def test_only_one_pass_at_a_time(state: Path, another: subprocess.Popen[bytes]) -> None:
    _add(state, "1 post-commit /a")
    (state / queue.PASS_PID).write_text(f"{another.pid} -\n")
    with queue.taking(state) as batches:
        assert list(batches) == []
    assert queue.running(state) == another.pid
    assert len(queue.pending(state)) == 1


@pytest.mark.parametrize("marker", ["{ended} -\n", "{alive} 1\n", "", "rubbish\n", "0 -\n"])
def test_a_stale_marker_is_taken_over(
    state: Path, another: subprocess.Popen[bytes], marker: str
) -> None:
    if "{alive}" in marker and not Path("/proc/self/stat").exists():
        marker = ""  # another process with the same pid can only be told where there is /proc
    _add(state, "1 post-commit /a")
    (state / queue.PASS_PID).write_text(marker.format(ended=_ended(), alive=another.pid))
    assert queue.running(state) is None
    with queue.taking(state) as batches:
        assert [len(batch) for batch in batches] == [1]
    assert list(state.iterdir()) == []


def test_a_killed_pass_loses_nothing(
    state: Path, eventually: Callable[[Callable[[], object]], None]
) -> None:
    _add(state, "1 post-commit /a")
    program = (
        "import sys, pathlib, signal\n"
        "from swe_sleep.integrations import queue\n"
        "with queue.taking(pathlib.Path(sys.argv[1])) as batches:\n"
        "    next(batches)\n"
        "    print('taken', flush=True)\n"
        "    signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(state)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"taken\n"
        assert queue.running(state) == process.pid
        process.kill()
    eventually(lambda: queue.running(state) is None)
    _add(state, "2 post-commit /a")
    with queue.taking(state) as batches:
        assert [each.time for batch in batches for each in batch] == [1, 2]


def test_of_many_that_take_over_one_marker_one_wins(state: Path) -> None:
    _add(state, "1 post-commit /a")
    (state / queue.PASS_PID).write_text(f"{_ended()} -\n")
    program = (
        "import sys, pathlib\n"
        "from swe_sleep.integrations import queue\n"
        "sys.stdin.readline()\n"
        "with queue.taking(pathlib.Path(sys.argv[1])) as batches:\n"
        "    for batch in batches:\n"
        "        print(len(batch))\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(state)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = "".join(process.communicate()[0] for process in processes)
    assert said == "1\n"
    assert all(process.returncode == 0 for process in processes)


def test_a_pass_started_by_a_hook_has_the_marker_and_its_signals_back(state: Path) -> None:
    _add(state, "1 post-commit /a")
    program = (
        "import sys, pathlib, signal\n"
        "from swe_sleep.integrations import queue\n"
        "state = pathlib.Path(sys.argv[1])\n"
        "(state / queue.PASS_PID).write_bytes(bytes(queue._Process.this()))\n"
        "with queue.taking(state) as batches:\n"
        "    assert [len(batch) for batch in batches] == [1]\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "assert signal.getsignal(signal.SIGQUIT) is signal.SIG_DFL\n"
    )
    subprocess.run(
        [
            "sh",
            "-c",
            'trap "" INT QUIT; exec "$@"',
            "sh",
            sys.executable,
            "-c",
            program,
            str(state),
        ],
        check=True,
    )
    assert list(state.iterdir()) == []


def test_handed_over_and_never_asked_for_a_batch(state: Path) -> None:
    # A shell may have started these tests in the background.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    (state / queue.PASS_PID).write_bytes(bytes(queue._Process.this()))
    before = signal.getsignal(signal.SIGINT)
    with queue.taking(state):
        pass
    assert queue.running(state) is None
    assert signal.getsignal(signal.SIGINT) is before


def test_watchers_are_of_a_work_tree(state: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "the re"
    assert queue.watcher(state, here) is None
    with queue.watching(state, here):
        assert queue.watcher(state, here) == os.getpid()
        assert queue.watcher(state, there) is None
        lines = (state / queue.WATCH_PID).read_text()
        (state / queue.WATCH_PID).write_text(lines + f"{_ended()} - {there}\n")
        assert queue.watcher(state, there) is None
    assert list(state.iterdir()) == []


def test_a_bare_pid_is_a_watcher_of_every_work_tree(state: Path, tmp_path: Path) -> None:
    (state / queue.WATCH_PID).write_text(f"{os.getpid()}\n")
    assert queue.watcher(state, tmp_path) == os.getpid()


def test_the_lock_on_a_folder_is_for_one(state: Path) -> None:
    order: list[str] = []
    inside = threading.Event()

    def other() -> None:
        inside.wait(60)
        with queue.locked(state):
            order.append("other")

    thread = threading.Thread(target=other)
    thread.start()
    with queue.locked(state):
        inside.set()
        thread.join(0.05)
        order.append("first")
    thread.join(60)
    assert order == ["first", "other"]


def test_a_state_folder_that_is_gone_is_one_clear_line(tmp_path: Path) -> None:
    with (
        pytest.raises(RepositoryError, match="cannot be written to"),
        queue.taking(tmp_path / "gone") as batches,
    ):
        list(batches)
