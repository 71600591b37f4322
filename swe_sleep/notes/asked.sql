-- Version 3: what passes ask a model, and the batches that it goes in (asked.py).
CREATE TABLE asked (
    key TEXT PRIMARY KEY,           -- hash of the whole request
    state TEXT NOT NULL,
    purpose TEXT NOT NULL,          -- the pass
    note TEXT NOT NULL,             -- what it is for
    unit TEXT NOT NULL,             -- key of the unit of work that asked
    model TEXT NOT NULL,
    post TEXT NOT NULL,             -- the post that it went with, '' where it was asked directly
    usd REAL NOT NULL,              -- set aside while it is under way
    paid REAL NOT NULL,             -- what it has cost, US dollars too
    room INTEGER NOT NULL,          -- tokens that the reply may take
    tries INTEGER NOT NULL,         -- how often it ended without a reply
    day INTEGER NOT NULL,           -- the day's number, as the allowance counts days
    at REAL NOT NULL,
    reply BLOB NOT NULL             -- the reply, or what went wrong
) WITHOUT ROWID;
CREATE INDEX asked_by_state ON asked (state, unit);
CREATE INDEX asked_by_unit ON asked (unit, note);
CREATE TABLE posts (
    id TEXT PRIMARY KEY,
    batch TEXT NOT NULL,            -- the server's id, '' while it is not known
    newest TEXT NOT NULL,           -- the server's newest batch before this post, '' for none
    size INTEGER NOT NULL,
    looks INTEGER NOT NULL,         -- how often the server was asked about it
    reads INTEGER NOT NULL,         -- how often its results were read, and were not whole
    next_look REAL NOT NULL,
    at REAL NOT NULL
) WITHOUT ROWID;
