"""Whether tasks are what they claim to be, shown by running their tests in the sandbox.

Of each task: its visible suite does on the base commit what the author says; the hidden tests that
must fail do so there, and not for want of an import; those that must pass do; with the gold patch
all of them pass, by the same grading that judges solvers; the gold patch touches no test; and
nothing that a solver sees gives a hidden test away, least of all the sandbox before grading.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from swe_sleep.config import SandboxSettings
from swe_sleep.errors import RepositoryError, TestsError
from swe_sleep.evaluate.executors.local import LocalExecutor
from swe_sleep.evaluate.features import older
from swe_sleep.evaluate.grading import TEST_TIMEOUT_S, TIMEOUT_S, grade, hidden_files
from swe_sleep.evaluate.mirrors import at_commit
from swe_sleep.evaluate.naming import Outcomes, files_named
from swe_sleep.evaluate.pool import Done, Failed, Said
from swe_sleep.evaluate.tasks.leaks import leaks
from swe_sleep.evaluate.tasks.task import Answer, Case, Related, Suite, Task
from swe_sleep.records import Outcome, TestResult, TestRun, file_of
from swe_sleep.repo.diff import apply_in_memory
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.choose import Setting, choose, limits
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.owners import scratch
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.testing.discovery import is_test_path
from swe_sleep.testing.tests import Tests

NAMED = 3
"""So many tests are named in a problem."""
_IMPORTS = ("ImportError", "ModuleNotFoundError")


@dataclass(frozen=True, slots=True)
class Request:
    """One task to be checked."""

    case: Case
    backend: Setting

    @property
    def group(self) -> str:
        """Tasks of one commit share their environment."""
        return f"{self.case.task.repo} {self.case.task.base_commit}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. `problems` is empty for a task that is right, a line each."""

    task: str
    repo: str
    commit: str
    problems: tuple[str, ...] = ()
    visible: int | None = None
    """Tests of the visible suite; None where it did not run."""
    fail_to_pass: int = 0
    pass_to_pass: int = 0
    """How many tests judge a patch."""
    seconds: float = 0.0
    detail: str = ""
    """The traceback of a bug of ours."""


def check_all(
    suite: Suite,
    *,
    backend: Setting = "auto",
    jobs: int = 1,
    progress: Callable[[str], None] = lambda line: None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Checked]:
    """Every task, as it is done; one that cannot be checked never stops the rest. Raises
    EngineUnavailable."""
    if backend == "docker":
        choose(backend)  # says so once, and not for each task
    requests = [Request(case, backend) for case in suite.cases]
    done = 0
    progress(f"checking: 0/{len(requests)} done")
    for event in LocalExecutor(jobs).run(check, requests, stop=stop):
        if isinstance(event, Said):
            told = f"checking: {done}/{len(requests)} done; {event.request.case.id}"
            progress(f"{told}: {event.text}")
            continue
        done += 1
        progress(f"checking: {done}/{len(requests)} done")
        yield event.answer if isinstance(event, Done) else _lost(event)


def _lost(event: Failed[Request]) -> Checked:
    task = event.request.case.task
    return Checked(task.id, task.repo, task.base_commit, (event.reason,), detail=event.detail)


def check(request: Request, progress: Callable[[str], None]) -> Checked:
    """One task, in a sandbox of its own. Raises RepositoryError where no source has its commit, and
    SweSleepError where no sandbox can be had."""
    began = time.monotonic()
    task = request.case.task
    if not task.sources:
        raise RepositoryError(f"the repository {task.repo} is not here; give it with --repos.")
    with (
        scratch() as folder,
        at_commit(task.sources, task.base_commit, folder) as repository,
    ):
        found = _Check(request, repository, progress).run()
    return Checked(
        task.id,
        task.repo,
        task.base_commit,
        tuple(found.problems),
        found.visible,
        found.fail_to_pass,
        found.pass_to_pass,
        time.monotonic() - began,
    )


@dataclass
class _Found:
    problems: list[str]
    visible: int | None = None
    fail_to_pass: int = 0
    pass_to_pass: int = 0


