"""Proofs without a model: the code before and after a change on the same inputs.

Each function that a change touched, or that a lead points at, is called as the tests call it and
nearby; what no author can have meant becomes a reproduced issue with a test of its own. Such an
issue stands while the files that its test runs stay as they are; after that the test runs again.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from functools import lru_cache

from swe_sleep.anticipate.leads.earnings import Earnings
from swe_sleep.anticipate.proving.changed import (
    ChangedFunction,
    changed_functions,
    file_change,
    functions_of,
)
from swe_sleep.anticipate.proving.confirming import Proven, run_written
from swe_sleep.anticipate.proving.covering import covering
from swe_sleep.anticipate.proving.judge import Circumstances
from swe_sleep.anticipate.proving.prover import Prover
from swe_sleep.notes import kinds
from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import AnticipatedIssue, Note, State, Suspicion, Usage
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation
from swe_sleep.testing.discovery import is_test_path

BEHAVIOUR = "behaviour"
"""The lead of what no lead pointed at: the versions were compared on inputs."""
MODEL = "model"
SHOWN = (State.REPRODUCED, State.PATCHED)
FUNCTION_S = 30.0
COST_S = 10.0
AGAIN_S = 3.0
MOST_FUNCTIONS = 30
"""Of one change: one that touches more is a formatter's, or a merge."""
DOCUMENTS = (".md", ".rst", ".txt")


class ProvePass:
    name = "prove"
    version = 1
    reads = ("outline", "tests", "impact", "leads", "checks")

    def plan(self, work: Situation) -> Iterator[Unit]:
        if work.outlines.missing() or not work.settings.sleep.prove:
            return
        yield from self._again(work)
        before = _changed_sources(work)
        if not before:
            return
        functions = _functions(work, before)
        leads = {key: found for key, found in _leads(work).items() if _touched(found, before)}
        wanted = dict.fromkeys([*leads, *functions])
        for path, qualname in list(wanted)[:MOST_FUNCTIONS]:
            if not _covered(work, path):
                continue  # nothing is known to call it
            mine = leads.get((path, qualname), [])
            if any(each.issue.state in SHOWN for each in mine):
                continue
            product = schedule.PROOF if mine else schedule.DIFFERENCE
            inputs = {p: work.snapshot.blob(p) for p in {path, *before}}
            inputs["<before>"] = _hash("\n".join(f"{p} {b}" for p, b in sorted(before.items())))
            subjects = sorted(each.note.subject for each in mine if each.issue.lead != BEHAVIOUR)
            inputs["<leads>"] = "\n".join(subjects)
            yield product.unit(
                f"{self.name}@{self.version}", f"{path}::{qualname}", inputs, cost_s=COST_S
            )

    def _again(self, work: Situation) -> Iterator[Unit]:
        """Written tests whose files changed."""
        for each in work.view.issues(State.PATCHED, State.REPRODUCED, stale=True):
            if not each.fresh and each.issue.written is not None:
                inputs = {p: work.snapshot.blob(p) for p in each.note.inputs if p[:1] != "<"}
                inputs["<written>"] = _hash(each.issue.written.content)
                yield schedule.PROOF.unit(
                    f"{self.name}@{self.version}", each.note.subject, inputs, cost_s=AGAIN_S
                )

    def run(self, unit: Unit, work: Situation) -> Made:
        if "<written>" in unit.inputs:
            return self._run_again(unit, work)
        path, _, qualname = unit.subject.partition("::")
        blobs = _changed_sources(work)
        before = {p: work.contents.get(p, blob) for p, blob in blobs.items()}
        if any(content is None for content in before.values()):
            return Made()  # half of a change proves nothing
        prover = Prover(
            work.tests, work.snapshot, before, _circumstances(work), work.budget.exhausted
        )
        change = _find(prover, work, path, qualname)
        if change is None:
            return Made()
        coverage, results = work.evidence.coverage_of([path])
        tests = covering(coverage, {r.test_id: r for r in results}, change)
        if _shown_by_tests(work, tests):
            return Made()  # `diagnose` says it already
        seconds = max(1.0, min(FUNCTION_S, work.budget.left_s))
        tried = prover.prove(change, tests, seconds=seconds)
        usage = Usage(test_runs=prover.runs)
        if tried.proven is None and work.budget.exhausted():
            return Made(usage=usage, done=False)
        leads = [
            each
            for each in _leads(work).get((path, qualname), [])
            if each.issue.state is State.SUSPECTED
        ]
        earnings = Earnings(work.store)
        for each in leads:
            earnings.record(each.issue.lead, tried.proven is not None)
        if tried.proven is not None:
            return Made((_proven_note(unit, tried.proven, leads, usage, work),), usage=usage)
        if tried.refuted:
            notes = [_refuted(unit, each, tried.guards) for each in leads]
            return Made(tuple(notes), usage=usage)
        return Made(usage=usage)

    @staticmethod
    def _run_again(unit: Unit, work: Situation) -> Made:
        """A test that showed an issue, on the content of now."""
        found = work.view.issues(State.PATCHED, State.REPRODUCED, stale=True)
        seen = next((each for each in found if each.note.subject == unit.subject), None)
        if seen is None or seen.issue.written is None or seen.fresh:
            return Made()
        test = seen.issue.written
        run = run_written(work.tests, test, work.budget.exhausted, coverage=True)
        result = run.result(test.tests[0])
        usage = Usage(test_runs=1)
        if result is None or run.problem:
            return Made(usage=usage, done=not work.budget.exhausted())
        kind = seen.issue.symptom.partition(":")[0]
        fails = result.outcome.bad and result.message.startswith(kind)
        inputs = {p: work.snapshot.blob(p) for p in seen.note.inputs if p[:1] != "<"}
        covered = run.coverage.lines.get(test.tests[0], {}) if run.coverage else {}
        inputs |= {p: work.snapshot.blob(p) for p in covered if p in work.snapshot.files}
        # A patch was for other content; one for this is looked for anew.
        state = State.REPRODUCED if fails else State.REFUTED
        issue = dataclasses.replace(seen.issue, state=state, patches=(), proof=None)
        said = "Its test still fails." if fails else "Its test does not fail any more."
        note = dataclasses.replace(
            seen.note,
            body=f"{seen.note.body.partition(chr(10))[0]}\n\n{said}",
            inputs=inputs,
            data=kinds.encode(issue),
            producer=unit.producer,
            usage=usage,
            created=0.0,
        )
        return Made((note,), usage=usage)


