from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from swe_sleep.cli import hook
from swe_sleep.integrations import queue
from swe_sleep.repo.repository import Repository


@pytest.fixture
def here(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(repository.root)
    return repository


def _run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(hook.app, arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_a_life(here: Repository) -> None:
    code, said = _run("status")
    assert (code, said.count("absent"), "nobody at work" in said) == (0, 4, True)
    code, said = _run("install")
    assert (code, said.count("installed")) == (0, 4)
    (here.state_dir / queue.QUEUE).write_text(f"1 post-commit {here.root}\n")
    with queue.watching(here.state_dir, here.root):
        code, said = _run("status")
    assert code == 0
    assert f"queue: 1 event waits; at work: a watcher (pid {os.getpid()})" in said
    code, said = _run("uninstall")
    assert (code, said.count("absent")) == (0, 4)
    assert not (here.common_dir / "swe-sleep").exists()


def test_json_for_programs(here: Repository) -> None:
    _, said = _run("install", "--json")
    assert json.loads(said) == {
        "folder": str(here.common_dir / "hooks"),
        "hooks": [
            {"name": name, "state": "installed", "detail": ""}
            for name in ("post-commit", "post-merge", "post-checkout", "post-rewrite")
        ],
        "script": "installed",
        "watcher": None,
        "pass": None,
        "queued": 0,
        "log": None,
    }
    assert json.loads(_run("status", "--json")[1])["hooks"][0]["state"] == "installed"
    assert json.loads(_run("uninstall", "--json")[1])["script"] == "absent"


def test_a_hook_that_could_not_be_done_ends_with_1_and_the_line(here: Repository) -> None:
    (here.common_dir / "hooks" / "post-merge").mkdir(parents=True)
    code, said = _run("install")
    assert code == 1
    assert "left alone" in said
    assert "swe-sleep/hook" in said


def test_what_is_displaced_is_said_with_what_to_do(here: Repository) -> None:
    _run("install")
    (here.common_dir / "hooks" / "post-merge").unlink()
    code, said = _run("status")
    assert code == 0
    assert "`swe-sleep hook install` mends" in said


def test_a_folder_that_is_not_utf8(
    make_repository: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repository({"a": "a"})
    odd = root.with_name("caf\udce9")
    root.rename(odd)
    monkeypatch.chdir(odd)
    code, said = _run("install", "--json")
    assert code == 0
    assert "caf\\\\351" in said
    assert _run("status")[0] == 0
    assert _run("uninstall")[0] == 0
