"""A person's git repository: snapshots, history, diffs, the watcher, and landing a patch."""
