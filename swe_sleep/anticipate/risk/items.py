"""Files and functions as they stood at a cut in time, told with nothing of the future."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from swe_sleep.anticipate.risk.measure import Function, Measured
from swe_sleep.anticipate.risk.replay import (
    BORN,
    FIX_LONG,
    FIX_SHORT,
    FIXED,
    LONG,
    ORIGIN,
    SHORT,
    TOUCHED,
    YEAR,
    Replay,
    Rows,
)
from swe_sleep.locate.corpus import is_source

Floats = np.ndarray[Any, np.dtype[np.float64]]

_ASIDE = re.compile(
    r"(^|/)(docs?|examples?|samples?|benchmarks?|bench|asv_bench|scripts?|tools|ci|\.[^/]+|vendor"
    r"|_vendor|vendored|third_party|extern|externals|build_tools|news|changes)/"
    r"|(^|/)(setup|conftest|conf|noxfile|tasks|fabfile|versioneer|_version|version|__about__)\.py$"
)


def is_product(path: str) -> bool:
    """Whether a file is part of what users run: no test, no paper, no tool of the makers."""
    return is_source(path) and not _ASIDE.search(path)


@dataclass(frozen=True, slots=True)
class Table:
    """Items at a cut: a row of `values` each, a column for each of `names`."""

    items: Sequence[tuple[str, str]]
    """(path, qualname); "" for a file."""
    numbers: np.ndarray[Any, np.dtype[np.int64]]
    """What each is called in the replay: the file's number, or the function's mark."""
    lines: Floats
    """Of code: what it costs to read."""
    names: tuple[str, ...]
    values: Floats

    def column(self, name: str) -> Floats:
        found: Floats = self.values[:, self.names.index(name)]
        return found


FILE_FADES = (0.25, 1.0, 3.0)
"""Years in which changes fade."""
FIX_FADES = (0.5, 1.5, 5.0)


class Cut:
    """The product files of a tree, and their functions, at the moment that a replay has reached."""

    def __init__(
        self, replay: Replay, tree: Mapping[str, str], measured: Callable[[str, str], Measured]
    ) -> None:
        """`tree` is path to blob; `measured` gives what a blob's text says."""
        self.replay = replay
        self.now = replay.now
        self.measures: dict[str, Measured] = {}
        for path, blob in tree.items():
            if is_product(path) and path in replay.files:
                found = measured(path, blob)
                if found.code > 0:
                    self.measures[path] = found
        self.tests = frozenset(
            path.rpartition("/")[2].removesuffix(".py").removeprefix("test_").strip("_")
            for path in tree
            if not is_source(path)
        )
        self.paths = sorted(self.measures)
        counts = np.zeros(max(len(replay.steps), 1))
        for blame in replay.blames:
            if blame.fix < replay.done:
                counts[blame.origin] += 1
        self._guilt = counts
        """How often each step was blamed, up to now."""
        self._rows: dict[str, Rows] = {}

    def rows(self, path: str) -> Rows:
        if path not in self._rows:
            self._rows[path] = self.replay.rows(path, self.measures[path].lines)
        return self._rows[path]

    def files(self) -> Table:
        replay, paths = self.replay, self.paths
        numbers = np.array([replay.files[path].number for path in paths], np.int64)
        found: dict[str, Floats] = {}
        ms = [self.measures[path] for path in paths]
        code = np.array([m.code for m in ms], float)
        found["code"] = np.log1p(code)
        found["branches"] = _log([m.branches for m in ms])
        found["branching"] = _log([m.branches for m in ms]) - np.log1p(code)
        found["nesting"] = np.array([m.nesting for m in ms]) / np.maximum(code, 1)
        found["calling"] = _log([m.calls for m in ms]) - np.log1p(code)
        found["names"] = _log([m.names for m in ms])
        found["classes"] = _log([m.classes for m in ms])
        found["functions"] = _log([len(m.functions) for m in ms])
        found["longest"] = _log([max((f.code for f in m.functions), default=0) for m in ms])
        found["imports"] = _log([len(m.imports) for m in ms])
        found["init"] = np.array([path.endswith("__init__.py") for path in paths], float)
        found["depth"] = np.array([path.count("/") for path in paths], float)
        found["tested"] = np.array(
            [path.rpartition("/")[2].rpartition(".")[0].strip("_") in self.tests for path in paths],
            float,
        )
        inside, outside = importers(paths, ms)
        found["imported"], found["importing"] = np.log1p(inside), np.log1p(outside)
        found |= self._history(numbers, len(paths))
        lines = [self._authored(path) for path in paths]
        for n, name in enumerate(("young", "youth", "guilt", "people", "owner")):
            found[name] = np.array([each[n] for each in lines])
        folders = [path.rpartition("/")[0] for path in paths]
        for name in ("fixes.1.5", "changes.1.0"):
            found[f"folder.{name}"] = _around(folders, np.expm1(found[name]))
        return _table([(path, "") for path in paths], numbers, code, found)

    def _history(self, numbers: np.ndarray[Any, Any], count: int) -> dict[str, Floats]:
        """What the events up to now say of each file."""
        replay, events = self.replay, self.replay.events
        place = np.full(replay.files_ever + 1, -1)
        place[numbers] = np.arange(count)
        step = np.array(events.step, np.int64)
        everyone = np.array(events.file, np.int64)
        times = np.array(replay.times or [0.0])
        ages = (self.now - times[step]) / YEAR if len(step) else np.zeros(0)
        fixing = np.array(replay.fixing or [False])[step] if len(step) else np.zeros(0, bool)
        wide = np.array(replay.wide or [False])[step] if len(step) else np.zeros(0, bool)
        size = np.bincount(step, minlength=1)[step] if len(step) else np.zeros(0)
        churn = np.array(events.added, float) + np.array(events.removed, float)
        calm = np.where(wide, 0.2, 1.0)
        file = place[everyone] if len(step) else np.zeros(0, np.int64)
        mine = file >= 0
        file_, ages_ = file[mine], ages[mine]

        def total(weights: Floats) -> Floats:
            return np.bincount(file_, weights[mine], minlength=count).astype(float)

        found: dict[str, Floats] = {}
        for fade in FILE_FADES:
            found[f"changes.{fade}"] = np.log1p(total(calm * np.exp(-ages / fade)))
        for fade in FIX_FADES:
            found[f"fixes.{fade}"] = np.log1p(total(fixing * np.exp(-ages / fade)))
        found["changes"] = np.log1p(total(calm))
        found["fixes"] = np.log1p(total(fixing * 1.0))
        found["share"] = np.log1p(total(fixing * 1.0)) - np.log1p(total(calm))
        found["churn.1"] = np.log1p(total(np.minimum(churn, 400) * calm * np.exp(-ages / 1.0)))
        found["churn.3"] = np.log1p(total(np.minimum(churn, 400) * calm * np.exp(-ages / 3.0)))
        found["branches.1"] = np.log1p(
            total(np.minimum(np.array(events.branches, float), 100) * np.exp(-ages))
        )
        last, fixed, born = np.full(count, 20.0), np.full(count, 20.0), np.zeros(count)
        np.minimum.at(last, file_, ages_)
        fixes = fixing[mine]
        np.minimum.at(fixed, file_[fixes], ages_[fixes])
        np.maximum.at(born, file_, ages_)
        found["last"], found["last.fix"] = np.log(last + 0.05), np.log(fixed + 0.05)
        found["age"] = np.log(born + 0.05)
        # Files changed along with: the mean of how often these were fixed of late.
        heat = (
            np.bincount(everyone, fixing * np.exp(-ages / 1.5), minlength=len(place))
            if len(step)
            else np.zeros(len(place))
        )
        per_step = np.bincount(step, heat[everyone], minlength=1) if len(step) else np.zeros(1)
        if len(step):
            others = (per_step[step] - heat[everyone]) / np.maximum(size - 1, 1)
            weight = np.where((size > 1) & (size <= 15), np.exp(-ages / 3.0), 0.0)
            sums, weights = total(weight * others), total(weight)
            found["along"] = np.log1p(sums / np.maximum(weights, 0.5))
        else:
            found["along"] = np.zeros(count)
        authors = np.array(replay.authors or [0])[step] if len(step) else np.zeros(0, np.int64)
        recent = mine & (ages < 2)
        pairs = np.unique(np.stack([file[recent], authors[recent]]), axis=1)[0]
        found["authors"] = np.log1p(np.bincount(pairs, minlength=count).astype(float))
        found["spread"] = np.log1p(
            total(np.where(size <= 15, size, 15) * np.exp(-ages))
            / np.maximum(total(np.exp(-ages)), 0.3)
        )
        return found

    def _authored(self, path: str) -> tuple[float, float, float, float, float]:
        """Of a file's lines: the share written in the last year, and in the last three months; how
        often the steps that wrote them were blamed; how many people wrote them, and what share is
        by the one who wrote most."""
        rows = self.rows(path)
        origins = rows[ORIGIN].astype(np.int64)
        known = origins[origins >= 0]
        if not len(known):
            return 0.0, 0.0, 0.0, 0.0, 1.0
        ages = (self.now - np.array(self.replay.times)[known]) / YEAR
        guilt = float(np.minimum(self._guilt[known], 5).mean())
        people = np.bincount(np.array(self.replay.authors)[known])
        return (
            float((ages < 1).mean()),
            float((ages < 0.25).mean()),
            float(np.log1p(guilt)),
            float(np.log1p((people > 0).sum())),
            float(people.max() / len(known)),
        )

    def functions(self) -> Table:
        """Their numbers are their places in the table."""
        items: list[tuple[str, str]] = []
        rows: list[list[float]] = []
        code: list[float] = []
        times = np.array(self.replay.times or [0.0])
        authors = np.array(self.replay.authors or [0])
        for path in self.paths:
            measured = self.measures[path]
            if not measured.functions:
                continue
            lines = self.rows(path)
            whole = [
                float(np.log1p(lines[row].sum())) for row in (SHORT, LONG, FIX_SHORT, FIX_LONG)
            ]
            sums = np.concatenate([np.zeros((lines.shape[0], 1)), lines.cumsum(axis=1)], axis=1)
            for function in measured.functions:
                items.append((path, function.qualname))
                code.append(max(function.code, 1))
                first, last = function.line - 1, min(function.end_line, lines.shape[1])
                heat = np.maximum(sums[:, last] - sums[:, first], 0.0)
                mine = lines[:, first:last]
                rows.append(
                    [
                        *_shape(function),
                        *self._lived(mine, heat, times, authors),
                        *whole,
                        float(np.log1p(measured.code)),
                        float(np.log1p(len(measured.functions))),
                        float(np.log(function.code + 1) - np.log1p(measured.code)),
                    ]
                )
        values = np.array(rows, float).reshape(-1, len(_FUNCTION))
        numbers = np.arange(len(items), dtype=np.int64)
        return Table(items, numbers, np.array(code, float), _FUNCTION, values)

    def _lived(
        self,
        mine: Rows,
        heat: Floats,
        times: Floats,
        authors: np.ndarray[Any, Any],
    ) -> list[float]:
        logs = np.log1p(heat[[TOUCHED, SHORT, LONG, FIXED, FIX_SHORT, FIX_LONG]]).tolist()
        origins = mine[ORIGIN].astype(np.int64)
        known = origins[origins >= 0]
        born = mine[BORN].astype(np.int64)
        born = born[born >= 0]
        if not len(known) or not len(born):
            return [*logs, np.log(20.05), np.log(20.05), 0.0, 0.0, 0.0, 0.0]
        ages = (self.now - times[known]) / YEAR
        age = (self.now - times[born].min()) / YEAR
        wrote, steps = np.unique(known), len(np.unique(known))
        return [
            *logs,
            float(np.log(age + 0.05)),
            float(np.log(ages.min() + 0.05)),
            float((ages < 1).mean()),
            float(np.log1p(np.minimum(self._guilt[known], 5).mean())),
            float(np.log1p(len(np.unique(authors[wrote])))),
            float(np.log1p(steps)),
        ]

    def marks(self) -> dict[str, list[tuple[int, int, int]]]:
        """The functions, numbered as in their table, as `Replay.mark` takes them."""
        found: dict[str, list[tuple[int, int, int]]] = {}
        number = 0
        for path in self.paths:
            for function in self.measures[path].functions:
                place = (function.line, function.end_line, number)
                found.setdefault(path, []).append(place)
                number += 1
        return found


