"""What the world does to a command line: one clear line, nothing lost, never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Refused = Callable[..., None]
ANY = ("status", "notes bugs", "sleep", "init", "locate x", "solve x", "hook status", "watch")
"""Commands that need a repository."""


# -- the repository ------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ANY)
def test_not_a_repository(cli: Any, tmp_path: Path, refused: Refused, command: str) -> None:
    refused(cli(tmp_path, *command.split()), "is not in a git repository", "Run `git init`")


@pytest.mark.parametrize("command", ["status", "sleep"])
def test_a_bare_repository(
    cli: Any, tmp_path: Path, git: Any, refused: Refused, command: str
) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    ran = cli(tmp_path / "bare.git", *command.split())
    refused(ran, "no work tree", "Give the folder of a clone")
    assert not (tmp_path / "bare.git/swe-sleep").exists()


def test_an_empty_repository(
    cli: Any, make_repository: Callable[..., Path], refused: Refused
) -> None:
    root = make_repository()
    ran = cli(root, "init")
    assert ran.code == 0, ran
    assert cli(root, "status").code == 0
    assert "no proven bug" in cli(root, "notes", "bugs").out.lower()
    ran = cli(root, "solve", "it is broken")
    assert ran.code == 1, ran
    assert "No verified patch" in ran.out
    refused(cli(root, "solve", "x", "--branch", "y"), "no commit yet")


def test_files_but_no_commit(
    cli: Any, make_repository: Callable[..., Path], slept: Path, failing: str
) -> None:
    root = make_repository()
    for name in ("shop", "tests"):
        shutil.copytree(slept / name, root / name)
    ran = cli(root, "init")
    assert ran.code == 0, ran
    assert failing in cli(root, "notes", "bugs").out
    ran = cli(root, "solve", "--test", failing, "--apply")
    assert ran.code == 0, ran
    assert "total >= 5000" in (root / "shop/basket.py").read_text()


def test_git_is_missing(
    cli: Any, shop: Path, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for command in (*ANY, "demo"):
        ran = cli(shop, *command.split())
        refused(ran, "git is not installed", "Install git")


def test_the_current_directory_is_gone(
    cli: Any, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch, process: Any
) -> None:
    gone = tmp_path / "gone"
    for command in ANY:
        gone.mkdir()
        monkeypatch.chdir(gone)
        gone.rmdir()
        refused(cli(Path(), *command.split()), "the current directory is gone.", "-C")


def test_git_will_not_let_us_write(
    shop: Path, clean_environment: Callable[..., dict[str, str]]
) -> None:
    """A read-only .git."""
    command = [sys.executable, "-m", "swe_sleep", "sleep"]
    if os.geteuid() == 0:  # permissions mean nothing to root as it is
        command = ["setpriv", "--bounding-set", "-dac_override", *command]
    (shop / ".git").chmod(0o555)
    try:
        done = subprocess.run(
            command, cwd=shop, env=clean_environment(), capture_output=True, text=True, check=False
        )
    finally:
        (shop / ".git").chmod(0o755)
    assert done.returncode == 1, done
    assert done.stderr == f"swe-sleep: {shop}/.git/swe-sleep cannot be made: Permission denied.\n"


# -- the tests of the repository -----------------------------------------------------------------


def test_no_tests(cli: Any, make_repository: Callable[..., Path]) -> None:
    root = make_repository({"one.py": "def one():\n    return 2\n"})
    ran = cli(root, "sleep")
    assert ran.code == 0, ran
    assert "outline 1" in ran.out
    assert cli(root, "sleep").out == "Nothing to do: every note is fresh.\n"
    ran = cli(root, "solve", "one gives two")
    assert ran.code == 1
    assert "no failing test shows this issue, and the text has no example with a" in ran.out
    assert "Name one with --test, or set a key." in ran.out


def test_a_test_that_hangs(
    cli: Any, shop: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    monkeypatch.setenv("SWE_SLEEP_TESTS__TEST_TIMEOUT_S", "1")
    (shop / "tests/test_hang.py").write_text("def test_hang():\n    while True:\n        pass\n")
    monkeypatch.setenv("SWE_SLEEP_SLEEP__SPECULATE", "false")
    ran = cli(shop, "sleep", "--json")
    assert ran.code == 0, ran
    bugs = json.loads(cli(shop, "notes", "bugs", "--json").out)
    assert [bug["subject"] for bug in bugs] == ["tests/test_hang.py::test_hang"]
    shown = json.loads(cli(shop, "notes", "show", "tests/test_hang.py", "--json").out)
    outcomes = json.dumps(shown["notes"])
    assert '"timeout"' in outcomes
    assert "fresh" in cli(shop, "notes", "show", "tests/test_basket.py").out


@pytest.mark.parametrize(
    "text", ["import nothing_like_this\n", "def test(:\n", "raise SystemExit(3)\n", "\0"]
)
def test_tests_that_cannot_be_collected(
    cli: Any, shop: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("SWE_SLEEP_SLEEP__SPECULATE", "false")
    (shop / "tests/test_broken.py").write_text(text)
    ran = cli(shop, "sleep")
    assert ran.code in (0, 1), ran
    assert "Traceback" not in ran.err
    assert "3 passed" in cli(shop, "notes", "show", "tests/test_basket.py").out
    ran = cli(shop, "solve", "--test", "tests/test_broken.py", "--seconds", "5")
    assert ran.code == 1, ran
    if "SystemExit" in text:  # such a file ends pytest itself
        assert "SystemExit: 3" in cli(shop, "notes", "show", "tests/test_broken.py").out
        assert "could not be run: pytest stopped by itself (SystemExit: 3)." in ran.err
    else:
        assert "tests/test_broken.py" in cli(shop, "notes", "bugs").out
        assert "No verified patch" in ran.out


def test_a_syntax_error_in_a_file(cli: Any, slept: Path) -> None:
    (slept / "shop/basket.py").write_text(
        "def postage(total:\n    return 0\n\n\ndef fine():\n  pass\n"
    )
    ran = cli(slept, "sleep", "--budget-s", "60")
    assert ran.code in (0, 1), ran
    assert "Traceback" not in ran.err
    ran = cli(slept, "notes", "show", "shop/basket.py")
    assert ran.code == 0
    assert "line 1" in ran.out
    assert "tests/test_basket.py" in cli(slept, "notes", "bugs").out


def test_a_deleted_file(cli: Any, slept: Path, failing: str) -> None:
    (slept / "shop/basket.py").unlink()
    ran = cli(slept, "sleep", "--budget-s", "60")
    assert ran.code in (0, 1), ran
    assert "Traceback" not in ran.err
    bugs = json.loads(cli(slept, "notes", "bugs", "--json").out)
    assert bugs
    assert "basket" in bugs[0]["issue"]["symptom"]


# -- the store -----------------------------------------------------------------------------------


def contents(file: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(file) as db:
        found = db.execute("SELECT kind, subject, body FROM notes ORDER BY id").fetchall()
    db.close()
    return found


@pytest.mark.parametrize("command", ANY)
def test_a_store_of_a_newer_version(cli: Any, slept: Path, refused: Refused, command: str) -> None:
    file = slept / ".git/swe-sleep/notes.db"
    before = contents(file)
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    ran = cli(slept, *command.split())
    if command == "hook status":  # has nothing to do with the notes
        assert ran.code == 0
    else:
        refused(ran, "written by a newer swe-sleep (format 99", "Upgrade swe-sleep, or move")
    assert contents(file) == before


def test_a_store_that_is_damaged(cli: Any, slept: Path, refused: Refused) -> None:
    file = slept / ".git/swe-sleep/notes.db"
    file.write_bytes(b"not a database at all" * 100)
    refused(cli(slept, "status"), "are damaged", "Move that file away", code=1)
    file.unlink()
    assert cli(slept, "status").code == 0


@pytest.fixture
def small_disk(tmp_path: Path, slept: Path) -> Iterator[Path]:
    """The slept shop on a disk of its own that is almost full."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a disk")
    try:
        shutil.copytree(slept, disk / "shop", symlinks=True)
        yield disk / "shop"
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def fill(folder: Path) -> None:
    with (folder / "ballast").open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def test_a_full_disk(cli: Any, small_disk: Path, refused: Refused) -> None:
    file = small_disk / ".git/swe-sleep/notes.db"
    before = contents(file)
    (small_disk / "shop/more.py").write_text("def more():\n    return 1\n")
    fill(small_disk / ".git")
    ran = cli(small_disk, "sleep")
    refused(ran, "no space left for the notes", "Free some space and run again", code=1)
    (small_disk / ".git/ballast").unlink()
    assert contents(file) == before
    ran = cli(small_disk, "sleep")
    assert ran.code == 0, ran
    assert "outline 1" in ran.out


