"""Everything that `locate` ranks with, in one piece that loads fast."""

from __future__ import annotations

from collections.abc import Iterator

from swe_sleep.index.document import DOCUMENT_VERSION
from swe_sleep.index.outline import OUTLINE_VERSION
from swe_sleep.notes.documents import Documents
from swe_sleep.records import TREE
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation


class LayoutPass:
    name = "layout"
    version = 100 * DOCUMENT_VERSION + OUTLINE_VERSION
    reads = ("outline",)

    def plan(self, work: Situation) -> Iterator[Unit]:
        if work.outlines.undocumented():
            return
        from swe_sleep.locate import kept  # it imports numpy, which takes long

        has = kept.rows(work.store)
        now = {path: work.snapshot.blob(path) for path in work.outlines.languages}
        if kept.is_worn(has, now):
            # There is one at a time: where a branch is entered again, it is to be written again.
            subject = f"after {has.written}"
            inputs = {TREE: work.snapshot.id}
            yield schedule.LAYOUT.unit(f"{self.name}@{self.version}", subject, inputs, cost_s=1.0)

    def run(self, unit: Unit, work: Situation) -> Made:
        from swe_sleep.locate import kept

        documents = Documents(work.store, work.snapshot)
        return Made(artefacts=tuple(kept.write(work.store, documents)))
