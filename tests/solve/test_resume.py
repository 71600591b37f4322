"""A run that is broken off at any line of its trajectory can be taken up where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.errors import RepositoryError, StoreError
from swe_sleep.model.tools import EDITOR_NAME
from swe_sleep.model.trajectory import read
from swe_sleep.records import Issue
from swe_sleep.solve.masking import MaskPolicy
from swe_sleep.solve.resume import resume, take_up
from swe_sleep.solve.work import AgentOptions, Work

TEST = "test_shop.py::test_total"


def edit(api: Any, old: str, new: str) -> Any:
    return api.call(EDITOR_NAME, command="str_replace", path="shop.py", old_str=old, new_str=new)


@pytest.fixture
def whole(messages_api: Any, solve: Callable[..., Work], shared_site: Any, tmp_path: Path) -> Path:
    """The trajectory of a run with every kind of line in it."""
    api = messages_api
    api.reply(api.thinking("Look."), api.call("bash", command="seq 1000; echo 'café \\x1b'"))
    api.reply(edit(api, "+ 1", "+ 2"), api.broken_call("bash", "{"))
    api.cut(api.text("Now"), after=5)
    api.reply(edit(api, " + 2", ""), api.call("run_tests"))
    api.reply(api.call("bash", command="seq 2000"), usage=api.Usage(cache_read=70_000))
    api.reply(edit(api, "return sum", "return  sum"))
    api.reply(api.call("bash", command="touch new"))
    options = AgentOptions(masking=MaskPolicy(keep=2), effort="low")
    api.fails(401, "authentication_error")
    work = solve(Issue("One too high.", (TEST,)), site=shared_site(), options=options)
    assert work.ending == "model"
    return tmp_path / "run.jsonl"


def cut_to(path: Path, lines: int, *, torn: bytes = b"") -> Path:
    kept = path.read_bytes().split(b"\n")[:lines]
    path.write_bytes(b"\n".join(kept) + b"\n" + torn)
    return path


def numbers(path: Path, kind: str, role: str = "") -> list[int]:
    """How many lines there are up to each line of a kind."""
    return [
        number
        for number, line in enumerate(read(path), 1)
        if line["kind"] == kind and line.get("role", "") == role
    ]


def messages(request: Any) -> list[Any]:
    return [
        {
            **m,
            "content": [{k: v for k, v in b.items() if k != "cache_control"} for b in m["content"]],
        }
        for m in request.body["messages"]
    ]


def test_what_a_trajectory_holds(whole: Path, messages_api: Any) -> None:
    run = resume(whole)
    assert run.begun.asked == Issue("One too high.", (TEST,))
    assert run.begun.options == AgentOptions(masking=MaskPolicy(keep=2), effort="low")
    assert run.begun.system == messages_api.requests[0].body["system"][0]["text"]
    assert list(run.begun.tools) == messages_api.requests[0].body["tools"]
    assert run.patch.paths == ("new", "shop.py")
    assert run.green is not None
    assert run.green.paths == ("shop.py",)
    assert run.usage.turns == 7
    assert (run.ending, run.unanswered) == ("model", ())
    assert "refused the key" in run.why
    sent = messages(messages_api.requests[-1])
    assert [{"role": m.role, "content": list(m.blocks)} for m in run.messages] == sent


@pytest.mark.parametrize(
    ("kind", "role", "which"),
    [("message", "user", 0), ("message", "user", 1), ("message", "user", 3), ("masked", "", 0)],
)
def test_the_next_request_begins_with_what_was_sent(
    whole: Path,
    messages_api: Any,
    solve: Callable[..., Work],
    shared_site: Any,
    kind: str,
    role: str,
    which: int,
) -> None:
    """Killed while a request was under way."""
    cut_to(whole, numbers(whole, kind, role)[which], torn=b'{"kind":"usa')
    run = resume(whole)
    site = shared_site()
    take_up(run, site.sandbox, site.snapshot)
    messages_api.reply(messages_api.call("submit", summary="Done."))
    before = len(messages_api.requests)
    work = solve(site=site, resumed=run, options=run.begun.options)
    assert (work.ending, work.usage.turns) == ("submitted", run.usage.turns + 1)
    again = messages_api.requests[before]
    sent = messages(again)
    assert "taken up again" in str(sent[-1])
    assert sent[:-1] in [messages(seen) for seen in messages_api.requests[:before]]
    for key in ("system", "tools", "model", "thinking", "output_config"):
        assert again.body[key] == messages_api.requests[0].body[key]


def test_a_turn_that_was_under_way_is_done_again(
    whole: Path, messages_api: Any, solve: Callable[..., Work], shared_site: Any
) -> None:
    """Killed after the second edit was asked for and perhaps made, and before it was answered."""
    cut_to(whole, numbers(whole, "message", "assistant")[2])
    run = resume(whole)
    assert [call.name for call in run.unanswered] == [EDITOR_NAME, "run_tests"]
    site = shared_site()
    take_up(run, site.sandbox, site.snapshot)
    assert b"+ 2" in site.sandbox.get("shop.py")
    messages_api.reply(messages_api.call("submit", summary="Done."))
    before = len(messages_api.requests)
    work = solve(Issue("", (TEST,)), site=site, resumed=run)
    assert (work.ending, work.green) == ("submitted", True)
    sent = messages(messages_api.requests[before])
    assert sent[:-2] == messages(messages_api.requests[4])[: len(sent) - 2]
    assert "1 passed" in sent[-2]["content"][1]["content"]


def test_calls_that_could_not_be_run_are_still_such(whole: Path) -> None:
    cut_to(whole, numbers(whole, "message", "assistant")[1])
    assert [bool(call.invalid) for call in resume(whole).unanswered] == [False, True]


def test_a_run_can_be_taken_up_twice(
    whole: Path, messages_api: Any, solve: Callable[..., Work], shared_site: Any
) -> None:
    usage = []
    for _ in range(2):
        run = resume(whole)
        site = shared_site()
        take_up(run, site.sandbox, site.snapshot)
        messages_api.reply(messages_api.call("bash", command="touch again"))
        messages_api.fails(401, "authentication_error")
        work = solve(site=site, resumed=run)
        usage.append(work.usage.turns)
    assert usage == [8, 9]
    again = resume(whole)
    assert (again.usage.turns, again.settled.turns) == (9, 9)
    assert again.patch.paths == ("again", "new", "shop.py")
    assert 0 < again.seconds < 600


def test_other_code_is_refused(whole: Path, shared_site: Any) -> None:
    site = shared_site({"shop.py": "x = 1\n"})
    with pytest.raises(RepositoryError, match="not what it was"):
        take_up(resume(whole), site.sandbox, site.snapshot)


def test_thoughts_after_a_masked_secret_are_left_out(whole: Path) -> None:
    lines = whole.read_text().split("\n")
    number = numbers(whole, "message", "assistant")[1] - 1
    line = json.loads(lines[number])
    line["blocks"][0]["input"]["new_str"] = "[secret masked]"
    later = json.loads(lines[numbers(whole, "message", "assistant")[2] - 1])
    later["blocks"].insert(0, {"type": "thinking", "thinking": "So", "signature": "x"})
    lines[number] = json.dumps(line)
    lines[numbers(whole, "message", "assistant")[2] - 1] = json.dumps(later)
    whole.write_text("\n".join(lines))
    kept = [
        number
        for number, message in enumerate(resume(whole).messages)
        if any(block["type"] == "thinking" for block in message.blocks)
    ]
    assert kept == [1]


@pytest.mark.parametrize("content", [b"", b"{}\n", b'{"kind":"header","version":1}\n', b"\xff\n"])
def test_what_is_no_trajectory(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.jsonl").write_bytes(content)
    with pytest.raises(StoreError):
        resume(tmp_path / "x.jsonl")


def test_what_a_person_asked_stands_before_what_the_agent_was_given(whole: Path) -> None:
    assert not resume(whole).begun.by_person
    lines = whole.read_bytes()
    at = json.loads(lines.partition(b"\n")[0])["at"] - 3
    asked = {"kind": "run", "at": at, "issue": {"text": "Too dear"}, "snapshot": "s", "head": "h"}
    whole.write_bytes(json.dumps(asked).encode() + b"\n" + lines)
    run = resume(whole)
    assert (run.begun.asked, run.begun.asked_on, run.begun.head) == (Issue("Too dear"), "s", "h")
    assert run.begun.by_person
    assert run.begun.snapshot != "s"
    assert 0 < run.seconds < 600
