"""The store's tables of what was spent, what that saved, and what units of work took."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from swe_sleep.records import Usage

RUNS_KEPT = 50
"""Runs of each pass's units that the journal keeps."""
LEDGER_DAYS = 2
"""After so many days the passes' lines of a day become one line a pass."""


@dataclass(frozen=True, slots=True)
class Spent:
    """One line of the ledger."""

    at: float
    activity: str
    what: str
    model: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Saved:
    """What was not spent, as far as that is known, because a note was there."""

    at: float
    """0 for now."""
    activity: str
    """Where it was used, such as "solve"."""
    what: str
    """The pass that had made it."""
    subject: str
    """The note's."""
    usage: Usage
    why: str = ""
    """In a few words, such as "the prepared patch was taken"."""


Ended = Literal["done", "cut", "failed"]


@dataclass(frozen=True, slots=True)
class Run:
    """One line of the journal: a unit of work ran."""

    key: str
    step: str
    product: str
    ended: Ended
    expected_s: float
    took_s: float


def write(
    db: sqlite3.Connection,
    now: float,
    run: Run | None,
    spent: Spent | None,
    saved: Iterable[Saved],
) -> None:
    if run is not None:
        db.execute(
            "INSERT INTO journal (key, pass, product, outcome, at, expected_s, took_s)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (run.key, run.step, run.product, run.ended, now, run.expected_s, run.took_s),
        )
    db.executemany(
        "INSERT INTO savings (at, activity, what, subject, why, usage) VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                each.at or now,
                each.activity,
                each.what,
                each.subject,
                each.why,
                msgspec.json.encode(each.usage),
            )
            for each in saved
        ),
    )
    if spent is not None:
        db.execute(
            "INSERT INTO ledger (at, activity, what, model, usage) VALUES (?, ?, ?, ?, ?)",
            (
                spent.at or now,
                spent.activity,
                spent.what,
                spent.model,
                msgspec.json.encode(spent.usage),
            ),
        )


def spent(db: sqlite3.Connection, since: float) -> list[Spent]:
    rows = db.execute(
        "SELECT at, activity, what, model, usage FROM ledger WHERE at >= ? ORDER BY id", (since,)
    ).fetchall()
    return [
        Spent(at, activity, what, model, msgspec.json.decode(usage, type=Usage))
        for at, activity, what, model, usage in rows
    ]


def saved(db: sqlite3.Connection, since: float) -> list[Saved]:
    rows = db.execute(
        "SELECT at, activity, what, subject, usage, why FROM savings WHERE at >= ? ORDER BY id",
        (since,),
    ).fetchall()
    return [
        Saved(at, activity, what, subject, msgspec.json.decode(usage, type=Usage), why)
        for at, activity, what, subject, usage, why in rows
    ]


def runs(db: sqlite3.Connection, last: int) -> list[Run]:
    rows = db.execute(
        "SELECT key, pass, product, outcome, expected_s, took_s FROM (SELECT *, row_number() OVER"
        " (PARTITION BY pass, product ORDER BY id DESC) AS n FROM journal) WHERE n <= ?"
        " ORDER BY id",
        (last,),
    ).fetchall()
    return [Run(*row) for row in rows]


def uses(db: sqlite3.Connection) -> tuple[int, dict[str, int]]:
    """How many issues were solved here, and in how many a pass's notes were used."""
    (asked,) = db.execute("SELECT count(*) FROM ledger WHERE activity = 'solve'").fetchone()
    used = db.execute(
        "SELECT what, count(DISTINCT at) FROM savings WHERE activity = 'solve' GROUP BY what"
    )
    return int(asked), dict(used)


@dataclass(frozen=True, slots=True)
class Account:
    """What one pass spent, and what its notes saved when they were used."""

    spent: Usage = Usage()
    saved: Usage = Usage()
    uses: int = 0


def accounts(spent: Iterable[Spent], saved: Iterable[Saved]) -> dict[str, dict[str, Account]]:
    """By day (such as "2026-11-22", local time) and pass."""
    found: dict[str, dict[str, Account]] = {}
    for line in spent:
        if line.activity == "sleep":
            day = found.setdefault(day_of(line.at), {})
            old = day.get(line.what, Account())
            day[line.what] = replace(old, spent=old.spent + line.usage)
    for each in saved:
        day = found.setdefault(day_of(each.at), {})
        old = day.get(each.what, Account())
        day[each.what] = replace(old, saved=old.saved + each.usage, uses=old.uses + 1)
    return dict(sorted(found.items()))


def together(days: Iterable[Mapping[str, Account]]) -> dict[str, Account]:
    """Several days by pass, dearest first."""
    found: dict[str, Account] = {}
    for day in days:
        for name, one in day.items():
            old = found.get(name, Account())
            found[name] = Account(old.spent + one.spent, old.saved + one.saved, old.uses + one.uses)
    return dict(sorted(found.items(), key=lambda item: -item[1].spent.wall_s))


def day_of(at: float) -> str:
    """The local date of a moment."""
    return time.strftime("%Y-%m-%d", time.localtime(at))


def midnight(at: float, days_before: int = 0) -> float:
    """When the day of a moment, or an earlier one, began."""
    year, month, day = time.localtime(at)[:3]
    return time.mktime((year, month, day - days_before, 0, 0, 0, 0, 0, -1))


def tidy(db: sqlite3.Connection, now: float) -> None:
    """Drop old lines of the journal, and merge the ledger's of days ago."""
    db.execute(
        "DELETE FROM journal WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER"
        " (PARTITION BY pass, product ORDER BY id DESC) AS n FROM journal) WHERE n > ?)",
        (RUNS_KEPT,),
    )
    _merge(db, now - LEDGER_DAYS * 86400)


def _merge(db: sqlite3.Connection, before: float) -> None:
    """Make one line a day, pass and model of the passes' lines until a moment."""
    groups: dict[tuple[str, str, str], list[tuple[int, float, bytes]]] = {}
    for number, at, what, model, usage in db.execute(
        "SELECT id, at, what, model, usage FROM ledger WHERE activity = 'sleep' AND at < ?"
        " ORDER BY at",
        (before,),
    ):
        groups.setdefault((day_of(at), what, model), []).append((number, at, usage))
    for lines in groups.values():
        if len(lines) > 1:
            total = Usage.total(msgspec.json.decode(usage, type=Usage) for _, _, usage in lines)
            db.execute(
                "UPDATE ledger SET usage = ? WHERE id = ?",
                (msgspec.json.encode(total), lines[0][0]),
            )
            db.executemany("DELETE FROM ledger WHERE id = ?", ((n,) for n, _, _ in lines[1:]))
