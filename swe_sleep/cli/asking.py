"""Puts the agent together: Claude, its budget, its tools and the file that holds its trajectory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from swe_sleep.config import Settings
from swe_sleep.model.budget import Budget, Limits
from swe_sleep.model.catalogue import prices
from swe_sleep.model.client import ClaudeModel, ClientOptions
from swe_sleep.model.metering import MeteredModel
from swe_sleep.model.secrets import Masker
from swe_sleep.model.trajectory import Trajectory
from swe_sleep.records import ContextLine, Issue, Patch, Usage
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve.knowledge import Knowledge
from swe_sleep.solve.single import single
from swe_sleep.solve.solve import Prove
from swe_sleep.solve.work import AgentOptions
from swe_sleep.testing.tests import Tests

KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


def can_ask(settings: Settings) -> bool:
    """Whether Claude can be asked: with a key, or through a platform, which has its own."""
    return settings.model.provider != "anthropic" or any(map(os.environ.get, KEYS))


class Asking:
    """Asks Claude for a patch, within the settings' budget."""

    def __init__(
        self,
        settings: Settings,
        knowledge: Knowledge,
        open_sandbox: Callable[[], Sandbox],
        trajectories: Path,
        progress: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._knowledge = knowledge
        self._open_sandbox = open_sandbox
        self._trajectories = trajectories
        self._progress = progress

    def __call__(
        self, issue: Issue, known: Sequence[ContextLine], snapshot: Snapshot, prove: Prove
    ) -> tuple[Patch, str, Usage]:
        wanted = self._settings.model
        options = ClientOptions(
            model=wanted.name,
            provider=wanted.provider,
            base_url=wanted.base_url,
            thinking=wanted.thinking,
        )
        price_list = prices(Path(wanted.prices).expanduser() if wanted.prices else None)
        limits = Limits(wanted.budget_tokens, wanted.budget_usd, wanted.max_turns, wanted.budget_s)
        masker = Masker(value for name in KEYS if (value := os.environ.get(name)))
        file = self._trajectories / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.jsonl"
        trajectory = Trajectory(file, masker=masker)
        self._progress(f"trajectory: {file}")
        try:
            with ClaudeModel(options) as claude, self._open_sandbox() as sandbox:
                work = single(
                    issue,
                    known,
                    model=MeteredModel(claude, price_list, budget=Budget(limits, price_list)),
                    sandbox=sandbox,
                    original=snapshot,
                    runner=Tests(sandbox),
                    notes=self._knowledge,
                    reached=self._reached,
                    recorder=trajectory,
                    masker=masker,
                    test_timeout_s=self._settings.tests.test_timeout_s,
                    progress=self._progress,
                    options=AgentOptions(effort=wanted.effort),
                )
        finally:
            trajectory.close()
        return work.patch, work.why, work.usage

    def _reached(self, paths: Sequence[str]) -> Sequence[str]:
        """The tests that are known to run any of the files."""
        coverage, _ = self._knowledge.coverage_of(paths)
        return [
            test
            for test, files in coverage.lines.items()
            if test and not files.keys().isdisjoint(paths)
        ]
