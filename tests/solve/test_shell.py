"""What the agent's shell survives, and what the model is told of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.model.protocol import ToolCall
from swe_sleep.model.secrets import Masker
from swe_sleep.prompts.fence import Fence
from swe_sleep.solve.tools import Bash, Toolbox

FRESH = "the next command has a new shell, in "


@pytest.fixture
def shell(shared_site: Callable[..., Any]) -> Callable[..., Any]:
    """`shell(command, timeout_s=...)` is the block that answers the model's call."""
    sandbox = shared_site().sandbox
    fence = Fence("data-x")

    def run(command: str, *, timeout_s: float = 60) -> Any:
        bash = Bash(sandbox, timeout_s=timeout_s, left_s=lambda: None)
        toolbox = Toolbox([bash], fence, Masker())
        return toolbox.run(ToolCall("1", "bash", {"command": command}))

    run("cd / && X=1")
    return run


@pytest.mark.parametrize(
    ("command", "says", "failed"),
    [
        ("echo on; sleep 1000", "stopped after 1 s; everything that ran in the shell", True),
        ("trap '' TERM INT; echo on; while :; do :; done", "stopped after 1 s", True),
        ("echo on; kill -9 $$", "exit code 137; the shell ended with it", False),
        ("echo on; exec true", "the shell ended with it", False),
        ("echo on; exit 3", "exit code 3; the shell ended with it", False),
        ("echo on; exec >/dev/null; exec 2>&1; exit", "the shell ended with it", False),
    ],
)
def test_a_shell_that_is_gone_is_replaced_and_said(
    shell: Callable[..., Any], command: str, says: str, failed: bool
) -> None:
    block = shell(command, timeout_s=1 if "stopped" in says else 60)
    assert "<data-x>\non\n</data-x>" in block["content"]
    assert says in block["content"]
    assert FRESH in block["content"]
    assert block.get("is_error", False) is failed
    assert "/workspace" in shell("pwd; echo ${X-none}")["content"]


def test_a_child_that_holds_the_output_open_holds_nobody_up(shell: Callable[..., Any]) -> None:
    began = time.monotonic()
    block = shell("sleep 1000 & echo on")
    assert "on" in block["content"]
    assert "shell" not in block["content"], "it is still the same"
    assert time.monotonic() - began < 30
    assert "/\n" in shell("pwd")["content"]


def test_a_hundred_megabytes_are_cut_in_the_middle(shell: Callable[..., Any]) -> None:
    block = shell("echo first; head -c 100000000 /dev/zero | tr '\\0' x; echo; echo last")
    text = block["content"]
    assert len(text) < 20_000
    assert text.startswith("<data-x>\nfirst\n")
    assert "characters cut out here" in text
    assert "\nlast\n</data-x>" in text
    assert "too much output to keep" in text


def test_binary_output(shell: Callable[..., Any]) -> None:
    text = shell("head -c 300000 /dev/urandom; echo; echo last")["content"]
    assert len(text) < 600
    assert "binary output" in text
    assert "last" in shell("printf 'a\\0\\377\\033[31mb\\nlast\\n'")["content"]
