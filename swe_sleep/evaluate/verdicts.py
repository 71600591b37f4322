"""Patches of others graded: our verdict on each and, where it is wanted, SWE-bench's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from swe_sleep.config import Settings
from swe_sleep.evaluate import official
from swe_sleep.evaluate.grading import grade, rest_of, runs_here
from swe_sleep.evaluate.images import backend_for
from swe_sleep.evaluate.mirrors import at_commit
from swe_sleep.evaluate.naming import is_runnable
from swe_sleep.evaluate.official import PARSER, PYTHON_PARSERS, Official
from swe_sleep.evaluate.runs.conditions import Conditions
from swe_sleep.evaluate.tasks.grade import Grade
from swe_sleep.evaluate.tasks.task import Case, Task
from swe_sleep.evaluate.unittests import Runner
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.choose import limits
from swe_sleep.sandbox.owners import scratch
from swe_sleep.sandbox.protocol import Backend, Environment, Sandbox

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A patch, and who says that it is one."""

    by: str
    patch: str


@dataclass(frozen=True, slots=True)
class ToGrade:
    """All patches for one task; they share its environment and its sandbox."""

    case: Case
    candidates: tuple[Candidate, ...]
    conditions: Conditions
    official: bool = False
    pull: bool = False
    """Whether the engine may fetch the task's own image."""

    @property
    def group(self) -> str:
        return self.case.task.repo

    @property
    def files(self) -> tuple[Path, ...]:
        return self.case.task.sources

    def moved(self, places: Mapping[Path, Path]) -> Self:
        sources = tuple(places[each] for each in self.case.task.sources)
        return replace(self, case=replace(self.case, task=replace(self.case.task, sources=sources)))


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdicts on one patch."""

    task: str
    by: str
    grade: Grade
    official: Official | None = None
    differ: tuple[str, ...] = ()
    """Named tests that pass for one and fail for the other."""
    seconds: float = 0.0

    @property
    def agree(self) -> bool:
        """Whether the two verdicts are the same; where there is one alone, they are."""
        return self.official is None or self.official.resolved == self.grade.resolved


@dataclass(frozen=True, slots=True)
class Graded:
    """What came of one request."""

    judged: tuple[Judged, ...]
    where: str
    """What the tests ran in, for a person."""


def carry_out(request: ToGrade, say: Say) -> Graded:
    """Grade the patches for one task, each in a sandbox of its own: nothing that the code of one
    leaves behind meets the next. Raises what a repository or a sandbox raises that cannot be had,
    and UsageError where SWE-bench's verdict is wanted and its package is not there."""
    case = request.case
    settings = request.conditions.settings(day=case.task.day)
    judged = []
    with (
        scratch() as folder,
        at_commit(case.task.sources, case.task.base_commit, folder / "base") as repository,
    ):
        snapshot = repository.snapshot()
        chosen, environment = prepared(case.task, snapshot, settings, say, pull=request.pull)
        rest: tuple[str, ...] | None = None
        for each in request.candidates:
            with chosen.open(snapshot, environment, limits=limits(settings.sandbox)) as sandbox:
                bench = _Bench(case, snapshot, sandbox, request.conditions, say)
                rest = bench.rest() if rest is None else rest
                say(f"grading {case.id}, {each.by}")
                judged.append(bench.judge(each, rest, official=request.official))
    what = environment.image if case.task.image and environment.image == case.task.image else ""
    where = what or f"Python {environment.version}".strip()
    if environment.problem:
        where += f" ({environment.problem})"
    return Graded(tuple(judged), where)


def prepared(
    task: Task, snapshot: Snapshot, settings: Settings, say: Say, *, pull: bool = False
) -> tuple[Backend, Environment]:
    """Where the task's tests run: in its own image where the engine has it, or may `pull` it; else
    in an environment that is built."""
    chosen = backend_for(task.image, settings, say, pull=pull)
    return chosen, chosen.prepare(snapshot, progress=say)


