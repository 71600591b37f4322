from __future__ import annotations

import textwrap
import time

import pytest

from swe_sleep.anticipate.leads.find import MOST_FILES, choose, find, is_source
from swe_sleep.anticipate.leads.lead import Lead
from swe_sleep.anticipate.leads.weighing import Weights, weights
from swe_sleep.records import Place

EVERYTHING = Weights(0.0, 0.0, 0.0, {}, frozenset())
"""Every lead counts the same, and none is left out."""


def leads(before: str, after: str, **more: str) -> list[Lead]:
    other = {name.replace("_", "/", 1) + ".py": text for name, text in more.items()}
    old = {"a.py": textwrap.dedent(before).encode()}
    new = {"a.py": textwrap.dedent(after).encode()}
    for path, text in other.items():
        old[path] = b""
        new[path] = textwrap.dedent(text).encode()
    return find(old, new, weighing=EVERYTHING)


FUNCTION = """
    def f(value, size=10):
        '''What it does.'''
        if value is None:
            raise TypeError("no value")
        text = value.strip().lower()
        if text and len(text) < size:
            return text, size
        try:
            with open(text) as file:
                return sorted(file), size
        except (OSError, ValueError):
            return [], size
        finally:
            log.flush()
"""


@pytest.mark.parametrize(
    ("before", "after", "kind", "why"),
    [
        (
            '        if value is None:\n            raise TypeError("no value")\n',
            "",
            "guard",
            "`if value is None` was removed",
        ),
        (".strip()", "", "normalisation", "`value.strip()` was removed"),
        ("if text and len(text)", "if len(text)", "condition", "condition"),
        (
            "len(text) < size",
            "len(text) <= size",
            "condition",
            "became `if text and len(text) <= size`",
        ),
        ("(OSError, ValueError)", "OSError", "exception", "`except ValueError` was removed"),
        (
            "with open(text) as file:\n                return sorted(file), size",
            "return sorted(open(text)), size",
            "resource",
            "with open(text) as file",
        ),
        ("sorted(file)", "list(file)", "normalisation", "sorted(file)"),
        ("size=10", "size=20", "default", "`size=10` became `size=20`"),
        ("return text, size", "return text", "return", "return text"),
        ("TypeError(", "ValueError(", "exception", "raise TypeError"),
        ("[], size", "[], 0", "return", "([], size)"),
        ("        finally:\n            log.flush()\n", "", "resource", "finally"),
    ],
)
def test_what_a_function_lost(before: str, after: str, kind: str, why: str) -> None:
    assert before in FUNCTION

    (lead,) = leads(FUNCTION, FUNCTION.replace(before, after))

    assert (lead.path, lead.qualname, lead.kind) == ("a.py", "f", kind)
    assert why in lead.why
    assert lead.check
    assert 2 <= (lead.place.line or 0) <= (lead.place.end_line or 0) <= 15


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("'''What it does.'''", "'''What else it does.'''"),
        ("def f(value, size=10):", "def f(value: str, size: int = 10) -> tuple:"),
        (
            'raise TypeError("no value")',
            'raise TypeError(\n                "no value"\n            )',
        ),
        ("        text = value", "        # a comment\n        text = value"),
    ],
)
def test_layout_comments_and_annotations_are_no_change(before: str, after: str) -> None:
    assert before in FUNCTION
    assert leads(FUNCTION, FUNCTION.replace(before, after)) == []


GUARD = '        if value is None:\n            raise TypeError("no value")\n'


def test_what_was_moved_is_not_lost() -> None:
    shorter = FUNCTION.replace(GUARD, "        check(value)\n")
    helper = "\n    def check(value):\n" + GUARD

    assert leads(FUNCTION, shorter)
    assert leads(FUNCTION, shorter + helper) == []
    assert leads(FUNCTION, shorter, lib_checks=helper) == []


def test_what_is_only_added_gives_no_lead() -> None:
    assert leads(FUNCTION.replace(GUARD, ""), FUNCTION) == []


def test_a_function_that_is_gone_or_new_gives_none() -> None:
    other = "\n    def g():\n        return 1\n"
    assert leads(FUNCTION + other, other) == []
    assert leads(other, FUNCTION + other) == []


