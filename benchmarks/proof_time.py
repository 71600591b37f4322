"""From change to proof: seconds from a saved file to the note with the failing test, and to the
tested patch, with `swe-sleep watch` running as a person runs it.

    python -m benchmarks.proof_time --work DIR [--edits N] [--json FILE]
    python -m benchmarks.proof_time --work DIR --tree TREE --edit FILE OLD NEW [--edit ...]

Without `--tree` a repository is generated: 300 files, of them 100 with 1,000 quick tests, whose
modules use one another in layers. `init` makes the first notes. Then one file is broken at a time,
in ways that differ; what is measured is the moment at which the note stands in the store, seen from
another process. The file is mended again before the next. With `--tree`, the same on a real work
tree, which is put right afterwards; `swe-sleep sleep` must have seen it before.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.faults import git, plant
from swe_sleep.cli.known import NOTES_FILE
from swe_sleep.notes import kinds
from swe_sleep.records import AnticipatedIssue, State

PATIENCE_S = 90.0
LOOK_S = 0.02
FIRST_S = 900.0
MENDED_S = 20.0
UNDISTURBED = {
    "COLUMNS": "200",
    "PYTHONUNBUFFERED": "1",
    "SWE_SLEEP_SLEEP__IDLE": "false",
    "SWE_SLEEP_SLEEP__HUNT": "false",
}
"""What nobody waits for would wait for a free machine, and the next edit for its end."""
AREAS = ("stock", "orders", "prices", "people", "routes", "tax", "mail", "plans", "goods", "dates")
PER_AREA = 19
"""Modules of an area, in layers: each uses two of the layer below."""

MODULE = '''\
"""{area}: step {number}."""

from __future__ import annotations

{imports}

LIMIT_{number} = {limit}


class Ledger{number}:
    """Amounts in the order in which they came."""

    def __init__(self, amounts=()):
        self.amounts = list(amounts)

    def add(self, amount):
        if amount < 0:
            raise ValueError("an amount is not negative")
        self.amounts.append(amount)
        return len(self.amounts)

    def total(self):
        return sum(self.amounts)

    def last(self, count):
        return self.amounts[len(self.amounts) - count :]


def clamp_{number}(value, low=0, high=LIMIT_{number}):
    """The value, or the bound that it is beyond."""
    if value < low:
        return low
    if value > high:
        return high
    return value


def pages_{number}(count, size=10):
    """How many pages of a size it takes."""
    if size < 1:
        raise ValueError("a page holds something")
    return (count + size - 1) // size


def merged_{number}(one, other):
    """Both, where both have it the other's."""
    found = dict(one)
    for key, value in other.items():
        if value is not None:
            found[key] = value
    return found


def words_{number}(text):
    """Its words without what is between them."""
    return [word.strip(",.;") for word in text.split() if word.strip(",.;")]


def steps_{number}(value):
    """What the steps below make of a value."""
    result = clamp_{number}(value)
{uses}
    return result
