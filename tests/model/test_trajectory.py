"""A trajectory survives a kill, and holds no secret."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from swe_sleep.errors import StoreError, StoreFull
from swe_sleep.model.secrets import Masker
from swe_sleep.model.trajectory import Trajectory, read


def test_lines_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "one.jsonl"
    with Trajectory(path) as trajectory:
        trajectory.write("header", model="m")
        trajectory.write("message", blocks=({"type": "text", "text": "é\n\ud800 \u2028"},))
    header, message = read(path)
    assert (header["kind"], header["version"], header["model"]) == ("header", 1, "m")
    assert message["blocks"] == [{"type": "text", "text": "é\n\ud800 \u2028"}]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_kill_loses_no_line_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    program = (
        "import sys, pathlib\n"
        "from swe_sleep.model.trajectory import Trajectory\n"
        "t = Trajectory(pathlib.Path(sys.argv[1]))\n"
        "for n in range(10**9):\n"
        "    t.write('step', n=n)\n"
        "    print(n, flush=True)\n"
    )
    argv = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = 0
        while told < 20:
            told = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split("\n")
        told = max([told, *(int(line) for line in rest[:-1] if line)])
    numbers = [line["n"] for line in read(path)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > told


def test_a_torn_line_is_left_out_and_written_after(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    with Trajectory(path) as trajectory:
        trajectory.write("step", n=1)
    with path.open("ab") as file:
        file.write(b'{"kind": "step", "n": 2, "text": "\xc3')
    assert [line["n"] for line in read(path)] == [1]
    with Trajectory(path) as trajectory:
        trajectory.write("step", n=3)
    assert [line["n"] for line in read(path)] == [1, 3]


def test_no_trajectory(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        list(read(tmp_path / "none.jsonl"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "full.jsonl"
    path.symlink_to("/dev/full")
    with Trajectory(path) as trajectory, pytest.raises(StoreFull, match="No space"):
        trajectory.write("step", n=1)


def test_the_persons_own_key_is_masked_wherever_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    mine = 'my-own/key with "quotes"'
    masker = Masker([mine, ""])
    with Trajectory(path, masker=masker) as trajectory:
        trajectory.write("message", blocks=[{"type": "text", "text": f"it is {mine}!"}])
    (line,) = read(path)
    assert line["blocks"] == [{"type": "text", "text": f"it is {masker(mine)}!"}]


def test_thinking_is_kept_whole_or_the_server_would_refuse_it(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    block = {"type": "thinking", "thinking": "hm", "signature": "x" + "AKIA" + "ABCDEFGH23456789"}
    with Trajectory(path) as trajectory:
        trajectory.write("message", blocks=[block])
    assert next(iter(read(path)))["blocks"] == [block]