def test_no_room_for_a_file(slept: Path, clean_environment: Callable[..., dict[str, str]]) -> None:
    """The same for anybody: a limit on the size of files instead of a disk."""
    file = slept / ".git/swe-sleep/notes.db"
    before = contents(file)
    (slept / "shop/more.py").write_text("def more():\n    return 1\n")
    program = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "from swe_sleep.cli.app import run\n"
        "sys.exit(run(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "sleep"],
        cwd=slept,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done
    last = done.stderr.splitlines()[-1]
    assert last.startswith("swe-sleep: ") and "notes" in last, done.stderr
    assert "Traceback" not in done.stderr
    assert contents(file) == before


# -- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("pyproject.toml", "[tool.swe-sleep.sleep]\nbudget = 3\n", "unknown key sleep.budget"),
        ("pyproject.toml", "[tool.swe-sleep.sleep]\nbudget_s = -3\n", "sleep.budget_s"),
        ("pyproject.toml", '[tool]\nswe-sleep = "on"\n', "[tool.swe-sleep] must be a table"),
        ("swe-sleep.toml", "[sleep\n", "swe-sleep.toml cannot be read"),
        ("swe-sleep.toml", "[sandbox]\nmemory_mb = 1\n", "sandbox.memory_mb"),
        ("swe-sleep.toml", '[model]\nbase_url = "http://x"\n', "SWE_SLEEP_MODEL__BASE_URL"),
    ],
)
def test_settings_that_are_wrong(
    cli: Any, slept: Path, refused: Refused, file: str, text: str, says: str
) -> None:
    (slept / file).write_text(text)
    for command in ("sleep", "solve x", "init", "watch"):
        refused(cli(slept, *command.split()), says, file)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SWE_SLEEP_SLEEP__BUDGET", "3", "Did you mean SWE_SLEEP_SLEEP__BUDGET_S?"),
        ("SWE_SLEEP_SLEEP__BUDGET_S", "soon", "sleep.budget_s"),
    ],
)
def test_variables_that_are_wrong(
    cli: Any,
    slept: Path,
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    says: str,
) -> None:
    monkeypatch.setenv(name, value)
    refused(cli(slept, "sleep"), says)


