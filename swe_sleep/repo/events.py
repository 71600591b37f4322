"""What the operating system says about changes, made small: which names, and when last.

Two sources give the same signals. On Linux every folder is watched by itself, so that ignored
ones (`node_modules`) cost nothing; elsewhere one watch on the root covers all that is below it,
and what is not wanted is dropped. Nothing here reads a file: content decides, later.
"""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.inotify_c import InotifyEvent, WatchDescriptor

_LIMIT = 10_000

# Names in a git directory that say that HEAD, the index or an operation moved on. A lock counts:
# its end is what a waiting watcher waits for.
_GIT_NAMES = frozenset(
    b"HEAD HEAD.lock index index.lock packed-refs ORIG_HEAD MERGE_HEAD CHERRY_PICK_HEAD "
    b"REVERT_HEAD rebase-merge rebase-apply exclude".split()
)

# On these, changes made elsewhere (another machine, the host of a virtual one) give no events.
_SILENT = frozenset(
    {
        "9p",
        "afs",
        "afpfs",
        "ceph",
        "cifs",
        "davfs",
        "drvfs",
        "fuse.sshfs",
        "fuse.rclone",
        "fuse.s3fs",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "prl_fs",
        "smb2",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
        "vmhgfs",
        "fuse.vmhgfs-fuse",
        "fuse.grpcfuse",
        "fakeowner",
    }
)


@dataclass(frozen=True, slots=True)
class Batch:
    """What happened since the last look. `names` are absolute; with `lost` they are not all."""

    names: frozenset[bytes] = frozenset()
    git: bool = False
    folders: bool = False
    """A folder came, went or was renamed: there may be others to watch."""
    lost: bool = False

    def __bool__(self) -> bool:
        return bool(self.names or self.git or self.folders or self.lost)


class Signals:
    """Where a source's thread leaves what it saw. Holds a bounded number of names."""

    ignored: frozenset[bytes]
    """Names of files that git ignores; changes of these are no signal."""

    def __init__(self) -> None:
        self.ignored = frozenset()
        self._changed = threading.Condition()
        self._names: set[bytes] = set()
        self._git = self._folders = self._lost = False
        self._last = time.monotonic()

    def note(self, name: bytes, *, folder: bool = False, git: bool = False) -> None:
        if name in self.ignored and not folder:
            return
        with self._changed:
            self._last = time.monotonic()
            self._folders |= folder
            self._git |= git
            if len(self._names) < _LIMIT:
                self._names.add(name)
            else:
                self._lost = True
            self._changed.notify_all()

    def lose(self) -> None:
        """Events were lost: only a look at everything tells what changed."""
        with self._changed:
            self._last = time.monotonic()
            self._lost = self._folders = True
            self._changed.notify_all()

    def quiet_s(self) -> float:
        """Seconds since the last signal."""
        with self._changed:
            return time.monotonic() - self._last

    def pending(self) -> bool:
        with self._changed:
            return bool(self._names or self._lost)

    def wait(self, timeout_s: float) -> None:
        """Until a signal comes, or is there already."""
        with self._changed:
            if not (self._names or self._lost):
                self._changed.wait(timeout_s)

    def take(self) -> Batch:
        with self._changed:
            batch = Batch(frozenset(self._names), self._git, self._folders, self._lost)
            self._names = set()
            self._git = self._folders = self._lost = False
            return batch


class Source(Protocol):
    """Something that signals changes in the folders it is told to follow."""

    def follow(self, folders: Iterable[bytes]) -> None:
        """Watch these folders, and no others. Raises OSError where the system's limit is met."""
        ...

    def close(self) -> None: ...


def source(root: Path, git_folders: frozenset[bytes], signals: Signals) -> Source:
    """The source that fits this system. Raises OSError where there can be none."""
    # A reader of our log, if any, hears of lost events from us; nobody's stderr does.
    logging.getLogger("watchdog").addHandler(logging.NullHandler())
    if platform.system() == "Linux":
        return FolderEvents(git_folders, signals)
    return TreeEvents(root, git_folders, signals)


def _concerns(folder: bytes, name: bytes, git_folders: frozenset[bytes]) -> bool | None:
    """Whether an event is of git's own files (True), the work tree (False) or neither (None)."""
    if folder in git_folders:
        inner = folder.rpartition(b"/")[2]
        return True if name in _GIT_NAMES or inner == b"heads" else None
    return None if name == b".git" else False


