"""Which inputs are worth trying, and how far they are from what a function takes."""

from __future__ import annotations

import pytest

from swe_sleep.anticipate.harvest import Call
from swe_sleep.anticipate.proving.changed import ChangedFunction, changed_functions, file_change
from swe_sleep.anticipate.proving.hints import hints_of
from swe_sleep.anticipate.proving.inputs import BARRED, MILD, Candidate, candidates, kinds_in


def change(annotation: str) -> ChangedFunction:
    """A function that has lost its guard."""
    head = f"def join(items: {annotation}):\n"
    old = head + "    if not items:\n        return ''\n    return items[0]\n"
    new = head + "    return items[0]\n"
    (found,) = changed_functions(file_change("a.py", old.encode(), new.encode()))
    return found


def tried(annotation: str, passed: str = "['x']") -> dict[str, Candidate]:
    """What is tried for the argument, where a test passes this."""
    function = change(annotation)
    call = Call("a.py", "join", "t.py::t", "", (passed,), {}, ("from a import join",))
    key = ("a.py", "join")
    found = candidates({key: [call]}, function, hints_of(function), {key: function.new})
    return {each.call.arguments[0]: each for each in found}


def distances(annotation: str) -> dict[str, int]:
    """How far the values are."""
    return {value: each.distance for value, each in tried(annotation).items()}


@pytest.mark.parametrize(
    "annotation",
    ["list[Any]", "List[Any]", "'list[Any]'", "typing.List[int]", "dict[str, int] | list[Any]"],
)
def test_what_an_annotation_rules_out_is_not_taken_for_near(annotation: str) -> None:
    found = distances(annotation)
    assert found["[]"] == MILD
    assert found["0"] == BARRED
    assert found["None"] == BARRED


@pytest.mark.parametrize(
    "annotation", ["list[Any] | None", "Optional[list[Any]]", "Union[list[str], None]"]
)
def test_none_is_near_where_the_annotation_has_it(annotation: str) -> None:
    found = distances(annotation)
    assert found["None"] == MILD
    assert found["0"] == BARRED


@pytest.mark.parametrize("annotation", ["Any", "object"])
def test_anything_is_near_where_anything_is_taken(annotation: str) -> None:
    assert distances(annotation)["0"] == MILD


@pytest.mark.parametrize("annotation", ["T", "Sequence[str]", "1 + 2", "(a, b)[0][1]", "'(('"])
def test_odd_annotations_rule_out_nothing(annotation: str) -> None:
    assert BARRED not in distances(annotation).values()


def test_what_is_of_another_kind_than_the_value_that_it_replaces_is_odd() -> None:
    found = tried("T", "{'rows': [1, 2], 'name': 'x'}")
    assert found["{'rows': [1, 2, None], 'name': 'x'}"].odd
    assert found["{'rows': None, 'name': 'x'}"].odd
    assert not found["{'rows': [], 'name': 'x'}"].odd
    assert not found["{'rows': [1, 2], 'name': ''}"].odd
    assert not found["None"].odd, "that is told by its distance"


def test_the_kinds_in_a_literal() -> None:
    assert kinds_in("{'a': [1, 2.5], 'b': None}") == {"dict", "str", "list", "number", "NoneType"}
    assert kinds_in("-1") == kinds_in("float('nan')") == {"number"}
    assert kinds_in("f(None)") == kinds_in("(((") == {"other"}
