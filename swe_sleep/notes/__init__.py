"""The notes: one SQLite file, keyed by content, shown only while fresh."""
