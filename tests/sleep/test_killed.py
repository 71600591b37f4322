"""Passes that ask a model, killed with SIGKILL: no answer is lost, nothing is asked twice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.notes.asked import Asked
from swe_sleep.notes.store import Store

TEXTS = ["f0", "f1", "f2"]
GOOD = ["about f0", "about f1", "about f2"]
LATER = ["Later"] * 3
PASS_S = 1000.0
"""Seconds on the clock from one pass to the next."""


class Passes:
    """Runs passes in processes of their own."""

    def __init__(self, api: Any, folder: Path, process: subprocess.Popen[str]) -> None:
        self.api = api
        self.store = folder / "notes.db"
        self.texts = TEXTS
        self._offset = 0.0
        self._process = process

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def begin(self, *, halt: str = "", batch: bool = True) -> int:
        """Begin a pass; its process."""
        self._offset += PASS_S
        command = {
            "store": str(self.store),
            "url": self.api.url,
            "texts": self.texts,
            "offset": self._offset,
            "batch": batch,
            "halt": halt,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        return int(self._line("pid "))

    def _line(self, beginning: str) -> str:
        """What comes before it was printed by a pass."""
        self.printed: list[str] = []
        while not (line := self._read()).startswith(beginning):
            assert line
            assert not line.startswith("failed"), line
            self.printed.append(line)
        return line.removeprefix(beginning)

    def end(self) -> list[str]:
        """Wait for a pass to end; its answers, none where it was killed."""
        self._line("over")
        for line in self.printed:
            if line.startswith("["):
                answers: list[str] = json.loads(line)[0]
                return answers
        return []

    def whole(self, **more: Any) -> list[str]:
        self.begin(**more)
        return self.end()

    def kill_at(self, place: str, **more: Any) -> None:
        """A pass that is killed when it comes there."""
        pid = self.begin(halt=place, **more)
        assert self._read() == "halted"
        os.kill(pid, signal.SIGKILL)
        assert self.end() == []

    def spent(self) -> float:
        """By the ledger; it agrees with the requests."""
        store = Store(self.store)
        usd = sum(line.usage.cost_usd or 0.0 for line in store.spent())
        with store.transaction() as db:
            (paid, held) = db.execute("SELECT sum(paid), sum(usd) FROM asked").fetchone()
        assert usd == pytest.approx(paid)
        assert held == 0
        assert Asked(store).posts() == []
        store.close()
        return float(usd)


@pytest.fixture(scope="module")
def process() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name("killed_pass.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as found:
        assert found.stdout is not None
        assert found.stdout.readline().strip() == "ready"
        yield found


@pytest.fixture
def passes(messages_api: Any, tmp_path: Path, process: subprocess.Popen[str]) -> Passes:
    def echo(body: dict[str, Any]) -> Any:
        return (messages_api.text("about " + body["messages"][0]["content"][0]["text"]),)

    messages_api.otherwise = echo
    return Passes(messages_api, tmp_path, process)


@pytest.mark.parametrize(
    ("place", "passes_before"),
    [
        ("before begin 1", 0),
        ("after begin 2", 0),
        ("before begin_post 1", 0),
        ("after begin_post 1", 0),
        ("before create 1", 0),
        ("after create 1", 0),
        ("before posted 1", 0),
        ("after posted 1", 0),
        ("before get 1", 1),
        ("after get 1", 1),
        ("before settle 1", 1),
        ("after settle 1", 1),
        ("after settle 2", 1),
        ("after settle 3", 1),
        ("before end_post 1", 1),
        ("after end_post 1", 1),
    ],
)
def test_killed_at_every_stage_of_a_batch(passes: Passes, place: str, passes_before: int) -> None:
    for _ in range(passes_before):
        assert passes.whole() == LATER
    passes.kill_at(place)
    answers = [passes.whole() for _ in range(3)]
    assert answers[-1] == GOOD
    batches = passes.api.batches
    assert sorted(batches.asked) == sorted(set(batches.asked))
    assert len(batches.asked) == 3
    assert passes.api.requests == []
    assert passes.whole() == GOOD
    assert passes.spent() == pytest.approx(reply_usd(passes.api))


def reply_usd(api: Any) -> float:
    """What the server's replies to batches cost at half the price."""
    usages = [each["result"]["message"]["usage"] for b in api.batches.made for each in b.results]
    return float(sum(u["input_tokens"] * 2 + u["output_tokens"] * 10 for u in usages) / 1e6)


def test_killed_again_and_again_at_the_same_place(passes: Passes) -> None:
    for place in ("after begin_post 1", "after create 1", "before settle 1", "after settle 2"):
        passes.kill_at(place)
    assert passes.whole() == GOOD
    assert len(passes.api.batches.asked) == 3


def test_killed_while_it_asks_directly(passes: Passes) -> None:
    """What it asked is taken as spent, and asked again; what was answered is not."""
    api = passes.api
    api.reply(api.text("about f0"))
    api.never_answers()
    pid = passes.begin(batch=False)
    assert api.wait_for(2)
    os.kill(pid, signal.SIGKILL)
    assert passes.end() == []
    assert passes.whole(batch=False) == GOOD
    assert len(api.requests) == 4
    assert passes.spent() > 1000 * 20 / 1e6, "at the longest that the reply may have become"


def test_killed_twenty_times_at_random_moments(passes: Passes) -> None:
    """Passes over ever more things, half of them killed somewhere."""
    chance = random.Random(5)
    began = time.monotonic()
    assert passes.whole() == LATER
    longest = max(0.05, time.monotonic() - began)
    kills = 0
    while kills < 20:
        passes.texts = [f"f{number}" for number in range(3 + kills // 2)]
        pid = passes.begin()
        time.sleep(chance.uniform(0, longest))
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.kill(pid, signal.SIGKILL)
        kills += not passes.end()
        if chance.random() < 0.3:
            passes.whole()
    for _ in range(6):
        answers = passes.whole()
    assert answers == [f"about {text}" for text in passes.texts]
    batches = passes.api.batches
    assert len(batches.asked) == len(set(batches.asked)) == len(passes.texts)
    assert passes.spent() == pytest.approx(reply_usd(passes.api))
