"""What does the work of an evaluation, and what it asks of a request.

A request is pickled to whoever works on it. If it has a `group: str`, those of one group are kept
together, as what one of them made is warm for the next. If it names files or folders of this
machine it is `Carried`, so that it can be worked on where they are not. Answers carry what they
say, never the path of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

from swe_sleep.evaluate.pool import A, Event, Q, Work


class Executor(Protocol):
    def run(
        self, work: Work[Q, A], requests: Sequence[Q], *, stop: Callable[[], bool]
    ) -> Iterator[Event[Q, A]]:
        """Every request ends in one `Done` or one `Failed`, as they come; until `stop` says so,
        or the caller leaves: then what is under way is given up, and no process is left.

        `work` is a function that another process can import. Raises UsageError where nothing can
        be worked on at all.
        """
        ...


@runtime_checkable
class Carried(Protocol):
    """A request that names files or folders of this machine. They are only read."""

    @property
    def files(self) -> tuple[Path, ...]: ...

    def moved(self, places: Mapping[Path, Path]) -> Self:
        """The same request where `files` lie elsewhere: each of them has its place."""
        ...
