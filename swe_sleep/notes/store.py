"""The store: one SQLite file in WAL mode that a killed process leaves whole.

Everything a unit of work made is written in one transaction. Several processes may have the store
open; if another one replaced or removed the file, the next use opens the new one.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from swe_sleep.errors import StoreError, StoreFull, StoreTooNew
from swe_sleep.notes import ledger
from swe_sleep.notes.ledger import Run, Saved
from swe_sleep.notes.ledger import Spent as Spent
from swe_sleep.records import Note, Place, Usage

SCHEMA = ("schema.sql", "journal.sql", "asked.sql")
"""What each version added to the one before."""
SCHEMA_VERSION = len(SCHEMA)
VERSIONS_KEPT = 8
"""Versions of one note (same kind, subject and producer) that are kept for other branches."""
ARTEFACT_DAYS = 60
"""An artefact that was not used for so long is forgotten; it can be made again."""
LONGEST_AWAY_DAYS = 14
"""However far the clock went between two tidyings, no more than this is believed: one that jumped
must not make everything look old."""
SHARED_MEMORY_BYTES = 1 << 16
"""What SQLite needs beside the file, at least, to open it."""
QUERY_WORDS = 64
"""Words of a query that are looked up; an issue may be as long as a book."""
_TIDIED = "tidied"


class Store:
    """Notes, artefacts, finished units of work, their journal and the ledger. For one thread at a
    time."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """Open or make the store. Raises StoreTooNew, StoreFull, StoreError."""
        self.path = path
        self._clock = clock
        with _translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = self._connect()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA foreign_keys = ON")
            self._migrate(db)
            self._inode = self.path.stat().st_ino
        except BaseException:
            db.close()
            raise
        return db

    def _migrate(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise StoreTooNew(
                f"the notes at {self.path} were written by a newer swe-sleep (format {version}, "
                f"this one knows {SCHEMA_VERSION}).",
                "Upgrade swe-sleep, or move that file away to start afresh.",
            )
        if version == SCHEMA_VERSION:
            return
        folder = importlib.resources.files(__package__)
        # Two first starts at once: whoever gets the lock second finds the version already set.
        db.execute("BEGIN IMMEDIATE")
        try:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            for name in SCHEMA[version:]:
                for statement in _statements(folder.joinpath(name).read_text("utf-8")):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """For the other tables' own modules of this room. Raises StoreFull, StoreError."""
        with self._transaction() as db:
            yield db

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The same, where nothing is written."""
        with self._reading() as db:
            yield db

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with _translated(self.path):
            try:
                moved = self.path.stat().st_ino != self._inode
            except FileNotFoundError:
                moved = True
            if moved:  # never write into a file that nobody can see any more
                self._db.close()
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._db = self._connect()
            yield self._db

    def close(self) -> None:
        self._db.close()

    # -- writing ---------------------------------------------------------------------------------

    def record(
        self,
        *,
        notes: Iterable[Note] = (),
        artefacts: Iterable[tuple[str, str, bytes]] = (),
        unit: tuple[str, str, str, str] | None = None,
        run: Run | None = None,
        spent: Spent | None = None,
        saved: Iterable[Saved] = (),
    ) -> None:
        """Write what one unit of work made, all or nothing.

        `artefacts` are (kind, key, payload); `unit` is (key, pass, subject, outcome).
        """
        now = self._clock()
        with self._transaction() as db:
            for note in notes:
                self._put(db, note, now)
            db.executemany(
                "INSERT OR REPLACE INTO artefacts VALUES (?, ?, ?, ?)",
                ((kind, key, payload, now) for kind, key, payload in artefacts),
            )
            if unit is not None:
                db.execute("INSERT OR REPLACE INTO units VALUES (?, ?, ?, ?, ?)", (*unit, now))
            ledger.write(db, now, run, spent, saved)

    def _put(self, db: sqlite3.Connection, note: Note, now: float) -> None:
        key = content_key(note.inputs)
        old = db.execute(
            "SELECT id FROM notes WHERE (kind, subject, producer, content_key) = (?, ?, ?, ?)",
            (note.kind, note.subject, note.producer, key),
        ).fetchone()
        if old:
            self._forget(db, [old[0]])
        row = db.execute(
            "INSERT INTO notes (kind, subject, producer, content_key, body, data, evidence, usage,"
            " confidence, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                note.kind,
                note.subject,
                note.producer,
                key,
                note.body,
                note.data,
                msgspec.json.encode(note.evidence),
                msgspec.json.encode(note.usage),
                note.confidence,
                note.created or now,
            ),
        ).lastrowid
        pairs = list(note.inputs.items())
        db.executemany("INSERT OR IGNORE INTO inputs (path, blob) VALUES (?, ?)", pairs)
        db.executemany(
            "INSERT INTO note_inputs SELECT ?, id FROM inputs WHERE (path, blob) = (?, ?)",
            ((row, path, blob) for path, blob in pairs),
        )
        db.execute(
            "INSERT INTO notes_text (rowid, subject, body, words) VALUES (?, ?, ?, ?)",
            (row, note.subject, note.body, " ".join(words(f"{note.subject} {note.body}"))),
        )

    @staticmethod
    def _forget(db: sqlite3.Connection, rows: Iterable[int]) -> None:
        for row in rows:
            db.execute("DELETE FROM notes_text WHERE rowid = ?", (row,))
            db.execute("DELETE FROM notes WHERE id = ?", (row,))

    def forget(self, kinds: Iterable[str], passes: Iterable[str]) -> None:
        """Remove all notes of these kinds, and that these passes ever finished anything."""
        with self._transaction() as db:
            for kind in kinds:
                rows = db.execute("SELECT id FROM notes WHERE kind = ?", (kind,)).fetchall()
                self._forget(db, [row for (row,) in rows])
            db.executemany("DELETE FROM units WHERE pass = ?", ((name,) for name in passes))

    def remember(self, name: str, value: bytes) -> None:
        """Keep one small fact under a name, such as the snapshot of the last pass."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def tidy(self) -> None:
        """Forget old versions of notes, artefacts that nothing used for long, and what the journal
        and the ledger hold one by one of days ago."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY kind, subject, producer"
                " ORDER BY id DESC) AS n FROM notes) WHERE n > ?",
                (VERSIONS_KEPT,),
            ).fetchall()
            self._forget(db, [row for (row,) in rows])
            db.execute(
                "DELETE FROM inputs WHERE NOT EXISTS"
                " (SELECT 1 FROM note_inputs WHERE input = inputs.id)"
            )
            now = self._believed(db)
            oldest = now - ARTEFACT_DAYS * 86400
            db.execute("DELETE FROM artefacts WHERE used < ?", (oldest,))
            db.execute("DELETE FROM units WHERE finished < ?", (oldest,))
            ledger.tidy(db, now)

    def _believed(self, db: sqlite3.Connection) -> float:
        """The time, as far as it can be believed. A clock that jumped ahead is believed by and by,
        and what it stamped then is stamped again once it is back."""
        now = self._clock()
        row = db.execute("SELECT value FROM facts WHERE name = ?", (_TIDIED,)).fetchone()
        if row is not None:
            last = float(row[0])
            if now < last:
                db.execute("UPDATE artefacts SET used = ? WHERE used > ?", (now, now))
                db.execute("UPDATE units SET finished = ? WHERE finished > ?", (now, now))
            now = min(now, last + LONGEST_AWAY_DAYS * 86400)
        db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (_TIDIED, str(now).encode()))
        return now

    # -- reading ---------------------------------------------------------------------------------

    def recall(self, name: str) -> bytes | None:
        """The fact kept under a name."""
        with self._reading() as db:
            row = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def artefacts(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        """Those of the artefacts that are there, by key. Marks them as used today."""
        found: dict[str, bytes] = {}
        stale: list[str] = []
        yesterday = self._clock() - 86400
        with self._reading() as db:
            for part in batched(dict.fromkeys(keys)):
                marks = ", ".join("?" * len(part))
                for key, payload, used in db.execute(
                    f"SELECT key, payload, used FROM artefacts WHERE kind = ? AND key IN ({marks})",
                    (kind, *part),
                ):
                    found[key] = payload
                    if used < yesterday:
                        stale.append(key)
        if stale:
            with self._transaction() as db:
                db.executemany(
                    "UPDATE artefacts SET used = ? WHERE (kind, key) = (?, ?)",
                    ((self._clock(), kind, key) for key in stale),
                )
        return found

    def has_artefacts(self, kind: str, keys: Iterable[str]) -> set[str]:
        """Which of the keys are there, without reading the payloads."""
        found: set[str] = set()
        with self._reading() as db:
            for part in batched(dict.fromkeys(keys)):
                marks = ", ".join("?" * len(part))
                found.update(
                    key
                    for (key,) in db.execute(
                        f"SELECT key FROM artefacts WHERE kind = ? AND key IN ({marks})",
                        (kind, *part),
                    )
                )
        return found

    def finished(self, keys: Iterable[str]) -> dict[str, str]:
        """Which units of work are done, with their outcome."""
        found: dict[str, str] = {}
        with self._reading() as db:
            for key in keys:
                row = db.execute("SELECT outcome FROM units WHERE key = ?", (key,)).fetchone()
                if row:
                    found[key] = row[0]
        return found

    def spent(self, *, since: float = 0.0) -> list[Spent]:
        """The ledger from a moment on, oldest first."""
        with self._reading() as db:
            return ledger.spent(db, since)

    def saved(self, *, since: float = 0.0) -> list[Saved]:
        """What notes saved from a moment on, oldest first."""
        with self._reading() as db:
            return ledger.saved(db, since)

    def uses(self) -> tuple[int, dict[str, int]]:
        """How many issues were solved here, and in how many a pass's notes were used."""
        with self._reading() as db:
            return ledger.uses(db)

    def runs(self, *, last: int = ledger.RUNS_KEPT) -> list[Run]:
        """The last so many runs of each pass's units of each product, oldest first."""
        with self._reading() as db:
            return ledger.runs(db, last)

    def size_bytes(self) -> int:
        with self._reading() as db:
            (pages,) = db.execute("PRAGMA page_count").fetchone()
            (size,) = db.execute("PRAGMA page_size").fetchone()
        return int(pages * size)

    def select(self, where: str = "1", arguments: Iterable[object] = ()) -> list[StoredNote]:
        """Notes by an SQL condition over `notes`, newest first."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT id, kind, subject, body, producer, data, evidence, usage, confidence,"
                f" created FROM notes WHERE {where} ORDER BY id DESC",  # clocks jump
                tuple(arguments),
            ).fetchall()
            return [_stored(db, row) for row in rows]

    def matching(self, query: str, limit: int) -> list[tuple[int, float]]:
        """(note id, BM25 score, higher is better) of the notes that hold words of the text."""
        terms = words(query)[:QUERY_WORDS]
        if not terms:
            return []
        expression = " OR ".join(f'"{term}"' for term in terms)
        with self._reading() as db:
            rows = db.execute(
                "SELECT rowid, bm25(notes_text, 4.0, 1.0, 2.0) FROM notes_text"
                " WHERE notes_text MATCH ? ORDER BY 2 LIMIT ?",
                (expression, limit),
            ).fetchall()
        return [(row, -score) for row, score in rows]


@dataclass(frozen=True, slots=True)
class StoredNote:
    """A note with its row in the store."""

    id: int
    note: Note


def _stored(db: sqlite3.Connection, row: tuple[Any, ...]) -> StoredNote:
    number, kind, subject, body, producer, data, evidence, usage, confidence, created = row
    inputs = db.execute(
        "SELECT i.path, i.blob FROM note_inputs n JOIN inputs i ON i.id = n.input WHERE n.note = ?",
        (number,),
    )
    note = Note(
        kind=kind,
        subject=subject,
        body=body,
        producer=producer,
        inputs=dict(inputs),
        data=data,
        evidence=msgspec.json.decode(evidence, type=tuple[Place, ...]),
        usage=msgspec.json.decode(usage, type=Usage),
        confidence=confidence,
        created=created,
    )
    return StoredNote(number, note)


def batched(keys: Iterable[str], size: int = 500) -> Iterator[list[str]]:
    """As many keys at a time as one statement takes."""
    waiting = iter(keys)
    while part := list(islice(waiting, size)):
        yield part


def content_key(inputs: Mapping[str, str]) -> str:
    """The hash of a note's inputs: equal for equal content, whatever the order."""
    text = "\0".join(f"{path}\0{blob}" for path, blob in sorted(inputs.items()))
    return hashlib.sha256(text.encode()).hexdigest()


_WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^\W\d_a-zA-Z]+")


def words(text: str) -> list[str]:
    """The distinct words of a text, lower case, with the parts of identifiers apart."""
    whole = re.findall(r"\w+", text.lower())
    parts = [part.lower() for part in _WORD.findall(text)]
    return list(dict.fromkeys(word for word in (*whole, *parts) if len(word) > 1))


def _statements(script: str) -> list[str]:
    """The statements of an SQL script, whose comments hold no semicolon."""
    return [part for part in re.sub(r"--.*", "", script).split(";") if part.strip()]


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """SQLite's and the system's errors as ours."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        text = str(error)
        if "full" in text or getattr(error, "errno", None) == 28 or _no_room(path, text):
            raise StoreFull(
                f"no space left for the notes at {path}.",
                "Free some space and run again; what was written before is whole.",
            ) from error
        if "readonly" in text or isinstance(error, PermissionError):
            raise StoreError(f"the notes at {path} cannot be written: {text}.") from error
        if "not a database" in text or "malformed" in text:
            raise StoreError(
                f"the notes at {path} are damaged ({text}).",
                "Move that file away; the next pass makes them again.",
            ) from error
        raise StoreError(f"the notes at {path}: {text}.") from error


def _no_room(path: Path, text: str) -> bool:
    """Whether SQLite's `disk I/O error` means that there was no room for its shared memory."""
    try:
        return (
            "disk I/O error" in text and shutil.disk_usage(path.parent).free < SHARED_MEMORY_BYTES
        )
    except OSError:
        return False
