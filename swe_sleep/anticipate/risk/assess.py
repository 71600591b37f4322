"""The risk of a commit's files and functions, and of the steps that led there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import msgspec
import numpy as np

from swe_sleep.anticipate.risk import changes, kept, learn, reasons
from swe_sleep.anticipate.risk.changes import Judge
from swe_sleep.anticipate.risk.items import Cut, Table, is_product
from swe_sleep.anticipate.risk.learn import Learned, Prior
from swe_sleep.anticipate.risk.mainline import read
from swe_sleep.anticipate.risk.measure import Measured
from swe_sleep.anticipate.risk.model import standard
from swe_sleep.anticipate.risk.replay import YEAR, Replay
from swe_sleep.anticipate.risk.windows import windows
from swe_sleep.notes.kinds import RiskData, RiskItem, RiskyChange
from swe_sleep.repo import plumbing

MOST_STEPS = 6000
"""Of the history: what is older says little, and costs as much."""
YEARS_LEARNED = 4
AGAIN_AFTER_STEPS = 250
AGAIN_AFTER_S = 0.25 * YEAR
"""New steps, or time, after which it is learned anew; in between they are only scored."""
FILES, FUNCTIONS, CHANGES = 200, 500, 5
"""Kept in the note."""


class Wisdom(msgspec.Struct):
    """What was learned here, kept between heads."""

    files: Learned
    functions: Learned
    changes: Judge
    steps: int
    """That it was learned from."""
    time: float


@dataclass(frozen=True)
class Assessed:
    data: RiskData
    state: bytes
    """To be handed in again with the next head."""
    wisdom: Wisdom


@dataclass(frozen=True)
class Past:
    """Where the past is read from. `tree_at` gives the path and blob of each file of a commit,
    `measured` what a blob's text says of itself; `pause` is called often, and may raise."""

    git: plumbing.Git
    suffixes: Sequence[str]
    tree_at: Callable[[str], Mapping[str, str]]
    measured: Callable[[str, str], Measured]
    pause: Callable[[], None]
    progress: Callable[[str], None]


def assess(
    past: Past, head: str, state: bytes | None = None, wisdom: Wisdom | None = None
) -> Assessed:
    """The risk of everything at a commit. With the `state` and `wisdom` of an earlier head only
    what is new is read. Raises RepositoryError."""
    known = kept.steps(state) if state else None
    past.progress("reading which lines each commit changed")
    line = read(past.git, head, past.suffixes, limit=MOST_STEPS, known=known, pause=past.pause)
    replay = Replay(line, is_product)
    now = float(line.steps[-1].time) if line.steps else 0.0
    resumed = bool(state and wisdom) and kept.resume(state or b"", replay)
    fresh = (
        resumed
        and wisdom is not None
        and len(line.steps) - wisdom.steps < AGAIN_AFTER_STEPS
        and now - wisdom.time < AGAIN_AFTER_S
    )
    if wisdom is None or not fresh:
        replay = Replay(line, is_product)
        wisdom = _learn(past, replay, now)
    first = max(len(line.steps) - kept.LATE, 0)
    replay.pause = past.pause
    replay.play(float("inf"))
    cut = Cut(replay, past.tree_at(head), past.measured)
    files, functions = cut.files(), cut.functions()
    data = RiskData(
        files=_files(replay, files, wisdom.files),
        functions=_functions(cut, functions, wisdom.functions),
        changes=_changes(replay, first, wisdom.changes),
        file_measure=wisdom.files.measure,
        function_measure=wisdom.functions.measure,
        accuracy={
            **{f"files {name}": value for name, value in wisdom.files.accuracy.items()},
            **{f"functions {name}": value for name, value in wisdom.functions.accuracy.items()},
        },
        windows=wisdom.files.windows,
        fixes=wisdom.files.fixes,
        steps=len(line.steps),
    )
    return Assessed(data, kept.encode(line, replay), wisdom)


def _learn(past: Past, replay: Replay, now: float) -> Wisdom:
    """Play the past to its end, and compare what was to be expected with what came."""
    begun = float(replay.steps[0].time) if replay.steps else now
    cuts = [now - years * YEAR for years in range(YEARS_LEARNED, 0, -1)]
    past.progress("learning from the past years which code needed fixes")

    def tree_at(commit: str) -> Mapping[str, str]:
        past.pause()
        return past.tree_at(commit)

    replay.pause = past.pause
    found = windows(replay, [c for c in cuts if c > begun + YEAR / 2], tree_at, past.measured)
    files, functions = learn.questions(found)
    prior = Prior.load()
    return Wisdom(
        learn.learn(files, prior.files, prior.files_by_size, learn.of_files, learn.RIDGE["files"]),
        learn.learn(
            functions,
            prior.functions,
            prior.functions_by_size,
            learn.of_functions,
            learn.RIDGE["functions"],
        ),
        changes.learn(changes.steps(replay), now, prior.changes),
        len(replay.steps),
        now,
    )


def _files(replay: Replay, table: Table, learned: Learned) -> tuple[RiskItem, ...]:
    if not len(table.items):
        return ()
    chances = learn.chances(table, learned.weights)
    told = reasons.of_files(replay, table)
    standing = standard(table.values)
    order = np.argsort(-chances, kind="stable").tolist()
    return tuple(
        RiskItem(
            table.items[n][0],
            "",
            round(float(chances[n]), 4),
            int(table.lines[n]),
            why=reasons.best(table, standing, n, learned.weights, told[n]),
        )
        for n in islice(order, FILES)
    )


def _functions(cut: Cut, table: Table, learned: Learned) -> tuple[RiskItem, ...]:
    if not len(table.items):
        return ()
    chances = learn.chances(table, learned.weights)
    places = [function.line for path in cut.paths for function in cut.measures[path].functions]
    standing = standard(table.values)
    order = np.argsort(-chances, kind="stable").tolist()
    return tuple(
        RiskItem(
            table.items[n][0],
            table.items[n][1],
            round(float(chances[n]), 4),
            int(table.lines[n]),
            places[n],
            reasons.best(table, standing, n, learned.weights, reasons.of_function(table, n)),
        )
        for n in islice(order, FUNCTIONS)
    )


def _changes(replay: Replay, first: int, judge: Judge) -> tuple[RiskyChange, ...]:
    late = [(n, each) for n, each in enumerate(replay.changes[first:], first) if each is not None]
    if not late:
        return ()
    values = changes.in_numbers([each for _, each in late])
    chances = judge.chances(values)
    found = []
    for place in np.argsort(-chances, kind="stable").tolist()[:CHANGES]:
        number, each = late[place]
        step = replay.steps[number]
        found.append(
            RiskyChange(
                step.id,
                step.title,
                round(float(chances[place]), 4),
                round(judge.above(float(chances[place])), 2),
                reasons.of_change(each),
            )
        )
    return tuple(found)


_encoder = msgspec.msgpack.Encoder()


def encode_wisdom(wisdom: Wisdom) -> bytes:
    return _encoder.encode(wisdom)


def decode_wisdom(payload: bytes) -> Wisdom | None:
    """None where it is of another shape."""
    try:
        return msgspec.msgpack.decode(payload, type=Wisdom)
    except msgspec.DecodeError:
        return None
