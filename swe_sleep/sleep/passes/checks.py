"""What a linter and a type checker newly find after a change: leads for the proof, never shown.

A finding stands until its file changes, and is then looked for again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from swe_sleep.anticipate.leads import checkers, findings
from swe_sleep.anticipate.leads.checkers import Finding
from swe_sleep.anticipate.leads.earnings import Earnings
from swe_sleep.anticipate.leads.find import MOST_FILES, is_source
from swe_sleep.anticipate.leads.lead import Lead
from swe_sleep.notes import kinds
from swe_sleep.records import AnticipatedIssue, Note, State
from swe_sleep.sleep import schedule
from swe_sleep.sleep.situation import Situation
from swe_sleep.sleep.units import Made, Unit

BEFORE = "<before> "
"""Marks in a unit's inputs what a path held before."""
MOST_IMPORTERS = 20
"""Files that are checked with a changed one, as they import it."""
MOST_SEEN = 800
"""Files that the type checker sees, the nearest by imports."""
SECONDS = 60.0
"""For one run of a tool, at most."""


class ChecksPass:
    name = "checks"
    version = 1
    reads = ("outline",)

    def plan(self, work: Situation) -> Iterator[Unit]:
        if not any(map(checkers.program, checkers.TOOLS)) or work.outlines.missing():
            return
        since = {
            path: before
            for path, (before, now) in work.changed().items()
            if before and now and is_source(path)
        }
        if len(since) > MOST_FILES:
            return
        again = {path for path in _standing(work) if work.snapshot.blob(path)}
        if not since and not again:
            return
        inputs = {path: work.snapshot.blob(path) for path in since.keys() | again}
        inputs |= {BEFORE + path: before for path, before in since.items()}
        yield schedule.CHECKS.unit(
            f"{self.name}@{self.version}",
            min(inputs),
            inputs,
            cost_s=1.0 + 0.3 * len(since),
            paths=tuple(sorted(since.keys() | again)),
        )

    def run(self, unit: Unit, work: Situation) -> Made:
        new = {path: work.snapshot.read(path) for path in unit.paths}
        old = dict(new)
        for path in unit.paths:
            if BEFORE + path in unit.inputs:
                before = work.contents.get(path, unit.inputs[BEFORE + path])
                if before is not None:
                    old[path] = before
        found = _ruff(work, old, new)
        found = [*found, *_ty(work, old, new)]
        standing = _standing(work)
        was, now = [pair[0] for pair in found], [pair[1] for pair in found]
        before_all = [each for part in was for each in part]
        after_all = [each for part in now for each in part]
        fresh = checkers.fresh(before_all, after_all)
        kept = [
            each
            for each in after_all
            if each not in fresh and findings.subject(each) in standing.get(each.path, ())
        ]
        active = Earnings(work.store).active
        leads = findings.leads(fresh, active) + findings.leads(kept, active)
        notes = [_issue(work, unit, lead) for lead in leads]
        return Made(tuple(note for note in notes if note is not None))


def _standing(work: Situation) -> Mapping[str, set[str]]:
    """The subjects of what was found before in content that is no longer there, by path."""
    found: dict[str, set[str]] = {}
    for seen in work.view.issues(State.SUSPECTED, stale=True):
        if not seen.fresh and seen.note.producer.startswith("checks@"):
            for suspicion in seen.issue.suspicions[:1]:
                found.setdefault(suspicion.place.path, set()).add(seen.note.subject)
    return found


Pair = tuple[Sequence[Finding], Sequence[Finding]]


def _ruff(work: Situation, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[Pair]:
    changed = {path for path in new if old[path] != new[path]}
    if checkers.program("ruff") is None:
        return []
    seconds = _seconds(work)
    before = checkers.ruff(
        {path: old[path] for path in changed}, timeout_s=seconds, say=work.progress
    )
    work.budget.checkpoint()
    after = checkers.ruff(new, timeout_s=seconds, say=work.progress)
    unchanged = [each for each in after if each.path not in changed]
    return [([*before, *unchanged], after)]


def _ty(work: Situation, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[Pair]:
    if checkers.program("ty") is None:
        return []
    graph = work.outlines.graph()
    importers = sorted({user for path in new for user in graph.importers_of(path)} - new.keys())
    checked = [*new, *(user for user in importers if is_source(user))][: len(new) + MOST_IMPORTERS]
    seen: dict[str, None] = dict.fromkeys(checked)
    waiting = list(checked)
    while waiting and len(seen) < MOST_SEEN:
        for path in graph.imports_of(waiting.pop(0)):
            if path not in seen and path.endswith((".py", ".pyi")):
                seen[path] = None
                waiting.append(path)
    roots = sorted({_root(path, graph.module_name(path)) for path in seen})[:10]
    files = {path: new.get(path) or work.snapshot.read(path) for path in seen}
    seconds = _seconds(work)
    after = checkers.ty(files, checked, roots=roots, timeout_s=seconds, say=work.progress)
    work.budget.checkpoint()
    if not after:
        return []
    files |= old
    before = checkers.ty(files, checked, roots=roots, timeout_s=seconds, say=work.progress)
    return [(before, after)]


def _root(path: str, module: str) -> str:
    """The folder that a module is imported from."""
    stem = path.removesuffix(".py").removesuffix("/__init__")
    end = module.replace(".", "/")
    return stem.removesuffix(end).strip("/") if module and stem.endswith(end) else ""


def _seconds(work: Situation) -> float:
    return max(1.0, min(SECONDS, work.budget.left_s))


def _issue(work: Situation, unit: Unit, lead: Lead) -> Note | None:
    standing = work.view.get(kinds.ISSUE, lead.subject)
    if standing is not None and standing.fresh:
        return None  # it may be further proven by now
    issue: AnticipatedIssue = lead.issue()
    paths = {lead.path, *(path for path in unit.paths if BEFORE + path in unit.inputs)}
    return Note(
        kind=kinds.ISSUE,
        subject=lead.subject,
        body=issue.title,
        producer=unit.producer,
        inputs={path: work.snapshot.blob(path) for path in paths},
        data=kinds.encode(issue),
        evidence=(lead.place,),
        confidence=lead.weight,
    )
