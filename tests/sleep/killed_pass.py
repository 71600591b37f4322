"""Passes for test_killed.py, each in a process of its own that may be killed.

Reads commands, one JSON object a line; each is run in a fork, whose id is printed. A pass asks for
some things, posts and collects, as the engine does, and prints what it was answered. At `halt` it
prints "halted" and goes no further.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from swe_sleep.errors import SweSleepError
from swe_sleep.model.batches import Batches
from swe_sleep.model.catalogue import prices
from swe_sleep.model.client import ClaudeModel, ClientOptions
from swe_sleep.model.protocol import Request, user
from swe_sleep.model.secrets import Masker
from swe_sleep.notes.asked import Asked
from swe_sleep.notes.store import Store
from swe_sleep.sleep.budget import Budget
from swe_sleep.sleep.desk import Allowed, Desk
from swe_sleep.sleep.limits import Moment, now


def say(what: str) -> None:
    os.write(1, what.encode() + b"\n")


def stop_at(place: str) -> None:
    """`place` is "before" or "after", a method, and which call of it: "after create 1"."""
    when, name, number = place.split()
    owner: Any = Asked if hasattr(Asked, name) else Batches
    method: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def halting(*arguments: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls != int(number):
            return method(*arguments, **more)
        if when == "after":
            method(*arguments, **more)
        say("halted")
        return threading.Event().wait()

    setattr(owner, name, halting)


def run(command: dict[str, Any]) -> None:
    if command["halt"]:
        stop_at(command["halt"])
    start = now()
    offset = command["offset"]

    def clock() -> Moment:
        moment = now()
        return Moment(moment.wall + offset, moment.boot, moment.ticks + offset)

    store = Store(Path(command["store"]))
    options = ClientOptions(base_url=command["url"], api_key="k", max_retries=1, thinking=False)
    with ClaudeModel(options) as model:
        budget = Budget(60.0)
        mask = Masker(key=b"0" * 32)
        desk = Desk(
            store,
            model,
            prices(),
            lambda: mask,
            budget,
            Allowed(),
            batch=command["batch"],
            clock=clock,
        )
        desk.begin()
        desk.collect()
        answers = []
        for text in command["texts"]:
            desk.work_on(f"unit {text}")
            request = Request("Sum up.", (user(text),), max_tokens=1000, purpose="summary")
            try:
                answers.append(desk.ask(request, note=text).text)
            except SweSleepError as error:
                answers.append(type(error).__name__)
        desk.post()
    store.close()
    say(json.dumps([answers, time.time() - start.wall]))


def main() -> None:
    import anthropic  # noqa: F401  # takes seconds, once

    say("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                run(json.loads(line))
            except BaseException as error:
                say(f"failed {error!r}")
                raise
            finally:
                os._exit(0)
        say(f"pid {child}")
        os.waitpid(child, 0)
        say("over")


if __name__ == "__main__":
    main()
