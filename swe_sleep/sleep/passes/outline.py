"""Outlines and documents of the files that have none yet, changed files first."""

from __future__ import annotations

from collections.abc import Iterator

from swe_sleep.index.document import DOCUMENT_VERSION
from swe_sleep.index.outline import OUTLINE_VERSION
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation

BATCH = 100
"""Files per unit: what a kill can lose, against the cost of a transaction."""


class OutlinePass:
    name = "outline"
    version = 100 * DOCUMENT_VERSION + OUTLINE_VERSION
    reads = ()

    def __init__(self, *, documents: bool = True) -> None:
        """Without documents, nothing is made for retrieval."""
        self._documents = documents

    def plan(self, work: Situation) -> Iterator[Unit]:
        changed = work.changed()
        unread = set(work.outlines.missing())
        if self._documents:
            unread.update(work.outlines.undocumented())
        missing = sorted(unread, key=lambda path: (path not in changed, path))
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            inputs = {path: work.snapshot.blob(path) for path in batch}
            yield schedule.OUTLINE.unit(
                f"{self.name}@{self.version}", batch[0], inputs, cost_s=0.01 * len(batch)
            )

    def run(self, unit: Unit, work: Situation) -> Made:
        made = work.outlines.make(unit.inputs, work.workers, documents=self._documents)
        return Made(artefacts=tuple(made))
