"""The queue between git's hooks and the passes, and who is at work on it.

A hook (`hook.sh`, its other half) appends a line to `queue` in the state folder and looks whether
somebody will take it. Only if nobody is at work does it start a pass, so that a rebase of five
hundred commits starts one.

    queue        TIME HOOK ROOT, one line an event; appended to by hooks only
    queue.taken  what a pass has taken and not finished; left behind by one that was killed
    pass.pid     PID TICKS of the pass that empties the queue: the marker
    watch.pid    PID TICKS ROOT of every watcher, one a line

TICKS is when the process started, in clock ticks since boot, from /proc, and `-` where there is
none: a pid alone may be another process by now. Whoever finds a marker whose process is gone takes
it over, by renaming it away first, so that of several only one does.

No event is lost: a hook appends first and looks for the marker then; a pass gives up the marker
first and looks at the queue once more then.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from swe_sleep.errors import RepositoryError

QUEUE = "queue"
TAKEN = "queue.taken"
PASS_PID = "pass.pid"
WATCH_PID = "watch.pid"

_UNWRITTEN_S = 1.0  # a marker is made and then written; an empty one is that young, or stale
_OLDEST_S = 86_400.0  # where TICKS is unknown, a marker older than this is not believed


@dataclass(frozen=True, slots=True)
class Queued:
    """One event. `hook` is "" and `root` None for a line that a crash or a full disk tore."""

    time: float
    hook: str
    root: Path | None


def pending(state_dir: Path) -> list[Queued]:
    """What waits, oldest first; what a pass at work has taken is not among it."""
    names = (QUEUE,) if running(state_dir) else (TAKEN, QUEUE)
    return [each for name in names for each in _parse(state_dir / name)]


def take(state_dir: Path) -> list[Queued]:
    """Empty the queue and give what was in it: for the watcher, which reconciles by content and
    so need not know more than that something happened. Raises RepositoryError."""
    private = state_dir / f"queue.{os.getpid()}"
    with _translated(state_dir):
        try:
            (state_dir / QUEUE).rename(private)
        except FileNotFoundError:
            return []
        taken = _parse(private)
        private.unlink()
    return taken


def roots(batch: Iterable[Queued], fallback: Path) -> list[Path]:
    """The work trees that events came from, the latest event's first; `fallback` for an event of
    which that is not known, or whose work tree is gone."""
    found = {}
    for each in reversed(list(batch)):
        known = each.root is not None and (each.root / ".git").exists()
        found[each.root if each.root is not None and known else fallback] = True
    return list(found)


@contextlib.contextmanager
def taking(
    state_dir: Path, *, settle: Callable[[], object] = lambda: None
) -> Iterator[Iterator[list[Queued]]]:
    """Be the pass that empties the queue.

        with queue.taking(repository.state_dir) as batches:
            for batch in batches:
                for root in queue.roots(batch, repository.root):
                    ...  # a pass on that work tree

    Batches come until the queue stays empty. There is none where another pass is at work already:
    it will take what is there. `settle` is called when events wait and before they are taken: the
    place to wait for the end of a rebase. A batch counts as done when the next one is asked for;
    what a killed or failed pass had taken comes again in the next pass's first batch.

    Raises RepositoryError where the state folder cannot be written to.
    """
    mine = _hand_over(state_dir)
    batches = _batches(state_dir, settle, mine)
    try:
        yield batches
    finally:
        batches.close()
        _release(state_dir)


def running(state_dir: Path) -> int | None:
    """The pid of the pass that empties the queue."""
    process = _marker(state_dir)
    return process.pid if process and process.alive() else None


def watcher(state_dir: Path, root: Path) -> int | None:
    """The pid of a watcher of the work tree at `root`."""
    for process, watched in _watchers(state_dir):
        if watched in (b"", os.fsencode(root)) and process.alive():
            return process.pid
    return None


@contextlib.contextmanager
def watching(state_dir: Path, root: Path) -> Iterator[None]:
    """Be the watcher of the work tree at `root`: meanwhile its hooks start no passes. Raises
    RepositoryError."""
    me = _Process.this()
    _change_watchers(state_dir, add=(me, os.fsencode(root.resolve())))
    try:
        yield
    finally:
        with contextlib.suppress(RepositoryError):
            _change_watchers(state_dir, remove=me)


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    ticks: bytes
    marked: float | None = None
    """When it wrote its marker; None where that does not matter."""

    @classmethod
    def this(cls) -> _Process:
        return cls(os.getpid(), _ticks(os.getpid()) or b"-")

    @classmethod
    def parse(cls, words: list[bytes], marked: float | None = None) -> _Process | None:
        if not words or not words[0].isdigit() or not 0 < int(words[0]) < 1 << 31:
            return None
        return cls(int(words[0]), words[1] if len(words) > 1 else b"-", marked)

    def alive(self) -> bool:
        ticks = _ticks(self.pid)
        if ticks is not None:
            return bool(ticks) and self.ticks in (b"-", ticks)
        if Path("/proc/self").exists():
            return False
        if self.marked is not None and time.time() - self.marked > _OLDEST_S:
            return False
        try:
            os.kill(self.pid, 0)
        except PermissionError:
            return True
        except OSError:
            return False
        return True

    def __bytes__(self) -> bytes:
        return b"%d %s" % (self.pid, self.ticks)


def _ticks(pid: int) -> bytes | None:
    """When a process started; b"" of one that has ended but is not buried, None if unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name, in brackets, may hold anything.
    fields = stat.rpartition(b") ")[2].split()
    if len(fields) < 20:
        return None
    return b"" if fields[0] in (b"Z", b"X") else fields[19]