'''
TEST = """\
import pytest

from depot.{area}.step{number:02} import (
    Ledger{number}, clamp_{number}, merged_{number}, pages_{number}, steps_{number}, words_{number}
)


def test_clamp_below():
    assert clamp_{number}(-3) == 0


def test_clamp_above():
    assert clamp_{number}({limit} + 5) == {limit}


@pytest.mark.parametrize("value", [0, 1, {limit}])
def test_clamp_inside(value):
    assert clamp_{number}(value) == value


def test_pages():
    assert [pages_{number}(n) for n in (0, 1, 10, 11)] == [0, 1, 1, 2]


def test_no_page():
    with pytest.raises(ValueError):
        pages_{number}(3, 0)


def test_merged():
    assert merged_{number}({{"a": 1, "b": 2}}, {{"b": None, "c": 3}}) == {{"a": 1, "b": 2, "c": 3}}


def test_words():
    assert words_{number}("one, two . three") == ["one", "two", "three"]


def test_ledger():
    ledger = Ledger{number}([4])
    assert ledger.add(5) == 2 and ledger.total() == 9 and ledger.last(1) == [5]
    assert steps_{number}(2) == {steps}
"""
GUARD = '    if size < 1:\n        raise ValueError("a page holds something")\n'
BREAKS: Sequence[tuple[str, int, int, str, str]] = (
    ("a comparison", 0, 3, "if value > high:", "if value >= high + 1 or value > 1:"),
    ("a bound", 1, 7, "return low\n", "return low + 1\n"),
    ("a page too few", 2, 11, "(count + size - 1) // size", "count // size"),
    ("a guard", 3, 15, GUARD, ""),
    ("a condition", 4, 2, "if value is not None:", "if value is None:"),
    ("a call left out", 5, 9, "word.strip(\",.;\") for word", "word for word"),
    ("a wrong name", 6, 13, "return sum(self.amounts)", "return sum(self.amount)"),
    ("an offset", 1, 17, "len(self.amounts) - count :", "len(self.amounts) - count + 1 :"),
    ("another exception", 2, 6, "raise ValueError(\"a page", "raise KeyError(\"a page"),
    ("no result", 3, 12, "        self.amounts.append(amount)\n        return len(self.amounts)\n",
     "        self.amounts.append(amount)\n"),
    ("at the bottom", 0, 0, "    return value\n", "    return value + 1\n"),
    ("a constant", 1, 5, "LIMIT_5 = ", "LIMIT_5 = 1 + "),
)  # fmt: skip
"""What is wrong, the area and module that it is put into, the text, and what stands there then."""


@dataclass
class Timed:
    """One edit."""

    what: str
    path: str
    note_s: float | None = None
    """From the saved file to the note with a failing test."""
    patch_s: float | None = None
    tests: int = 0
    summary: str = ""


@dataclass(frozen=True)
class Edit:
    what: str
    path: str
    old: str
    new: str


# -- the generated repository ----------------------------------------------------------------------


def generate(folder: Path) -> list[Edit]:
    """300 files; the edits that break something in it."""
    (folder / "depot").mkdir(parents=True)
    (folder / "tests").mkdir()
    files: dict[str, str] = {"depot/__init__.py": ""}
    tested = 0
    for place, area in enumerate(AREAS):
        files[f"depot/{area}/__init__.py"] = ""
        for number in range(PER_AREA):
            limit = 100 + number
            used = [n for n in (number - 1, number - 3) if n >= 0] if number % 6 else []
            imports = [f"from depot.{area}.step{n:02} import clamp_{n}" for n in used]
            if number == 6:  # one step of the area before
                area_before, used = AREAS[place - 1], [0]
                imports = [f"from depot.{area_before}.step00 import clamp_0"]
            uses = "\n".join(f"    result = clamp_{n}(result + 1)" for n in used)
            files[f"depot/{area}/step{number:02}.py"] = MODULE.format(
                area=area, number=number, limit=limit, imports="\n".join(imports), uses=uses
            )
            if tested < 97 and (number % 2 == 1 or number in (0, 2, 6, 12)):
                tested += 1
                name = f"tests/{area}/test_{area}_step{number:02}.py"
                files[name] = TEST.format(
                    area=area, number=number, limit=limit, steps=2 + len(used)
                )
    files["pyproject.toml"] = '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n'
    every = sum(name.startswith("tests/") for name in files)
    files["tests/test_every.py"] = _every(1000 - 10 * every)
    while len(files) < 300:
        files[f"notes/page{len(files)}.md"] = "Nothing of importance.\n" * 20
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    plant(folder)
    return [
        Edit(what, f"depot/{AREAS[area]}/step{number:02}.py", old, new)
        for what, area, number, old, new in BREAKS
    ]


def _every(count: int) -> str:
    return (
        "import pytest\n\nfrom depot.dates.step18 import words_18\n\n\n"
        f'@pytest.mark.parametrize("count", range({count}))\n'
        'def test_words(count):\n    assert len(words_18("word " * count)) == count\n'
    )


# -- the watcher -----------------------------------------------------------------------------------


class Watcher:
    """`swe-sleep watch` as a process; it counts the passes that it reports the end of."""

    def __init__(self, tree: Path, log: Path, flags: Sequence[str]) -> None:
        command = [sys.executable, "-m", "swe_sleep", "watch", "--backend", "local", *flags]
        self._process = subprocess.Popen(
            command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=os.environ | UNDISTURBED,
        )  # fmt: skip
        self._ended = self._changed = 0
        self._idle = False
        self._news = threading.Condition()
        self._log = log.open("a")
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._log.write(f"{time.time():.2f} {line}")
            self._log.flush()
            if "changed: " in line:
                with self._news:
                    self._changed += 1
                    self._idle = False
                    self._news.notify_all()
            if "renewed in" in line or "Nothing to do" in line or "before anything" in line:
                with self._news:
                    self._ended += 1
                    self._idle = True
                    self._news.notify_all()

    @property
    def ended(self) -> int:
        return self._ended

    def wait(self, beyond: int, timeout_s: float) -> bool:
        """Until it reported the end of one more pass than so many."""
        with self._news:
            return self._news.wait_for(lambda: self._ended > beyond, timeout_s)

    @property
    def changed(self) -> int:
        """Changes that it told of."""
        return self._changed

    def through(self, beyond: int, timeout_s: float = 0.0) -> bool:
        """Whether it told of more changes than so many, and of the end of the last one's pass."""
        with self._news:
            return self._news.wait_for(lambda: self._changed > beyond and self._idle, timeout_s)

    def close(self) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._log.close()


@contextmanager
def watching(tree: Path, log: Path, flags: Sequence[str]) -> Iterator[Watcher]:
    watcher = Watcher(tree, log, flags)
    try:
        yield watcher
    finally:
        watcher.close()


def issues_since(database: sqlite3.Connection, moment: float) -> list[AnticipatedIssue]:
    rows = database.execute(
        "SELECT data FROM notes WHERE kind = ? AND created > ?", (kinds.ISSUE, moment)
    ).fetchall()
    return [kinds.decode(row[0], AnticipatedIssue) for row in rows]


def measure(tree: Path, edit: Edit, watcher: Watcher, patience_s: float) -> Timed:
    """Break the file, wait for the notes, and mend it."""
    file = tree / edit.path
    right = file.read_text()
    if right.count(edit.old) < 1:
        raise SystemExit(f"{edit.path} does not hold {edit.old!r}.")
    timed = Timed(edit.what, edit.path)
    database = sqlite3.connect(f"file:{tree}/.git/swe-sleep/{NOTES_FILE}?mode=ro", uri=True)
    changed = watcher.changed
    file.write_text(right.replace(edit.old, edit.new, 1))
    began, moment = time.monotonic(), time.time()
    try:
        while time.monotonic() - began < patience_s:
            shown = [
                issue
                for issue in issues_since(database, moment)
                if issue.tests and issue.state in (State.REPRODUCED, State.PATCHED)
            ]
            now = time.monotonic() - began
            if shown and timed.note_s is None:
                timed.note_s = now
            patched = [issue for issue in shown if issue.state is State.PATCHED]
            if patched:
                timed.patch_s = now
                timed.summary = patched[0].patches[0].summary
                timed.tests = len(patched[0].tests)
                break
            if watcher.through(changed):  # it has no more to say
                break
            time.sleep(LOOK_S)
    finally:
        database.close()
        changed = watcher.changed
        file.write_text(right)
        watcher.through(changed, MENDED_S)
        time.sleep(1.0)
    return timed


# -- the table -------------------------------------------------------------------------------------


def said(values: Sequence[float | None], of: int) -> str:
    found = sorted(value for value in values if value is not None)
    if not found:
        return f"none of {of}"
    return (
        f"median {statistics.median(found):5.2f} s   worst {found[-1]:5.2f} s   "
        f"{len(found)} of {of}"
    )


def show(rows: Sequence[Timed]) -> None:
    print(f"from the saved file to the failing test  {said([r.note_s for r in rows], len(rows))}")
    print(f"from the saved file to the tested patch  {said([r.patch_s for r in rows], len(rows))}")


def line_of(row: Timed) -> str:
    def seconds(value: float | None) -> str:
        return "    -  " if value is None else f"{value:5.2f} s"

    return (
        f"{row.what:20} {row.path:28} note {seconds(row.note_s)}  patch {seconds(row.patch_s)}  "
        f"{row.tests:4} tests  {row.summary[:70]}"
    )


def run(tree: Path, edits: Sequence[Edit], work: Path, flags: Sequence[str],
        patience_s: float) -> list[Timed]:  # fmt: skip
    rows = []
    with watching(tree, work / "watch.log", flags) as watcher:
        watcher.wait(0, FIRST_S)
        while watcher.wait(watcher.ended, 1.5):
            pass
        for edit in edits:
            rows.append(measure(tree, edit, watcher, patience_s))
            print(line_of(rows[-1]), flush=True)
    return rows


def command(tree: Path, *words: str) -> float:
    began = time.monotonic()
    argv = [sys.executable, "-m", "swe_sleep", *words]
    done = subprocess.run(argv, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"swe-sleep {' '.join(words)}: {done.stdout}{done.stderr}")
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="a folder for logs")
    parser.add_argument("--tree", type=Path, help="a work tree that sleep has seen")
    parser.add_argument("--edit", nargs=3, action="append", metavar=("FILE", "OLD", "NEW"))
    parser.add_argument("--edits", type=int, default=len(BREAKS))
    parser.add_argument("--patience-s", type=float, default=PATIENCE_S)
    parser.add_argument("--json", type=Path)
    parser.add_argument("flags", nargs="*", help="after --: flags of `watch`")
    wanted = parser.parse_args()
    wanted.work.mkdir(parents=True, exist_ok=True)
    if wanted.tree is not None:
        edits = [Edit("a real tree", *words) for words in wanted.edit or ()]
        rows = run(wanted.tree, edits, wanted.work, wanted.flags, wanted.patience_s)
    else:
        with tempfile.TemporaryDirectory(prefix="swe-sleep-proof-") as temporary:
            tree = Path(temporary) / "depot"
            edits = generate(tree)
            files = len(git(tree, "ls-files").split())
            took = command(tree, "init", "--backend", "local")
            print(f"{files} files; the first sleep took {took:.1f} s", flush=True)
            rows = run(tree, edits[: wanted.edits], wanted.work, wanted.flags, wanted.patience_s)
    show(rows)
    if wanted.json:
        table: list[dict[str, Any]] = [asdict(row) for row in rows]
        wanted.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
