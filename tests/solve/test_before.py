"""Which failing tests the agent is told to have failed before it came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from swe_sleep.errors import EngineUnavailable
from swe_sleep.model.tools import EDITOR_NAME
from swe_sleep.records import Issue
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve import before as module
from swe_sleep.solve.before import Before
from swe_sleep.solve.tools import OLD

FILES = {
    "shop.py": "def total(prices):\n    return sum(prices) + 1\n",
    "test_shop.py": (
        "from shop import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n\n\n"
        "def test_type():\n    assert isinstance(total([1]), int)\n"
    ),
    "test_old.py": "def test_old():\n    assert 0\n\n\ndef test_known():\n    assert 0\n",
}
TOTAL, TYPE = "test_shop.py::test_total", "test_shop.py::test_type"
KNOWN, UNKNOWN = "test_old.py::test_known", "test_old.py::test_old"


def edit(api: Any, old: str, new: str) -> Any:
    return api.call(EDITOR_NAME, command="str_replace", path="shop.py", old_str=old, new_str=new)


def test_the_agent_is_told_which_failures_are_not_its_own(
    messages_api: Any, solve: Callable[..., Any], open_site: Callable[..., Any]
) -> None:
    api = messages_api
    api.reply(api.call("run_tests", all=True))
    api.reply(
        edit(api, "sum(prices) + 1", "str(sum(prices))"),
        api.call("bash", command="echo 'def test_new(): assert 0' > test_new.py"),
        api.call("run_tests", all=True),
    )
    api.reply(edit(api, "str(sum(prices))", "sum(prices)"), api.call("run_tests", all=True))
    api.reply(api.call("submit", summary="A stray + 1."))
    opened: list[Sandbox] = []

    def opening() -> Sandbox:
        opened.append(open_site(FILES).sandbox)
        return opened[-1]

    before = Before(opening, {KNOWN})
    work = solve(Issue("Too much.", (TOTAL,)), site=open_site(FILES), before=before)
    assert work.ending == "submitted"
    tables = [
        block["content"].split("\n")
        for request in api.requests[1:]
        for block in request.body["messages"][-1]["content"]
        if block["type"] == "tool_result" and " failed, in " in block["content"]
    ]
    marked = [
        [line.split()[1] for line in table if line.startswith("failed") and OLD in line]
        for table in tables
    ]
    assert marked == [[], [UNKNOWN, KNOWN], [UNKNOWN, KNOWN]]
    failing = [line.split()[1] for line in tables[1] if line.startswith("failed")]
    assert failing == ["test_new.py::test_new", TOTAL, TYPE, UNKNOWN, KNOWN]
    assert (len(opened), before.runs) == (1, 1), "each test is asked about once"


def test_what_cannot_be_found_out_is_not_said(
    open_site: Callable[..., Any], monkeypatch: Any
) -> None:
    def unavailable() -> Sandbox:
        raise EngineUnavailable("gone")

    assert Before(unavailable, {KNOWN})({UNKNOWN, KNOWN}, None) == {KNOWN}
    monkeypatch.setattr(module, "MOST", 1)
    asked = Before(lambda: open_site(FILES).sandbox)
    assert not asked({UNKNOWN, KNOWN}, None) and asked.runs == 0
    gone = "test_shop.py::test_gone"
    assert not asked({gone}, None) and asked.runs == 1
    assert asked({UNKNOWN}, None) == {UNKNOWN}
