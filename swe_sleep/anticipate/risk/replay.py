"""The past played forward, line by line: who wrote each line and how often it was touched.

Each line of each file carries what happened to it. A change that replaces some lines by others
spreads what the old ones carried, and its own mark, evenly over the new ones, so that the sum over
a function counts the changes that went through it. Whom a fix blames falls out on the way: the
steps that wrote the lines which it takes away (SZZ: Śliwerski et al., 2005).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from swe_sleep.anticipate.risk.mainline import (
    ADDED,
    BRANCHES,
    NEW_COUNT,
    OLD,
    OLD_COUNT,
    REMOVED,
    Mainline,
    Step,
)

Floats = np.ndarray[Any, np.dtype[np.float64]]
Rows = np.ndarray[Any, np.dtype[np.float32]]

YEAR = 365.25 * 86400
MASS = 5
"""A fix of more source files than this mends no one bug: it is no truth, and blames nobody."""
WIDE = 40
"""A step over more files than this (a reformat, an import) is blamed for nothing."""

ORIGIN, BORN, TOUCHED, SHORT, LONG, FIXED, FIX_SHORT, FIX_LONG, OWNER, OTHER = range(10)
"""The rows: the step that wrote the line; the first that wrote it or what it replaced; changes, all
and faded in half a year and in three; fixes, all and faded in one and in four; and which item of
the last cut, and of the one before, the line belongs to."""
_ROWS = 10
_FADES = {SHORT: 0.5 * YEAR, LONG: 3 * YEAR, FIX_SHORT: YEAR, FIX_LONG: 4 * YEAR}
_FADING = np.array([SHORT, LONG, FIX_SHORT, FIX_LONG])
_TAUS = np.array([_FADES[row] for row in _FADING])
_HEATS = slice(TOUCHED, FIX_LONG + 1)
_CHANGE = np.array([1, 1, 1, 0, 0, 0], np.float32)
_MEND = np.ones(6, np.float32)


@dataclass(slots=True)
class Followed:
    """A file on its way through time."""

    number: int
    rows: Rows
    at: float
    """When its rows were faded last."""
    born: int


@dataclass(slots=True)
class Events:
    """One for each file of source that a step changed, in columns."""

    file: list[int] = field(default_factory=list)
    step: list[int] = field(default_factory=list)
    added: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    branches: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Blame:
    """A fix, and the step that wrote at least half of what it took away."""

    fix: int
    origin: int


class Replay:
    """Plays steps, oldest first. `is_source` says which files can hold a bug of the program."""

    def __init__(self, line: Mainline, is_source: Callable[[str], bool]) -> None:
        self.steps: Sequence[Step] = line.steps
        self._is_source = is_source
        self.pause: Callable[[], None] = lambda: None
        """Called before each step; may raise."""
        self.done = 0
        self.now = 0.0
        self.times: list[float] = []
        self.files: dict[str, Followed] = {}
        self.events = Events()
        self.blames: list[Blame] = []
        self.fixing: list[bool] = []
        """Whether a step counts as a fix: it says so, changes source, and not too much of it."""
        self.wide: list[bool] = []
        self.authors: list[int] = []
        self.people: dict[str, int] = {}
        self.files_ever = 0
        self.touched: dict[int, set[int]] = {}
        """For each step that fixes, the items of cuts that it touched: (row, item) as one number,
        by `mark`."""
        self.changes: list[Mapping[str, float] | None] = []
        """What was known of each step when it was made; None where it changed no source."""
        self._by_author: Counter[int] = Counter()
        self._author_in: Counter[tuple[int, int]] = Counter()
        self._last: dict[int, int] = {}
        self._counts: Counter[int] = Counter()
        self._fix_counts: Counter[int] = Counter()
        self._developers: dict[int, set[int]] = {}

    def play(self, until: float) -> None:
        """All steps before a time."""
        while self.done < len(self.steps) and self.steps[self.done].time < until:
            self.play_one()

    def play_one(self) -> None:
        """The next step."""
        self.pause()
        self._play(self.steps[self.done])
        self.done += 1

    def mark(self, row: int, items: Mapping[str, Sequence[tuple[int, int, int]]]) -> None:
        """Write into `row` (OWNER or OTHER) which item each line belongs to: (line, end line,
        number), lines from 1."""
        for path, followed in self.files.items():
            followed.rows[row] = -1
            for first, last, number in items.get(path, ()):
                followed.rows[row, first - 1 : last] = number

    def rows(self, path: str, lines: int) -> Rows:
        """A file's rows as of now, for as many lines."""
        followed = self.files.get(path)
        if followed is None:
            return _blank(lines)
        _fade(followed, self.now)
        if followed.rows.shape[1] < lines:
            followed.rows = np.concatenate(
                [followed.rows, _blank(lines - followed.rows.shape[1])], axis=1
            )
        return followed.rows[:, :lines]

    # -- one step -------------------------------------------------------------------------------

    def _play(self, step: Step) -> None:
        number = self.done
        self.now = max(self.now, float(step.time))
        self.times.append(self.now)
        author = self.people.setdefault(step.author, len(self.people))
        self.authors.append(author)
        sources = [
            (path, old, letter, hunks)
            for path, old, letter, hunks in step.files
            if self._is_source(path) and any(h[ADDED] or h[REMOVED] for h in hunks)
        ]
        fixing = step.fix and 0 < len(sources) <= MASS
        self.fixing.append(fixing)
        self.wide.append(len(step.files) > WIDE)
        known = self._before(step, author, sources) if sources else None
        blamed: Counter[int] = Counter()
        touched: set[int] = set()
        heat = np.zeros(4)
        for path, old, letter, hunks in step.files:
            source = self._is_source(path)
            followed = self._follow(path, old, letter, number)
            if letter == "D":
                self._splice(followed, hunks, number, author, fixing and source, blamed, touched)
                self.files.pop(path, None)
            else:
                heat += self._splice(
                    followed, hunks, number, author, fixing and source, blamed, touched
                )
            more = sum(h[ADDED] for h in hunks)
            less = sum(h[REMOVED] for h in hunks)
            if more or less:
                self._count(followed.number, number, author, more, less, hunks, fixing and source)
        if known is not None:
            names = ("heat.fixes", "heat.changes", "heat.age", "heat.lines")
            known.update(zip(names, heat.tolist(), strict=True))
        self.changes.append(known)
        self._by_author[author] += 1
        if fixing:
            self.touched[number] = touched
            self._blame(number, blamed)

    def _follow(self, path: str, old: str, letter: str, number: int) -> Followed:
        if old and old in self.files:
            self.files[path] = self.files.pop(old)
        if letter == "A" or path not in self.files:
            self.files[path] = Followed(self.files_ever, _blank(0), self.now, number)
            self.files_ever += 1
        return self.files[path]

    def _count(
        self,
        file: int,
        number: int,
        author: int,
        more: int,
        less: int,
        hunks: Sequence[Sequence[int]],
        fixing: bool,
    ) -> None:
        events = self.events
        events.file.append(file)
        events.step.append(number)
        events.added.append(more)
        events.removed.append(less)
        events.branches.append(sum(h[BRANCHES] for h in hunks))
        self._tell(file, number, author, fixing)

    def recount(self) -> None:
        """Make anew what follows from the events."""
        self._by_author = Counter(self.authors)
        for file, step in zip(self.events.file, self.events.step, strict=True):
            self._tell(file, step, self.authors[step], self.fixing[step])

    def _tell(self, file: int, number: int, author: int, fixing: bool) -> None:
        self._author_in[author, file] += 1
        self._last[file] = number
        self._counts[file] += 1
        self._fix_counts[file] += fixing
        self._developers.setdefault(file, set()).add(author)

    def _before(
        self, step: Step, author: int, sources: Sequence[tuple[str, str, str, Any]]
    ) -> dict[str, float]:
        """What is known of a step before it is made: no message, and no future."""
        more = [sum(h[ADDED] for h in hunks) for *_, hunks in sources]
        less = [sum(h[REMOVED] for h in hunks) for *_, hunks in sources]
        sizes = np.array(more, float) + np.array(less, float)
        shares = sizes / sizes.sum()
        shares = shares[shares > 0]
        numbers = [
            self.files[name].number
            for path, old, _, _ in sources
            if (name := old or path) in self.files
        ]
        lasts = [self._last[n] for n in numbers if n in self._last]
        gaps = [(self.now - self.times[n]) / YEAR for n in lasts]
        lines = [
            self.files[name].rows.shape[1]
            for path, old, _, _ in sources
            if (name := old or path) in self.files
        ]
        tests = sum(
            sum(h[ADDED] for h in hunks)
            for path, _, _, hunks in step.files
            if not self._is_source(path)
        )
        folders = {path.rpartition("/")[0] for path, *_ in sources}
        hunks = [h for *_, each in sources for h in each if h[ADDED] or h[REMOVED]]
        return {
            "added": float(sum(more)),
            "removed": float(sum(less)),
            "files": float(len(sources)),
            "folders": float(len(folders)),
            "entropy": float(-(shares * np.log2(shares)).sum()),
            "hunks": float(len(hunks)),
            "branches": float(sum(h[BRANCHES] for h in hunks)),
            "new": float(len(sources) - len(numbers)),
            "new.lines": float(sum(m for m, s in zip(more, sources, strict=True) if s[2] == "A")),
            "insertions": float(sum(not h[REMOVED] for h in hunks)),
            "tests": float(tests),
            "experience": float(self._by_author[author]),
            "experience.here": float(np.mean([self._author_in[author, n] for n in numbers] or [0])),
            "gap": float(np.mean(gaps or [0.0])),
            "gap.least": float(min(gaps, default=0.0)),
            "file.changes": float(np.mean([self._counts[n] for n in numbers] or [0])),
            "file.fixes": float(np.mean([self._fix_counts[n] for n in numbers] or [0])),
            "file.most": float(max([self._fix_counts[n] for n in numbers], default=0.0)),
            "file.people": float(
                np.mean([len(self._developers.get(n, ())) for n in numbers] or [0])
            ),
            "file.lines": float(np.mean(lines or [0])),
            "file.longest": float(max(lines, default=0.0)),
        }

    def _splice(
        self,
        followed: Followed,
        hunks: Sequence[Sequence[int]],
        number: int,
        author: int,
        fixing: bool,
        blamed: Counter[int],
        touched: set[int],
    ) -> Floats:
        """Put a step's hunks on a file's rows; what the lines that they touch carried: fixes,
        changes, years, lines."""
        heat = np.zeros(4)
        if not hunks:
            return heat
        _fade(followed, self.now)
        rows = followed.rows
        need = max(h[OLD] + max(h[OLD_COUNT] - 1, 0) for h in hunks)
        if need > rows.shape[1]:
            rows = np.concatenate([rows, _blank(need - rows.shape[1])], axis=1)
        mark = (_MEND if fixing else _CHANGE) / math.sqrt(len(hunks))
        parts: list[Rows] = []
        at = 0
        for hunk in hunks:
            count, new = hunk[OLD_COUNT], hunk[NEW_COUNT]
            start = hunk[OLD] - 1 if count else hunk[OLD]
            code = bool(hunk[ADDED] or hunk[REMOVED])
            around = rows[:, max(start - 1, 0) : start + 1] if not count else None
            old = rows[:, start : start + count]
            if code:
                near = old if around is None else around
                if near.shape[1]:
                    heat[0] += float(near[FIX_LONG].mean())
                    heat[1] += float(near[LONG].mean())
                    heat[2] += self._age(near)
                    heat[3] += 1
            if code and fixing:
                touched |= _owners(old if around is None else around, around is not None)
                if hunk[REMOVED]:
                    blamed.update(int(each) for each in old[ORIGIN].tolist())
            parts.append(rows[:, at:start])
            at = start + count
            if new:
                parts.append(_replaced(old, around, new, number, mark, code))
            elif count and code:
                # What a deleted line carried goes to the one before it.
                left = parts[-1]
                if left.shape[1]:
                    left = left.copy()
                    left[_HEATS, -1] += old[_HEATS].sum(axis=1) + mark
                    parts[-1] = left
        parts.append(rows[:, at:])
        followed.rows = np.concatenate(parts, axis=1)
        return heat

    def _age(self, near: Rows) -> float:
        origins = near[ORIGIN].astype(int)
        ages = [self.now - self.times[each] for each in origins.tolist() if each >= 0]
        return float(np.mean(ages)) / YEAR if ages else 5.0

    def _blame(self, fix: int, blamed: Counter[int]) -> None:
        total = sum(blamed.values())
        if not total:
            return
        origin, count = blamed.most_common(1)[0]
        if origin >= 0 and 2 * count >= total and not self.wide[origin] and origin != fix:
            self.blames.append(Blame(fix, origin))


