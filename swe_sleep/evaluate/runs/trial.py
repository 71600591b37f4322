"""One trial: an issue is solved in its arm, and only then is the patch graded.

`attempt` is given the task, which has no answer in it; `grade` opens a sandbox of its own for the
hidden tests. So these cannot have been there while the issue was solved.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from swe_sleep.errors import SweSleepError
from swe_sleep.evaluate import verdicts
from swe_sleep.evaluate.features import modified_files, predicted_files, score
from swe_sleep.evaluate.foresight import UNKNOWN, Foresight, foresight
from swe_sleep.evaluate.gold import Gold, touched
from swe_sleep.evaluate.images import backend_for
from swe_sleep.evaluate.mirrors import at_commit
from swe_sleep.evaluate.runs.arms import Notes, Watched, knowledge_of, known_of, told_of
from swe_sleep.evaluate.runs.background import background
from swe_sleep.evaluate.runs.budgets import budget
from swe_sleep.evaluate.runs.conditions import Conditions
from swe_sleep.evaluate.runs.records import Result, Trial
from swe_sleep.evaluate.tasks.grade import Grade
from swe_sleep.evaluate.tasks.task import Answer, Case, Task
from swe_sleep.evaluate.verdicts import Candidate, ToGrade
from swe_sleep.records import Usage
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.owners import scratch
from swe_sleep.solve.outcome import Solved
from swe_sleep.wiring.known import TRAJECTORIES, Known, locator
from swe_sleep.wiring.solving import bench, solve

PATCH = "patch.diff"
LOG = "log.txt"
GRADE = "grade.txt"
FAR = 50
"""How far down a ranking the files of a change are looked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A trial to be made. Without notes the solver knows nothing."""

    key: str
    trial: Trial
    case: Case
    notes: Notes | None
    slept: str
    conditions: Conditions

    @property
    def group(self) -> str:
        return self.case.task.repo

    @property
    def files(self) -> tuple[Path, ...]:
        told = (self.notes.store, *self.notes.sources) if self.notes else ()
        return tuple(dict.fromkeys((*self.case.task.sources, *told)))

    def moved(self, places: Mapping[Path, Path]) -> Self:
        task = self.case.task
        task = replace(task, sources=tuple(places[each] for each in task.sources))
        notes = self.notes.moved(places) if self.notes else None
        return replace(self, case=replace(self.case, task=task), notes=notes)


@dataclass(frozen=True, slots=True)
class Finished:
    """The result, and by name the files that belong to it."""

    result: Result
    files: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What solving gave, before anybody looked at the answer."""

    patch: str = ""
    begun: bool = True
    proven: bool = False
    weak: bool = False
    solver: str = ""
    files: tuple[str, ...] = ()
    """The files that the fix modifies, of a task that is judged by them."""
    usage: Usage = Usage()
    why: str = ""
    placed: tuple[str, ...] = ()
    shown: int = 0
    shown_chars: int = 0
    used: int = 0
    foresight: Foresight = UNKNOWN
    trajectories: tuple[tuple[str, bytes], ...] = ()


def carry_out(asked: Asked, say: Callable[[str], None]) -> Finished:
    """Make one trial. Raises what a repository or a sandbox raises that cannot be had."""
    began = time.monotonic()
    log: list[str] = []

    def tell(line: str) -> None:
        log.append(f"{time.monotonic() - began:8.1f} {line}")
        say(line)

    case = asked.case
    with (
        scratch() as folder,
        at_commit(case.task.sources, case.task.base_commit, folder / "base") as repository,
    ):
        attempt = attempted(
            case.task,
            repository,
            asked.trial,
            asked.notes,
            asked.conditions,
            folder,
            tell,
        )
        snapshot = repository.snapshot()
        by_files = case.task.score == "files"
        verdict = (
            Grade(resolved=False, applied=bool(attempt.patch))
            if by_files
            else graded(case, attempt.patch, asked.conditions, tell)
        )
        result = _result(asked, attempt, verdict, snapshot)
        tell(_outcome(result))
    result = replace(result, wall_s=time.monotonic() - began)
    files = {PATCH: attempt.patch.encode("utf-8", "surrogateescape")} if attempt.patch else {}
    files[LOG] = ("\n".join(log) + "\n").encode("utf-8", "replace")
    said = "\n".join(filter(None, (verdict.problem, *verdict.doubts, verdict.log)))
    if said:
        files[GRADE] = f"{said}\n".encode("utf-8", "replace")
    return Finished(result, files | dict(attempt.trajectories))


