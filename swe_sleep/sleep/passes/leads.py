"""What a change took from the functions it touched: suspicions, one or two for a change set.

They are noted as suspected, and shown to nobody until a run has proved them. What is not committed
yet is one change set with what is edited next, and is compared as a whole again: its leads may go
because the rest of it explains them. A lead of an earlier commit keeps its weight. It stands, as
long as what was lost is missing: its file, when that is changed, and the files that are changed
now are compared with the version before it, and what was put back or only moved is no lead.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from swe_sleep.anticipate.leads.earnings import Earnings
from swe_sleep.anticipate.leads.find import MOST_FILES, choose, find, is_source, standing
from swe_sleep.anticipate.leads.lead import Lead
from swe_sleep.notes import kinds
from swe_sleep.notes.view import Seen
from swe_sleep.records import AnticipatedIssue, Note, State
from swe_sleep.sleep import schedule
from swe_sleep.sleep.situation import Situation
from swe_sleep.sleep.units import Made, Unit
from swe_sleep.testing.discovery import is_test_path

BEFORE = "<before> "
"""Marks in a unit's inputs what a path held before."""
EARLIER = "<earlier> "
"""Marks what a path held before a lead of an earlier change set."""


class LeadsPass:
    name = "leads"
    version = 1
    reads = ()

    def plan(self, work: Situation) -> Iterator[Unit]:
        changed = {path: before for path, (before, _) in work.changed().items()}
        since = {path: before for path, before in changed.items() if is_source(path)}
        noted = {seen.note.subject: seen for seen in work.view.all(kinds.LEADS)}
        found = {path: data for path, seen in noted.items() if (data := _found(seen)).found}
        due = since.keys() | {path for path, data in found.items() if _is_due(work, noted[path])}
        if not due or len(since) > MOST_FILES:
            return
        committed = work.committed
        open_ = {p: data.before for p, data in found.items() if committed.get(p) == data.before}
        if len(since | open_) <= MOST_FILES:
            since |= open_
        earlier = {p: data.before for p, data in found.items() if since.get(p) != data.before}
        # Those that were changed first: the others' places are right still.
        order = sorted(earlier, key=lambda path: (path not in due, path))
        earlier = {path: earlier[path] for path in order[:MOST_FILES]}
        tests = {path: before for path, before in changed.items() if is_test_path(path)}
        inputs = {path: work.snapshot.blob(path) for path in (*since, *earlier, *tests)}
        inputs |= {BEFORE + path: before for path, before in (since | tests).items()}
        inputs |= {EARLIER + path: before for path, before in earlier.items()}
        yield schedule.LEADS.unit(
            f"{self.name}@{self.version}",
            min(since | earlier),
            inputs,
            cost_s=0.1 * len(since | earlier),
            paths=tuple(since),
        )

    def run(self, unit: Unit, work: Situation) -> Made:
        before, earlier = _contents(unit, work, BEFORE), _contents(unit, work, EARLIER)
        after = {
            path: work.snapshot.read(path) if path in work.snapshot.files else None
            for path in (*before, *earlier)
        }
        sources, tests = list(unit.paths), [path for path in before if path not in unit.paths]
        leads = (
            []
            if _lost(before, unit, BEFORE)  # nobody has what the edit was made on any more
            else find(
                {path: before[path] for path in sources},
                {path: after[path] for path in sources},
                tests_before={path: before[path] for path in tests},
                tests_after={path: after[path] for path in tests},
            )
        )
        chosen = choose(leads, Earnings(work.store).active)
        subjects = {lead.subject for lead in chosen}
        still = (
            {}
            if _lost(earlier, unit, EARLIER)
            else standing(
                {path: before[path] for path in sources} | earlier,
                {path: after[path] for path in (*sources, *earlier)},
            )
        )
        notes = [note for lead in chosen if (note := _issue(work, unit, lead)) is not None]
        for path in dict.fromkeys((*sources, *earlier)):
            known = work.view.get(kinds.LEADS, path)
            mine = [lead for lead in chosen if lead.path == path]
            for subject in _found(known).found if known is not None else ():
                if subject in subjects:
                    continue
                lead = still.get(subject) if path in earlier else None
                kept = _kept(work, unit, lead) if lead is not None else None
                if kept is not None:
                    mine.append(kept)
                    note = _issue(work, unit, kept)
                else:
                    note = _gone(work, unit, subject)
                notes += [note] if note is not None else []
            if mine or known is not None:
                data = kinds.LeadsData(
                    unit.inputs.get(EARLIER + path) or unit.inputs[BEFORE + path],
                    tuple(lead.subject for lead in mine),
                )
                notes.append(_leads(unit, path, data, mine))
        return Made(tuple(notes))


def _found(seen: Seen) -> kinds.LeadsData:
    return seen.data(kinds.LeadsData)


def _is_due(work: Situation, seen: Seen) -> bool:
    """Whether something happened to the leads of a file that nobody looked at."""
    gone = any(work.view.get(kinds.ISSUE, subject) is None for subject in _found(seen).found)
    return gone or not seen.fresh


def _contents(unit: Unit, work: Situation, mark: str) -> dict[str, bytes | None]:
    return {
        path.removeprefix(mark): work.contents.get(path.removeprefix(mark), blob)
        for path, blob in unit.inputs.items()
        if path.startswith(mark)
    }


def _lost(contents: Mapping[str, bytes | None], unit: Unit, mark: str) -> bool:
    return any(contents[path] is None and unit.inputs[mark + path] for path in contents)


def _kept(work: Situation, unit: Unit, lead: Lead) -> Lead | None:
    """A lead of an earlier change set as it is now; None where a run has refuted it."""
    known = work.view.get(kinds.ISSUE, lead.subject)
    if known is None or known.data(AnticipatedIssue).state is State.REFUTED:
        return None
    return dataclasses.replace(lead, weight=known.note.confidence)


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


def _leads(unit: Unit, path: str, data: kinds.LeadsData, leads: list[Lead]) -> Note:
    lines = [f"- {lead.qualname or 'the module'}: {lead.why} ({lead.kind})" for lead in leads]
    return Note(
        kind=kinds.LEADS,
        subject=path,
        body="\n".join(lines) or "Nothing of the change is suspect.",
        producer=unit.producer,
        inputs={path: unit.inputs[path]},
        data=kinds.encode(data),
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
