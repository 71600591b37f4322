"""What a change puts at risk: the symbols it changed, and the calls that no longer fit them."""

from __future__ import annotations

from collections.abc import Iterator

from swe_sleep.anticipate.leads.earnings import Earnings
from swe_sleep.anticipate.leads.lead import Lead
from swe_sleep.anticipate.leads.uses import broken as leads_of
from swe_sleep.anticipate.leads.uses import exported, named, overrides, texts
from swe_sleep.index.breakage import BrokenCall, broken_calls
from swe_sleep.index.compare import SymbolChange, compare
from swe_sleep.index.outline import Outline
from swe_sleep.notes import kinds
from swe_sleep.records import Note, Place
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation

CERTAIN = 1.0
"""Only calls that can mean nothing else are said not to fit; a guess would be noise."""
MOST_LEADS = 2
"""Issues noted for one changed file: who breaks everything at once knows."""


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
        if any(map(_may_break, changes)):
            leads = self._leads(work, path, old, new, changes)
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
        active = Earnings(work.store).active
        most = MOST_LEADS if new is not None else 1  # the whole file is gone: that is one thing
        chosen = [lead for lead in leads if active(lead.kind)][:most]
        return Made((note, *(self._issue(work, unit, lead) for lead in chosen)))

    @staticmethod
    def _old(work: Situation, path: str, blob: str) -> Outline | None:
        known = work.outlines.of_blob(path, blob)
        if known is not None:
            return known
        content = work.contents.get(path, blob)
        return work.outlines.of_content(path, content) if content is not None else None

    @staticmethod
    def _broken(work: Situation, path: str, old: Outline, new: Outline | None) -> list[BrokenCall]:
        graph = work.outlines.graph()
        graph.replace(path, old)  # who called what is gone is told by the graph before the change
        try:
            calls = broken_calls(graph, path, old, new, work.snapshot.read)
            return [call for call in calls if call.weight >= CERTAIN]
        finally:
            graph.replace(path, new)

    def _leads(
        self,
        work: Situation,
        path: str,
        old: Outline,
        new: Outline | None,
        changes: tuple[SymbolChange, ...],
    ) -> list[Lead]:
        """One for each symbol and kind, the surest first."""
        found = leads_of(path, self._broken(work, path, old, new))
        graph = work.outlines.graph()
        gone = [change.old for change in changes if change.what == "removed" and change.old]
        if new is not None and new.language == "python":
            found += overrides(graph, path, new, changes)
            found += exported(path, old, new)
        if gone and path.endswith(".py"):
            module = graph.module_name(path) or path[:-3].removeprefix("src/").replace("/", ".")
            found += named(path, module, gone, texts(work.snapshot.files, work.snapshot.read))
        best: dict[str, Lead] = {}
        for lead in found:
            if lead.subject not in best:
                best[lead.subject] = lead
        return sorted(best.values(), key=lambda lead: -lead.weight)

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


def _may_break(change: SymbolChange) -> bool:
    return change.what in ("removed", "renamed") or (
        change.signature is not None and change.signature.may_break_calls
    )


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
