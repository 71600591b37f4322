"""What passes asked a model, and what became of it.

    gathered   money is set aside; it goes out with a batch at the end of the pass
    asking     it was sent directly
    posting    in a batch that may have reached the server, or not
    posted     in a batch that the server has
    answered   the reply is here
    failed     it is not asked again on this day
    again      it ended without a reply for a reason that passes

What is gathered by a pass that died was never sent, and is forgotten. What it was asking counts as
spent. What is posting is looked for among the server's batches, and what is posted is collected by
whoever comes next. Each step is one transaction that only takes a request from the state it is
thought to be in, so that a step that is done again changes nothing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from swe_sleep.notes import ledger
from swe_sleep.notes.ledger import Spent
from swe_sleep.notes.store import Store

State = Literal["gathered", "asking", "posting", "posted", "answered", "failed", "again"]
UNDER_WAY = ("gathered", "asking", "posting", "posted")
KEPT_DAYS = 60
"""Replies are kept so long."""

_UNDER_WAY = ", ".join(f"'{state}'" for state in UNDER_WAY)
_COLUMNS = "key, state, purpose, note, unit, model, post, usd, paid, room, tries, day, at, reply"


@dataclass(frozen=True, slots=True)
class Row:
    """One request."""

    key: str
    state: State
    purpose: str
    note: str
    unit: str
    model: str
    post: str = ""
    usd: float = 0.0
    """Set aside while it is under way."""
    paid: float = 0.0
    room: int = 0
    tries: int = 0
    day: int = 0
    at: float = 0.0
    reply: bytes = b""


@dataclass(frozen=True, slots=True)
class Post:
    """Requests that were sent together. `batch` is "" while the server's id is not known."""

    id: str
    batch: str
    newest: str
    size: int
    looks: int
    reads: int
    next_look: float
    at: float


