"""All that a pass may look at: the code as it is and was, the notes, and a bench for the tests."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self

import msgspec

from swe_sleep.anticipate.risk.noted import risk
from swe_sleep.config import Settings
from swe_sleep.index.workers import Workers
from swe_sleep.notes.contents import Contents
from swe_sleep.notes.evidence import Evidence, SourceTexts
from swe_sleep.notes.outlines import Outlines
from swe_sleep.notes.store import Store
from swe_sleep.notes.view import View
from swe_sleep.repo.branch import ahead
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.choose import limits
from swe_sleep.sandbox.protocol import Backend, Sandbox
from swe_sleep.sleep.bench import Bench
from swe_sleep.sleep.budget import Budget
from swe_sleep.sleep.courtesy import Courtesy
from swe_sleep.sleep.desk import Desk
from swe_sleep.sleep.schedule import Interest
from swe_sleep.sleep.units import Level
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.warm import WarmTests

LAST_SNAPSHOT = "last snapshot"


class Situation:
    """One snapshot under study. A context manager: leaving it closes its sandbox."""

    def __init__(
        self,
        repository: Repository,
        snapshot: Snapshot,
        store: Store,
        settings: Settings,
        backend: Backend,
        budget: Budget,
        progress: Callable[[str], None] = lambda line: None,
        outlines: Outlines | None = None,
        commits: dict[str, Mapping[str, str]] | None = None,
        desk: Desk | None = None,
        courtesy: Courtesy | None = None,
        bench: Bench | None = None,
    ) -> None:
        """`outlines` and `commits` (path to blob, by commit) are what another situation held; the
        first follows to this snapshot. `desk` is None where no model may be asked, `courtesy`
        where others on this machine do not matter. `bench` outlives this; without one the sandbox
        goes with it."""
        self.repository = repository
        self.snapshot = snapshot
        self.store = store
        self.settings = settings
        self.backend = backend
        self.budget = budget
        self.progress = progress
        self.desk = desk
        self._interest: Interest | None = None
        self._courtesy = courtesy
        self.nobody_waits = courtesy is not None and courtesy.waits
        """Whether no person waits for the end of this pass."""
        self.view = View(store, snapshot)
        self.outlines = outlines or Outlines(store, snapshot)
        if outlines:
            outlines.move_to(snapshot)
        self.contents = Contents(store, repository)
        self.evidence = Evidence(self.view, snapshot, self.contents)
        self._commits = {} if commits is None else commits
        self._shared = bench
        self._bench: Bench | None = None
        self._before: Mapping[str, str] | None = None
        self._from_commit = False
        self._changed: dict[str, tuple[str, str]] | None = None
        self.workers = Workers()
        """For what can be done on all cores."""

    @property
    def sources(self) -> SourceTexts:
        """The contents of the Python files."""
        languages = self.outlines.languages
        return SourceTexts(self.snapshot, (p for p in languages if languages[p] == "python"))

    # -- what was ------------------------------------------------------------------------------

    @property
    def before(self) -> Mapping[str, str]:
        """Path to blob at the end of the last pass; at the first, those of the last commit."""
        if self._before is None:
            kept = self.store.recall(LAST_SNAPSHOT)
            if kept is not None:
                self._before = msgspec.json.decode(zlib.decompress(kept), type=dict[str, str])
            else:
                self._before = self.committed
                self._from_commit = True
        return self._before

    @property
    def committed(self) -> Mapping[str, str]:
        """Path to blob of the last commit; before the first one, of this snapshot."""
        head = self.snapshot.head
        if head is None:
            return {path: entry.blob for path, entry in self.snapshot.files.items()}
        if head not in self._commits:
            files = self.repository.snapshot_of(head).files
            self._commits.clear()
            self._commits[head] = {path: entry.blob for path, entry in files.items()}
        return self._commits[head]

    def changed(self) -> dict[str, tuple[str, str]]:
        """Path to (blob before, blob now) for what changed since the last pass; "" is absent."""
        if self._changed is None:
            before, files = self.before, self.snapshot.files
            self._changed = {
                path: (before.get(path, ""), entry.blob)
                for path, entry in files.items()
                if before.get(path) != entry.blob
            }
            gone = before.keys() - files.keys()
            self._changed.update((path, (before[path], "")) for path in gone)
        return self._changed

    def begin(self) -> None:
        """Keep what git does not: however this pass ends, a later one can tell what an edit
        changed of the content that its notes were made from."""
        committed = self.committed if self.snapshot.head else {}
        dirty = (p for p in self.outlines.languages if committed.get(p) != self.snapshot.blob(p))
        self.contents.keep(self.snapshot, dirty)

    def finish(self) -> None:
        """The next pass is to compare with this snapshot."""
        now = {path: entry.blob for path, entry in self.snapshot.files.items()}
        if self._before is None or self._from_commit or now != self._before:
            # The quickest level: most of it are ids, which nothing makes smaller.
            self.store.remember(LAST_SNAPSHOT, zlib.compress(msgspec.json.encode(now), 1))

    @property
    def interest(self) -> Interest:
        """How likely somebody asks about a file."""
        if self._interest is None:
            self._interest = Interest(
                self.changed(), lambda: ahead(self.repository), self._risk_of_files
            )
        return self._interest

    def _risk_of_files(self) -> dict[str, float]:
        """From 0 to 1 for the riskiest; of the files that the note of risk names."""
        known = risk(self.view)
        most = max((each.score for each in known.files), default=0.0) if known else 0.0
        return {each.path: each.score / most for each in known.files} if known and most else {}

    def ready(self, level: Level) -> None:
        """Wait until a unit of this level may begin."""
        if self._courtesy is not None:
            self._courtesy.ready(level, self.budget)

    # -- the bench -----------------------------------------------------------------------------

    @property
    def bench(self) -> Bench:
        """A sandbox with this snapshot, opened at first use; every unit leaves it as it was."""
        if self._bench is None:
            gentle = self._courtesy is not None
            wanted = replace(limits(self.settings.sandbox), gentle=gentle)
            bench = self._shared or Bench(self.backend, wanted)
            bench.take(self.snapshot, self.progress)
            self._bench = bench
        return self._bench

    @property
    def sandbox(self) -> Sandbox:
        return self.bench.sandbox

    @property
    def tests(self) -> Tests:
        """The repository's tests on the sandbox."""
        return self.bench.tests

    @property
    def warm(self) -> WarmTests:
        """The same, quicker, from a server; what it says is to be confirmed by `tests` where
        something is claimed."""
        return self.bench.warm

    def close(self) -> None:
        self.workers.close()
        if self._bench is not None and self._bench is not self._shared:
            self._bench.close()
        self._bench = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
