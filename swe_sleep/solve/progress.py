"""How far a run's patch has come: looked at after every turn, so that no ending loses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from swe_sleep.errors import SweSleepError
from swe_sleep.records import Entry, Patch
from swe_sleep.repo.diff import diff


class Changed(Protocol):
    def changes(self) -> Mapping[str, bytes | None]: ...


class Original(Protocol):
    """The snapshot that the sandbox was opened with."""

    @property
    def id(self) -> str: ...

    @property
    def head(self) -> str | None: ...

    @property
    def files(self) -> Mapping[str, Entry]: ...

    def read(self, path: str) -> bytes: ...


class PatchSoFar:
    """The difference between a sandbox and its snapshot.

    What a file was is read when it is first seen changed and then kept: the person's work tree may
    move on while the agent works. A path that cannot be read any more is left out and named.
    """

    def __init__(self, sandbox: Changed, original: Original, *, producer: str) -> None:
        self._sandbox = sandbox
        self.original = original
        self._producer = producer
        self._before: dict[str, bytes | None] = {}
        self._after: dict[str, bytes | None] = {}
        self._now = Patch("", (), producer)
        self._green: Patch | None = None
        self.lost: set[str] = set()

    def look(self, *, green: bool) -> bool:
        """Take the present state; `green` says that the tests just passed on it. True where it
        differs from the last, or passes for the first time. Raises what the sandbox raises."""
        after = self._changes()
        changed = after != self._after
        if changed:
            self._now, self._after = self._patch(after), after
        if green and not self.is_green(self._now):
            self._green = self._now
            changed = True
        return changed

    def take_up(self, green: Patch | None) -> None:
        """Go on from an earlier part of the run, in whose last state the sandbox is; `green` is
        the state that last passed."""
        self.look(green=False)
        self._green = green

    def peek(self) -> Patch:
        """The present state, without taking it."""
        return self._patch(self._changes())

    def _changes(self) -> dict[str, bytes | None]:
        return {p: c for p, c in self._sandbox.changes().items() if self._readable(p)}

    def _patch(self, after: Mapping[str, bytes | None]) -> Patch:
        before = {path: self._before[path] for path in after}
        modes = {p: e.mode for p in after if (e := self.original.files.get(p)) is not None}
        text = diff(before, after, modes=modes)
        return Patch(text, tuple(sorted(after)) if text else (), self._producer)

    @property
    def now(self) -> Patch:
        return self._now

    def best(self, *, submitted: bool) -> Patch:
        """What was handed in; where the run ended otherwise, the last state that passed the tests,
        or else the last state."""
        if not submitted and self._green:
            return self._green
        return self._now

    def is_green(self, patch: Patch) -> bool:
        """Whether the tests passed on exactly this patch."""
        return self._green is not None and self._green.diff == patch.diff

    def _readable(self, path: str) -> bool:
        if path not in self._before:
            try:
                there = path in self.original.files
                self._before[path] = self.original.read(path) if there else None
            except SweSleepError:
                self.lost.add(path)
        return path not in self.lost