def test_methods_and_inner_functions_are_named_and_placed() -> None:
    before = """
        class A:
            def m(self):
                def inner(x):
                    if x < 0:
                        return 0
                    return x
                return inner
    """
    (lead,) = leads(
        before, before.replace("if x < 0:\n                        return 0\n", "pass\n")
    )
    assert lead.qualname == "A.m.inner"
    assert lead.place == Place("a.py", 5, 5)


def test_what_the_tests_of_the_change_speak_of_is_documented() -> None:
    old, new = textwrap.dedent(FUNCTION).encode(), textwrap.dedent(FUNCTION).replace("10", "20")
    tests = {"tests/test_a.py": b"def test_f():\n    assert f(' x ')\n"}

    def found(before: dict[str, bytes | None]) -> list[Lead]:
        return find(
            {"a.py": old},
            {"a.py": new.encode()},
            tests_before=before,
            tests_after=tests,
            weighing=EVERYTHING,
        )

    assert found({"tests/test_a.py": None}) == []
    assert found(dict(tests))  # they were there before, and say nothing of the change


@pytest.mark.parametrize("content", [b"def f(:", b"\xff\xfe", b"x = 1\0", b"(" * 5000, None])
def test_what_is_no_python_gives_no_lead(content: bytes | None) -> None:
    old: dict[str, bytes | None] = {"a.py": textwrap.dedent(FUNCTION).encode()}
    assert find(old, {"a.py": content}, weighing=EVERYTHING) == []


def test_code_that_nests_very_deep_gives_no_lead() -> None:
    deep = "def f(x):\n    if x:\n        return 1\n    return " + " + ".join(["x"] * 2500) + "\n"
    assert find({"a.py": deep.encode()}, {"a.py": deep.replace("if x", "if not x").encode()}) == []


def test_many_equal_lines_take_no_long_time() -> None:
    table = "if X:\n    y = 1\nx = 1\n" + "x = 1\n" * 4_000
    began = time.monotonic()
    find({"a.py": table.encode()}, {"a.py": table.replace("y = 1", "y = 2").encode() + b"x = 2\n"})
    assert time.monotonic() - began < 60


def test_a_large_change_gives_no_lead() -> None:
    many = {f"{n}.py": textwrap.dedent(FUNCTION).encode() for n in range(MOST_FILES + 1)}
    fewer = {path: text.replace(b".strip()", b"") for path, text in many.items()}
    assert find(many, fewer, weighing=EVERYTHING) == []
    long = "def f(x):\n" + "".join(f"    if x == {n}:\n        return {n}\n" for n in range(500))
    assert find({"a.py": long.encode()}, {"a.py": b"def f(x):\n    return x\n"}) == []


def test_the_best_two_are_chosen_of_kinds_that_are_on() -> None:
    weighing = Weights(0.0, 0.5, 0.7, {}, frozenset({"value"}))
    some = [
        Lead("a.py", name, kind, Place("a.py", 1), "", weight)
        for name, kind, weight in (
            ("one", "value", 0.9),
            ("two", "guard", 0.8),
            ("three", "return", 0.75),
            ("four", "return", 0.72),
            ("five", "guard", 0.6),
        )
    ]
    assert [each.qualname for each in choose(some, weighing=weighing)] == ["two", "three"]
    assert [each.qualname for each in choose(some[3:], weighing=weighing)] == ["four"]
    off = choose(some, lambda kind: kind != "guard", weighing)
    assert [each.qualname for each in off] == ["three", "four"]
    assert choose(some[-1:], weighing=Weights(0.0, 0.7, 0.7, {}, frozenset())) == []


def test_the_weights_of_the_package_tell_a_lost_guard_from_an_added_one() -> None:
    old, new = textwrap.dedent(FUNCTION), textwrap.dedent(FUNCTION.replace(GUARD, ""))
    (lost,) = find({"a.py": old.encode()}, {"a.py": new.encode()})
    assert lost.weight > weights().least
    assert find({"a.py": new.encode()}, {"a.py": old.encode()}) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("src/lib/a.py", True),
        ("a.py", True),
        ("tests/test_a.py", False),
        ("lib/conftest.py", False),
        ("docs/conf.py", False),
        ("setup.py", False),
        ("a.pyi", False),
    ],
)
def test_which_files_users_are_met_by(path: str, source: bool) -> None:
    assert is_source(path) is source