class Asked:
    """The table of requests. Raises StoreError, StoreFull."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # -- one request -------------------------------------------------------------------------------

    def get(self, key: str) -> Row | None:
        with self._store.reading() as db:
            row = db.execute(f"SELECT {_COLUMNS} FROM asked WHERE key = ?", (key,)).fetchone()
        return Row(*row) if row else None

    def begin(self, row: Row, *, most_usd: float) -> bool:
        """Set a request's money aside; False where the day's would be more than `most_usd`. What
        the same request cost before is added, so that it stays counted."""
        with self._store.transaction() as db:
            if row.usd and _day_usd(db, row.day) + row.usd > most_usd + 1e-9:
                return False
            old = db.execute("SELECT paid, day FROM asked WHERE key = ?", (row.key,)).fetchone()
            paid = old[0] if old and old[1] == row.day else 0.0
            db.execute(
                f"INSERT OR REPLACE INTO asked ({_COLUMNS})"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    row.key,
                    row.state,
                    row.purpose,
                    row.note,
                    row.unit,
                    row.model,
                    row.post,
                    row.usd,
                    paid,
                    row.room,
                    row.tries,
                    row.day,
                    time.time(),
                    b"",
                ),
            )
        return True

    def settle(
        self,
        row: Row,
        state: State,
        *,
        usd: float,
        day: int,
        reply: bytes = b"",
        tries: int = 0,
        spent: Spent | None = None,
    ) -> bool:
        """End a request that is in `row`'s state, with what it cost; False where it is not any
        more."""
        with self._store.transaction() as db:
            done = db.execute(
                "UPDATE asked SET state = ?, usd = 0.0, paid = paid + ?, day = ?, reply = ?,"
                " tries = ?, at = ? WHERE key = ? AND state = ?",
                (state, usd, day, reply, tries, time.time(), row.key, row.state),
            ).rowcount
            if done and spent is not None:
                ledger.write(db, time.time(), None, spent, ())
        return bool(done)

    def forget(self, keys: Iterable[str], state: State) -> None:
        """Requests that were not sent."""
        with self._store.transaction() as db:
            _unsent(db, keys, state)

    # -- all ---------------------------------------------------------------------------------------

    def rows(self, state: State, post: str = "") -> list[Row]:
        with self._store.reading() as db:
            return [
                Row(*row)
                for row in db.execute(
                    f"SELECT {_COLUMNS} FROM asked WHERE state = ? AND post = ?", (state, post)
                )
            ]

    def waiting_units(self) -> frozenset[str]:
        """Keys of the units of work that a batch is to answer."""
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT DISTINCT unit FROM asked WHERE state IN ('gathered', 'posting', 'posted')"
            ).fetchall()
        return frozenset(unit for (unit,) in rows)

    def waiting_by_purpose(self) -> dict[str, int]:
        """How many they are, by what they ask for."""
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT purpose, count(DISTINCT unit) FROM asked"
                " WHERE state IN ('gathered', 'posting', 'posted') GROUP BY purpose"
            ).fetchall()
        return dict(rows)

    def day_usd(self, day: int) -> float:
        """What the day has cost so far, with all that is under way."""
        with self._store.reading() as db:
            return _day_usd(db, day)

    def note_usd(self, unit: str, note: str) -> float:
        """The same for one note of a unit of work."""
        with self._store.reading() as db:
            (usd,) = db.execute(
                "SELECT coalesce(sum(usd + paid), 0.0) FROM asked WHERE unit = ? AND note = ?",
                (unit, note),
            ).fetchone()
        return float(usd)

    def tidy(self) -> None:
        with self._store.transaction() as db:
            db.execute(
                f"DELETE FROM asked WHERE at < ? AND state NOT IN ({_UNDER_WAY})",
                (time.time() - KEPT_DAYS * 86400,),
            )

    # -- batches -----------------------------------------------------------------------------------

    def begin_post(self, post: Post, keys: Sequence[str]) -> None:
        """The gathered requests are about to be sent."""
        with self._store.transaction() as db:
            _put(db, post)
            db.executemany(
                "UPDATE asked SET state = 'posting', post = ? WHERE key = ? AND state = 'gathered'",
                ((post.id, key) for key in keys),
            )

    def posted(self, post: str, batch: str) -> None:
        """The server has them."""
        with self._store.transaction() as db:
            db.execute("UPDATE posts SET batch = ? WHERE id = ?", (batch, post))
            db.execute(
                "UPDATE asked SET state = 'posted' WHERE post = ? AND state = 'posting'", (post,)
            )

    def never_posted(self, post: str) -> None:
        """The server has not got them."""
        with self._store.transaction() as db:
            rows = db.execute(
                "SELECT key FROM asked WHERE post = ? AND state = 'posting'", (post,)
            ).fetchall()
            _unsent(db, (key for (key,) in rows), "posting")
            db.execute("DELETE FROM posts WHERE id = ?", (post,))

    def looked(self, post: Post) -> None:
        """Keep how a look at the server's batch went."""
        with self._store.transaction() as db:
            _put(db, post)

    def end_post(self, post: str) -> None:
        with self._store.transaction() as db:
            db.execute("DELETE FROM posts WHERE id = ?", (post,))

    def posts(self) -> list[Post]:
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT id, batch, newest, size, looks, reads, next_look, at FROM posts ORDER BY at"
            ).fetchall()
        return [Post(*row) for row in rows]


def _put(db: sqlite3.Connection, post: Post) -> None:
    db.execute(
        "INSERT OR REPLACE INTO posts (id, batch, newest, size, looks, reads, next_look, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            post.id,
            post.batch,
            post.newest,
            post.size,
            post.looks,
            post.reads,
            post.next_look,
            post.at,
        ),
    )


def _unsent(db: sqlite3.Connection, keys: Iterable[str], state: State) -> None:
    for key in keys:
        db.execute(  # what was asked before keeps what it cost
            "UPDATE asked SET state = 'again', usd = 0.0, post = '' WHERE key = ? AND state = ?"
            " AND (tries > 0 OR paid > 0)",
            (key, state),
        )
        db.execute("DELETE FROM asked WHERE key = ? AND state = ?", (key, state))


def _day_usd(db: sqlite3.Connection, day: int) -> float:
    (usd,) = db.execute(
        "SELECT coalesce(sum(CASE day WHEN ? THEN usd + paid ELSE usd END), 0.0) FROM asked",
        (day,),
    ).fetchone()
    return float(usd)
