"""Structured replies: what fits is taken, what does not is asked for once more."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from swe_sleep.anticipate.asking import (
    Edit,
    Misfit,
    Unfit,
    edited,
    patch_for,
    schema_of,
    structured,
)
from swe_sleep.model.protocol import Request, user
from swe_sleep.prompts.fence import Fence
from swe_sleep.records import AnticipatedIssue, Place, State, Suspicion, WrittenTest


class Name(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str


class Animals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    names: list[Name]
    legs: int


FENCE = Fence.lasting(b"secret")
REQUEST = Request("Name animals.", (user("Which?"),), max_tokens=300)
FITS = {"names": [{"title": "ant"}], "legs": 6}


def at_least_one(given: Animals) -> Animals:
    if not given.names:
        raise Misfit("`names` is empty")
    return given


def test_the_schema_is_plain() -> None:
    assert schema_of(Animals) == {
        "type": "object",
        "properties": {
            "names": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"title": {"type": "string"}},
                    "required": ["title"],
                    "additionalProperties": False,
                },
            },
            "legs": {"type": "integer"},
        },
        "required": ["names", "legs"],
        "additionalProperties": False,
    }


def test_a_reply_that_fits(ask: Any, says: Any, asked: Any) -> None:
    says(FITS)
    assert structured(ask, REQUEST, Animals, at_least_one, FENCE).legs == 6
    (body,) = asked()
    assert body["output_config"]["format"] == {"type": "json_schema", "schema": schema_of(Animals)}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("I cannot say.", "it is not JSON"),
        ({"names": [{"title": 3}], "legs": 6}, "does not match the schema: Expected `str`"),
        ({"names": [], "legs": 6}, "`names` is empty"),
        ({"names": [{"title": "ant"}], "legs": 6, "run": "rm -rf /"}, "unknown field `run`"),
        ("[" * 100_000, "does not match"),
        ("\N{HORIZONTAL ELLIPSIS}" * 500, "it is not JSON"),
        ('{"names": [], "legs": 1e999}', "does not match"),
    ],
)
def test_one_that_does_not_is_asked_for_again_with_the_reason(
    wrong: Any, reason: str, ask: Any, says: Any, asked: Any
) -> None:
    says(wrong)
    says(FITS)
    assert structured(ask, REQUEST, Animals, at_least_one, FENCE).names[0].title == "ant"
    first, second = asked()
    assert second["messages"][0]["content"][0]["text"] == "Which?"
    assert second["messages"][1]["role"] == "assistant"
    assert reason in second["messages"][-1]["content"][0]["text"]
    assert len(second["messages"][-1]["content"][0]["text"]) < 2000
    assert second["system"] == first["system"]


def test_a_second_misfit_is_an_error(ask: Any, says: Any) -> None:
    says("no")
    says({"names": [], "legs": 6})
    with pytest.raises(Unfit, match="`names` is empty"):
        structured(ask, REQUEST, Animals, at_least_one, FENCE)


def test_a_reply_that_was_cut_is_given_more_room_and_not_sent_back(
    ask: Any, says: Any, asked: Any
) -> None:
    says('{"names": [{"title": "a', stop="max_tokens")
    says(FITS)
    structured(ask, REQUEST, Animals, at_least_one, FENCE)
    first, second = asked()
    assert (first["max_tokens"], second["max_tokens"]) == (300, 600)
    assert [m["role"] for m in second["messages"]] == ["user", "user"]
    assert "output limit" in second["messages"][-1]["content"][0]["text"]


def test_a_refusal_is_asked_once_more(messages_api: Any, ask: Any, says: Any, asked: Any) -> None:
    for _ in range(2):
        messages_api.reply(stop="refusal", stop_details={"type": "refusal", "explanation": "No."})
    with pytest.raises(Unfit, match=r"refused \(No.\)"):
        structured(ask, REQUEST, Animals, at_least_one, FENCE)
    assert "refused (No.)" in asked()[1]["messages"][-1]["content"][0]["text"]


def test_an_empty_reply_and_a_call_are_misfits(messages_api: Any, ask: Any, says: Any) -> None:
    messages_api.reply()
    messages_api.reply(messages_api.call("bash", command="ls"))
    with pytest.raises(Unfit, match="called a tool"):
        structured(ask, REQUEST, Animals, at_least_one, FENCE)


# -- edits -----------------------------------------------------------------------------------------

SHOP = b"def total(prices):\n    return sum(prices) + 1\n\n\ndef vat(cents):\n    return cents\n"
FILES = {
    "shop.py": SHOP,
    "tests/test_shop.py": b"def test():\n    pass\n",
    "odd.py": b"x = '\xff'\n",
}


def test_edits_are_made_in_their_order() -> None:
    edits = [
        Edit("shop.py", "sum(prices) + 1", "sum(prices) + 2"),
        Edit("shop.py", "sum(prices) + 2", "sum(prices)"),
    ]
    assert edited(FILES, edits) == {"shop.py": SHOP.replace(b" + 1", b"")}


def test_an_edit_of_a_file_with_its_own_line_ends() -> None:
    files = {"shop.py": SHOP.replace(b"\n", b"\r\n")}
    edit = Edit("shop.py", "(prices):\n    return sum(prices) + 1", "(prices):\n    return 0")
    assert edited(files, [edit])["shop.py"].startswith(b"def total(prices):\r\n    return 0\r\n")


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (Edit("../../etc/passwd", "root", "x"), "none of the files"),
        (Edit("shop.py", "return", "yield"), "stands 2 times"),
        (Edit("shop.py", "no such", "x"), "is not in shop.py"),
        (Edit("shop.py", "", "x"), "is not in shop.py"),
        (Edit("shop.py", "return cents", "return ("), "does not parse"),
        (Edit("shop.py", "return cents", "return '\0'"), "does not parse"),
        (Edit("tests/test_shop.py", "pass", "x"), "must not change"),
        (Edit("odd.py", "x", "y"), "not UTF-8"),
    ],
)
def test_edits_that_do_not_fit(edit: Edit, why: str) -> None:
    with pytest.raises(Misfit, match=why):
        edited(FILES, [edit])


ISSUE = AnticipatedIssue(
    title="The total is one too high",
    state=State.REPRODUCED,
    symptom="AssertionError: assert 4 == 3",
    tests=("tests/test_sleep.py::test_total",),
    suspicions=(Suspicion(Place("shop.py", 2), 0.9, "adds one"),),
    written=WrittenTest(
        "tests/test_sleep.py",
        "from shop import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n",
        ("tests/test_sleep.py::test_total",),
    ),
)


def test_a_patch_for_an_issue(ask: Any, says: Any, asked: Any) -> None:
    wrong = {"path": "shop.py", "search": "sum(prices)", "replace": "sum(prices)"}
    says({"cause": "It adds one.", "edits": [wrong]})
    right = {"path": "shop.py", "search": "sum(prices) + 1", "replace": "sum(prices)"}
    says({"cause": "It adds one.", "edits": [right]})
    fence = Fence.lasting(b"secret")
    found = patch_for(ISSUE, {"shop.py": SHOP}, ask, fence=fence, shown="assert 4 == 3")
    assert found == {"shop.py": SHOP.replace(b" + 1", b"")}
    first, second = asked()
    told = first["messages"][0]["content"][0]["text"]
    assert "def test_total():" in told
    assert "assert 4 == 3" in told
    assert told.count(f"<{fence.tag}>") == 5
    assert "it changes nothing" in second["messages"][-1]["content"][0]["text"]


def test_a_patch_of_a_long_file_is_asked_for_with_its_functions_alone(
    ask: Any, says: Any, asked: Any
) -> None:
    others = b"".join(b"\n\ndef other_%d():\n    return %d\n" % (n, n) for n in range(1000))
    edit = {"path": "shop.py", "search": "sum(prices) + 1", "replace": "sum(prices)"}
    says({"cause": "It adds one.", "edits": [edit]})
    patch_for(ISSUE, {"shop.py": SHOP + others}, ask, fence=Fence.lasting(b""))
    told = asked()[0]["messages"][0]["content"][0]["text"]
    assert "return sum(prices) + 1" in told
    assert "return 7" not in told
    assert len(told) < 3000
