-- Version 3: what passes ask a model; see asked.py.
CREATE TABLE asked (
    key TEXT PRIMARY KEY,           -- hash of the whole request
    state TEXT NOT NULL,
    purpose TEXT NOT NULL,          -- the pass
    note TEXT NOT NULL,             -- what it is for
    unit TEXT NOT NULL,             -- key of the unit of work that asked
    model TEXT NOT NULL,
    post TEXT NOT NULL,             -- of the posts, '' where it was asked directly
    usd REAL NOT NULL,              -- set aside while under way, then what it cost
    tokens INTEGER NOT NULL,        -- the same
    room INTEGER NOT NULL,          -- tokens that the reply might take
    tries INTEGER NOT NULL,
    window INTEGER NOT NULL,        -- the day's number, as the allowance counts them
    at REAL NOT NULL,
    reply BLOB NOT NULL             -- the reply, or what went wrong
) WITHOUT ROWID;
CREATE INDEX asked_by_state ON asked (state, unit);
CREATE INDEX asked_by_unit ON asked (unit, note);
CREATE TABLE posts (
    id TEXT PRIMARY KEY,
    batch TEXT NOT NULL,            -- the server's id, '' while it is not known
    before TEXT NOT NULL,           -- the server's newest batch before this post, '' for none
    size INTEGER NOT NULL,
    looks INTEGER NOT NULL,
    next_look REAL NOT NULL,
    at REAL NOT NULL
) WITHOUT ROWID;
