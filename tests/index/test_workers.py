from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from swe_sleep.index import document as documents
from swe_sleep.index import workers as module
from swe_sleep.index.document import document
from swe_sleep.index.outline import decode, encode, outline
from swe_sleep.index.worker import Worker, WorkerFailed
from swe_sleep.index.workers import WORTHWHILE, Workers

TEXTS = {f"m{number}.py": f"def f{number}():\n    return {number}\n" for number in range(30)}


def tasks() -> list[tuple[str, str, Callable[[], bytes]]]:
    return [(path, "python", text.encode) for path, text in TEXTS.items()]


def expected() -> dict[str, bytes]:
    return {path: encode(outline(text.encode(), "python")) for path, text in TEXTS.items()}


def test_processes_give_what_one_would() -> None:
    with Workers(3) as workers:
        made = {each.name: each.encoded for each in workers.read(tasks(), WORTHWHILE)}
        assert made == expected()
        again = {each.name: encode(each.outline) for each in workers.read(tasks(), 2)}
    assert again == expected()


@pytest.mark.parametrize("count", [1, 3])
def test_documents_are_made_along_with_outlines(count: int) -> None:
    with Workers(count) as workers:
        made = {each.name: each for each in workers.read(tasks(), WORTHWHILE, document=True)}
    assert {name: each.encoded for name, each in made.items()} == expected()
    for name, text in TEXTS.items():
        found = document(text.encode(), made[name].outline)
        assert documents.decode(made[name].document) == found


@pytest.mark.parametrize("ahead", [1, WORTHWHILE - 1])
def test_little_work_starts_no_process(ahead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with Workers(3) as workers:
        assert len(list(workers.read(tasks(), ahead))) == len(TEXTS)


def test_work_is_done_here_where_no_process_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Workers(2) as workers:
        made = {each.name: each.encoded for each in workers.read(tasks(), WORTHWHILE)}
    assert made == expected()


def test_work_goes_on_where_a_process_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Worker] = []

    class Watched(Worker):
        def __init__(self) -> None:
            super().__init__()
            started.append(self)

    monkeypatch.setattr(module, "Worker", Watched)
    with Workers(2) as workers:
        list(workers.read(tasks(), WORTHWHILE))
        for worker in started:
            worker._process.kill()
            worker._process.wait()
        made = {each.name: each.encoded for each in workers.read(tasks(), WORTHWHILE)}
    assert made == expected()


def test_failure_to_read_is_raised_and_ends_the_processes() -> None:
    def fail() -> bytes:
        raise KeyError("gone")

    with Workers(2) as workers:
        with pytest.raises(KeyError, match="gone"):
            list(workers.read([*tasks(), ("x.py", "python", fail)], WORTHWHILE))
        assert len(list(workers.read(tasks(), WORTHWHILE))) == len(TEXTS)


def test_what_cannot_be_made_is_raised_and_waited_for_by_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise WorkerFailed

    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError("no more")

    monkeypatch.setattr(Worker, "read", fail)
    monkeypatch.setattr(module, "payloads", exhausted)
    with Workers(2) as workers, pytest.raises(MemoryError, match="no more"):
        list(workers.read(tasks(), WORTHWHILE))


def test_nothing_of_the_current_folder_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit('taken over')\n")
    (tmp_path / "json.py").write_text("raise SystemExit('taken over')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    with Worker() as worker:
        assert (
            decode(worker.read(b"def f(): ...\n", "python", document=False)[0]).symbols[0].name
            == "f"
        )


def test_a_closed_worker_says_so() -> None:
    with Worker() as worker:
        pass
    with pytest.raises(WorkerFailed):
        worker.read(b"", "python", document=False)


def test_processes_end_with_a_parent_that_is_killed() -> None:
    program = textwrap.dedent(
        """
        from swe_sleep.index.workers import Workers
        workers = Workers(2)
        task = ("m.py", "python", b"x = 1".__str__().encode)
        list(workers.read([task] * 4, 10_000))
        print(*[worker._process.pid for worker in workers._workers], flush=True)
        input()
        """
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        children = [int(number) for number in parent.stdout.readline().split()]
        assert len(children) == 2
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    for child in children:
        _wait_until(partial(_is_gone, child))


def _is_gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        return False
    return state == "Z"


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
