"""Several runs of the agent side by side, each in a sandbox of its own."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from swe_sleep.errors import SweSleepError
from swe_sleep.records import Patch, Proof
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve.work import Work

POLL_S = 0.05
GRACE_S = 2.0
"""For a candidate that is ended to say what it has; then its sandbox is closed under it."""
PATIENCE_S = 30.0
"""Whoever does not end in this time either is left to itself: its thread dies with us."""

NAMED = "candidate "
"""The beginning of a candidate's name, and of its thread's."""

Stop = Callable[[], bool]
NO_PATCH = Patch("", (), "agent")


class Attempt(Protocol):
    """Runs the agent once."""

    def __call__(self, number: int, sandbox: Sandbox, stop: Stop) -> Work:
        """Ends soon after `stop` is true. Raises what cannot be gone on with."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """What a strategy works with. Everything may be used from several threads at once."""

    open_sandbox: Callable[[], Sandbox]
    attempt: Attempt
    prove: Callable[[Patch, Sandbox], Proof]
    """The one verification; the sandbox is reset before and after. Raises SweSleepError."""
    stop: Stop = lambda: False
    progress: Callable[[str], None] = lambda line: None


@dataclass(slots=True)
class Candidate:
    """One run and what came of it. Without `work` it failed, and `why` says of what."""

    number: int
    work: Work | None = None
    proof: Proof | None = None
    why: str = ""

    @property
    def patch(self) -> Patch:
        return NO_PATCH if self.work is None else self.work.patch

    @property
    def proven(self) -> bool:
        """Whether a test that showed the issue passes now, and nothing broke."""
        return self.holds and self.proof is not None and bool(self.proof.before.bad)

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against the patch."""
        return bool(self.patch) and self.proof is not None and self.proof.holds

    @property
    def rank(self) -> tuple[bool, bool, bool, bool, bool, int]:
        """The less the better, by what the run itself says: the shorter diff where all is equal."""
        work = self.work
        return (
            not self.proven,
            not self.holds,
            not self.patch,
            work is None or not work.green,
            work is None or work.ending != "submitted",
            len(self.patch.diff),
        )


def best(candidates: list[Candidate]) -> Candidate:
    """The best of these by their own standing; a failed one only where all failed."""
    if not candidates:
        return Candidate(0, why="The run was stopped.")
    return min(candidates, key=lambda candidate: (candidate.rank, candidate.number))


@dataclass
class Candidates:
    """A context manager, and an iterator over the candidates as they finish. Each patch is proven
    in its candidate's thread and sandbox. Leaving it ends those that still run, with their
    sandboxes, and waits for them; what they gave is in `all` too.
    """

    means: Means
    count: int
    all: list[Candidate] = field(default_factory=list)
    """Those that finished, in their order."""

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        self._guard = threading.Lock()
        self._open: dict[int, Sandbox] = {}
        self._done: queue.SimpleQueue[Candidate | BaseException] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), name=self._name(number), daemon=True)
            for number in range(1, self.count + 1)
        ]

    def _name(self, number: int) -> str:
        return f"{NAMED}{number}" if self.count > 1 else "agent"

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def __iter__(self) -> Iterator[Candidate]:
        while len(self.all) < self.count:
            try:
                yield self._took(self._done.get(timeout=POLL_S))
            except queue.Empty:
                if self.means.stop():
                    return self.end()

    def end(self) -> None:
        """End those that still run, and wait for them. Raises a bug that one of them met."""
        self._ended.set()
        self._join(GRACE_S)
        with self._guard:
            left = list(self._open.values())
        for sandbox in left:  # a command that runs in it ends with it
            with contextlib.suppress(SweSleepError):
                sandbox.close()
        self._join(PATIENCE_S)
        while not self._done.empty():
            self._took(self._done.get())

    def _join(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def stopped(self) -> bool:
        return self._ended.is_set() or self.means.stop()

    def _took(self, done: Candidate | BaseException) -> Candidate:
        if isinstance(done, BaseException):
            raise done
        self.all.append(done)
        return done

    def _run(self, number: int) -> None:
        candidate = Candidate(number)
        try:
            self._work(candidate)
        except SweSleepError as error:
            candidate.why = str(error)
            if not self._ended.is_set():
                self.means.progress(f"given up: {error}")
        except BaseException as error:  # a bug of ours: for the thread that waits for us
            self._done.put(error)
            return
        self._done.put(candidate)

    def _work(self, candidate: Candidate) -> None:
        with self._sandbox(candidate.number) as sandbox:
            candidate.work = self.means.attempt(candidate.number, sandbox, self.stopped)
            candidate.why = candidate.work.why
            if not candidate.patch or self.stopped():
                return
            try:
                candidate.proof = self.means.prove(candidate.patch, sandbox)
            except SweSleepError as error:  # the work is kept, unproven
                candidate.why = str(error)

    @contextlib.contextmanager
    def _sandbox(self, number: int) -> Iterator[Sandbox]:
        with self.means.open_sandbox() as sandbox:
            with self._guard:
                self._open[number] = sandbox
            if self._ended.is_set():  # too late to be found by whoever ends all
                sandbox.close()
            try:
                yield sandbox
            finally:
                with self._guard:
                    self._open.pop(number, None)


def told_apart(progress: Callable[[str], None]) -> Callable[[str], None]:
    """Says who speaks, where there are several, and lets one speak at a time."""
    speaking = threading.Lock()

    def say(line: str) -> None:
        name = threading.current_thread().name
        with speaking:
            progress(f"{name}: {line}" if name.startswith(NAMED) else line)

    return say
