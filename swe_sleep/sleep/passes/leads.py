"""What a change took from the functions it touched: suspicions, one or two for a change set.

They are noted as suspected, and shown to nobody until a run has proved them. A lead stands until
its file changes; then, and when more is changed elsewhere, the version that it was found against
is compared again: what only moved is no lead any longer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from swe_sleep.anticipate.leads.earnings import Earnings
from swe_sleep.anticipate.leads.find import MOST_FILES, choose, find, is_source
from swe_sleep.anticipate.leads.lead import Lead
from swe_sleep.notes import kinds
from swe_sleep.records import AnticipatedIssue, Note, State
from swe_sleep.sleep import schedule
from swe_sleep.sleep.situation import Situation
from swe_sleep.sleep.units import Made, Unit
from swe_sleep.testing.discovery import is_test_path

BEFORE = "<before> "
"""Marks in a unit's inputs what a path held before."""


class LeadsPass:
    name = "leads"
    version = 1
    reads = ()

    def plan(self, work: Situation) -> Iterator[Unit]:
        changed = {path: before for path, (before, _) in work.changed().items()}
        since = {path: before for path, before in changed.items() if is_source(path)}
        for seen in work.view.all(kinds.LEADS):
            data = seen.data(kinds.LeadsData)
            gone = any(work.view.get(kinds.ISSUE, subject) is None for subject in data.found)
            if data.found and (since or gone or not seen.fresh):
                since[seen.note.subject] = data.before
        if not since or len(since) > MOST_FILES:
            return
        tests = {path: before for path, before in changed.items() if is_test_path(path)}
        inputs = {path: work.snapshot.blob(path) for path in (*since, *tests)}
        inputs |= {BEFORE + path: before for path, before in (since | tests).items()}
        subject = min(since)
        yield schedule.LEADS.unit(
            f"{self.name}@{self.version}",
            subject,
            inputs,
            cost_s=0.1 * len(since),
            paths=tuple(since),
        )

    def run(self, unit: Unit, work: Situation) -> Made:
        before = {
            path.removeprefix(BEFORE): work.contents.get(path.removeprefix(BEFORE), blob)
            for path, blob in unit.inputs.items()
            if path.startswith(BEFORE)
        }
        lost = any(before[path] is None and unit.inputs[BEFORE + path] for path in before)
        after = {
            path: work.snapshot.read(path) if path in work.snapshot.files else None
            for path in before
        }
        sources, tests = list(unit.paths), [path for path in before if path not in unit.paths]
        leads = (
            []
            if lost  # nobody has the content any more that the edit was made on
            else find(
                {path: before[path] for path in sources},
                {path: after[path] for path in sources},
                tests_before={path: before[path] for path in tests},
                tests_after={path: after[path] for path in tests},
            )
        )
        chosen = choose(leads, Earnings(work.store).active)
        notes = [note for lead in chosen if (note := _issue(work, unit, lead)) is not None]
        for path in sources:
            found = tuple(lead.subject for lead in chosen if lead.path == path)
            known = work.view.get(kinds.LEADS, path)
            if found or known is not None:
                notes.append(_leads(unit, path, found, [c for c in chosen if c.path == path]))
            for subject in known.data(kinds.LeadsData).found if known else ():
                gone = _gone(work, unit, subject) if subject not in found else None
                notes += [gone] if gone is not None else []
        return Made(tuple(notes))


def _issue(work: Situation, unit: Unit, lead: Lead) -> Note | None:
    """The note of a lead; None where one stands that may be further proven."""
    standing = work.view.get(kinds.ISSUE, lead.subject)
    if standing is not None and standing.fresh:
        return None
    issue = lead.issue()
    return Note(
        kind=kinds.ISSUE,
        subject=lead.subject,
        body=issue.title,
        producer=unit.producer,
        inputs={lead.path: unit.inputs[lead.path]},
        data=kinds.encode(issue),
        evidence=(lead.place,),
        confidence=lead.weight,
    )


def _leads(unit: Unit, path: str, found: tuple[str, ...], leads: list[Lead]) -> Note:
    lines = [f"- {lead.qualname or 'the module'}: {lead.why} ({lead.kind})" for lead in leads]
    return Note(
        kind=kinds.LEADS,
        subject=path,
        body="\n".join(lines) or "Nothing of the change is suspect.",
        producer=unit.producer,
        inputs={path: unit.inputs[path]},
        data=kinds.encode(kinds.LeadsData(unit.inputs[BEFORE + path], found)),
        evidence=tuple(lead.place for lead in leads),
    )


def _gone(work: Situation, unit: Unit, subject: str) -> Note | None:
    """A lead that the rest of the change explains is refuted, unless a run proved it."""
    standing = work.view.get(kinds.ISSUE, subject)
    if standing is None or not standing.fresh:
        return None
    issue = standing.data(AnticipatedIssue)
    if issue.state is not State.SUSPECTED:
        return None
    return dataclasses.replace(
        standing.note,
        body=f"{standing.note.body}\n\nNo longer suspected: the rest of the change explains it.",
        producer=unit.producer,
        data=kinds.encode(dataclasses.replace(issue, state=State.REFUTED)),
        created=0.0,
    )
