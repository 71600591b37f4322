"""A `solve` that was killed, and taken up again, as a user would."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.model.tools import EDITOR_NAME

PATIENT_S = 120.0


def mend(api: Any) -> Any:
    return api.call(
        EDITOR_NAME,
        command="str_replace",
        path="shop/basket.py",
        old_str="total > 5000",
        new_str="total >= 5000",
    )


@pytest.fixture
def start(
    clean_environment: Callable[..., dict[str, str]], messages_api: Any, failing: str
) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """`start(root, *flags)` starts a real `solve` of the failing test with the agent."""
    running: list[subprocess.Popen[bytes]] = []

    def run(root: Path, *flags: str) -> subprocess.Popen[bytes]:
        what = flags or ("--test", failing, "--solver", "agent")
        command = [sys.executable, "-m", "swe_sleep", "solve", *what]
        process = subprocess.Popen(
            [*command, "--no-notes", "--json", "--base-url", messages_api.url],
            cwd=root,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def cached(raw: bytes) -> bytes:
    """A request's bytes up to the last cache point, without the marks, which move on."""
    from itertools import chain

    body = json.loads(raw)
    messages = [
        {"role": m["role"], "content": [{**b, "cache_control": None} for b in m["content"]]}
        for m in body["messages"]
    ]
    marked = [i for i, m in enumerate(body["messages"]) if "cache_control" in m["content"][-1]]
    parts = chain((body["tools"], body["system"]), messages[: marked[-1] + 1])
    return json.dumps(list(parts)).encode()[:-1]


def test_a_killed_run_is_taken_up_again_to_a_verified_patch(
    start: Any, shop: Path, break_shop: Any, messages_api: Any
) -> None:
    api = messages_api
    break_shop(shop)
    api.reply(api.thinking("Where?"), api.call("bash", command="cat shop/basket.py"))
    api.reply(api.text("One off."), mend(api))
    api.never_answers()
    process = start(shop)
    assert api.wait_for(3, timeout_s=PATIENT_S)
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENT_S)
    before = api.requests[2]

    api.reply(api.call("run_tests"))
    api.reply(api.call("submit", summary="The limit itself is free."))
    process = start(shop, "--resume", "last")
    out, err = process.communicate(timeout=PATIENT_S)
    assert process.returncode == 0, err.decode()
    solved = json.loads(out)
    assert solved["solved"]
    assert "+    if total >= 5000:\n" in solved["diff"]
    assert solved["usage"]["turns"] == 4, "the turns before are counted"

    again = api.requests[3]
    assert again.body["model"] == before.body["model"]
    assert cached(again.raw).startswith(cached(before.raw))
    assert b"taken up again" in again.raw
    assert "1 passed" in str(api.requests[4].body["messages"][-1]), "the edit is in the new sandbox"
    # the person's files are as they were
    assert "total > 5000" in (shop / "shop" / "basket.py").read_text()


def test_ctrl_c_gives_the_patch_so_far(
    start: Any, shop: Path, break_shop: Any, messages_api: Any
) -> None:
    api = messages_api
    break_shop(shop)
    api.reply(mend(api))
    api.never_answers()
    process = start(shop)
    assert api.wait_for(2, timeout_s=PATIENT_S)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENT_S)
    assert process.returncode == 130, err.decode()
    solved = json.loads(out)
    assert "+    if total >= 5000:\n" in solved["diff"]
    assert not solved["solved"]
    assert b"solve --resume 2" in err


def test_what_cannot_be_taken_up_again(
    cli: Any,
    refused: Callable[..., None],
    shop: Path,
    git: Any,
    messages_api: Any,
) -> None:
    server = ("--base-url", messages_api.url)
    refused(cli(shop, "solve", "--resume", "last"), "No run of the model has been kept")
    messages_api.reply(messages_api.call("submit", summary="It is fine as it is."))
    assert cli(shop, "solve", "It is too dear", "--solver", "agent", *server).code == 1
    refused(cli(shop, "solve", "--resume", "last"), "no run can be taken up again", "was handed in")
    refused(cli(shop, "solve", "--resume", "2"), "is over", "without --resume")
    refused(cli(shop, "solve", "--resume", "1"), "no run '1'", "It is too dear", "1 turns")
    refused(cli(shop, "solve", "--resume", "last", "words"), "its own issue")

    messages_api.reply(messages_api.call("bash", command="ls"))
    messages_api.fails(401, "authentication_error")
    assert cli(shop, "solve", "It is too dear", "--solver", "agent", *server).code == 1
    other = ("--model", "claude-haiku-5-5")
    refused(cli(shop, "solve", "--resume", "last", *other), "another model cannot")
    (shop / "shop" / "basket.py").write_text("")
    refused(cli(shop, "solve", "--resume", "last"), "code has changed", "uncommitted changes")
    git(shop, "commit", "-qam", "Empty it")
    head = git(shop, "rev-parse", "HEAD")
    refused(cli(shop, "solve", "--resume", "last"), "It began at commit", f"{head[:10]} is checked")
