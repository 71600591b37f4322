-- Version 2: what units of work took, and what notes saved when they were used.
-- One line for every time that a unit ran; its outcome is 'done', 'cut' (its time ended) or 'failed'.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    pass TEXT NOT NULL,
    product TEXT NOT NULL,
    outcome TEXT NOT NULL,
    at REAL NOT NULL,
    expected_s REAL NOT NULL,       -- the guess of the pass
    took_s REAL NOT NULL
);
CREATE INDEX journal_by_product ON journal (pass, product, id);
-- What was not spent because a note was there.
CREATE TABLE savings (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    activity TEXT NOT NULL,         -- where the note was used, such as 'solve'
    what TEXT NOT NULL,             -- the pass that had made it
    subject TEXT NOT NULL,          -- the note's
    why TEXT NOT NULL,
    usage BLOB NOT NULL
);
CREATE INDEX savings_by_time ON savings (at);