# -- the engine ----------------------------------------------------------------------------------


def test_no_engine(
    cli: Any, slept: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    for command in ("sleep", "solve x"):
        ran = cli(slept, *command.split(), "--backend", "docker")
        refused(ran, "No Docker engine", "local", code=1)


@pytest.mark.docker
@pytest.mark.slow
def test_an_engine_that_stops_half_way(
    shop: Path, clean_environment: Callable[..., dict[str, str]], cli: Any, tmp_path: Path
) -> None:
    """What a pass sees of it: its container is gone. What was finished before is kept."""
    (shop / "tests/test_slow.py").write_text(
        "import time\n\n\ndef test_slow():\n    time.sleep(60)\n"
    )
    env = clean_environment(SWE_SLEEP_SANDBOX__BACKEND="docker")
    process = subprocess.Popen(
        [sys.executable, "-m", "swe_sleep", "sleep"],
        cwd=shop,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    mine = ["docker", "ps", "-q", "--filter", "label=swe-sleep.owner"]
    try:
        container = ""
        until = time.monotonic() + 120
        while not container and time.monotonic() < until and process.poll() is None:
            for each in subprocess.check_output(mine, text=True).split():
                top = subprocess.run(["docker", "top", each], capture_output=True, text=True)
                label = subprocess.run(
                    ["docker", "inspect", "-f", "{{json .Config.Labels}}", each],
                    capture_output=True,
                    text=True,
                ).stdout
                if "runner.py" in top.stdout and str(process.pid) in label:
                    container = each
            time.sleep(0.1)
        assert container, process.communicate()
        subprocess.run(["docker", "kill", container], check=True, capture_output=True)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1, (out, err)
    assert "Traceback" not in err
    assert "outline 1" in out
    assert "tests" in out
    assert "docker" in out.lower() or "engine" in out.lower() or "sandbox" in out.lower()
    assert "1 fresh" in cli(shop, "status").out


# -- interrupts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_pass_that_is_interrupted(
    shop: Path, clean_environment: Callable[..., dict[str, str]], cli: Any, number: int
) -> None:
    (shop / "tests/test_slow.py").write_text(
        "import time\n\n\ndef test_slow():\n    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "swe_sleep", "sleep"],
        cwd=shop,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("… tests"):
                break
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, (out, err)
    assert "stopped, what was finished is kept" in out
    assert err == ""
    assert "for its outline" not in cli(shop, "status").out