# -- what is to be tried -----------------------------------------------------------------------


def _changed_sources(work: Situation) -> dict[str, str]:
    """The Python sources that were changed, with their blob before; tests stay as they are."""
    return {
        path: was
        for path, (was, now) in work.changed().items()
        if was and now and not is_test_path(path) and work.outlines.languages.get(path) == "python"
    }


def _functions(work: Situation, before: dict[str, str]) -> list[tuple[str, str]]:
    """The functions that mean something else now."""
    found = []
    for path, blob in sorted(before.items()):
        content = work.contents.get(path, blob)
        if content is not None:
            names = _changed_names(path, content, work.snapshot.read(path))
            found += [(path, name) for name in names]
    return found


@lru_cache(maxsize=256)  # a plan is made many times
def _changed_names(path: str, old: bytes, new: bytes) -> tuple[str, ...]:
    return tuple(each.qualname for each in changed_functions(file_change(path, old, new)))


def _leads(work: Situation) -> dict[tuple[str, str], list[SeenIssue]]:
    """Issues that a lead brought, by the function that they are about, the surest first; also those
    that are settled by now, so that what is left to do does not depend on what was done."""
    found: dict[tuple[str, str], list[SeenIssue]] = {}
    for each in work.view.issues():
        path, _, rest = each.note.subject.partition("::")
        lead = each.issue.lead
        if not each.fresh or not lead or lead == MODEL or not rest.endswith(f" ({lead})"):
            continue
        if lead == BEHAVIOUR and each.issue.state not in SHOWN:
            continue
        found.setdefault((path, rest.removesuffix(f" ({lead})")), []).append(each)
    for group in found.values():
        group.sort(key=lambda each: -each.note.confidence)
    return found