_FUNCTION = (
    "code", "branches", "branching", "nesting", "deepest", "calls", "calling", "names",
    "parameters", "documented", "private", "dunder", "init", "method",
    "touched", "short", "long", "fixed", "fix.short", "fix.long",
    "age", "last", "young", "guilt", "people", "steps",
    "file.short", "file.long", "file.fix.short", "file.fix.long", "file.code",
    "file.functions", "share",
)  # fmt: skip


def _shape(function: Function) -> list[float]:
    name = function.qualname.rpartition(".")[2]
    code = max(function.code, 1)
    return [
        float(np.log1p(function.code)),
        float(np.log1p(function.branches)),
        float(np.log1p(function.branches) - np.log1p(code)),
        function.nesting / code,
        function.deepest,
        float(np.log1p(function.calls)),
        float(np.log1p(function.calls) - np.log1p(code)),
        float(np.log1p(function.names)),
        float(np.log1p(function.parameters)),
        float(function.documented),
        float(name.startswith("_") and not name.startswith("__")),
        float(name.startswith("__") and name != "__init__"),
        float(name == "__init__"),
        float("." in function.qualname),
    ]


def importers(paths: Sequence[str], measures: Sequence[Measured]) -> tuple[Floats, Floats]:
    """How many files import each, and how many of these each imports: by the ends of their
    names, which is near enough to rank by."""
    place: dict[str, int] = {}
    for n, path in enumerate(paths):
        parts = path.rpartition(".")[0].removesuffix("/__init__").split("/")
        for start in range(len(parts)):
            place.setdefault(".".join(parts[start:]), n)
    inside, outside = np.zeros(len(paths)), np.zeros(len(paths))
    for n, (path, measured) in enumerate(zip(paths, measures, strict=True)):
        folder = path.split("/")[:-1]
        meant = set()
        for name in measured.imports:
            bare = name.lstrip(".")
            dots = len(name) - len(bare)
            if dots:
                base = folder[: len(folder) - dots + 1]
                name = ".".join([*base, *([bare] if bare else [])])
            found = place.get(name, place.get(name.rpartition(".")[0]) if "." in name else None)
            if found is not None and found != n:
                meant.add(found)
        for other in meant:
            inside[other] += 1
        outside[n] = len(meant)
    return inside, outside


def _around(folders: Sequence[str], heat: Floats) -> Floats:
    """The mean over the other files of the folder, as a logarithm."""
    groups: dict[str, list[int]] = {}
    for n, folder in enumerate(folders):
        groups.setdefault(folder, []).append(n)
    found = np.zeros(len(folders))
    for members in groups.values():
        total = heat[members].sum()
        found[members] = (total - heat[members]) / max(len(members) - 1, 1)
    return np.log1p(found)


def _log(values: Sequence[float]) -> Floats:
    found: Floats = np.log1p(np.array(values, float))
    return found


def _table(
    items: Sequence[tuple[str, str]],
    numbers: np.ndarray[Any, np.dtype[np.int64]],
    lines: Floats,
    found: Mapping[str, Floats],
) -> Table:
    values = np.stack(list(found.values()), axis=1) if len(items) else np.zeros((0, len(found)))
    return Table(items, numbers, lines, tuple(found), values)
