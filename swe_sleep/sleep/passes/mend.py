"""Patches by a model, for proven issues that the search could not mend; verified like any other."""

from __future__ import annotations

from collections.abc import Iterator

from swe_sleep.anticipate.asking import Unfit, patch_for
from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import Patch, State
from swe_sleep.repo.diff import diff
from swe_sleep.repo.snapshot import REGULAR
from swe_sleep.sleep import schedule
from swe_sleep.sleep.passes import material
from swe_sleep.sleep.passes.mending import Mending
from swe_sleep.sleep.passes.speculate import LONGER
from swe_sleep.sleep.situation import Situation
from swe_sleep.sleep.units import Made, Unit

MOST_FILES = 4
"""Files of which the model is shown the suspicious parts."""
TOKENS = 16_000
"""What it takes at most, as a guess for the plan; the desk holds the limits."""


class MendPass:
    name = "mend"
    version = 1
    reads = ("speculate",)

    def plan(self, work: Situation) -> Iterator[Unit]:
        if work.desk is None:
            return
        for each in work.view.issues(State.REPRODUCED):
            if each.note.producer.startswith("speculate@") and _places(each, work):
                yield schedule.MODEL_PATCH.unit(
                    f"{self.name}@{self.version}",
                    each.note.subject,
                    {**each.note.inputs, "<failing>": "\n".join(each.issue.tests)},
                    cost_s=30.0,
                    tokens=TOKENS,
                )

    def run(self, unit: Unit, work: Situation) -> Made:
        mending = Mending.of(unit, work)
        if mending is None or work.desk is None or not mending.find_failing():
            return Made()
        issue = mending.seen.issue
        paths = _places(mending.seen, work)
        before = {path: work.snapshot.read(path) for path in paths}
        first = mending.failing[0].result
        waits = issue.lead not in LONGER  # who made the edit
        try:
            after = patch_for(
                issue,
                before,
                material.asking(work, f"{self.name} {unit.subject}", urgent=waits),
                fence=material.fence_of(work.store),
                shown=first.detail or first.message,
                request=material.template(work, self.name),
            )
        except Unfit as error:
            mending.tried = f"the search in vain, and {error}"
            return Made((mending.note(unit),), usage=mending.usage)
        modes = {p: work.snapshot.files[p].mode for p in after}
        text = diff(
            {path: before[path] for path in after},
            after,
            modes={p: mode for p, mode in modes.items() if mode != REGULAR},
        )
        patch = Patch(text, tuple(sorted(after)), unit.producer, "made by Claude at sleep time")
        mending.verify(patch, after)
        held = "holds" if mending.kept else "does not pass the tests"
        mending.tried = f"the search in vain, and Claude, whose patch {held}"
        return Made((mending.note(unit),), usage=mending.usage)


def _places(seen: SeenIssue, work: Situation) -> list[str]:
    """The files that a mend is likely to change, the most suspicious first."""
    places = [*(s.place for s in seen.issue.suspicions), *seen.issue.cause]
    paths = dict.fromkeys(place.path for place in places if place.path in work.snapshot.files)
    languages = work.outlines.languages
    return [path for path in paths if languages.get(path) == "python"][:MOST_FILES]
