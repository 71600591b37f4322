"""A day of changes on a real repository, and what the passes that ask a model spend on it.

    python -m benchmarks.day REPOSITORY --work DIR [--changes 50] [--model NAME] [--json FILE]

The newest commits that change Python source are played as edits, one after the other, on a clone in
DIR: first the nights before, in which what the passes want to know of the whole repository is asked
as far as the limits let it, then the day. The real SDK talks to a local server that speaks the
Messages API, batches included. Its replies are made from what it was shown and are of no worth; how
many tokens they take is given by --output, prompts take a token for 3.5 bytes. So the requests,
their sizes, the limits and the prices are real, and the length of the replies is assumed.

Once with message batches and once without. Prices are those of model/prices.toml.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from swe_sleep.config import Settings, load
from swe_sleep.model.catalogue import prices
from swe_sleep.model.client import ClaudeModel, ClientOptions
from swe_sleep.model.known_secrets import masker
from swe_sleep.notes.store import Store
from swe_sleep.records import Usage
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sleep.budget import Budget
from swe_sleep.sleep.desk import Allowed, Desk
from swe_sleep.sleep.engine import Pass
from swe_sleep.sleep.limits import Moment, reached
from swe_sleep.sleep.passes.anticipate import AnticipatePass
from swe_sleep.sleep.passes.graph import GraphPass
from swe_sleep.sleep.passes.history import HistoryPass
from swe_sleep.sleep.passes.outline import OutlinePass
from swe_sleep.sleep.passes.summary import SummaryPass
from swe_sleep.sleep.sleeper import Sleeper
from swe_sleep.testing.discovery import is_test_path

PASSES: Sequence[Pass] = (
    OutlinePass(),
    GraphPass(),
    HistoryPass(),
    SummaryPass(),
    AnticipatePass(),
)
BYTES_A_TOKEN = 3.5
DAY_S = 86400.0
APART_S = 9 * 3600 / 50
"""Seconds between two changes."""
NIGHTS = 4
MOST_PASSES = 40
_LINE = re.compile(r"^ *(\d+)[ |:]+(\S.*)$", re.MULTILINE)
_FILE = re.compile(r"^([\w./-]+\.py)$", re.MULTILINE)


# -- the server's replies --------------------------------------------------------------------------


def reply(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Something that fits the request."""
    if body.get("tools"):
        rounds = sum(message["role"] == "assistant" for message in body["messages"])
        if rounds:
            return [_call(rounds, "finish_rethinking_memory", {})]
        memory = "What the module promises, and where it may break. " * 30
        return [_call(rounds, "rethink_memory", {"new_memory": memory})]
    text = "\n".join(b.get("text", "") for b in body["messages"][0]["content"])
    path = next(iter(_FILE.findall(text)), "")
    seen = [(int(n), line.strip()) for n, line in _LINE.findall(text)]
    quoted = [(n, line) for n, line in seen if line.startswith(("def ", "class "))][:5]
    schema = body.get("output_config", {}).get("format", {}).get("schema", {})
    if "issues" in schema.get("properties", {}):
        return [_text({"issues": []})]
    lines = [
        {
            "sort": "contract",
            "path": path,
            "line": number,
            "quote": line,
            "text": "Takes what its callers give it, and raises where that is not valid.",
        }
        for number, line in quoted
    ]
    purpose = "Says in one sentence what this part of the library is for."
    return [_text({"purpose": purpose, "lines": lines if path else []})]