def attempted(
    task: Task,
    repository: Repository,
    trial: Trial,
    notes: Notes | None,
    conditions: Conditions,
    folder: Path,
    tell: Callable[[str], None],
) -> Attempt:
    """Solve the issue, told what the arm allows."""
    settings = conditions.settings(budget("test", trial.budget).flags(), day=task.day)
    with (
        known_of(repository, notes) as known,
        told_of(known, notes, folder) as told,
    ):
        attempt = _foreseen(known, task, notes)
        if task.score == "files" and conditions.solver == "search":
            began = time.monotonic()
            files = _predicted(known, task)
            took = Usage(wall_s=time.monotonic() - began)
            return replace(attempt, files=files, placed=files, solver="search", usage=took)
        watched = Watched(knowledge_of(known, told, notes, settings))
        chosen = backend_for(task.image, settings, tell, pull=conditions.pull)
        with bench(known, settings, tell, notes=watched, chosen=chosen) as made:
            solved = solve(
                made,
                task.text,
                (),
                conditions.solver,
                tell,
                threading.Event(),
                background=background(repository, task.related),
            )
        subjects = _subjects(solved, watched)
        return replace(
            attempt,
            patch=solved.patch.diff if solved.patch else "",
            begun=conditions.solver != "search" or bool(solved.failing),
            proven=solved.solved,
            weak=solved.solved and bool(solved.weak),
            solver=solved.solver or "",
            files=modified_files(solved.patch.diff) if solved.patch else (),
            usage=solved.usage,
            why=solved.why,
            placed=tuple(watched.placed),
            shown=len(watched.shown) + len(subjects),
            shown_chars=sum(len(f"{line.place} {line.text}") for line in watched.shown),
            used=watched.used(solved.patch, subjects),
            trajectories=_trajectories(repository),
        )


def _predicted(known: Known, task: Task) -> tuple[str, ...]:
    """The files that the built-in ranking would modify. It needs no notes: where there are none, it
    reads what it can of the history now."""
    return predicted_files(locator(known).locate(task.text, limit=FAR))


def _foreseen(known: Known, task: Task, notes: Notes | None) -> Attempt:
    if notes is None or notes.trusted:
        return Attempt()
    return Attempt(foresight=foresight(known.view, known.outlines.get, task.text))


def _subjects(solved: Solved, watched: Watched) -> set[str]:
    """Of the notes that the solver names, those that are no line that was counted already."""
    return set(solved.notes) - {str(line.place) for line in watched.shown}


def _trajectories(repository: Repository) -> tuple[tuple[str, bytes], ...]:
    found = sorted((repository.state_dir / TRAJECTORIES).glob("*.jsonl"))
    return tuple((f"trajectory-{file.name}", file.read_bytes()) for file in found)


def graded(case: Case, patch: str, conditions: Conditions, tell: Callable[[str], None]) -> Grade:
    """The hidden tests' verdict, in a sandbox that nothing else has been in."""
    if not patch.strip():
        return Grade(resolved=False, applied=False)
    asked = ToGrade(case, (Candidate("swe-sleep", patch),), conditions, pull=conditions.pull)
    done = verdicts.carry_out(asked, tell)
    return done.judged[0].grade


def _result(asked: Asked, attempt: Attempt, verdict: Grade, snapshot: Snapshot) -> Result:
    answer = asked.case.answer
    gold = _touched(answer.patch, snapshot)
    hit = _touched(attempt.patch, snapshot)
    made = Result(
        key=asked.key,
        trial=asked.trial,
        repo=asked.case.task.repo,
        resolved=verdict.resolved,
        begun=attempt.begun,
        proven=attempt.proven,
        weak=attempt.weak,
        solver=attempt.solver,
        usage=attempt.usage,
        patch_s=attempt.usage.wall_s if attempt.patch else None,
        slept=asked.slept,
        applied=verdict.applied,
        fail_to_pass=_passed(verdict.fail_to_pass),
        pass_to_pass=_passed(verdict.pass_to_pass),
        grade_problem=verdict.problem,
        gold_files=len(gold.files),
        hit_files=len(set(gold.files) & set(hit.files)),
        gold_functions=len(gold.functions),
        hit_functions=len(set(gold.functions) & set(hit.functions)),
        first_right=_first_right(attempt.placed, gold.files or answer.files),
        shown=attempt.shown,
        used=attempt.used,
        shown_chars=attempt.shown_chars,
        foreseen=attempt.foresight.foreseen(gold),
        foreseen_of=attempt.foresight.issues,
        foreseen_score=attempt.foresight.score,
        expected=attempt.foresight.place(gold),
        expected_of=len(attempt.foresight.expected),
        why=attempt.why,
    )
    return _judged_by_files(made, attempt, answer) if asked.case.task.score == "files" else made


def _outcome(result: Result) -> str:
    """In one line, for who reads the log."""
    if result.f1 is not None:
        return f"F1 of the modified files: {result.f1:.2f}"
    if not result.solver:
        return f"no patch: {result.why}"
    (mended, of), (kept, of_kept) = result.fail_to_pass, result.pass_to_pass
    said = "resolved" if result.resolved else "not resolved"
    what = f"{said}: {mended} of {of} fail-to-pass and {kept} of {of_kept} pass-to-pass tests pass"
    return f"{what}; {result.grade_problem}" if result.grade_problem else what


def _judged_by_files(made: Result, attempt: Attempt, answer: Answer) -> Result:
    precision, recall, f1 = score(attempt.files, answer.files)
    return replace(made, resolved=f1 == 1.0, precision=precision, recall=recall, f1=f1)


def _touched(patch: str, snapshot: Snapshot) -> Gold:
    try:
        return touched(patch, snapshot) if patch.strip() else Gold()
    except SweSleepError:  # it is for another commit, or no diff at all
        return Gold()


def _passed(tests: Mapping[str, str]) -> tuple[int, int]:
    return sum(outcome == "passed" for outcome in tests.values()), len(tests)


def _first_right(placed: Sequence[str], gold: Sequence[str]) -> int | None:
    return next((rank for rank, path in enumerate(placed, 1) if path in gold), None)
