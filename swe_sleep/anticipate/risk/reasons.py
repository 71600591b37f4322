"""What speaks for a file's, a function's or a change's risk, in words and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from swe_sleep.anticipate.risk.items import Table
from swe_sleep.anticipate.risk.replay import YEAR, Replay

Floats = np.ndarray[Any, np.dtype[np.float64]]

MOST = 3
_THEMES: Mapping[str, Sequence[str]] = {
    "size": (
        "code", "branches", "branching", "nesting", "deepest", "calls", "calling", "names",
        "classes", "functions", "longest", "imports", "parameters", "share", "init", "method",
    ),
    "changes": (
        "changes", "changes.0.25", "changes.1.0", "changes.3.0", "churn.1", "churn.3",
        "branches.1", "last", "young", "youth", "touched", "short", "long", "steps", "age",
        "folder.changes.1.0",
    ),
    "fixes": (
        "fixes", "fixes.0.5", "fixes.1.5", "fixes.5.0", "last.fix", "guilt", "fixed", "fix.short",
        "fix.long",
    ),
    "around": (
        "folder.fixes.1.5", "along", "file.short", "file.long", "file.fix.short", "file.fix.long",
    ),
    "people": ("authors", "people", "owner"),
    "imported": ("imported",),
}  # fmt: skip


def best(
    table: Table,
    standing: Floats,
    n: int,
    weights: Mapping[str, float],
    told: Mapping[str, str],
) -> tuple[str, ...]:
    """The themes that raise an item's score most, as they are told. `standing` are the values as
    deviations from what is usual."""
    row = dict(zip(table.names, standing[n].tolist(), strict=True))
    sums = {
        theme: sum(weights.get(name, 0.0) * row.get(name, 0.0) for name in names)
        for theme, names in _THEMES.items()
    }
    order = sorted((theme for theme in told if sums[theme] > 0), key=lambda theme: -sums[theme])
    return tuple(told[theme] for theme in order[:MOST])


def of_files(replay: Replay, table: Table) -> list[dict[str, str]]:
    """For each file, what may be said of each theme."""
    ever = replay.files_ever + 1
    steps = np.array(replay.events.step, np.int64)
    files = np.array(replay.events.file, np.int64)
    times, fixing = np.array(replay.times), np.array(replay.fixing, np.bool_)
    late = replay.now - times[steps] < YEAR
    recent = np.bincount(files[late], minlength=ever)
    mended = np.bincount(files[fixing[steps]], minlength=ever)
    mended_late = np.bincount(files[fixing[steps] & late], minlength=ever)
    found = []
    for n, number in enumerate(table.numbers.tolist()):
        row = dict(zip(table.names, table.values[n].tolist(), strict=True))
        said = {"size": f"{table.lines[n]:.0f} lines of code, {_count(row['branches'])} branches"}
        if recent[number]:
            said["changes"] = f"changed {_times(int(recent[number]))} in its last year"
        if mended[number]:
            said["fixes"] = f"{int(mended[number])} fixes"
            if mended_late[number]:
                said["fixes"] += f", {int(mended_late[number])} of them in its last year"
        if row["along"] > 0:
            said["around"] = "changes along with files that needed fixes"
        people = _count(row["people"])
        if people > 1:
            said["people"] = f"written by {people} people"
        if row["imported"] > 0:
            said["imported"] = f"imported by {_count(row['imported'])} files"
        found.append(said)
    return found


def of_function(table: Table, n: int) -> dict[str, str]:
    row = dict(zip(table.names, table.values[n].tolist(), strict=True))
    said = {"size": f"{table.lines[n]:.0f} lines of code, {_count(row['branches'])} branches"}
    touched, fixed = _count(row["touched"]), _count(row["fixed"])
    if touched:
        said["changes"] = f"touched {_times(touched)}"
    if fixed:
        said["fixes"] = f"mended {_times(fixed)}"
    if _count(row["file.fix.long"]):
        said["around"] = "in a file that needed fixes of late"
    people = _count(row["people"])
    if people > 1:
        said["people"] = f"written by {people} people"
    return said


def of_change(change: Mapping[str, float]) -> tuple[str, ...]:
    said = [f"{change['added']:.0f} lines of code added in {change['files']:.0f} files"]
    if change["branches"] >= 5:
        said.append(f"{change['branches']:.0f} branches")
    if change["file.fixes"] >= 3:
        said.append(f"its files needed {change['file.fixes']:.0f} fixes each so far")
    if not change["tests"]:
        said.append("no test changed with it")
    return tuple(said)


def _count(log: float) -> int:
    return round(float(np.expm1(log)))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