def _touched(leads: list[SeenIssue], before: dict[str, str]) -> bool:
    """Whether the change is one of what a lead is about. Any other cannot prove it: the function
    and all that it is about are as they were, and the lead was tried when they were changed."""
    return any(not before.keys().isdisjoint(each.note.inputs) for each in leads)


def _covered(work: Situation, path: str) -> bool:
    return any(seen.fresh for seen in work.view.made_from(kinds.TESTS, [path]))


def _find(prover: Prover, work: Situation, path: str, qualname: str) -> ChangedFunction | None:
    """The function; one that a lead points at may be as it was."""
    for change in prover.changes:
        if (change.path, change.qualname) == (path, qualname):
            return change
    if path not in work.snapshot.files:
        return None
    node = functions_of(work.snapshot.read(path)).get(qualname)
    if node is None:
        return None
    return ChangedFunction(path, qualname, node, node, frozenset(), frozenset())


def _circumstances(work: Situation) -> Circumstances:
    paths = [path for path, (_, now) in work.changed().items() if now]
    return Circumstances(
        tests=any(is_test_path(path) for path in paths),
        told=any(path.endswith(DOCUMENTS) for path in paths),
    )


def _shown_by_tests(work: Situation, tests: list[str]) -> bool:
    """Whether a test that runs the function fails since the change."""
    chosen = set(tests)
    return any(t.id in chosen and t.passed_with is not None for t in work.evidence.failing())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# -- writing down ------------------------------------------------------------------------------


def _proven_note(
    unit: Unit, proven: Proven, leads: list[SeenIssue], usage: Usage, work: Situation
) -> Note:
    """The issue, under the subject of the surest lead to it."""
    lead = leads[0] if leads else None
    why = f"changed here, and {proven.what} now gives {proven.message}"
    places = [place for place in proven.frames if not is_test_path(place.path)][::-1]
    suspicions = [Suspicion(place, 1.0, why) for place in proven.cause]
    suspicions += [Suspicion(place, 0.5, "on the way to the failure") for place in places[:3]]
    name = proven.qualname.removesuffix(".__init__")
    issue = AnticipatedIssue(
        title=f"{name}: {proven.verdict.symptom}",
        state=State.REPRODUCED,
        symptom=proven.message,
        tests=proven.test.tests,
        suspicions=tuple(suspicions),
        cause=proven.cause,
        lead=lead.issue.lead if lead else BEHAVIOUR,
        written=dataclasses.replace(proven.test, passed_with=_changed_sources(work)),
    )
    was = {"raised": f"gave {proven.old.error}", "passed": "passed"}
    before = was.get(proven.old.state, f"gave {proven.old.shown}")
    body = (
        f"{proven.what} {before} before the change at {proven.cause[0]}, and now: "
        f"{proven.verdict.symptom}. A test of it fails on the code as it is, twice, and passes on "
        "the version before."
    )
    ran = {proven.path, *proven.covered, *(place.path for place in proven.frames)}
    return Note(
        kind=kinds.ISSUE,
        subject=lead.note.subject
        if lead
        else kinds.issue_subject(proven.path, proven.qualname, BEHAVIOUR),
        body=body if lead is None else f"{lead.issue.title}\n\n{body}",
        producer=unit.producer,
        inputs={path: work.snapshot.blob(path) for path in ran if path in work.snapshot.files},
        data=kinds.encode(issue),
        evidence=tuple(dict.fromkeys([*proven.cause, *places]))[:10],
        usage=usage,
        confidence=0.95,
    )


def _refuted(unit: Unit, seen: SeenIssue, inputs: int) -> Note:
    """A suspicion whose very inputs give the same before and now."""
    issue = dataclasses.replace(seen.issue, state=State.REFUTED)
    said = f"Refuted: {inputs} inputs that it is about give the same before the change and now."
    return dataclasses.replace(
        seen.note,
        body=f"{seen.note.body}\n\n{said}",
        data=kinds.encode(issue),
        producer=unit.producer,
        created=0.0,
    )
