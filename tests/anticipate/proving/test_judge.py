"""Which differences are faults."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from swe_sleep.anticipate.harvest import Call
from swe_sleep.anticipate.proving.changed import ChangedFunction, changed_functions, file_change
from swe_sleep.anticipate.proving.inputs import BARRED, MILD, OTHER, SEEN, Candidate
from swe_sleep.anticipate.proving.judge import Circumstances, judge
from swe_sleep.anticipate.proving.replaying import Outcome

OLD = "def f(x):\n    try:\n        return g(x)\n    except OSError:\n        return 'none'\n"
NEW = "def f(x):\n    return g(x)\n"
GAVE = Outcome("returned", text="'a'", shown="'a'", source="'a'", type="str", types=("str",))


def raised(name: str, *bases: str, **more: Any) -> Outcome:
    frames = (("a.py", 2, "f"),)
    return Outcome("raised", type=name, types=(name, *bases), message="m", frames=frames, **more)


def verdict(
    old: Outcome,
    new: Outcome,
    distance: int = MILD,
    guard: bool = False,
    qualname: str = "f",
    after: str = NEW,
    odd: bool = False,
    **around: bool,
) -> str:
    change: ChangedFunction
    (change,) = changed_functions(file_change("a.py", OLD.encode(), after.encode()))
    call = Call("a.py", qualname, "t.py::t", "", ("1",))
    candidate = Candidate(call, distance, guard, odd=odd)
    found = judge(candidate, old, new, change, Circumstances(**around))
    return found.kind if found else ""


def test_a_crash_where_it_worked_is_a_fault() -> None:
    assert verdict(GAVE, raised("TypeError")) == "crash"
    assert verdict(GAVE, raised("KeyError", "LookupError"), SEEN) == "crash"
    assert verdict(GAVE, replace(GAVE, state="slow")) == "hang"


@pytest.mark.parametrize(
    "new",
    [
        raised("ValueError"),
        raised("TypeError", deliberate=True),
        raised("TypeError", ours=True),
        replace(raised("TypeError"), frames=()),
        replace(raised("TypeError"), frames=(("a.py", 99, "h"),)),
        replace(GAVE, text="'b'"),
    ],
)
def test_what_may_be_meant_is_none(new: Outcome) -> None:
    assert verdict(GAVE, new) == ""


def test_an_exception_that_was_caught_before_is_a_fault() -> None:
    assert verdict(GAVE, raised("FileNotFoundError", "OSError")) == "crash"


def test_a_value_of_a_kind_that_nobody_passes_there_shows_no_crash() -> None:
    """The old version may never have looked at it."""
    assert verdict(GAVE, raised("TypeError"), odd=True) == ""
    assert verdict(GAVE, raised("TypeError"), odd=True, guard=True) == "crash"
    assert verdict(GAVE, replace(GAVE, state="slow"), odd=True) == "hang"


def test_the_input_must_be_one_that_a_user_could_pass() -> None:
    crash = raised("TypeError")
    assert verdict(GAVE, crash, OTHER) == ""
    assert verdict(GAVE, crash, OTHER, guard=True) == "crash"
    assert verdict(GAVE, crash, OTHER, guard=True, tests=True) == ""
    assert verdict(GAVE, crash, BARRED, guard=True) == ""
    assert verdict(GAVE, crash, qualname="_f") == ""
    assert verdict(GAVE, raised("KeyError", "LookupError"), qualname="Box.pop") == ""


def test_nothing_is_lost_where_nothing_was_given() -> None:
    none = replace(GAVE, type="NoneType", source="None")
    assert verdict(none, raised("TypeError")) == ""


def test_a_raise_that_went_and_left_a_crash_is_a_fault() -> None:
    old = "def f(x):\n    if x > 3:\n        raise ValueError(x)\n    return g(x)\n"
    (change,) = changed_functions(file_change("a.py", old.encode(), NEW.encode()))
    candidate = Candidate(Call("a.py", "f", "t.py::t", "", ("4",)), MILD)
    refusal = raised("ValueError", deliberate=True)
    gone = replace(refusal, frames=(("a.py", 3, "f"),))
    deeper = replace(refusal, frames=(("a.py", 4, "f"), ("b.py", 3, "g")))
    for was, wanted in ((gone, "refusal"), (deeper, "")):
        found = judge(candidate, was, raised("TypeError"), change, Circumstances())
        assert (found.kind if found else "") == wanted


def test_none_where_there_always_was_a_value_is_a_fault() -> None:
    (change,) = changed_functions(file_change("a.py", OLD.encode(), NEW.encode()))
    candidate = Candidate(Call("a.py", "f", "t.py::t", "", ("4",)), MILD)
    none = replace(GAVE, text="None", type="NoneType", source="None")
    for valued, around, wanted in (
        ([("a.py", "f")], Circumstances(), "lost"),
        ([], Circumstances(), ""),
        ([("a.py", "f")], Circumstances(tests=True), ""),
    ):
        found = judge(candidate, GAVE, none, change, around, valued)
        assert (found.kind if found else "") == wanted


def test_a_new_signature_is_meant() -> None:
    after = "def f(x, *, y=1):\n    return g(x)\n"
    assert verdict(GAVE, raised("TypeError"), after=after) == ""
