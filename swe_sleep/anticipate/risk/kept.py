"""What is kept of a replay, so that a few new steps cost only themselves."""

from __future__ import annotations

import zlib

import msgspec
import numpy as np

from swe_sleep.anticipate.risk.mainline import Mainline
from swe_sleep.anticipate.risk.replay import OWNER, Blame, Events, Followed, Replay

VERSION = 1
LATE = 50
"""Steps whose own risk is told."""


class _File(msgspec.Struct, array_like=True):
    number: int
    at: float
    born: int
    lines: int
    rows: bytes


class _Kept(msgspec.Struct, array_like=True):
    version: int
    steps: bytes
    """An encoded Mainline."""
    done: int
    now: float
    times: list[float]
    fixing: list[bool]
    wide: list[bool]
    authors: list[int]
    people: dict[str, int]
    files_ever: int
    blames: list[tuple[int, int]]
    events: list[bytes]
    files: dict[str, _File]
    changes: list[dict[str, float] | None]
    """Of the last steps."""


def encode(line: Mainline, replay: Replay) -> bytes:
    events = replay.events
    columns = (events.file, events.step, events.added, events.removed, events.branches)
    kept = _Kept(
        VERSION,
        line.encode(),
        replay.done,
        replay.now,
        replay.times,
        replay.fixing,
        replay.wide,
        replay.authors,
        replay.people,
        replay.files_ever,
        [(each.fix, each.origin) for each in replay.blames],
        [np.array(column, np.int32).tobytes() for column in columns],
        {
            path: _File(
                each.number, each.at, each.born, each.rows.shape[1], each.rows[:OWNER].tobytes()
            )
            for path, each in replay.files.items()
        },
        [None if each is None else dict(each) for each in replay.changes[-LATE:]],
    )
    return zlib.compress(msgspec.msgpack.encode(kept), 1)


def steps(payload: bytes) -> Mainline | None:
    """The steps alone; None where it is of another version."""
    kept = _decode(payload)
    return None if kept is None else Mainline.decode(kept.steps)


def resume(payload: bytes, replay: Replay) -> bool:
    """Set a new replay to where the kept one was; False where its steps are not those."""
    kept = _decode(payload)
    if kept is None:
        return False
    known = Mainline.decode(kept.steps).steps[: kept.done]
    if [step.id for step in known] != [step.id for step in replay.steps[: kept.done]]:
        return False
    replay.done, replay.now = kept.done, kept.now
    replay.times, replay.fixing, replay.wide = kept.times, kept.fixing, kept.wide
    replay.authors, replay.people, replay.files_ever = kept.authors, kept.people, kept.files_ever
    replay.blames = [Blame(fix, origin) for fix, origin in kept.blames]
    replay.changes = [None] * kept.done
    replay.changes[kept.done - len(kept.changes) :] = kept.changes
    replay.events = Events(*(np.frombuffer(each, np.int32).tolist() for each in kept.events))
    for path, each in kept.files.items():
        rows = np.frombuffer(each.rows, np.float32).reshape(OWNER, each.lines)
        unmarked = np.full((2, each.lines), -1, np.float32)
        replay.files[path] = Followed(
            each.number, np.concatenate([rows, unmarked]), each.at, each.born
        )
    replay.recount()
    return True


def _decode(payload: bytes) -> _Kept | None:
    try:
        kept = msgspec.msgpack.decode(zlib.decompress(payload), type=_Kept)
    except (zlib.error, msgspec.DecodeError):
        return None
    return kept if kept.version == VERSION else None
