from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.demo import stage


def test_the_faults_are_listed(cli: Any, tmp_path: Path) -> None:
    ran = cli(tmp_path, "demo", "--list")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert [line.split()[0] for line in lines] == [fault.name for fault in stage.faults()]
    assert all(re.match(r"[a-z-]+ +\S", line) for line in lines)
    assert len({re.match(r"\S+ +", line).end() for line in lines if re.match(r"\S+ +", line)}) == 1  # type: ignore[union-attr]


def test_an_unknown_fault(cli: Any, tmp_path: Path, refused: Callable[..., None]) -> None:
    refused(cli(tmp_path, "demo", "--fault", "none"), "no fault 'none'", stage.faults()[0].name)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("backend", ["local", pytest.param("docker", marks=pytest.mark.docker)])
def test_the_whole_loop(
    process: Any,
    clean_environment: Callable[..., dict[str, str]],
    tmp_path: Path,
    git: Any,
    backend: str,
) -> None:
    (tmp_path / "tmp").mkdir()
    env = clean_environment(TMPDIR=str(tmp_path / "tmp"), SWE_SLEEP_SLEEP__SPECULATE_S="90")
    ran = process(["demo", "--backend", backend, "--keep"], tmp_path, env, timeout=380)
    assert ran.code == 0, ran
    assert "Traceback" not in ran.err
    said = ran.out
    steps = re.findall(r"─ (\d)  ", said)
    assert steps == ["1", "2", "3", "4", "5", "6"]
    fault = stage.fault("")
    assert f"changed: {fault.path}" in said
    assert "anticipated issue, reproduced:" in said
    assert "patch prepared and tested:" in said
    assert "prepared while nobody waited, verified again now" in said
    assert "0 newly failing" in said
    rows = dict(re.findall(r"^((?:sleep|test) time: .*?) {2,}([\d.]+) ", said, re.M))
    assert set(rows) == {
        "sleep time: first look",
        "sleep time: after the edit",
        "test time: solve with notes",
        "test time: solve cold",
    }
    assert all(float(seconds) > 0 for seconds in rows.values())
    assert re.search(r"From the saved file to the tested patch: [\d.]+ s\.", said)
    # What is kept is the repository with the fault in it, as a person left it.
    kept = re.search(r"The repository stays at (\S+)\.", said)
    assert kept
    root = Path(kept[1])
    assert git(root, "diff", "--name-only") == fault.path
    shutil.rmtree(root)


def test_it_leaves_nothing_when_it_is_interrupted(
    clean_environment: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "swe_sleep", "demo", "--backend", "local"],
        env=clean_environment(TMPDIR=str(tmp_path / "tmp")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("sandbox: "):
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert [line for line in err.splitlines() if not line.startswith("…")] == [
        "swe-sleep: interrupted; what was finished is kept."
    ]
    assert not list((tmp_path / "tmp").glob("swe-sleep-demo-*"))
