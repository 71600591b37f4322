"""The strategy `single`: one run of the agent in one sandbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

from swe_sleep.model.metering import MeteredModel
from swe_sleep.model.protocol import OnText
from swe_sleep.model.secrets import Masker
from swe_sleep.prompts.fence import Fence
from swe_sleep.records import ContextLine, Issue, Patch, file_of
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve.agent import Agent
from swe_sleep.solve.progress import Original, PatchSoFar
from swe_sleep.solve.reach import Reached
from swe_sleep.solve.resume import Resumed
from swe_sleep.solve.tools import (
    Bash,
    Edit,
    Notes,
    NotesReader,
    Runner,
    RunTests,
    Submit,
    Tool,
    Toolbox,
)
from swe_sleep.solve.work import AgentOptions, Recorder, Work


def single(
    issue: Issue,
    known: Sequence[ContextLine],
    *,
    model: MeteredModel,
    sandbox: Sandbox,
    original: Original,
    runner: Runner,
    notes: NotesReader | None,
    reached: Callable[[Patch], Reached] | None = None,
    before: Callable[[Set[str], float | None], Set[str]] = lambda failing, left_s: frozenset(),
    recorder: Recorder | None = None,
    masker: Masker | None = None,
    fence: Fence | None = None,
    command_timeout_s: float = 120,
    test_timeout_s: float = 60,
    progress: Callable[[str], None] = lambda line: None,
    on_text: OnText | None = None,
    options: AgentOptions | None = None,
    stop: Callable[[], bool] = lambda: False,
    resumed: Resumed | None = None,
) -> Work:
    """Work on the issue until the model submits or something ends it, or `stop` becomes true.

    `original` is the snapshot that the sandbox was opened with; `reached` gives the tests that
    a patch can reach, `before` those of failing ones that fail without a patch too. Without `notes`
    there is no tool for them. Runs that share a `fence` share their prompt's beginning.
    A run that is `resumed` goes on where it was, with its own fence; `resume.take_up` has put the
    sandbox into its state.
    """
    budget = model.budget
    masker = masker or Masker()
    patch = PatchSoFar(sandbox, original, producer=f"agent:{model.name}")

    def failing_before(failing: Set[str], left_s: float | None) -> Set[str]:
        old = {test for test in failing if file_of(test) in original.files}
        return before(old, left_s) if old and patch.peek() else frozenset()

    tests = RunTests(
        runner,
        must_pass=issue.test_ids,
        reached=None if reached is None else lambda: reached(patch.peek()),
        before=failing_before,
        test_timeout_s=test_timeout_s,
        left_s=budget.seconds_left,
        stop=stop,
    )
    submit = Submit(tests)
    bash = Bash(sandbox, timeout_s=command_timeout_s, left_s=budget.seconds_left, stop=stop)
    if resumed is not None:
        fence = Fence(resumed.begun.tag)
    tools: list[Tool] = [bash, Edit(sandbox, masker), tests]
    if notes is not None:
        tools.append(Notes(notes))
    toolbox = Toolbox([*tools, submit], fence or Fence.new(), masker)
    agent = Agent(
        model,
        toolbox,
        patch,
        submit,
        tests,
        recorder=recorder,
        remaining=budget.remaining,
        progress=progress,
        on_text=on_text,
        options=options,
        stop=stop,
    )
    return agent.work(issue, known, resumed)