def _blank(lines: int) -> Rows:
    rows = np.zeros((_ROWS, lines), np.float32)
    rows[[ORIGIN, BORN, OWNER, OTHER]] = -1
    return rows


def _fade(followed: Followed, now: float) -> None:
    if now > followed.at:
        factors = np.exp((followed.at - now) / _TAUS).astype(np.float32)
        followed.rows[_FADING] *= factors[:, None]
        followed.at = now


def _owners(near: Rows, between: bool) -> set[int]:
    """The items that a hunk touches, of each row that marks some: `2 * item + (row is OTHER)`.
    What is put between two lines touches an item that holds both."""
    found: set[int] = set()
    for shift, row in enumerate((OWNER, OTHER)):
        owners = {int(each) for each in near[row].tolist()}
        if between and (len(owners) > 1 or near.shape[1] < 2):
            continue
        found |= {2 * owner + shift for owner in owners if owner >= 0}
    return found


def _replaced(
    old: Rows, around: Rows | None, new: int, number: int, mark: Rows, code: bool
) -> Rows:
    """The lines that stand where `old` ones stood, or between those `around`."""
    rows = _blank(new)
    rows[ORIGIN] = rows[BORN] = number
    if around is not None:
        if around.shape[1] == 2:
            for row in (OWNER, OTHER):
                if around[row, 0] == around[row, 1]:
                    rows[row] = around[row, 0]
        if code:
            rows[_HEATS] += (mark / new)[:, None]
        return rows
    count = old.shape[1]
    like = np.minimum(np.arange(new) * count // new, count - 1)
    rows[[OWNER, OTHER]] = old[[OWNER, OTHER]][:, like]
    rows[BORN] = old[BORN][like]
    if not code:  # a change of looks: the lines are whose they were
        rows[ORIGIN] = old[ORIGIN][like]
        rows[_HEATS] = old[_HEATS].sum(axis=1)[:, None] / new
    else:
        rows[_HEATS] = ((old[_HEATS].sum(axis=1) + mark) / new)[:, None]
    return rows
