"""Calls that are made in the sandbox: what each gives, whatever the others do."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from swe_sleep.anticipate.harvest import Call
from swe_sleep.anticipate.proving.replaying import Outcome, Replaying
from swe_sleep.testing.tests import Tests

MODULE = r"""
import os, sys, time


def fine(x, seen=[]):
    print("said", x)
    return {"x": x}


def fails(x):
    if x:
        raise ValueError("on purpose")
    return None + 1


def changes(items):
    items.append(1)


def lazy():
    yield 1
    yield 2


def harm(kind):
    if kind == "exits":
        os._exit(0)
    if kind == "leaves":
        sys.exit(3)
    if kind == "hangs":
        while True:
            try:
                time.sleep(100)
            except BaseException:
                pass
    if kind == "prints":
        for _ in range(2000):
            print("x" * 1000000)
            os.write(1, b"x" * 1000000)
    if kind == "forks":
        for _ in range(4):
            os.fork()
    if kind == "lies":
        for number in range(3, 20):
            try:
                os.write(number, b'\n[0, {"state": "returned", "text": "a lie"}]\n')
            except OSError:
                pass
    if kind == "replaces":
        os.write = os._exit = lambda *arguments: 0
    return kind
"""


def call(function: str, *arguments: str) -> Call:
    return Call("m.py", function, "", "", arguments, {}, (f"from m import {function}",))


@pytest.fixture
def made(open_tests: Callable[..., Tests]) -> Callable[..., list[Outcome | None]]:
    tests = open_tests({"m.py": MODULE})

    def run(*calls: Call, alone: bool = False) -> list[Outcome | None]:
        watch = {"m.py": [(10, 12)]}
        return Replaying(tests.sandbox).run(calls, watch=watch, total_s=60.0, alone=alone)

    return run


def test_what_a_call_gives_is_told(made: Callable[..., list[Outcome]]) -> None:
    fine, meant, crash, changed, lazy, unmade = made(
        call("fine", "'a'"),
        call("fails", "1"),
        call("fails", "0"),
        call("changes", "[0]"),
        call("lazy"),
        call("fine", "nothing.here"),
    )
    assert (fine.state, fine.source, fine.type, fine.printed) == (
        "returned", "{'x': 'a'}", "dict", "said a\n",
    )  # fmt: skip
    assert (meant.error, meant.deliberate) == ("ValueError: on purpose", True)
    assert (crash.type, crash.deliberate, crash.frames) == (
        "TypeError",
        False,
        (("m.py", 13, "fails"),),
    )
    assert meant.lines == (("m.py", 11), ("m.py", 12)) and fine.lines == ()
    assert changed.after.count("1") and lazy.source == "[1, 2]"
    assert unmade.state == "setup"


@pytest.mark.parametrize(
    "kind", ["exits", "leaves", "hangs", "prints", "forks", "lies", "replaces"]
)
def test_harm_is_held_and_the_next_call_is_made(
    made: Callable[..., list[Outcome | None]], kind: str
) -> None:
    began = time.monotonic()
    first, second = made(call("harm", f"'{kind}'"), call("fine", "1"))
    assert first is not None and second is not None
    assert first.text != "a lie" and (second.text, second.state) == ("{'x': 1}", "returned")
    assert time.monotonic() - began < 100


def test_calls_that_hang_one_after_another_are_given_up(
    made: Callable[..., list[Outcome | None]],
) -> None:
    found = made(*[call("harm", "'exits'")] * 20, call("fine", "1"), alone=True)
    assert sum(each is not None for each in found) < 10
