"""What a change puts at risk: the symbols it changed, and the calls that no longer fit them."""

from __future__ import annotations

from collections.abc import Iterator

from swe_sleep.index.breakage import BrokenCall, broken_calls
from swe_sleep.index.compare import SymbolChange, compare
from swe_sleep.index.outline import Outline
from swe_sleep.notes import kinds
from swe_sleep.records import AnticipatedIssue, Note, Place, State, Suspicion
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation

CERTAIN = 1.0
"""Only calls that can mean nothing else are said not to fit; a guess would be noise."""


class ImpactPass:
    name = "impact"
    version = 2
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
        broken = self._broken(work, path, old, new) if any(map(_may_break, changes)) else []
        if not changes and not broken and work.view.get(kinds.IMPACT, path) is None:
            return Made()
        data = kinds.ImpactData(
            before=before,
            changed=tuple(_say(change) for change in changes),
            at_risk=tuple(call.place for call in broken),
        )
        inputs = {path: unit.inputs[path]} | {
            call.place.path: work.snapshot.blob(call.place.path) for call in broken
        }
        note = Note(
            kind=kinds.IMPACT,
            subject=path,
            body=_body(data, broken),
            producer=unit.producer,
            inputs=inputs,
            data=kinds.encode(data),
            evidence=(*data.at_risk, *_places(path, changes))[:10],
        )
        suspected = [self._suspicion(unit, path, inputs, broken)] if broken else []
        return Made((note, *suspected))

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

    @staticmethod
    def _suspicion(unit: Unit, path: str, inputs: dict[str, str], broken: list[BrokenCall]) -> Note:
        """Calls that do not fit are an issue waiting to be reported; only a run can prove it."""
        first = broken[0]
        title = f"{first.place} calls {first.qualname} in a way that no longer fits: {first.why}"
        issue = AnticipatedIssue(
            title=title,
            state=State.SUSPECTED,
            symptom=first.why,
            suspicions=tuple(
                Suspicion(call.place, call.weight, f"{call.qualname}: {call.why}")
                for call in broken
            ),
        )
        return Note(
            kind=kinds.ISSUE,
            subject=path,
            body=title,
            producer=unit.producer,
            inputs=inputs,
            data=kinds.encode(issue),
            evidence=tuple(call.place for call in broken)[:10],
            confidence=0.5,
        )


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


def _body(data: kinds.ImpactData, broken: list[BrokenCall]) -> str:
    lines = [f"- {said}" for said in data.changed[:20]]
    lines += [
        f"- `{call.place}` calls {call.qualname} and no longer fits: {call.why}" for call in broken
    ]
    return "\n".join(lines) or "Nothing that others use changed."
