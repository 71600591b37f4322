"""Candidate patches for proven issues, tested before anyone asks.

A patch that was prepared for the same issue on other content comes first: it may still apply. Then
the search looks for one.
"""

from __future__ import annotations

from collections.abc import Iterator

from swe_sleep.errors import RepositoryError
from swe_sleep.notes import kinds
from swe_sleep.records import AnticipatedIssue, Patch, State
from swe_sleep.repair.found import Budget
from swe_sleep.repair.lessons import recalled
from swe_sleep.repair.noted import search_noted
from swe_sleep.repo.diff import apply_in_memory
from swe_sleep.sleep import schedule
from swe_sleep.sleep.passes.mending import KEPT, Mending
from swe_sleep.sleep.situation import Situation
from swe_sleep.sleep.units import Made, Unit

EARLIER = 3
"""Patches of the issue on other content that are tried again."""
LONGER = ("hunt", "model")
"""Leads of longer sleep: nobody made an edit and waits."""


class SpeculatePass:
    name = "speculate"
    version = 2
    reads = ("diagnose", "prove", "reproduce", "hunt")

    def plan(self, work: Situation) -> Iterator[Unit]:
        for each in work.view.issues(State.REPRODUCED):
            if each.issue.tests or each.issue.written:
                found = each.issue.lead in LONGER
                product = schedule.PATCH_FOUND if found else schedule.PATCH
                yield product.unit(
                    f"{self.name}@{self.version}",
                    each.note.subject,
                    {**each.note.inputs, "<failing>": "\n".join(each.issue.tests)},
                    cost_s=work.settings.sleep.speculate_s / 4,
                )

    def run(self, unit: Unit, work: Situation) -> Made:
        mending = Mending.of(unit, work)
        if mending is None:
            return Made()
        if not mending.find_failing():
            return Made(usage=mending.usage, done=not work.budget.exhausted())
        _try_earlier(mending)
        if not mending.kept:
            _search(mending)
        if not mending.kept and work.budget.exhausted():
            # Nothing was found in half the time: try again.
            return Made(usage=mending.usage, done=False)
        return Made((mending.note(unit),), usage=mending.usage)


def _try_earlier(mending: Mending) -> None:
    """The patches that were prepared for the issue on other content."""
    work = mending.work
    earlier: dict[str, Patch] = {}
    for version in work.view.versions(kinds.ISSUE, mending.seen.note.subject):
        for patch in version.data(AnticipatedIssue).patches:
            earlier.setdefault(patch.diff, patch)
    for patch in list(earlier.values())[:EARLIER]:
        try:
            files = apply_in_memory(patch, work.snapshot)
        except RepositoryError:
            continue  # what it changes is not there any more
        mending.verify(patch, files)
        if mending.kept:
            mending.tried = "an earlier patch still mends it"
            return


def _search(mending: Mending) -> None:
    work = mending.work
    seconds = min(work.settings.sleep.speculate_s, max(work.budget.left_s, 1.0))
    coverage, results = mending.known
    found = search_noted(
        work.tests,
        work.snapshot,
        work.sources,
        mending.failing,
        (coverage, results),
        recent=work.evidence.old_texts(mending.failing),
        learn=lambda paths: recalled(work.store, work.repository.git, work.snapshot.head, paths),
        added=mending.added,
        budget=Budget(seconds=seconds),
        stop=work.budget.exhausted,
        progress=work.progress,
    )
    work.budget.checkpoint()
    mending.usage += found.usage
    mending.tried = found.summary
    for plausible in found.plausible:
        mending.verify(plausible.patch, plausible.files)
        if len(mending.kept) == KEPT:
            break
