"""Puts the agent together: Claude, its budget, its tools and the file that holds its trajectory."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from swe_sleep.config import Settings
from swe_sleep.errors import StoreError
from swe_sleep.model.budget import Budget, Limits
from swe_sleep.model.catalogue import Prices, prices
from swe_sleep.model.client import ClaudeModel, ClientOptions
from swe_sleep.model.known_secrets import masker
from swe_sleep.model.metering import MeteredModel
from swe_sleep.model.providers import on_this_machine
from swe_sleep.model.trajectory import Trajectory
from swe_sleep.prompts.fence import Fence
from swe_sleep.records import ContextLine, Issue, Patch, Usage
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve.before import Before
from swe_sleep.solve.knowledge import Knowledge
from swe_sleep.solve.reach import Reach
from swe_sleep.solve.resume import OVER, Resumed, take_up
from swe_sleep.solve.single import single
from swe_sleep.solve.solve import Prove
from swe_sleep.solve.strategies.best_of import best_of
from swe_sleep.solve.strategies.candidates import Means
from swe_sleep.solve.strategies.first_finish import first_finish
from swe_sleep.solve.strategies.prefix import First, Waiting
from swe_sleep.solve.strategies.selection import select
from swe_sleep.solve.work import AgentOptions, Work
from swe_sleep.testing.tests import Tests
from swe_sleep.wiring import kept

KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


def can_ask(settings: Settings) -> bool:
    """Whether Claude can be asked: with a key, through a platform, which has its own, or where the
    server is one of this machine."""
    url = settings.model.base_url or os.environ.get("ANTHROPIC_BASE_URL", "")
    platform = settings.model.provider != "anthropic"
    return platform or any(map(os.environ.get, KEYS)) or on_this_machine(url)


def client_options(settings: Settings, model: str = "") -> ClientOptions:
    """How the settings say that a model is reached; another than theirs where one is named."""
    wanted = settings.model
    return ClientOptions(
        model=model or wanted.name,
        provider=wanted.provider,
        base_url=wanted.base_url,
        region=wanted.region,
        project=wanted.project,
        resource=wanted.resource,
        thinking=wanted.thinking,
    )


def price_list(settings: Settings, model: str) -> Prices:
    """What the model costs where the settings have it asked."""
    wanted = settings.model
    listed = prices(Path(wanted.prices).expanduser() if wanted.prices else None)
    region = wanted.region or os.environ.get("CLOUD_ML_REGION", "")
    return listed.on(wanted.provider, model, region)


class Asking:
    """Asks Claude for a patch, by the settings' strategy and within their budget. A run that is
    `resumed`, with its id, goes on in its own trajectory instead, and what it spent counts."""

    def __init__(
        self,
        settings: Settings,
        knowledge: Knowledge,
        open_sandbox: Callable[[Snapshot], Sandbox],
        trajectories: Path,
        progress: Callable[[str], None],
        stop: Callable[[], bool] = lambda: False,
        *,
        origin: Mapping[str, object] | None = None,
        resumed: tuple[str, Resumed] | None = None,
    ) -> None:
        """`origin` is for the trajectory: what was asked, and on which code.

        With several candidates all of these are used from several threads at once."""
        self._settings = settings
        self._knowledge = knowledge
        self._open_sandbox = open_sandbox
        self._trajectories = trajectories
        self._progress = progress
        self._stop = stop
        self._origin = origin or {}
        self._resumed = resumed

    def __call__(
        self,
        issue: Issue,
        known: Sequence[ContextLine],
        snapshot: Snapshot,
        prove: Prove,
        known_bad: Collection[str],
    ) -> tuple[Patch, str, Usage]:
        settings = self._settings
        strategy = "single" if self._resumed else settings.solve.strategy
        several = strategy != "single"
        asked = _Asked(settings, snapshot, self._trajectories, several, self._resumed)
        before = self._resumed[1] if self._resumed else None
        opening = partial(self._open_sandbox, snapshot)
        opened = ExitStack()
        unchanged = Before(
            lambda: opened.enter_context(opening()),
            known_bad,
            test_timeout_s=settings.tests.test_timeout_s,
            stop=self._stop,
        )
        options = AgentOptions(effort=settings.model.effort, own_tests=strategy == "best-of")

        def attempt(number: int, sandbox: Sandbox, stop: Callable[[], bool]) -> Work:
            if before is not None:
                take_up(before, sandbox, snapshot, asked.masker)
            with asked.run(str(number) if several else "", self._progress) as (model, trajectory):
                if self._origin and before is None:
                    with suppress(StoreError):  # the agent will say so
                        trajectory.write("run", **self._origin)
                work = single(
                    issue,
                    known,
                    model=model,
                    sandbox=sandbox,
                    original=snapshot,
                    runner=Tests(sandbox),
                    notes=self._knowledge if self._knowledge.answers() else None,
                    reached=Reach(self._knowledge),
                    before=unchanged,
                    recorder=trajectory,
                    masker=asked.masker,
                    fence=asked.fence,
                    test_timeout_s=settings.tests.test_timeout_s,
                    progress=self._progress,
                    options=before.begun.options if before else options,
                    stop=stop,
                    resumed=before,
                )
            if work.ending not in OVER and (not several or self._stop()):
                run_id = trajectory.path.stem
                self._progress(f"to take this up again: swe-sleep solve --resume {run_id}")
            return work

        compared = 0

        def selected(patches: Sequence[Patch]) -> int | None:
            nonlocal compared
            with asked.run("selection", self._progress) as (model, trajectory), opening() as box:
                place, work = select(
                    issue,
                    known,
                    patches,
                    model=model,
                    sandbox=box,
                    snapshot=snapshot,
                    recorder=trajectory,
                    masker=asked.masker,
                    fence=asked.fence,
                    progress=lambda line: self._progress(f"selection: {line}"),
                    options=options,
                    stop=self._stop,
                )
            compared = work.usage.test_runs
            self._progress(f"selection: {work.why}")
            return place

        means = Means(opening, attempt, prove, self._stop, self._progress)
        count = settings.solve.candidates if several else 1
        with opened:
            if strategy == "best-of":
                chosen, everyone = best_of(means, count, snapshot, selected)
            else:
                chosen, everyone = first_finish(means, count)
        runs = sum(each.work.usage.test_runs for each in everyone if each.work is not None)
        usage = replace(asked.budget.spent, test_runs=runs + compared + unchanged.runs)
        return chosen.patch, chosen.why, usage


class _Asked:
    """What all runs on one issue share: the budget, the masker, and the prompt's beginning."""

    def __init__(
        self,
        settings: Settings,
        snapshot: Snapshot,
        trajectories: Path,
        several: bool,
        resumed: tuple[str, Resumed] | None,
    ) -> None:
        wanted = settings.model
        run_id, before = resumed or (kept.new_id(), None)
        self._options = client_options(settings, before.begun.model if before else "")
        self._prices = price_list(settings, self._options.model)
        limits = Limits(wanted.budget_tokens, wanted.budget_usd, wanted.max_turns, wanted.budget_s)
        spent, seconds = (before.usage, before.seconds) if before else (Usage(), 0.0)
        self.budget = Budget(limits, self._prices, spent=spent, seconds=seconds)
        self._measured = before.measured if before else None
        self.masker = masker(os.environ, snapshot, trajectories)
        self.fence = Fence.new()
        self._first = First() if several else None
        self._stem = run_id
        self._trajectories = trajectories

    @contextmanager
    def run(
        self, name: str, progress: Callable[[str], None]
    ) -> Iterator[tuple[MeteredModel, Trajectory]]:
        """A connection and a trajectory of one run's own."""
        file = self._trajectories / f"{self._stem}{name and '-'}{name}{kept.SUFFIX}"
        progress(f"trajectory: {file}")
        with (
            ClaudeModel(self._options) as claude,
            Trajectory(file, masker=self.masker) as trajectory,
        ):
            model = Waiting(claude, self._first) if self._first is not None else claude
            metered = MeteredModel(model, self._prices, budget=self.budget)
            if self._measured is not None:
                metered.recall(*self._measured)
            yield metered, trajectory
