"""A test for what is only suspected, written by a model and run; or the note that it is wrong."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator

from swe_sleep.anticipate import reproducing
from swe_sleep.anticipate.asking import Unfit
from swe_sleep.anticipate.digest import Module, functions
from swe_sleep.anticipate.reproducing import Accused, Bench, Verdict, reproduce
from swe_sleep.notes import kinds
from swe_sleep.notes.evidence import passing_ids
from swe_sleep.notes.view import SeenIssue
from swe_sleep.records import Note, Patch, State, Usage, file_of
from swe_sleep.repo.diff import diff
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.passes import material
from swe_sleep.sleep.situation import Situation
from swe_sleep.testing.discovery import is_test_path
from swe_sleep.testing.verify import Bounds

MOST_UNITS = 12
LEAST_CONFIDENCE = 0.2
RUN_S = 120.0
COST_S = 40.0
MOST_TOKENS = 40_000
MOST_USD = 0.12
MOST_EXAMPLE_LINES = 30
DOUBT = 0.5
"""What is left of the confidence in an issue that could not be shown."""


TRIED = "Tried by a test that a model wrote:"
TAKEN_BACK = "Taken back by the model that was to show it:"


class ReproducePass:
    name = "reproduce"
    version = 1
    reads = ("anticipate", "prove")

    def plan(self, work: Situation) -> Iterator[Unit]:
        if work.desk is None or not work.settings.sleep.prove:
            return
        interest = work.interest
        found = [each for each in work.view.issues(State.SUSPECTED) if _worth_it(each, work)]
        found.sort(key=lambda each: (-each.note.confidence, each.note.subject))
        version = reproducing.prompt_version()
        for each in found[:MOST_UNITS]:
            path = each.issue.suspicions[0].place.path
            said = f"{each.issue.title}\0{each.issue.check}\0{version}"
            yield schedule.REPRODUCTION.unit(
                f"{self.name}@{self.version}",
                each.note.subject,
                {**each.note.inputs, "<issue>": hashlib.sha256(said.encode()).hexdigest()[:16]},
                cost_s=COST_S,
                chance=interest.of(path) * each.note.confidence,
                tokens=MOST_TOKENS,
                usd=min(MOST_USD, work.settings.sleep.budget_usd_note),
            )

    def run(self, unit: Unit, work: Situation) -> Made:
        issues = work.view.issues(State.SUSPECTED)
        seen = next((each for each in issues if each.note.subject == unit.subject), None)
        accused = _accused(seen, work) if seen else None
        if seen is None or accused is None:
            return Made()
        work.progress(f"trying to show: {seen.issue.title}")
        usage: list[Usage] = []
        try:
            verdict = reproduce(
                accused,
                _bench(accused.module.path, unit.subject, work),
                material.counted(material.asking(work, f"{self.name} {unit.subject}"), usage),
                fence=material.fence_of(work.store),
                request=material.template(work, self.name),
            )
        except Unfit as error:  # asked again, it would be the same: replies are kept
            verdict = Verdict("open", str(error))
        work.budget.checkpoint()
        done = verdict.state != "open" or not work.budget.exhausted()
        runs = Usage(test_runs=verdict.runs)
        if not done or verdict.state == "unknown":
            return Made(usage=runs, done=done)
        note = _note(unit, seen, verdict, work, Usage.total(usage) + runs)
        return Made((note,), usage=runs)


def _worth_it(each: SeenIssue, work: Situation) -> bool:
    """Only what has a place in code that is here, and was not tried on this content before."""
    places = [s.place for s in each.issue.suspicions]
    if not each.fresh or not places or each.note.producer.startswith("reproduce@"):
        return False
    path = places[0].path
    here = work.outlines.languages.get(path) == "python" and not is_test_path(path)
    return here and each.note.confidence >= LEAST_CONFIDENCE


def _accused(seen: SeenIssue, work: Situation) -> Accused | None:
    place = seen.issue.suspicions[0].place
    module = material.module(work, place.path)
    if module is None:
        return None
    line = place.line or 1
    inside = [s for s in functions(module.outline) if s.line <= line <= s.end_line]
    lines = range(line, line + 1)
    if inside:  # the line of a `def` runs at import
        lines = range(inside[-1].name_line + 1, inside[-1].end_line + 1) or lines
    else:
        lines = range(1, module.outline.lines + 1)
    name = work.outlines.graph().module_name(place.path)
    return Accused(seen.issue, module, lines, name, _example(module, lines, work))


def _example(module: Module, lines: range, work: Situation) -> str:
    """The smallest passing test that runs these lines, with what its file imports."""
    coverage, results = work.evidence.coverage_of([module.path])
    passing = set(passing_ids(results))
    running = [
        (sum(map(len, files.values())), test)
        for test, files in coverage.lines.items()
        if test in passing and any(n in lines for n in files.get(module.path, ()))
    ]
    for _, test in sorted(running)[:5]:
        path = file_of(test)
        outline = work.outlines.get(path)
        if outline is None or path not in work.snapshot.files:
            continue
        wanted = test.removeprefix(f"{path}::").partition("[")[0].replace("::", ".")
        symbol = next((s for s in outline.symbols if s.qualname == wanted), None)
        if symbol is None:
            continue
        text = work.snapshot.read(path).decode("utf-8", "replace").splitlines()
        heads = [text[each.line - 1] for each in outline.imports[:12] if each.line <= len(text)]
        body = text[symbol.line - 1 : symbol.end_line]
        if len(body) > MOST_EXAMPLE_LINES:  # of many parameters the first and the last will do
            body = [*body[: MOST_EXAMPLE_LINES // 2], "    ...", *body[-MOST_EXAMPLE_LINES // 2 :]]
        return "\n".join([f"# {path}", *dict.fromkeys(heads), "", *body])
    return ""


def _bench(path: str, subject: str, work: Situation) -> Bench:
    _, results = work.evidence.coverage_of([path])
    old = {
        each: (content, blob)
        for each, (blob, _) in work.changed().items()
        if each in work.outlines.languages
        and not is_test_path(each)
        and (content := material.before(work, each)) is not None
    }
    word = hashlib.sha256(subject.encode()).hexdigest()[:8]
    left_s = max(1.0, work.budget.left_s)
    return Bench(
        work.tests,
        material.test_file_for(work, path, word),
        before=old,
        impacted=passing_ids(results),
        known_bad={test.id for test in work.evidence.failing()},
        bounds=Bounds(
            run_s=min(RUN_S, left_s), test_s=min(RUN_S, work.settings.tests.test_timeout_s)
        ),
        stop=work.budget.exhausted,
    )


def _note(unit: Unit, seen: SeenIssue, verdict: Verdict, work: Situation, usage: Usage) -> Note:
    """The issue as it stands now, under the same subject."""
    issue, inputs = seen.issue, dict(seen.note.inputs)
    confidence = seen.note.confidence
    said = f"{TRIED} {verdict.why}"
    if verdict.state == "reproduced" and verdict.written and verdict.failure:
        patches: tuple[Patch, ...] = ()
        if verdict.files:
            before = {path: work.snapshot.read(path) for path in verdict.files}
            text = diff(before, dict(verdict.files))
            patches = (Patch(text, tuple(sorted(verdict.files)), unit.producer, verdict.reason),)
        issue = dataclasses.replace(
            issue,
            state=State.REPRODUCED,
            symptom=verdict.failure.message or issue.symptom,
            tests=verdict.written.tests,
            written=verdict.written,
            patches=patches,
            proof=verdict.proof,
        )
        ran = [path for path in verdict.ran if path in work.snapshot.files]
        inputs |= {path: work.snapshot.blob(path) for path in ran}
        confidence = 0.9
        said = f"Shown by a test that a model wrote: {verdict.reason} Checked: {verdict.why}"
    elif verdict.state == "refuted":
        issue = dataclasses.replace(issue, state=State.REFUTED)
        said = f"{TRIED} {verdict.why}" if verdict.failure else f"{TAKEN_BACK} {verdict.why}"
    else:
        confidence *= DOUBT
    return dataclasses.replace(
        seen.note,
        body=f"{seen.note.body.partition(TRIED)[0].rstrip()}\n\n{said}",
        data=kinds.encode(issue),
        producer=unit.producer,
        inputs=inputs,
        usage=usage,
        confidence=confidence,
        created=0.0,
    )
