"""What a change puts at risk: the symbols it changed, and the calls that no longer fit them."""

from __future__ import annotations

from collections.abc import Iterator

from swe_sleep.anticipate.leads import uses
from swe_sleep.anticipate.leads.earnings import Earnings
from swe_sleep.anticipate.leads.lead import Lead
from swe_sleep.index.compare import SymbolChange, compare
from swe_sleep.index.outline import Outline
from swe_sleep.notes import kinds
from swe_sleep.records import Note, Place
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation

MOST_CHANGED = 40
"""Files of a change set beyond which nothing is noted as an issue: a checkout, not an edit."""


class ImpactPass:
    name = "impact"
    version = 3
    reads = ("outline",)

    def plan(self, work: Situation) -> Iterator[Unit]:
        if work.outlines.missing():
            return
        since = {path: before for path, (before, _) in work.changed().items()}
        callers: dict[str, set[str]] = {}
        for seen in work.view.all(kinds.IMPACT):
            data = seen.data(kinds.ImpactData)
            if data.at_risk and not seen.fresh:  # what did not fit may not fit still
                since[seen.note.subject] = data.before
                callers[seen.note.subject] = {place.path for place in data.at_risk}
        for path, before in sorted(since.items()):
            now = work.snapshot.blob(path)
            if before and (path in work.outlines.languages or not now):
                inputs = {file: work.snapshot.blob(file) for file in callers.get(path, ())}
                inputs |= {path: now, "<before>": before}
                yield schedule.LEADS.unit(f"{self.name}@{self.version}", path, inputs, cost_s=0.1)

    def run(self, unit: Unit, work: Situation) -> Made:
        path, before = unit.subject, unit.inputs["<before>"]
        old = self._old(work, path, before)
        if old is None:
            return Made()
        new = work.outlines.get(path)
        changes = compare(old, new)
        leads: list[Lead] = []
        if uses.may_break(changes):
            read, files = work.snapshot.read, work.snapshot.files
            leads = uses.find(work.outlines.graph(), path, old, new, read, files)
        if not changes and not leads and work.view.get(kinds.IMPACT, path) is None:
            return Made()
        data = kinds.ImpactData(
            before=before,
            changed=tuple(_say(change) for change in changes),
            at_risk=tuple(place for lead in leads for place in _shown(lead)),
        )
        note = Note(
            kind=kinds.IMPACT,
            subject=path,
            body=_body(data, leads),
            producer=unit.producer,
            inputs=_inputs(work, unit, leads),
            data=kinds.encode(data),
            evidence=(*data.at_risk, *_places(path, changes))[:10],
        )
        chosen = uses.choose(leads, Earnings(work.store).active, whole=new is None)
        if len(work.changed()) > MOST_CHANGED:
            chosen = []
        return Made((note, *(self._issue(work, unit, lead) for lead in chosen)))

    @staticmethod
    def _old(work: Situation, path: str, blob: str) -> Outline | None:
        known = work.outlines.of_blob(path, blob)
        if known is not None:
            return known
        content = work.contents.get(path, blob)
        return work.outlines.of_content(path, content) if content is not None else None

    @staticmethod
    def _issue(work: Situation, unit: Unit, lead: Lead) -> Note:
        """What no longer fits is an issue waiting to be reported; only a run can prove it."""
        issue = lead.issue()
        return Note(
            kind=kinds.ISSUE,
            subject=lead.subject,
            body=issue.title,
            producer=unit.producer,
            inputs=_inputs(work, unit, [lead]),
            data=kinds.encode(issue),
            evidence=_shown(lead)[:10],
            confidence=lead.weight,
        )


def _shown(lead: Lead) -> tuple[Place, ...]:
    return (lead.place, *(suspicion.place for suspicion in lead.more))


def _inputs(work: Situation, unit: Unit, leads: list[Lead]) -> dict[str, str]:
    places = {place.path for lead in leads for place in _shown(lead)}
    return {path: work.snapshot.blob(path) for path in sorted({unit.subject, *places})}


def _say(change: SymbolChange) -> str:
    what = str(change.signature) if change.signature else ""
    more = [
        name for name in ("bases", "decorators", "kind", "body") if getattr(change, name, False)
    ]
    details = ", ".join(filter(None, (what, *(f"{name} changed" for name in more))))
    said = f"{change.qualname} {change.what}"
    return f"{said}: {details}" if details and change.what == "changed" else said


def _places(path: str, changes: tuple[SymbolChange, ...]) -> list[Place]:
    return [Place(path, change.new.line, change.new.end_line) for change in changes if change.new]


def _body(data: kinds.ImpactData, leads: list[Lead]) -> str:
    lines = [f"- {said}" for said in data.changed[:20]]
    lines += [f"- `{lead.place}`: {lead.why}" for lead in leads]
    return "\n".join(lines) or "Nothing that others use changed."
