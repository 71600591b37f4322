"""Opened repositories and running watchers, which end with the test."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.records import Change
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.repo.watcher import watch


@pytest.fixture
def opened() -> Iterator[Callable[[Path], Repository]]:
    """`opened(folder)` is the repository there."""
    repositories: list[Repository] = []

    def open_(path: Path) -> Repository:
        repositories.append(Repository.open(path))
        return repositories[-1]

    yield open_
    for repository in repositories:
        repository.close()


class Watching:
    """A watcher that runs in a thread of its own."""

    def __init__(self, repository: Repository, options: dict[str, Any]) -> None:
        self.repository = repository
        self.pairs: queue.Queue[tuple[Change, Snapshot] | BaseException | None] = queue.Queue()
        self.said: list[str] = []
        self._stop = threading.Event()
        options = {"settle_s": 0.15, "progress": self.said.append, **options}
        self._thread = threading.Thread(target=self._run, args=(options,), daemon=True)
        self._thread.start()

    def _run(self, options: dict[str, Any]) -> None:
        try:
            for pair in watch(self.repository, stop=self._stop, **options):
                self.pairs.put(pair)
            self.pairs.put(None)
        except BaseException as error:
            self.pairs.put(error)

    def next(self, timeout_s: float = 60) -> tuple[Change, Snapshot]:
        """The next pair. What the watcher raised is raised here."""
        found = self.pairs.get(timeout=timeout_s)
        if isinstance(found, BaseException):
            raise found
        assert found is not None, "the watcher ended"
        return found

    def change(self) -> Change:
        return self.next()[0]

    def until(self, wanted: Callable[[Snapshot], bool]) -> list[Change]:
        """The changes until a snapshot is as wanted."""
        changes = []
        while True:
            change, snapshot = self.next()
            changes.append(change)
            if wanted(snapshot):
                return changes

    def end(self) -> None:
        self._stop.set()
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()


@pytest.fixture
def watching(
    opened: Callable[[Path], Repository],
) -> Iterator[Callable[..., Watching]]:
    """`watching(folder, **options)` is a watcher there whose first pair has been taken."""
    running: list[Watching] = []

    def start(path: Path, *, first: bool = True, **options: Any) -> Watching:
        running.append(Watching(opened(path), options))
        if first:
            assert running[-1].change().cause == "start"
        return running[-1]

    yield start
    for each in running:
        each.end()
