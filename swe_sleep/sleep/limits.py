"""What passes may spend on a model in a day, whatever the clock does, and which limit was reached.

A day ends at local midnight. When one begins it is told how many seconds it has until then, and
these are counted by a clock that no one can set and that runs on while the machine sleeps. Only
after the machine was started anew does the clock on the wall decide: a later date is another day,
and with an earlier one the same day goes on. So a clock that jumps gives no second allowance, and
takes none away for longer than a day.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from swe_sleep.notes.asked import Asked
from swe_sleep.notes.store import Store

DAY = "model day"
REACHED = "model limits reached"
Limit = Literal["day", "pass", "note", "tokens", "time", "price"]


@dataclass(frozen=True, slots=True)
class Allowed:
    """The limits. Money in US dollars."""

    pass_usd: float = 0.50
    day_usd: float = 2.0
    note_usd: float = 0.15
    pass_tokens: int = 400_000


@dataclass(frozen=True, slots=True)
class Moment:
    """What the clocks say: Unix time, and seconds since `boot`, a start of the machine."""

    wall: float
    boot: str
    ticks: float


def now() -> Moment:
    if hasattr(time, "CLOCK_BOOTTIME"):
        return Moment(time.time(), _boot(), time.clock_gettime(time.CLOCK_BOOTTIME))
    return Moment(time.time(), _boot(), time.monotonic())


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:  # the clock can then only be watched within this process
        return f"process {os.getpid()} at {time.time()}"


class Day(msgspec.Struct, frozen=True):
    """The day that spending is counted for. `left_s` is from `ticks` to its midnight."""

    number: int
    date: str
    boot: str
    ticks: float
    left_s: float


def today(store: Store, moment: Moment) -> Day:
    """The day that it is, kept in the store so that all processes count the same one."""
    kept = store.recall(DAY)
    day = _read(kept)
    following = _following(day, moment)
    if following != day:
        store.remember(DAY, msgspec.json.encode(following))
    return following


def _read(kept: bytes | None) -> Day | None:
    try:
        return msgspec.json.decode(kept, type=Day) if kept else None
    except msgspec.MsgspecError:
        return None


def _following(day: Day | None, moment: Moment) -> Day:
    date = time.strftime("%Y-%m-%d", time.localtime(moment.wall))
    if day is None:
        return Day(1, date, moment.boot, moment.ticks, _until_midnight(moment.wall))
    if moment.boot == day.boot:
        if moment.ticks - day.ticks < day.left_s:
            return day
        number = day.number + 1
    else:
        number = day.number + (date > day.date)
    return Day(number, date, moment.boot, moment.ticks, _until_midnight(moment.wall))


def _until_midnight(wall: float) -> float:
    year, month, date = time.localtime(wall)[:3]
    midnight = time.mktime((year, month, date + 1, 0, 0, 0, 0, 0, -1))
    return min(max(1.0, midnight - wall), 25 * 3600.0)


# -- what status says ------------------------------------------------------------------------------


class Reached(msgspec.Struct, frozen=True):
    """A limit that passes ran into on this day. `at` is Unix time."""

    limit: Limit
    says: str
    at: float
    day: int


def remember_reached(store: Store, limit: Limit, says: str, day: Day, at: float) -> None:
    """Keep that a limit was reached, once a day for each limit."""
    known = [each for each in _all_reached(store) if each.day == day.number]
    if all(each.limit != limit for each in known):
        known.append(Reached(limit, says, at, day.number))
        store.remember(REACHED, msgspec.json.encode(known))


def reached(store: Store, clock: Callable[[], Moment] = now) -> list[Reached]:
    """The limits that passes ran into today. Writes nothing."""
    day = _following(_read(store.recall(DAY)), clock())
    return [each for each in _all_reached(store) if each.day == day.number]


def _all_reached(store: Store) -> list[Reached]:
    kept = store.recall(REACHED)
    try:
        return msgspec.json.decode(kept, type=list[Reached]) if kept else []
    except msgspec.MsgspecError:
        return []


def spent_today(store: Store, clock: Callable[[], Moment] = now) -> float:
    """US dollars of today's allowance that are spent, or set aside for what is under way."""
    return Asked(store).day_usd(_following(_read(store.recall(DAY)), clock()).number)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What was asked in batches, and is not here yet."""

    requests: int
    batches: int
    next_look_s: float | None
    """Seconds until the server is to be asked again; None where nothing waits."""


LONGEST_LOOK_S = 900.0


def waiting(store: Store, clock: Callable[[], Moment] = now) -> Waiting:
    """Writes nothing."""
    posts = Asked(store).posts()
    wall = clock().wall
    looks = [until_look(post.next_look, wall) for post in posts]
    return Waiting(sum(post.size for post in posts), len(posts), min(looks, default=None))


def until_look(next_look: float, wall: float) -> float:
    """Seconds until a look at the server is due. One that lies further ahead than any is put was
    put there by another clock: it is due."""
    left_s = next_look - wall
    return 0.0 if left_s > LONGEST_LOOK_S else max(0.0, left_s)