class _Check:
    """The check of one task."""

    def __init__(
        self, request: Request, repository: Repository, progress: Callable[[str], None]
    ) -> None:
        self._request = request
        self._case = request.case
        self._repository = repository
        self._snapshot = repository.snapshot()
        self._progress = progress
        self._found = _Found([])

    def run(self) -> _Found:
        answer, problems = self._case.answer, self._found.problems
        self._found.fail_to_pass = len(answer.fail_to_pass)
        self._found.pass_to_pass = len(answer.pass_to_pass)
        problems += gold_problems(answer, self._snapshot)
        problems += younger(self._case.task, self._repository)
        try:
            hidden = hidden_files(answer, self._snapshot)
        except RepositoryError as error:
            problems.append(str(error))
            return self._found
        self._progress("looking for hidden tests in what may be seen")
        ours = self._case.stated.failing is not None
        problems += leaks(self._case, hidden, self._repository, self._snapshot, past=ours)
        if self._case.task.score == "files":
            return self._found
        if not answer.fail_to_pass:
            problems.append("no test must fail before, so nothing shows the fix")
        backend = choose(
            self._request.backend, options=EnvironmentOptions(until=self._case.task.day)
        )
        environment = backend.prepare(self._snapshot, progress=self._progress)
        with backend.open(self._snapshot, environment, limits=limits(SandboxSettings())) as sandbox:
            self._in(sandbox, hidden)
        return self._found

    def _in(self, sandbox: Sandbox, hidden: Mapping[str, bytes | None]) -> None:
        found, answer = self._found, self._case.answer
        found.problems += [
            f"the hidden {path} is in the sandbox before grading"
            for path, content in hidden.items()
            if content is not None and _is_there(path, content, sandbox, self._snapshot)
        ]
        tests = Tests(sandbox)
        try:
            if self._case.stated.failing is not None:
                self._progress("running the visible suite")
                self._visible(_run(tests, None), self._case.stated.failing)
            self._progress("running the hidden tests without the fix")
            sandbox.put(hidden)
            named = (*answer.fail_to_pass, *answer.pass_to_pass)
            places = files_named(named, [path for path in hidden if hidden[path] is not None])
            before = _run(tests, None if answer.rest else places)
        except TestsError as error:
            found.problems.append(f"the tests cannot be run: {error}")
            return
        rest = self._before(before)
        found.pass_to_pass = len({*answer.pass_to_pass, *rest})
        self._progress("grading the gold patch")
        sandbox.reset()
        self._after(sandbox, rest)

    def _visible(self, run: TestRun, failing: Sequence[str]) -> None:
        problems = self._found.problems
        self._found.visible = len(run.results)
        if run.problem:
            problems.append(f"the visible suite does not run whole: {run.problem}")
        if not run.results:
            problems.append("there is no visible test")
        unsaid = sorted(run.bad.difference(failing))
        if unsaid:
            problems.append(f"fails visibly, which is not stated: {_names(unsaid)}")
        stale = sorted(set(failing) - run.bad)
        if stale:
            problems.append(f"is stated to fail visibly, and does not: {_names(stale)}")

    def _before(self, run: TestRun) -> tuple[str, ...]:
        """What the tests do without the fix; and of the rest, those that pass."""
        answer, problems = self._case.answer, self._found.problems
        outcomes = Outcomes(run)
        did = {name: outcomes.of(name) for name in answer.fail_to_pass}
        for outcome in ("passed", "skipped", "missing"):
            names = [name for name, said in did.items() if said == outcome]
            if names:
                said = "does not run" if outcome == "missing" else f"is {outcome}"
                problems.append(f"{said} before the fix, and should fail: {_names(names)}")
        for name in (name for name, said in did.items() if said not in ("passed", "missing")):
            why = _why_unread(name, run, imports=not self._case.stated.missing_import)
            if why:
                problems.append(f"{name} fails before the fix for the wrong reason: {why}")
        broken = [name for name in answer.pass_to_pass if outcomes.of(name) != "passed"]
        if broken:
            problems.append(f"should pass before the fix, and does not: {_names(broken)}")
        if run.problem:
            problems.append(f"the hidden tests do not run whole: {run.problem}")
        if not answer.rest:
            return ()
        outside = {*answer.fail_to_pass, *answer.pass_to_pass}
        return tuple(r.test_id for r in run.results if r.test_id in run.passed - outside)

    def _after(self, sandbox: Sandbox, rest: Sequence[str]) -> None:
        answer, problems = self._case.answer, self._found.problems
        verdict = grade(answer, self._snapshot, answer.patch, sandbox, rest=rest)
        if verdict.problem:
            problems.append(f"the gold patch cannot be judged: {verdict.problem}")
        for what, did in (
            ("should pass", verdict.fail_to_pass),
            ("should go on passing", verdict.pass_to_pass),
        ):
            bad = [f"{name} ({said})" for name, said in did.items() if said != "passed"]
            if bad:
                problems.append(f"{what} with the gold patch, and does not: {_names(bad)}")
        if not verdict.resolved and not problems:
            problems.append("the gold patch does not solve the task")


def younger(task: Task, repository: Repository) -> list[str]:
    """What the task calls older and is not: it may hold the answer."""
    called = {"older": [Related(task.older, "")] if task.older else [], "related": task.related}
    return [
        f"`{name}` is {each.commit[:10]}, which is not before the base commit"
        for name, named in called.items()
        for each in named
        if not older(repository, [each])
    ]


def gold_problems(answer: Answer, snapshot: Snapshot) -> list[str]:
    """Why the gold patch is none."""
    try:
        after = apply_in_memory(answer.patch, snapshot)
    except RepositoryError as error:
        return [f"the gold patch does not apply: {error}"]
    found = [f"the gold patch touches the test {path}" for path in after if is_test_path(path)]
    if not any(_content(path, snapshot) != content for path, content in after.items()):
        found.append("the gold patch changes nothing")
    return found


def _content(path: str, snapshot: Snapshot) -> bytes | None:
    return snapshot.read(path) if path in snapshot.files else None


def _is_there(path: str, hidden: bytes, sandbox: Sandbox, snapshot: Snapshot) -> bool:
    """Whether the sandbox has the hidden file, or another than the base commit has."""
    try:
        content = sandbox.get(path)
    except FileNotFoundError:
        return False
    return content == hidden or content != _content(path, snapshot)


def _run(tests: Tests, names: Sequence[str] | None) -> TestRun:
    return tests.run(names, timeout_s=TIMEOUT_S, test_timeout_s=TEST_TIMEOUT_S, strict=False)


def _why_unread(name: str, run: TestRun, *, imports: bool) -> str:
    """Why a test failed before it could show anything, or "". A missing import counts only with
    `imports`."""
    result = run.result(name) or run.result(file_of(name))
    if result is None or not result.outcome.bad:
        return ""
    if _is_import(result):
        return result.message if imports else ""
    unread = result.test_id == file_of(name)
    return f"its file cannot be read: {result.message}" if unread else ""


def _is_import(result: TestResult) -> bool:
    return result.message.startswith(_IMPORTS) or (
        result.outcome is Outcome.ERROR and any(name in result.detail for name in _IMPORTS)
    )


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
