-- Version 1. A note's inputs are pairs of path and blob, interned, so that one look at the distinct
-- pairs tells which notes are stale.
CREATE TABLE inputs (
    id INTEGER PRIMARY KEY,
    path NOT NULL,
    blob TEXT NOT NULL,
    UNIQUE (path, blob)
);
CREATE TABLE notes (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    producer TEXT NOT NULL,
    content_key TEXT NOT NULL,      -- hash of the inputs: the same content gives the same note
    body TEXT NOT NULL,
    data BLOB NOT NULL,
    evidence BLOB NOT NULL,
    usage BLOB NOT NULL,
    confidence REAL NOT NULL,
    created REAL NOT NULL,
    UNIQUE (kind, subject, producer, content_key)
);
CREATE INDEX notes_by_subject ON notes (subject, kind);
CREATE TABLE note_inputs (
    note INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    input INTEGER NOT NULL REFERENCES inputs (id),
    PRIMARY KEY (note, input)
) WITHOUT ROWID;
CREATE INDEX note_inputs_by_input ON note_inputs (input);
CREATE VIRTUAL TABLE notes_text USING fts5 (subject, body, words, tokenize = 'unicode61');
-- Results of pure functions of content, such as a file's outline by its blob.
CREATE TABLE artefacts (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    payload BLOB NOT NULL,
    used REAL NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
-- Units of work that passes have finished, so that a killed pass repeats nothing.
CREATE TABLE units (
    key TEXT PRIMARY KEY,
    pass TEXT NOT NULL,
    subject TEXT NOT NULL,
    outcome TEXT NOT NULL,
    finished REAL NOT NULL
) WITHOUT ROWID;
-- Everything that was spent, and on what.
CREATE TABLE ledger (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    activity TEXT NOT NULL,         -- 'sleep' or 'solve'
    what TEXT NOT NULL,             -- the pass, or the issue
    model TEXT NOT NULL,
    usage BLOB NOT NULL
);
CREATE INDEX ledger_by_time ON ledger (at);
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
