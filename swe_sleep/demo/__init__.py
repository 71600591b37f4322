"""The demo's stage: a small bundled repository, and realistic edits that break it."""
