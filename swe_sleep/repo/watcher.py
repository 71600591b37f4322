"""The watcher: settled sets of changes, told apart by content.

Events only say that it is time to look. What changed is the difference of two snapshots, so a
lost, doubled or late event can neither hide a change nor invent one.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator

from swe_sleep.errors import RepositoryError
from swe_sleep.records import Cause, Change
from swe_sleep.repo import plumbing, underway
from swe_sleep.repo.events import Batch, Signals, Source, silent_filesystem, source
from swe_sleep.repo.paths import from_os, join
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot

_SLICE_S = 0.5  # how soon a stop is noticed
_LONGEST_S = 10.0  # a storm that does not end is looked at anyway
_POLL_S = 2.0
_RECONCILE_S = 60.0
_TRIES = 8
_REMEMBERED = 10_000


def watch(
    repository: Repository,
    *,
    previous: Snapshot | None = None,
    settle_s: float = 0.5,
    stop: threading.Event | None = None,
    poll_s: float | None = None,
    patience_s: float = 10.0,
    reconcile_s: float = _RECONCILE_S,
    progress: Callable[[str], None] = lambda line: None,
) -> Iterator[tuple[Change, Snapshot]]:
    """Yield what changed and the snapshot it led to, until `stop` is set.

    The first pair comes at once: the difference from `previous` (everything, if there is none),
    with the cause "start", empty if nothing differs. From then on a pair comes when the contents
    differ and nothing has happened for `settle_s`. A Change that is empty says that HEAD moved and
    no content did, as after a commit. The cause is "checkout" where git moved HEAD and the files
    (a switch, pull, rebase, reset: one pair each), "overflow" where events were lost, else "edit".

    While git holds a lock, or a rebase, merge, cherry-pick or revert is under way, it waits, but
    not beyond `patience_s` without any event. The consumer may take its time: what happens
    meanwhile comes as one pair afterwards.

    Polls, and says so once through `progress`, where the system's watches run out, where the
    filesystem gives no events, or where they turn out not to come. `poll_s` makes it poll from the
    start. Raises RepositoryError when the repository is gone or git fails for good.
    """
    stopped = stop or threading.Event()
    state = _Watch(repository, settle_s, stopped, patience_s, reconcile_s, progress)
    state.poll_s = poll_s
    try:
        yield from state.run(previous)
    finally:
        state.close()


class _Watch:
    def __init__(
        self,
        repository: Repository,
        settle_s: float,
        stop: threading.Event,
        patience_s: float,
        reconcile_s: float,
        progress: Callable[[str], None],
    ) -> None:
        self._repository = repository
        self._settle_s = settle_s
        self._stop = stop
        self._patience_s = patience_s
        self._reconcile_s = reconcile_s
        self._progress = progress
        self.poll_s: float | None = None
        self._signals = Signals()
        self._source: Source | None = None
        self._followed: frozenset[bytes] = frozenset()
        self._current: Snapshot | None = None
        self._took_s = 0.0
        self._missed = 0

    def close(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None

    def run(self, previous: Snapshot | None) -> Iterator[tuple[Change, Snapshot]]:
        self._begin()
        if self._busy():
            self._wait_until_settled()
        if self._stop.is_set():
            return
        current = self._current = self._snapshot()
        yield current.change_from(previous, "start"), current
        while (batch := self._next()) is not None:
            newer = self._snapshot()
            if self._source is not None:
                self._remember(batch, newer)
            if _same(newer, current):
                continue
            if self._source is not None and not batch:
                # The regular look found what no event told of, or has only not told of yet.
                self._signals.wait(self._settle_s)
                if not self._signals.pending():
                    self._missed += 1
                    batch = Batch(lost=True)
            change = newer.change_from(current, self._cause(current, newer, batch))
            current = self._current = newer
            yield change, current
            if self._missed > 1:
                self._fall_back("no events come for changes here")

    # Events

    def _begin(self) -> None:
        if self.poll_s is not None:
            return
        repository = self._repository
        if kind := silent_filesystem(repository.root):
            self._fall_back(f"the filesystem ({kind}) does not announce changes")
            return
        places = {repository.git_dir, repository.git_dir / "logs"}
        places |= {repository.common_dir, repository.common_dir / "refs" / "heads"}
        places |= {repository.common_dir / "info"}
        try:
            self._source = source(
                repository.root, frozenset(os.fsencode(p) for p in places), self._signals
            )
        except OSError as error:
            self._fall_back(error.strerror or "the system gives no watches")
            return
        self._follow()

    def _fall_back(self, reason: str) -> None:
        if self.poll_s is None:
            self.poll_s = _POLL_S
            self._progress(f"Looking for changes every {_POLL_S:g} s: {reason}.")
        self.close()

    def _follow(self) -> None:
        """Watch every folder that is not ignored. Twice where there are new ones: folders may have
        come into them before they were watched."""
        while self._source is not None:
            wanted = frozenset(_folders(self._repository))
            try:
                self._source.follow(wanted)
            except OSError as error:
                self._fall_back(error.strerror or "the system gives no more watches")
                return
            new, self._followed = wanted - self._followed, wanted
            if not new:
                return

    # Waiting

    def _next(self) -> Batch | None:
        """Until it is time for a look: what was signalled, settled. None once stopped."""
        began = time.monotonic()
        while not self._stop.is_set():
            if self._source is None:
                if self._polled():
                    return Batch()
                continue
            self._signals.wait(_SLICE_S)
            if self._signals.pending():
                self._wait_until_settled()
                batch = self._signals.take()
                rules = any(n.endswith((b"/.gitignore", b"/info/exclude")) for n in batch.names)
                if rules or batch.lost:
                    self._signals.ignored = frozenset()
                if batch.folders or rules or batch.lost:
                    self._follow()
                return None if self._stop.is_set() else batch
            if time.monotonic() - began > max(self._reconcile_s, 200 * self._took_s):
                self._signals.ignored = frozenset()
                return Batch()
        return None

    def _wait_until_settled(self) -> None:
        began = time.monotonic()
        while not self._stop.is_set():
            quiet_s = self._signals.quiet_s()
            if quiet_s < self._settle_s and time.monotonic() - began < _LONGEST_S:
                self._stop.wait(min(_SLICE_S, self._settle_s - quiet_s + 0.001))
            elif self._busy() and quiet_s < self._patience_s:
                self._stop.wait(0.05)
            else:
                return

    def _polled(self) -> bool:
        """Wait, look, and say whether something changed that has settled since."""
        if self._stop.wait(max(self.poll_s or _POLL_S, 20 * self._took_s)):
            return False
        seen = self._snapshot()
        if self._current is not None and _same(seen, self._current):
            return False
        began = time.monotonic()
        while not self._stop.wait(self._settle_s):
            waited_s = time.monotonic() - began
            now = self._snapshot()
            settled = _same(now, seen) or waited_s > _LONGEST_S
            if settled and not (self._busy() and waited_s < self._patience_s):
                return True
            seen = now
        return False

    def _busy(self) -> bool:
        git_dir = self._repository.git_dir
        return underway.locked(git_dir) or underway.operation(git_dir) != ""

    # Ignored files, such as a log: those that are known make no look necessary

    def _remember(self, batch: Batch, snapshot: Snapshot) -> None:
        root = os.fsencode(self._repository.root) + b"/"

        def left_out(name: bytes) -> bool:
            return from_os(name.removeprefix(root)) not in snapshot.files

        ignored = {name for name in self._signals.ignored if left_out(name)}
        if not batch.lost and len(ignored) < _REMEMBERED:
            for name in batch.names:
                if not name.startswith(root) or not left_out(name):
                    continue
                try:
                    plain = stat.S_ISREG(os.lstat(name).st_mode)
                except OSError:
                    continue
                # One that cannot be read is left out for that reason, which may pass.
                if plain and os.access(name, os.R_OK):
                    ignored.add(name)
        self._signals.ignored = frozenset(ignored)

    # Looking

    def _snapshot(self) -> Snapshot:
        """A snapshot, tried again while git or an editor is in the middle of something."""
        began = time.monotonic()
        for attempt in range(_TRIES):
            try:
                found = self._repository.snapshot()
            except (RepositoryError, OSError) as error:
                gone = not self._repository.root.is_dir()
                if gone or attempt == _TRIES - 1 or self._stop.wait(0.1 * (attempt + 1)):
                    if isinstance(error, RepositoryError):
                        raise
                    raise RepositoryError(f"The work tree cannot be read: {error}.") from error
            else:
                self._took_s = time.monotonic() - began
                return found
        raise AssertionError("unreachable")

    def _cause(self, older: Snapshot, newer: Snapshot, batch: Batch) -> Cause:
        if older.branch != newer.branch:
            return "checkout"
        if older.head != newer.head and older.id != newer.id and self._git_moved_files(older):
            return "checkout"
        return "overflow" if batch.lost else "edit"

    def _git_moved_files(self, older: Snapshot) -> bool:
        """Whether HEAD moved since by anything but commits of what was there."""
        output = self._repository.git.ask("log", "-g", "-z", "-n", "50", "--format=%H %gs", "HEAD")
        for record in plumbing.records((output or b"") + b"\0"):
            commit, _, what = record.decode("utf-8", "replace").partition(" ")
            if commit == older.head:
                return False
            if not what.startswith("commit"):
                return True
        return True


def _same(one: Snapshot, other: Snapshot) -> bool:
    return (one.id, one.head, one.branch) == (other.id, other.head, other.branch)


def _folders(repository: Repository) -> Iterator[bytes]:
    """The folders of the work tree whose files are not ignored, submodules included."""
    listed = repository.git.run(
        "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"
    )
    root = os.fsencode(repository.root)
    ignored = {root + b"/" + name[:-1] for name in plumbing.records(listed) if name.endswith(b"/")}
    modules = {
        join(repository.root, path): module for path, module in repository.submodules.items()
    }
    pending = [root]
    while pending:
        folder = pending.pop()
        if folder in modules:
            yield from _folders(modules[folder])
            continue
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        if folder != root and any(entry.name == b".git" for entry in entries):
            yield folder  # another repository; should it become a submodule, .gitmodules says so
            continue
        yield folder
        pending += [
            entry.path
            for entry in entries
            if entry.name != b".git"
            and entry.path not in ignored
            and entry.is_dir(follow_symlinks=False)
        ]
