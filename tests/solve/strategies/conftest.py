"""Candidates that a scripted server plays, in real sandboxes, over the real SDK."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.config import load
from swe_sleep.model.tools import EDITOR_NAME
from swe_sleep.records import Entry, Issue
from swe_sleep.repo.hashing import blob_of
from swe_sleep.repo.snapshot import REGULAR, Snapshot
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve.knowledge import Nothing
from swe_sleep.solve.solve import Limits, Solve, Solved
from swe_sleep.solve.strategies.candidates import told_apart
from swe_sleep.wiring.asking import Asking

SHOP = {
    "shop.py": "def total(prices):\n    return sum(prices) + 1\n",
    "test_shop.py": (
        "from shop import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n"
    ),
}


class InMemory:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, path: str, entry: Entry) -> bytes:
        return self._files[path]


@dataclass
class Shop:
    """`solve` runs a strategy on a little repository; what was said and opened is kept."""

    api: Any
    folder: Path
    files: Mapping[str, str] = field(default_factory=lambda: SHOP)
    said: list[str] = field(default_factory=list)
    opened: list[Sandbox] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    backend: LocalBackend = field(default_factory=LocalBackend)

    def open(self, snapshot: Snapshot) -> Sandbox:
        environment = self.backend.prepare(snapshot, progress=lambda line: None)
        sandbox = self.backend.open(snapshot, environment)
        self.opened.append(sandbox)
        return sandbox

    @property
    def snapshot(self) -> Snapshot:
        contents = {path: text.encode() for path, text in self.files.items()}
        entries = {path: Entry(blob_of(c, "sha1"), REGULAR) for path, c in contents.items()}
        return Snapshot(entries, None, None, InMemory(contents))

    def solve(self, issue: Issue, strategy: str = "first-finish", **flags: Any) -> Solved:
        settings = load(
            flags={
                "model.base_url": self.api.url,
                "solve.strategy": strategy,
                "solve.candidates": 2,
                **{name.replace("__", "."): value for name, value in flags.items()},
            }
        )
        snapshot = self.snapshot
        say = told_apart(self.said.append)
        asks = Asking(settings, Nothing(), self.open, self.folder, say, self.stop.is_set)
        limits = Limits(search_s=0.0, stop=self.stop.is_set)
        with self.open(snapshot) as sandbox:
            return Solve(snapshot, sandbox, Nothing(), asks=asks, limits=limits, progress=say).run(
                issue
            )

    def trajectories(self) -> list[list[dict[str, Any]]]:
        files = sorted(self.folder.glob("*.jsonl"))
        return [[json.loads(line) for line in file.read_text().splitlines()] for file in files]


@pytest.fixture
def shop(messages_api: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key-of-no-one")
    with ExitStack() as stack:
        shop = Shop(messages_api, tmp_path / "runs")
        yield shop
        for sandbox in shop.opened:
            stack.callback(sandbox.close)


@pytest.fixture
def edit(messages_api: Any) -> Callable[[str], Any]:
    """`edit(new)` is a call that puts this in place of the faulty expression."""

    def call(new: str, old: str = "sum(prices) + 1") -> Any:
        return messages_api.call(
            EDITOR_NAME, command="str_replace", path="shop.py", old_str=old, new_str=new
        )

    return call