def _parse(file: Path) -> list[Queued]:
    try:
        content = file.read_bytes()
        written = file.stat().st_mtime
    except OSError:
        return []
    events = []
    for line in content.split(b"\n"):
        moment, _, rest = line.partition(b" ")
        hook, _, root = rest.partition(b" ")
        if moment.isdigit() and len(moment) < 16 and hook and root.startswith(b"/"):
            name = hook.decode("ascii", "replace")
            events.append(Queued(float(moment), name, Path(os.fsdecode(root))))
        elif line:
            events.append(Queued(written, "", None))
    return events


def _marker(state_dir: Path, name: str = PASS_PID) -> _Process | None:
    file = state_dir / name
    try:
        return _Process.parse(file.read_bytes().split(), file.stat().st_mtime)
    except OSError:
        return None


def _hand_over(state_dir: Path) -> bool:
    """Whether the shell that a hook started took the marker, and became this process."""
    if not _is_mine(state_dir):
        return False
    # A shell ignores these for what it starts in the background. The tests that a pass runs
    # would inherit that.
    with contextlib.suppress(ValueError):  # not in the main thread
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
            signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    return True


def _is_mine(state_dir: Path) -> bool:
    process, me = _marker(state_dir), _Process.this()
    return process is not None and (process.pid, process.ticks) == (me.pid, me.ticks)


def _release(state_dir: Path) -> None:
    if _is_mine(state_dir):
        with contextlib.suppress(OSError):
            (state_dir / PASS_PID).unlink()


def _mark(state_dir: Path) -> bool:
    """Take the marker. False if another has it."""
    marker = state_dir / PASS_PID
    for _ in range(3):
        try:
            file = marker.open("xb", buffering=0)
        except FileExistsError:
            if not _clear_away(state_dir):
                return False
            continue
        with file:
            try:
                file.write(bytes(_Process.this()) + b"\n")
            except OSError:
                marker.unlink()
                raise
        return True
    return False


def _clear_away(state_dir: Path) -> bool:
    """Remove a marker that nobody holds. False if somebody does."""
    marker, aside = state_dir / PASS_PID, state_dir / f"pass.{os.getpid()}"
    deadline = time.monotonic() + _UNWRITTEN_S
    while marker.exists() and _marker(state_dir) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    if running(state_dir):
        return False
    try:
        marker.rename(aside)
    except FileNotFoundError:
        return True
    moved = _marker(state_dir, aside.name)
    free = moved is None or not moved.alive()
    if not free:  # another was faster, and this is its marker
        with contextlib.suppress(OSError):
            marker.hardlink_to(aside)
    aside.unlink()
    return free


def _batches(
    state_dir: Path, settle: Callable[[], object], mine: bool
) -> Generator[list[Queued], None, None]:
    with _translated(state_dir):
        mine = mine or _mark(state_dir)
    while mine:
        try:
            yield from _drain(state_dir, settle)
        finally:
            _release(state_dir)
        # A hook that saw the marker until now has left its line to us.
        with _translated(state_dir):
            mine = bool(pending(state_dir)) and _mark(state_dir)


def _drain(state_dir: Path, settle: Callable[[], object]) -> Iterator[list[Queued]]:
    waiting, taken = state_dir / QUEUE, state_dir / TAKEN
    while waiting.exists() or taken.exists():
        if waiting.exists():
            settle()
        with _translated(state_dir), contextlib.suppress(FileNotFoundError):
            if not taken.exists():
                waiting.rename(taken)
        done = 0
        # A hook may have opened the file before it was renamed, and write to it afterwards.
        while len(events := _parse(taken)) > done:
            yield events[done:]
            done = len(events)
        with _translated(state_dir):
            taken.unlink(missing_ok=True)


def _watchers(state_dir: Path) -> list[tuple[_Process, bytes]]:
    try:
        lines = (state_dir / WATCH_PID).read_bytes().split(b"\n")
    except OSError:
        return []
    found = []
    for line in lines:
        words = line.split(b" ", 2)
        if process := _Process.parse(words):
            found.append((process, words[2] if len(words) > 2 else b""))
    return found


def _change_watchers(
    state_dir: Path, *, add: tuple[_Process, bytes] | None = None, remove: _Process | None = None
) -> None:
    with _translated(state_dir), locked(state_dir):
        kept = [(p, root) for p, root in _watchers(state_dir) if p != remove and p.alive()]
        if add is not None:
            kept = [each for each in kept if each != add] + [add]
        file = state_dir / WATCH_PID
        if not kept:
            file.unlink(missing_ok=True)
            return
        new = state_dir / f"{WATCH_PID}.{os.getpid()}"
        new.write_bytes(b"".join(b"%s %s\n" % (bytes(p), root) for p, root in kept))
        new.replace(file)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone, among those that ask; without a file of its own."""
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _translated(state_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RepositoryError(f"{state_dir} cannot be written to: {error.strerror}.") from error
