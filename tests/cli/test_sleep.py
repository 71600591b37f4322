"""init, sleep, status and doctor."""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock


def test_the_first_pass(cli: Any, shop: Path, git: Any) -> None:
    ran = cli(shop, "init")
    assert ran.code == 0, ran
    assert ran.out.startswith(f"{shop}\nsandbox: ")
    assert "notes renewed in" in ran.out
    assert "tests 1" in ran.out
    assert "Next: `swe-sleep watch`" in ran.out
    assert git(shop, "status", "--porcelain", "--ignored") == ""
    assert (shop / ".git/swe-sleep/notes.db").is_file()
    again = cli(shop, "sleep")
    assert (again.code, again.out) == (0, "Nothing to do: every note is fresh.\n")


def test_a_configuration_is_written_once_and_understood(cli: Any, slept: Path, git: Any) -> None:
    (slept / "pyproject.toml").write_bytes(b'[project]\r\nname = "shop"\r\n# end')
    ran = cli(slept, "init", "--write-config", "--budget-s", "0.1")
    assert "pyproject.toml: [tool.swe-sleep] added." in ran.out
    written = (slept / "pyproject.toml").read_bytes()
    assert written.startswith(b'[project]\r\nname = "shop"\r\n# end')
    table = tomllib.loads(written.decode())["tool"]["swe-sleep"]
    assert table["sandbox"]["backend"] == "auto"
    ran = cli(slept, "init", "--write-config", "--budget-s", "0.1")
    assert "has a [tool.swe-sleep] table already" in ran.out
    assert (slept / "pyproject.toml").read_bytes() == written


def test_a_configuration_where_there_is_no_file(cli: Any, slept: Path) -> None:
    cli(slept / "shop", "init", "--write-config", "--budget-s", "0.1")
    text = (slept / "pyproject.toml").read_text()
    assert text.startswith("[tool.swe-sleep.sleep]\n")
    assert "swe-sleep" in tomllib.loads(text)["tool"]


def test_a_broken_pyproject_is_not_made_worse(cli: Any, slept: Path) -> None:
    (slept / "pyproject.toml").write_text("[project\n")
    ran = cli(slept, "init", "--write-config")
    assert ran.code == 2
    assert "pyproject.toml is not TOML" in ran.err
    assert (slept / "pyproject.toml").read_text() == "[project\n"


def test_the_plan(cli: Any, shop: Path, slept: Path) -> None:
    ran = cli(shop, "sleep", "--dry-run")
    assert ran.code == 0
    assert "outline@" in ran.out
    plan = json.loads(cli(shop, "sleep", "--dry-run", "--json").out)
    assert {"pass", "subject", "waits", "value", "cost_s", "tokens", "usd"} == set(plan[0])
    assert cli(shop, "notes", "bugs").out.endswith("run `swe-sleep init`.\n"), "nothing was done"
    assert cli(slept, "sleep", "--dry-run").out == "Nothing to do: every note is fresh.\n"
    assert json.loads(cli(slept, "sleep", "--dry-run", "--json").out) == []


def test_a_pass_for_a_program(cli: Any, shop: Path) -> None:
    ran = cli(shop, "sleep", "--json")
    assert ran.code == 0, ran
    said = json.loads(ran.out)
    assert said["units"]["tests"] == 1
    assert said["notes"] > 0
    assert (said["problems"], said["left"], said["stopped"]) == ([], 0, False)
    assert said["usage"]["test_runs"] == 1
    # No terminal: a line for each kind of step, and not on stdout.
    assert [line.split()[1] for line in ran.err.splitlines()][:3] == [
        "outline:",
        "graph:",
        "history:",
    ]


def test_the_time_is_up(cli: Any, shop: Path) -> None:
    ran = cli(shop, "sleep", "--budget-s", "0.1")
    assert ran.code == 0, ran
    assert "0.1 s of wall time; left: " in ran.out
    assert "left for the next pass" in ran.out
    assert cli(shop, "sleep").code == 0
    assert "tests    1 fresh" in cli(shop, "status").out


def test_what_hooks_queued(cli: Any, shop: Path, git: Any) -> None:
    ran = cli(shop, "sleep", "--queued")
    assert (ran.code, ran.out) == (0, "")
    other = shop.with_name("other")
    git(shop, "worktree", "add", "-q", str(other))
    (other / "shop/extra.py").write_text("def surplus():\n    return 1\n")
    state = shop / ".git/swe-sleep"
    (state / "queue").write_text(f"1 post-commit {other}\n")
    ran = cli(shop, "sleep", "--queued")
    assert ran.code == 0, ran
    assert not (state / "queue").exists()
    assert not (state / "queue.taken").exists()
    assert cli(other, "sleep", "--dry-run").out == "Nothing to do: every note is fresh.\n"
    assert "1 file waits" not in cli(other, "status").out


