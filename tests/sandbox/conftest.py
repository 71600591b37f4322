"""Snapshots without a repository behind them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import pytest

from swe_sleep.records import Entry
from swe_sleep.repo.snapshot import Snapshot


class _Memory:
    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents

    def read(self, path: str, entry: Entry) -> bytes:
        return self._contents[path]


@pytest.fixture(scope="session")
def make_snapshot() -> Callable[[Mapping[str, str]], Snapshot]:
    """A snapshot of these files: path to text."""

    def make(files: Mapping[str, str]) -> Snapshot:
        contents = {path: text.encode() for path, text in files.items()}
        entries = {p: Entry(hashlib.sha1(c).hexdigest(), 0o100644) for p, c in contents.items()}
        return Snapshot(entries, None, None, _Memory(contents))

    return make
