"""The selection run: an agent is shown patches, writes tests that tell them apart, and chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from swe_sleep.model import tools as definitions
from swe_sleep.model.metering import MeteredModel
from swe_sleep.model.secrets import Masker
from swe_sleep.prompts.fence import Fence
from swe_sleep.records import ContextLine, Issue, Outcome, Patch, TestRun
from swe_sleep.repo.diff import apply_in_memory
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve.agent import Agent
from swe_sleep.solve.editor import ToolProblem
from swe_sleep.solve.progress import PatchSoFar
from swe_sleep.solve.tools import (
    Bash,
    Edit,
    Output,
    RunTests,
    Submit,
    Toolbox,
    cut_middle,
    within,
)
from swe_sleep.solve.work import AgentOptions, Recorder, Work
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.verify import Files

MOST_PATCH_CHARS = 12_000
MOST_ROWS = 40
SHORT = {Outcome.PASSED: "pass", Outcome.FAILED: "FAIL", Outcome.ERROR: "ERROR"}


class Compare:
    """Runs tests on the code as it is and with each patch."""

    definition = definitions.COMPARE

    def __init__(
        self,
        tests: Tests,
        patches: Sequence[Files],
        *,
        timeout_s: float = 120,
        test_timeout_s: float = 30,
        left_s: Callable[[], float | None],
        stop: Callable[[], bool],
    ) -> None:
        self._tests = tests
        self._patches = patches
        self._timeout_s = timeout_s
        self._test_timeout_s = test_timeout_s
        self._left_s = left_s
        self._stop = stop
        self.runs = 0

    def run(self, values: Mapping[str, object]) -> Output:
        ids = values.get("tests")
        if not isinstance(ids, list) or not ids or not all(isinstance(each, str) for each in ids):
            raise ToolProblem("'tests' must be a list of test ids.")
        sandbox = self._tests.sandbox
        changed = sandbox.changes()
        theirs = {path for patch in self._patches for path in patch}
        own = {path: content for path, content in changed.items() if path not in theirs}
        runs: list[TestRun] = []
        try:
            for patch in ({}, *self._patches):
                sandbox.reset()
                sandbox.put({**patch, **own})
                runs.append(self._one(ids))
        finally:
            sandbox.reset()
            sandbox.put(changed)
        left_out = ", ".join(sorted(changed.keys() & theirs))
        remark = f"your changes were left out of: {left_out}" if left_out else ""
        return Output(_table(runs), remark)

    def _one(self, ids: Sequence[str]) -> TestRun:
        self.runs += 1
        return self._tests.run(
            ids,
            timeout_s=within(self._timeout_s, self._left_s()),
            test_timeout_s=self._test_timeout_s,
            strict=False,
            stop=self._stop,
        )


class Choose(Submit):
    """`number` is the patch that was chosen, from 1."""

    definition = definitions.CHOOSE

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count
        self.number = 0

    def run(self, values: Mapping[str, object]) -> Output:
        number, reason = values.get("number"), values.get("reason")
        if not isinstance(number, int) or not 1 <= number <= self._count:
            raise ToolProblem(f"'number' must be from 1 to {self._count}.")
        self.number = number
        self.summary = reason.strip() if isinstance(reason, str) else ""
        return Output(remark="chosen")


def select(
    issue: Issue,
    known: Sequence[ContextLine],
    patches: Sequence[Patch],
    *,
    model: MeteredModel,
    sandbox: Sandbox,
    snapshot: Snapshot,
    recorder: Recorder | None = None,
    masker: Masker | None = None,
    fence: Fence | None = None,
    progress: Callable[[str], None] = lambda line: None,
    options: AgentOptions | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[int | None, Work]:
    """The place of the chosen patch, None where the run ended without a choice; and the run."""
    masker = masker or Masker()
    left_s = model.budget.seconds_left
    tests = Tests(sandbox)
    files = [apply_in_memory(patch, snapshot) for patch in patches]
    compare = Compare(tests, files, left_s=left_s, stop=stop)
    choose = Choose(len(patches))
    bash = Bash(sandbox, left_s=left_s, stop=stop)
    toolbox = Toolbox([bash, Edit(sandbox, masker), compare, choose], fence or Fence.new(), masker)
    shown = "\n\n".join(
        f"Patch {number}:\n{cut_middle(patch.diff, MOST_PATCH_CHARS)}"
        for number, patch in enumerate(patches, start=1)
    )
    agent = Agent(
        model,
        toolbox,
        PatchSoFar(sandbox, snapshot, producer=f"agent:{model.name}"),
        choose,
        RunTests(tests, left_s=left_s),
        recorder=recorder,
        remaining=model.budget.remaining,
        progress=progress,
        options=replace(
            options or AgentOptions(), prompts="select", purpose="select", more={"patches": shown}
        ),
        stop=stop,
    )
    work = agent.work(issue, known)
    work = replace(work, usage=replace(work.usage, test_runs=compare.runs))
    return (choose.number - 1 if choose.number else None), work


def _table(runs: Sequence[TestRun]) -> str:
    """A line for each test: how it came out as the code is, and with each patch."""
    names = sorted({result.test_id for run in runs for result in run.results})
    heads = ["as it is", *(f"patch {number}" for number in range(1, len(runs)))]
    lines = []
    for name in names[:MOST_ROWS]:
        found = [run.result(name) for run in runs]
        told = [
            f"{head} {SHORT.get(result.outcome, str(result.outcome)) if result else '-'}"
            for head, result in zip(heads, found, strict=True)
        ]
        lines.append(f"{name}: {', '.join(told)}")
        said = {
            " ".join(result.message.split())[:200]: head
            for head, result in zip(heads, found, strict=True)
            if result is not None and result.message
        }
        lines += [f"    {head}: {message}" for message, head in said.items()]
    if len(names) > MOST_ROWS:
        lines.append(f"[{len(names) - MOST_ROWS} more not shown]")
    problems = [f"{h}: {run.problem}" for h, run in zip(heads, runs, strict=True) if run.problem]
    return "\n".join([*lines, *problems]) or "no test ran"
