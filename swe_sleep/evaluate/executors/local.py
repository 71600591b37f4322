"""The work of an evaluation in processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from swe_sleep.evaluate.executors.queue import Queue
from swe_sleep.evaluate.pool import A, Event, Q, Work, spread


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """Up to `jobs` processes, each of which has one request at a time."""

    jobs: int = 1

    def run(
        self, work: Work[Q, A], requests: Sequence[Q], *, stop: Callable[[], bool] = lambda: False
    ) -> Iterator[Event[Q, A]]:
        yield from spread(work, Queue(requests).take, jobs=self.jobs, stop=stop)
