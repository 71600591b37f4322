"""Several candidates, of whose patches tests and then the model choose one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.records import Issue

WORDS = Issue("total() is one too high, and it should be 0 for no prices at all.")
RIGHT, LONG, WRONG = "sum(prices)", "sum(price for price in prices)", "(sum(prices) or 5)"


def test(expected: str, name: str = "own") -> str:
    return f"from shop import total\n\n\ndef test_{name}():\n    assert {expected}\n"


test.__test__ = False  # type: ignore[attr-defined]


@pytest.fixture
def candidate(messages_api: Any, edit: Callable[..., Any]) -> Callable[..., list[Any]]:
    """`candidate(new, tests)` is the reply of one that hands this in with a test file."""

    def reply(new: str, tests: str = "", *, path: str = "test_own.py") -> list[Any]:
        blocks = [edit(new)]
        if tests:
            written = messages_api.call("bash", command=f"cat > {path} <<'END'\n{tests}END\n")
            blocks.append(written)
        return [*blocks, messages_api.call("submit", summary=f"Now {new}.")]

    return reply


def rewritten(shop: Any) -> None:
    """A repository whose own tests do not show the issue."""
    shop.files = {
        "shop.py": "def total(prices):\n    return sum(prices) + 1\n",
        "test_shop.py": "from shop import total\n\n\ndef test_it():\n    assert total([1]) > 0\n",
    }


def seen(shop: Any, beginning: str) -> list[str]:
    return [line for line in shop.said if line.startswith(beginning)]


def test_tests_vote_and_the_model_chooses(
    shop: Any, messages_api: Any, candidate: Callable[..., Any]
) -> None:
    rewritten(shop)
    api = messages_api
    api.reply(*candidate(WRONG, test("total([1, 2]) == 3")))
    api.reply(*candidate(LONG, test("total([]) == 0 and total([4]) == 4")))
    api.reply(*candidate(RIGHT, test("total([]) == 0", "empty")))
    distinguishing = test("total([]) == 0", "nothing")
    api.reply(
        api.call("bash", command=f"cat > test_new.py <<'END'\n{distinguishing}END\n"),
        api.call("compare", tests=["test_new.py"]),
    )
    api.reply(api.call("choose", number=9, reason="Too many."))
    api.reply(api.call("choose", number=2, reason="Both are right."))
    solved = shop.solve(WORDS, "best-of", solve__candidates=3)
    # each one's tests fail without a patch: all three vote; the wrong patch fails two of them
    (line,) = seen(shop, "votes: ")
    assert [part.split()[-1] for part in line.split(",")] == ["3.00", "3.00", "1.00"]
    chosen = [seen.body for seen in api.requests if "compare" in str(seen.body["tools"])]
    assert len(chosen) == 3
    first = chosen[0]["messages"][0]["content"][0]["text"]
    assert first.index(f"+    return {RIGHT}\n") < first.index(f"+    return {LONG}\n")
    assert first.index(f"+    return {LONG}\n") < first.index(f"+    return {WRONG}\n")
    table = chosen[1]["messages"][-1]["content"][1]["content"]
    assert (
        "test_new.py::test_nothing: as it is FAIL, patch 1 pass, patch 2 pass, patch 3 FAIL"
        in table
    )
    assert "'number' must be from 1 to 3" in str(chosen[2]["messages"][-1])
    assert solved.solved, "the chosen patch's own test stands as the one that shows the issue"
    assert f"+    return {LONG}\n" in solved.patch.diff
    assert "selection: Both are right." in shop.said
    assert len(shop.trajectories()) == 4
    assert solved.usage.turns == 6
    assert len(shop.opened) == 6, "three candidates, the vote, the selection, and the proof"


def test_what_passes_before_the_patch_votes_nothing(
    shop: Any, messages_api: Any, candidate: Callable[..., Any]
) -> None:
    rewritten(shop)
    api = messages_api
    api.reply(*candidate(WRONG, test("total([]) > 0 and total([1]) > 0")))
    api.reply(*candidate(RIGHT, test("total([]) == 0")))
    api.reply(api.call("choose", number=1, reason="The votes."))
    solved = shop.solve(WORDS, "best-of")
    assert solved.solved
    assert f"+    return {RIGHT}\n" in solved.patch.diff


def test_a_patch_that_breaks_a_test_is_pruned(
    shop: Any, messages_api: Any, candidate: Callable[..., Any]
) -> None:
    rewritten(shop)
    api = messages_api
    api.reply(*candidate("0", test("total([]) == 0")))
    api.reply(*candidate(RIGHT, test("total([]) == 0")))
    solved = shop.solve(WORDS, "best-of")
    assert solved.solved, "one is left: there is nothing to choose"
    assert f"+    return {RIGHT}\n" in solved.patch.diff
    assert not seen(shop, "votes")


def test_equal_patches_are_one(shop: Any, messages_api: Any, candidate: Callable[..., Any]) -> None:
    api = messages_api
    api.reply(*candidate(RIGHT))
    api.reply(*candidate(RIGHT, test("total([]) == 0")))
    solved = shop.solve(Issue("", ("test_shop.py::test_total",)), "best-of")
    assert solved.solved
    assert len(api.requests) == 2


def test_where_the_choice_fails_the_votes_stand(
    shop: Any, messages_api: Any, candidate: Callable[..., Any]
) -> None:
    rewritten(shop)
    api = messages_api
    api.reply(*candidate(LONG, test("total([1]) == 1")))
    api.reply(*candidate(RIGHT, test("total([2]) == 2")))
    api.fails(401, "authentication_error", "no such key")
    solved = shop.solve(WORDS, "best-of")
    assert solved.solved
    assert f"+    return {RIGHT}\n" in solved.patch.diff, "even votes: the shorter one"
    assert seen(shop, "votes: ")[0].count("2.00") == 2


def test_a_candidate_without_a_patch_is_left_out(
    shop: Any, messages_api: Any, candidate: Callable[..., Any]
) -> None:
    rewritten(shop)
    messages_api.reply(messages_api.call("submit", summary="No idea."))
    messages_api.reply(*candidate(RIGHT, test("total([2]) == 2")))
    assert shop.solve(WORDS, "best-of").solved


def test_no_candidate_has_anything(shop: Any, messages_api: Any) -> None:
    for _ in range(2):
        messages_api.reply(messages_api.call("submit", summary="No idea."))
    solved = shop.solve(WORDS, "best-of")
    assert not solved.solved
    assert solved.patch is None
    assert "No idea." in solved.why


def test_own_tests_are_asked_for_here_alone(
    shop: Any, messages_api: Any, candidate: Callable[..., Any]
) -> None:
    told = "write tests of your own"
    for strategy in ("best-of", "first-finish"):
        for _ in range(2):
            messages_api.reply(messages_api.call("submit", summary="No idea."))
        shop.solve(WORDS, strategy)
    first = [seen.body["messages"][0]["content"][0]["text"] for seen in messages_api.requests]
    assert [told in text for text in first] == [True, True, False, False]
