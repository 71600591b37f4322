from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from swe_sleep.evaluate.executors.local import LocalExecutor
from swe_sleep.evaluate.executors.queue import Queue
from swe_sleep.evaluate.pool import Done, Failed, Said


@dataclass(frozen=True)
class Asked:
    name: str
    group: str = ""


def taken(queue: Queue[Asked], last: Asked | None = None) -> list[str]:
    names = []
    while (last := queue.take(last)) is not None:
        names.append(last.name)
    return names


def test_without_groups_the_order_is_kept() -> None:
    queue = Queue([Asked("a"), Asked("b"), Asked("c")])
    assert len(queue) == 3
    assert taken(queue) == ["a", "b", "c"]


def test_a_worker_stays_with_its_group_and_begins_with_the_biggest() -> None:
    queue = Queue([Asked("a1", "a"), Asked("b1", "b"), Asked("a2", "a"), Asked("b2", "b")])
    first, second = queue.take(None), queue.take(None)
    assert [each and each.name for each in (first, second)] == ["a1", "b1"]
    assert taken(queue, second) == ["b2", "a2"]
    queue = Queue([Asked("a1", "a"), Asked("b1", "b"), Asked("b2", "b")])
    assert taken(queue) == ["b1", "b2", "a1"]


WORK = """\
import os

from swe_sleep.errors import SweSleepError


def length(name, say):
    say(f"measuring {name}")
    if not name:
        raise SweSleepError("it has no name.", "Give it one.")
    return len(name), os.getpid()
"""


def test_every_request_is_answered_once_and_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work_of_local.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    length = importlib.import_module("work_of_local").length
    events = list(LocalExecutor(jobs=2).run(length, ["four", "", "six six"]))
    done = {each.request: each.answer for each in events if isinstance(each, Done)}
    assert {name: size for name, (size, _) in done.items()} == {"four": 4, "six six": 7}
    assert os.getpid() not in {pid for _, pid in done.values()}
    failed = [each for each in events if isinstance(each, Failed)]
    assert failed == [Failed("", "it has no name. Give it one.")]
    assert {each.request for each in events if isinstance(each, Said)} == {"four", "", "six six"}