class FolderEvents:
    """One inotify instance with a watch for each folder."""

    # watchdog's observers either watch a tree whole or start a thread for each folder, so its
    # binding below them is used.
    def __init__(self, git_folders: frozenset[bytes], signals: Signals) -> None:
        from watchdog.observers.inotify_c import InotifyConstants as Kind
        from watchdog.observers.inotify_c import InotifyFD, Mask

        self._git_folders = git_folders
        self._signals = signals
        self._folders: dict[WatchDescriptor, bytes] = {}
        self._generation = 0
        self._mask = Mask(
            Kind.IN_MODIFY
            | Kind.IN_CLOSE_WRITE
            | Kind.IN_ATTRIB
            | Kind.IN_CREATE
            | Kind.IN_DELETE
            | Kind.IN_MOVE
            | Kind.IN_DELETE_SELF
            | Kind.IN_MOVE_SELF
            | Kind.IN_ONLYDIR
            | Kind.IN_DONT_FOLLOW
        )
        self._inotify = InotifyFD()
        self._inotify.daemon = True
        self._inotify.start()

    def follow(self, folders: Iterable[bytes]) -> None:
        from watchdog.observers.inotify_c import CallbackId

        # All anew, under a new number, then the old ones are let go: a folder that was renamed
        # keeps its watch and gets its new name, and no moment is without a watch.
        old, before = dict(self._folders), self._generation
        self._generation += 1
        fresh: dict[WatchDescriptor, bytes] = {}
        for folder in {*folders, *self._git_folders}:
            try:
                watch = self._inotify.add_callback(
                    folder, self._mask, self, CallbackId(self._generation)
                )
            except (FileNotFoundError, NotADirectoryError):
                continue
            if watch != -1:  # -1: it may not be read
                self._folders[watch] = fresh[watch] = folder
        self._inotify.remove_callbacks([(watch, CallbackId(before)) for watch in old])
        self._folders = fresh

    def on_event(self, event: InotifyEvent) -> None:
        folder = self._folders.get(event.wd)
        if folder is None:
            return
        if not event.name:
            if event.is_delete_self or event.is_move_self:
                self._signals.note(folder, folder=True)
            return
        git = _concerns(folder, event.name, self._git_folders)
        if git is not None:
            name = folder + b"/" + event.name
            self._signals.note(name, folder=event.is_directory and not git, git=git)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        folder = self._folders.get(wd)
        if folder is not None:
            self._signals.note(folder, folder=True)

    def on_queue_overflow(self) -> None:
        self._signals.lose()

    def close(self) -> None:
        self._folders = {}
        self._inotify.stop()
        self._inotify.join(timeout=10)


class TreeEvents:
    """One watch on the root and everything below it, through watchdog's own observer."""

    def __init__(self, root: Path, git_folders: frozenset[bytes], signals: Signals) -> None:
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer

        self._git_folders = git_folders
        self._signals = signals
        self._folders: frozenset[bytes] = frozenset()
        outer = self

        class Listener(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                outer._on_event(event)

        self._observer = Observer()
        self._observer.schedule(Listener(), str(root), recursive=True)
        for folder in git_folders:
            if (
                not folder.startswith(os.fsencode(root) + b"/")
                and Path(os.fsdecode(folder)).is_dir()
            ):
                self._observer.schedule(Listener(), os.fsdecode(folder))
        self._observer.start()

    def follow(self, folders: Iterable[bytes]) -> None:
        self._folders = frozenset(folders)

    def _on_event(self, event: FileSystemEvent) -> None:
        if event.event_type in ("opened", "closed_no_write"):
            return
        for place in (event.src_path, event.dest_path):
            name = os.fsencode(place)
            folder, _, last = name.rpartition(b"/")
            # Folders that are not followed are ignored ones, or new: then their own creation,
            # in a folder that is followed, was signalled.
            if not name or (folder not in self._folders and folder not in self._git_folders):
                continue
            git = _concerns(folder, last, self._git_folders)
            if git is None or (event.is_directory and event.event_type == "modified"):
                continue
            self._signals.note(name, folder=event.is_directory and not git, git=git)

    def close(self) -> None:
        self._observer.stop()
        self._observer.join(timeout=10)


def silent_filesystem(root: Path) -> str:
    """The type of the filesystem if it is one that gives no events for changes made elsewhere,
    else ""."""
    try:
        table = Path("/proc/self/mountinfo").read_text(errors="replace")
    except OSError:
        return ""
    best, kind = -1, ""
    for line in table.splitlines():
        fields, _, rest = line.partition(" - ")
        place = fields.split(" ")[4].encode().decode("unicode_escape")
        if root.is_relative_to(place) and len(place) >= best:
            best, kind = len(place), rest.split(" ")[0]
    return kind if kind in _SILENT else ""
