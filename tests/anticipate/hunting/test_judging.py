"""What does not count, though it breaks."""

from __future__ import annotations

import ast

import pytest

from swe_sleep.anticipate.hunting.exercising import Find
from swe_sleep.anticipate.hunting.judging import Judge, plausible
from swe_sleep.anticipate.hunting.targets import Target, targets
from swe_sleep.records import Place

SOURCE = b'def take(text, func):\n    """Take."""\n    return func(text)\n'


def target() -> Target:
    (found,) = targets("lib/core.py", "lib.core", ast.parse(SOURCE))
    return found


def find(kind: str = "IndexError", message: str = "", statement: str = "a[0]", **more: str) -> Find:
    return Find(
        "crash", "", kind, message, ((Place(more.get("path", "lib/core.py"), 3), "take"),),
        statement, "", (more.get("argument", "'a'"),), {}, (),
        {more.get("name", "text"): more.get("why", "seen")},
    )  # fmt: skip


def refusal(found: Find, sources: dict[str, bytes] | None = None) -> str:
    return Judge(target(), (), sources or {"lib/core.py": SOURCE}).refusal(found)


def test_a_crash_on_plain_values_counts() -> None:
    assert refusal(find()) == ""


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (find("TypeError", "'int' object is not iterable"), "only calls tell which types fit"),
        (find("TypeError", "'NoneType' object", argument="None"), "None was passed"),
        (
            find(name="func", statement="return func(text)"),
            "it broke in a function that was passed",
        ),
        (find("re.error", name="pattern"), "a pattern was passed"),
        (find(path="tests/test_a.py"), "it is in a test"),
        (find(argument="'" + 300 * "a" + "'"), "the call is too long to be read"),
    ],
)
def test_what_may_be_the_callers_own_fault_does_not(found: Find, why: str) -> None:
    assert refusal(found) == why


def test_types_count_where_they_are_said() -> None:
    assert refusal(find("TypeError", "no len()", why="annotation")) == ""


def test_the_same_place_counts_once() -> None:
    judge = Judge(target(), (), {"lib/core.py": SOURCE})
    assert [judge.refusal(find()), judge.refusal(find())] == ["", "it was found already"]


def test_errors_that_the_repository_catches_are_meant() -> None:
    caller = b"try:\n    take(1, 2)\nexcept LookupError:\n    pass\n"
    judge = Judge(target(), {"ValueError"}, {"lib/core.py": SOURCE, "lib/use.py": caller})
    assert judge.expected >= {"LookupError", "KeyError", "IndexError", "ValueError"}


def test_names_alone_are_a_guess() -> None:
    assert plausible({"text": "seen"})
    assert not plausible({"text": "seen", "n": "guess"})