def test_queued_goes_alone(cli: Any, shop: Path, refused: Callable[..., None]) -> None:
    refused(cli(shop, "sleep", "--queued", "--json"), "--queued goes with neither")
    refused(cli(shop, "sleep", "--queued", "--dry-run"), "--queued goes with neither")


def test_a_second_pass_is_told_so(cli: Any, slept: Path, refused: Callable[..., None]) -> None:
    with FileLock(slept / ".git/swe-sleep/sleep.lock"):
        refused(cli(slept, "sleep"), "another pass is running on this repository. Wait for it")


def test_a_queued_pass_waits_for_its_turn(cli: Any, shop: Path) -> None:
    state = shop / ".git/swe-sleep"
    state.mkdir()
    (state / "queue").write_text(f"1 post-commit {shop}\n")
    lock = FileLock(state / "sleep.lock", thread_local=False)
    lock.acquire()
    releasing = threading.Timer(0.5, lock.release)
    releasing.start()
    ran = cli(shop, "sleep", "--queued")
    releasing.join()
    assert ran.code == 0, ran
    assert not (state / "queue.taken").exists()


# -- status --------------------------------------------------------------------------------------


def test_status(cli: Any, slept: Path) -> None:
    ran = cli(slept, "status")
    assert ran.code == 0
    lines = dict(line.split(None, 1) for line in ran.out.splitlines())
    assert lines["tests"] == "1 fresh"
    assert lines["bugs"] == "1 proven; `swe-sleep notes bugs` shows them"
    assert lines["queue"] == "0 events wait; nobody at work"
    assert lines["store"].endswith(f"MB in {slept}/.git/swe-sleep")
    with (slept / "shop/basket.py").open("a") as file:
        file.write("# changed\n")
    ran = cli(slept, "status")
    assert "tests    0 fresh, 1 stale" in ran.out
    assert "outline  1 file waits for its outline" in ran.out
    assert "bugs     0 proven\n" in ran.out


def test_status_before_the_first_pass(cli: Any, shop: Path) -> None:
    ran = cli(shop, "status")
    assert ran.code == 0
    assert ran.out.endswith("No pass has run here yet: run `swe-sleep init`.\n")
    assert "today" not in ran.out


def test_status_for_a_program(cli: Any, slept: Path, failing: str) -> None:
    said = json.loads(cli(slept, "status", "--json").out)
    assert said["notes"]["tests"] == {"fresh": 1, "stale": 0}
    assert said["proven_bugs"] == [failing]
    assert said["files_without_outline"] == 0
    assert said["queue"] == {"events": 0, "watcher": None, "pass": None}
    assert said["today"]["sleep"]["test_runs"] > 0
    assert said["store"]["folder"] == f"{slept}/.git/swe-sleep"


# -- doctor --------------------------------------------------------------------------------------


def test_doctor(cli: Any, slept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "hush-hush-hush")
    ran = cli(slept, "doctor", "--json")
    assert ran.code == 0, ran
    assert "hush" not in ran.out
    found = {each["name"]: each for each in json.loads(ran.out)}
    assert set(found) >= {"python", "git", "docker", "local", "grammars", "key", "disk"}
    assert found["git"]["ok"] is True
    assert found["git"]["needed"] is True
    assert found["key"]["ok"] is True
    assert str(slept) in found["repository"]["says"]
    assert found["environment"]["ok"] is True
    assert "tests collected" in found["environment"]["says"]


def test_doctor_names_a_setting_that_is_refused(cli: Any, slept: Path) -> None:
    (slept / "swe-sleep.toml").write_text('[sandbox]\nmemory_mb = "lots"\n')

    ran = cli(slept, "doctor")

    assert ran.code == 1, ran
    assert "sandbox.memory_mb" in ran.out


def test_doctor_where_nothing_is(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    ran = cli(tmp_path, "doctor")
    assert ran.code == 1, ran
    assert ran.err == ""
    lines = [line for line in ran.out.splitlines() if line.startswith("--")]
    said = {line.split()[1]: line for line in lines}
    assert "nothing works without it" in said["git"]
    assert "sandboxes are local ones" in said["docker"]
    assert "Set ANTHROPIC_API_KEY" in said["key"]
    assert "repository" in said
    assert all(line[:4] in ("ok  ", "--  ") for line in ran.out.splitlines())
