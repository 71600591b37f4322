"""What the newest commits say: churn, fixes, files that change together."""

from __future__ import annotations

import weakref
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import permutations
from typing import TYPE_CHECKING

from swe_sleep.errors import RepositoryError
from swe_sleep.notes import kinds
from swe_sleep.notes.heads import BATCH, is_complete
from swe_sleep.records import HEAD, Note, Place
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation

if TYPE_CHECKING:  # both import numpy, which takes long
    from swe_sleep.notes.past import Past
    from swe_sleep.notes.reading import Reading

WIDE = 30
"""A commit of more files than this (a reformat, an import) says nothing of any two of them."""
PARTNERS = 8
"""Files kept per file as changing together with it."""
OLDER = "older than"
"""Begins the subject of a unit that only reads on, into the past."""


class HistoryPass:
    """Reads the commits that lead to HEAD and that no earlier pass has read, newest first, a batch
    a unit. The first unit of a head counts its newest ones, too."""

    name = "history"
    version = 2
    reads = ("history",)

    def __init__(self) -> None:
        self._reading: tuple[weakref.ref[Situation], Reading] | None = None

    def plan(self, work: Situation) -> Iterator[Unit]:
        head = work.snapshot.head
        if head is None or not work.settings.sleep.history_commits:
            return
        producer, inputs = f"{self.name}@{self.version}", {HEAD: head}
        counting = schedule.HISTORY.unit(producer, "", inputs, cost_s=1.0)
        counted = bool(work.store.finished([counting.key]))
        if not counted:
            yield counting
        if is_complete(work.store, work.repository.git, head):
            return
        try:
            reading = self._read(work, head)
        except RepositoryError:
            return  # such as a missing commit; counting will meet it too, and say so
        if counted or len(reading.unread) > BATCH:
            subject = f"{OLDER} {reading.count}"
            yield schedule.HISTORY_OLDER.unit(producer, subject, inputs, cost_s=1.0)

    def _read(self, work: Situation, head: str) -> Reading:
        """The reading under way: which commits are unread is known only after a long look."""
        from swe_sleep.notes.reading import Reading

        if self._reading is None or self._reading[0]() is not work:
            self._reading = weakref.ref(work), Reading(work.store, work.repository.git, head)
        return self._reading[1]

    def run(self, unit: Unit, work: Situation) -> Made:
        from swe_sleep.notes.past import Past

        head = unit.inputs[HEAD]
        reading = self._read(work, head)
        self._reading = None  # should this be stopped, what it has read is lost
        wanted = reading.count + 1 if unit.subject else work.settings.sleep.history_commits
        artefacts: list[tuple[str, str, bytes]] = []
        while not reading.stored or (reading.unread and reading.count < wanted):
            work.budget.checkpoint()
            artefacts += reading.read()
        self._reading = weakref.ref(work), reading
        if unit.subject:
            return Made(artefacts=tuple(artefacts))
        past = Past(head, reading.batches(), complete=reading.complete)
        return Made(notes=(_counted(past, unit, work),), artefacts=tuple(artefacts))


def _counted(past: Past, unit: Unit, work: Situation) -> Note:
    """What the newest commits say."""
    churn: Counter[str] = Counter()
    fixes: Counter[str] = Counter()
    together: dict[str, Counter[str]] = defaultdict(Counter)
    count = min(len(past), work.settings.sleep.history_commits)
    ends = past.starts.tolist()
    for i in range(count):
        files = past.files[ends[i] : ends[i + 1]].tolist()
        names = dict.fromkeys(past.paths[file] for file in files)
        paths = [path for path in names if path in work.snapshot.files]
        if not paths or len(files) > WIDE:
            continue
        churn.update(paths)
        if past.fixes[i]:
            fixes.update(paths)
        for one, other in permutations(paths, 2):
            together[one][other] += 1
    data = kinds.HistoryData(
        commits=count,
        churn=dict(churn),
        fixes=dict(fixes),
        co_change={
            path: dict(others.most_common(PARTNERS))
            for path, others in together.items()
            if others.most_common(1)[0][1] > 1
        },
        newest=past.head,
    )
    return Note(
        kind=kinds.HISTORY,
        subject="",
        body=_body(data),
        producer=unit.producer,
        inputs=unit.inputs,
        data=kinds.encode(data),
        evidence=tuple(Place(path) for path, _ in fixes.most_common(10)),
    )


def _body(data: kinds.HistoryData) -> str:
    lines = [f"The newest {data.commits} commits."]
    busiest = sorted(data.churn.items(), key=lambda item: (-item[1], item[0]))[:10]
    for path, commits in busiest:
        fixed = data.fixes.get(path, 0)
        partner = max(data.co_change.get(path, {}).items(), key=lambda p: p[1], default=None)
        line = f"- `{path}`: {commits} commits, {fixed} of them fixes"
        if partner:
            line += f"; changes together with `{partner[0]}` ({partner[1]} times)"
        lines.append(line)
    return "\n".join(lines)