@dataclass(frozen=True, slots=True)
class _Bench:
    case: Case
    snapshot: Snapshot
    sandbox: Sandbox
    conditions: Conditions
    say: Say

    def rest(self) -> tuple[str, ...]:
        return rest_of(
            self.case.answer,
            self.snapshot,
            self.sandbox,
            progress=self.say,
            timeout_s=self.conditions.grade_s,
            test_timeout_s=self.conditions.grade_test_s,
        )

    def judge(self, candidate: Candidate, rest: Sequence[str], *, official: bool) -> Judged:
        began = time.monotonic()
        patch = candidate.patch
        by_log = bool(patch.strip()) and not self._is_ours()
        found = None if by_log else self._ours(patch, rest)
        theirs = self._theirs(patch, rest) if official or by_log else None
        if found is None or (_says_nothing(found) and self._is_too_old()):
            # A runner that only SWE-bench knows, or an interpreter too old for our programs.
            theirs = theirs or self._theirs(patch, rest)
            found = _by_log(self.case, theirs, "" if found is None else found.problem)
        seconds = time.monotonic() - began
        if not official or theirs is None:
            return Judged(self.case.id, candidate.by, found, seconds=seconds)
        differ = _differ(found, theirs)
        return Judged(self.case.id, candidate.by, found, theirs, differ, seconds)

    def _is_ours(self) -> bool:
        """Whether we can run the tests and tell them by the names that the task has."""
        if self._runner() is not None:
            return True
        answer = self.case.answer
        names = (*answer.fail_to_pass, *answer.pass_to_pass)
        parser = answer.official.get("log_parser", PARSER)
        return parser in PYTHON_PARSERS and all(map(is_runnable, names))

    def _runner(self) -> Runner | None:
        return Runner.of(self.case.task.repo)

    def _is_too_old(self) -> bool:
        """Whether our programs cannot run in the task's own image: that the tests say nothing may
        be the patch's doing, who would rather be judged by a log."""
        image = self.case.task.image
        if not image or self.sandbox.environment.image != image:
            return False
        limit = self.conditions.grade_s
        return not runs_here(self.case.answer, self.snapshot, self.sandbox, timeout_s=limit)

    def _ours(self, patch: str, rest: Sequence[str]) -> Grade:
        return grade(
            self.case.answer,
            self.snapshot,
            patch,
            self.sandbox,
            progress=self.say,
            timeout_s=self.conditions.grade_s,
            test_timeout_s=self.conditions.grade_test_s,
            rest=rest,
            runner=self._runner(),
        )

    def _theirs(self, patch: str, rest: Sequence[str]) -> Official:
        if not patch.strip():  # the harness does not run these
            return Official(False, {}, problem="the patch is empty")
        log = official.run(
            self.case,
            self.snapshot,
            patch,
            self.sandbox,
            progress=self.say,
            timeout_s=self.conditions.grade_s,
            rest=rest,
        )
        return official.judge(self.case, patch, log, rest=rest)


def _says_nothing(found: Grade) -> bool:
    """Whether no test could be run."""
    said = {*found.fail_to_pass.values(), *found.pass_to_pass.values()}
    return found.applied and bool(found.problem) and said <= {"missing"}


def _by_log(case: Case, theirs: Official, why: str = "") -> Grade:
    """The verdict by the log of SWE-bench's command: of tests that are not pytest's, and where we
    cannot run pytest ourselves."""
    failing = set(theirs.failing)

    def said(names: Sequence[str]) -> dict[str, str]:
        words = {name: theirs.statuses.get(name, "missing").lower() for name in names}
        return {name: word if name in failing else "passed" for name, word in words.items()}

    named = bool(theirs.statuses)
    return Grade(
        theirs.resolved,
        applied=official.NOT_APPLIED not in theirs.log,
        fail_to_pass=said(case.answer.fail_to_pass) if named else {},
        pass_to_pass=said(case.answer.pass_to_pass) if named else {},
        problem=theirs.problem,
        doubts=(f"judged by SWE-bench's command alone: {why}",) if why else (),
        log=theirs.log,
    )


def _differ(found: Grade, theirs: Official) -> tuple[str, ...]:
    named = {**found.fail_to_pass, **found.pass_to_pass}
    if not named or theirs.problem:
        return ()
    failing = set(theirs.failing)
    return tuple(name for name, said in named.items() if (said == "passed") == (name in failing))