def _call(number: int, name: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": given}


def _text(value: object) -> dict[str, Any]:
    return {"type": "text", "text": json.dumps(value)}


def _server() -> Any:
    """The tests' own server."""
    file = Path(__file__).parents[1] / "tests" / "messages_api.py"
    spec = importlib.util.spec_from_file_location("messages_api_for_day", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.MessagesApi()


# -- the day ---------------------------------------------------------------------------------------


@dataclass
class Clock:
    """Simulated: it goes on only when it is told to."""

    wall: float
    ticks: float = 0.0

    def __call__(self) -> Moment:
        return Moment(self.wall, "the day", self.ticks)

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.ticks += seconds


@dataclass
class Part:
    """What one pass (summary, anticipate) asked."""

    requests: int = 0
    sent_bytes: int = 0
    tokens: int = 0
    usd: float = 0.0


@dataclass
class Figures:
    name: str
    changes: int = 0
    passes: int = 0
    parts: dict[str, Part] = field(default_factory=dict)
    batches: int = 0
    most_pass_usd: float = 0.0
    limits: list[str] = field(default_factory=list)
    whole_bytes: int = 0
    """Of the changed source files, had they been sent whole."""
    seconds: float = 0.0

    def part(self, name: str) -> Part:
        return self.parts.setdefault(name, Part())

    @property
    def total(self) -> Part:
        parts = self.parts.values()
        return Part(
            sum(p.requests for p in parts),
            sum(p.sent_bytes for p in parts),
            sum(p.tokens for p in parts),
            sum(p.usd for p in parts),
        )


class Day:
    def __init__(self, root: Path, *, batch: bool, model: str, output: int) -> None:
        self.root = root
        self.api = _server()
        self.api.otherwise = reply
        self.api.usage = lambda body, blocks: self.api.Usage(
            input=int(len(json.dumps(body)) / BYTES_A_TOKEN), output=output
        )
        flags = {"model.base_url": self.api.url, "sleep.batch": batch, "sleep.model": model}
        self.settings: Settings = load(root, flags)
        self.repository = Repository.open(root)
        self.store = Store(self.repository.state_dir / "notes.db")
        now = time.localtime()
        morning = time.mktime((now.tm_year, now.tm_mon, now.tm_mday, 8, 0, 0, 0, 0, -1))
        self.clock = Clock(morning - NIGHTS * DAY_S)
        options = ClientOptions(model=model, base_url=self.api.url, api_key="none", thinking=False)
        self.model = ClaudeModel(options)
        self.folder = self.repository.state_dir / "asked"
        self.sleeper = Sleeper(
            self.repository,
            self.store,
            self.settings,
            LocalBackend(),
            PASSES,
            desks=self._desk,
        )
        self._read: dict[Path, int] = {}

    def _desk(self, snapshot: Snapshot, budget: Budget) -> Desk:
        wanted = self.settings.sleep
        return Desk(
            self.store,
            self.model,
            prices(),
            lambda: masker(os.environ, snapshot, self.folder),
            budget,
            Allowed(
                wanted.budget_usd,
                wanted.budget_usd_day,
                wanted.budget_usd_note,
                wanted.budget_tokens,
            ),
            batch=wanted.batch,
            effort=wanted.effort,
            folder=self.folder,
            clock=self.clock,
        )

    def sleep(self, figures: Figures) -> tuple[int, int]:
        """One pass; what it asked, and how many units wait."""
        asked = self._asked()
        before = len(self.store.spent())
        report = self.sleeper.sleep(self.repository.snapshot(), seconds=600)
        for problem in report.problems:
            print(f"problem: {problem}", file=sys.stderr)
        new = self._sent(figures)
        lines = self.store.spent()[before:]
        for line in lines:
            if line.usage.tokens:
                part = figures.part(line.what)
                part.tokens += line.usage.tokens
                part.usd += line.usage.cost_usd or 0.0
        figures.passes += 1
        spent = Usage.total(line.usage for line in lines).cost_usd or 0.0
        figures.most_pass_usd = max(figures.most_pass_usd, spent)
        known = {each.says for each in reached(self.store, self.clock)}
        figures.limits += sorted(known - set(figures.limits))
        figures.batches += sum(1 for call in self.api.batches.calls[asked:] if call == "create")
        return new, sum(report.posted_by_pass.values())

    def _asked(self) -> int:
        return len(self.api.batches.calls)

    def _sent(self, figures: Figures) -> int:
        """Add what was asked since the last look, by the trajectories."""
        new = 0
        for file in sorted(self.folder.glob("*.jsonl")):
            with file.open("rb") as opened:
                opened.seek(self._read.get(file, 0))
                for raw in opened:
                    line = json.loads(raw)
                    if line["kind"] == "request":
                        part = figures.part(file.name.partition("-")[0])
                        part.requests += 1
                        part.sent_bytes += len(json.dumps(line["body"], ensure_ascii=False))
                        new += 1
                self._read[file] = opened.tell()
        return new

    def quiet(self, figures: Figures) -> None:
        """Passes until nothing more is asked, and nothing waits."""
        for _ in range(MOST_PASSES):
            new, waiting = self.sleep(figures)
            if not new and not waiting:
                return
            self.clock.passes(1000)

    def close(self) -> None:
        self.model.close()
        self.store.close()
        self.repository.close()
        self.api.close()


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


def is_source(path: str) -> bool:
    return path.endswith(".py") and not is_test_path(path) and not path.startswith("docs/")


def commits(root: Path, count: int) -> list[tuple[str, list[str]]]:
    """The newest that change source, oldest first, with what source they change."""
    found: list[tuple[str, list[str]]] = []
    log = git(root, "log", "--first-parent", "-m", "--name-only", "--format=%x00%H", "-n", "2000")
    for block in log.split("\0")[1:]:
        commit, *names = block.split()
        changed = [name for name in names if is_source(name)]
        if changed:
            found.append((commit, changed))
        if len(found) == count:
            break
    return found[::-1]


def play(
    source: Path,
    work: Path,
    changes: list[tuple[str, list[str]]],
    make: Callable[[Path], Day],
    name: str,
) -> tuple[Figures, Figures]:
    root = work / name
    git(work, "clone", "-q", "--shared", "--no-checkout", str(source), name)
    git(root, "checkout", "-q", f"{changes[0][0]}^")
    day = make(root)
    try:
        nights, figures = Figures(f"{name}: before"), Figures(f"{name}: day", len(changes))
        began = time.monotonic()
        for _ in range(NIGHTS):
            day.quiet(nights)
            day.clock.passes(DAY_S - (day.clock.ticks % DAY_S))
        nights.seconds, began = time.monotonic() - began, time.monotonic()
        for number, (commit, changed) in enumerate(changes):
            git(root, "checkout", "-q", commit)
            for path in changed:
                file = root / path
                figures.whole_bytes += file.stat().st_size if file.is_file() else 0
            day.sleep(figures)
            day.clock.passes(APART_S)
            if number % 10 == 9:
                print(f"{name}: {number + 1} changes", file=sys.stderr)
        day.quiet(figures)
        figures.seconds = time.monotonic() - began
    finally:
        day.close()
    return nights, figures


def table(every: Sequence[Figures]) -> str:
    out = []
    for each in every:
        total = each.total
        out.append(
            f"{each.name:<16} {each.changes:>3} changes {each.passes:>4} passes "
            f"{total.requests:>5} requests {each.batches:>4} batches {total.tokens:>10,} tokens "
            f"${total.usd:.3f} dearest pass ${each.most_pass_usd:.3f} {each.seconds:.0f} s"
        )
        for name, part in sorted(each.parts.items()):
            mean = part.sent_bytes / max(1, part.requests)
            out.append(
                f"  {name:<14} {part.requests:>5} requests {part.sent_bytes:>10,} bytes "
                f"({mean:,.0f} each) {part.tokens:>10,} tokens ${part.usd:.3f}"
            )
        if each.changes:
            out.append(
                f"  sent a change  {total.sent_bytes / each.changes:,.0f} bytes; the changed "
                f"files whole: {each.whole_bytes / each.changes:,.0f}"
            )
        out += [f"  reached: {limit}" for limit in each.limits]
    return "\n".join(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--changes", type=int, default=50)
    parser.add_argument("--model", default="claude-opus-5-5")
    parser.add_argument("--output", type=int, default=900, help="tokens of a reply")
    parser.add_argument("--only", choices=("batches", "direct"))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.work) as folder:
        work = Path(folder)
        changes = commits(given.repository, given.changes)
        every: list[Figures] = []
        for name in ("batches", "direct"):
            if given.only in (None, name):

                def make(root: Path, batch: bool = name == "batches") -> Day:
                    return Day(root, batch=batch, model=given.model, output=given.output)

                every += play(given.repository, work, changes, make, name)
                print(table(every[-2:]), flush=True)
        if given.json:
            given.json.write_text(json.dumps([asdict(each) for each in every], indent=1))


if __name__ == "__main__":
    main()
