"""In which order requests are worked on, and by whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Generic

from swe_sleep.evaluate.pool import Q


class Queue(Generic[Q]):
    """What is still to be done. A worker stays with its group, which is warm there; else it takes
    the one with the most left that no other is at, so that the long ones begin early. Within a
    group the order is kept, and requests without a `group` are one."""

    def __init__(self, requests: Iterable[Q]) -> None:
        self._waiting: dict[str, list[Q]] = {}
        for request in requests:
            self._waiting.setdefault(group_of(request), []).append(request)
        for waiting in self._waiting.values():
            waiting.reverse()
        self._at_work: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._waiting.values())

    def take(self, last: Q | None) -> Q | None:
        """The next request for a worker that did `last` before, or is new; None where none is
        left."""
        if last is not None:
            self.left(last)
        left = {group: len(waiting) for group, waiting in self._waiting.items() if waiting}
        if not left:
            return None
        if last is not None and group_of(last) in left:
            group = group_of(last)
        else:
            group = min(left, key=lambda name: (self._at_work[name] > 0, -left[name]))
        self._at_work[group] += 1
        return self._waiting[group].pop()

    def left(self, request: Q) -> None:
        """Nobody works on it any more."""
        self._at_work[group_of(request)] -= 1


def group_of(request: object) -> str:
    group = getattr(request, "group", "")
    return group if isinstance(group, str) else ""
