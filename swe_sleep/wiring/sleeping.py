"""What sleeps: the passes that the settings want, their sandbox, and their way to a model."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from swe_sleep.config import Settings
from swe_sleep.model.client import ClaudeModel
from swe_sleep.model.known_secrets import masker
from swe_sleep.notes.store import Store
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.choose import choose, options
from swe_sleep.sandbox.protocol import Backend
from swe_sleep.sleep.budget import Budget
from swe_sleep.sleep.desk import Allowed, Desk
from swe_sleep.sleep.engine import Listener, Pass
from swe_sleep.sleep.passes.anticipate import AnticipatePass
from swe_sleep.sleep.passes.cause import CausePass
from swe_sleep.sleep.passes.checks import ChecksPass
from swe_sleep.sleep.passes.diagnose import DiagnosePass
from swe_sleep.sleep.passes.environment import EnvironmentPass
from swe_sleep.sleep.passes.graph import GraphPass
from swe_sleep.sleep.passes.history import HistoryPass
from swe_sleep.sleep.passes.hunt import HuntPass
from swe_sleep.sleep.passes.impact import ImpactPass
from swe_sleep.sleep.passes.layout import LayoutPass
from swe_sleep.sleep.passes.leads import LeadsPass
from swe_sleep.sleep.passes.mend import MendPass
from swe_sleep.sleep.passes.outline import OutlinePass
from swe_sleep.sleep.passes.prove import ProvePass
from swe_sleep.sleep.passes.reproduce import ReproducePass
from swe_sleep.sleep.passes.risk import RiskPass
from swe_sleep.sleep.passes.speculate import SpeculatePass
from swe_sleep.sleep.passes.summary import SummaryPass
from swe_sleep.sleep.passes.tests import TestsPass
from swe_sleep.sleep.sleeper import Sleeper
from swe_sleep.wiring.asking import can_ask, client_options, price_list
from swe_sleep.wiring.known import TRAJECTORIES


def backend(settings: Settings) -> Backend:
    """The sandbox that the settings ask for. Raises EngineUnavailable."""
    wanted = options(settings.environment)
    return choose(settings.sandbox.backend, options=wanted, image=settings.sandbox.image)


def passes(settings: Settings) -> list[Pass]:
    """The passes that sleep runs, as the settings want them."""
    found: list[Pass] = [
        OutlinePass(),
        GraphPass(),
        HistoryPass(),
        LayoutPass(),
        ImpactPass(),
        LeadsPass(),
        TestsPass(),
        DiagnosePass(),
        CausePass(),
        EnvironmentPass(),
        ProvePass(),
        RiskPass(),
        SummaryPass(),
        AnticipatePass(),
        ReproducePass(),
    ]
    if settings.sleep.checks:
        found.append(ChecksPass())
    if settings.sleep.speculate:
        found += [SpeculatePass(), MendPass()]
    if settings.sleep.hunt:
        found.append(HuntPass())
    return found


@contextmanager
def desks(
    settings: Settings, store: Store, folder: Path, progress: Callable[[str], None]
) -> Iterator[Callable[[Snapshot, Budget], Desk | None]]:
    """What gives a pass its way to a model: none without a key, or where the settings say so."""
    wanted = settings.sleep
    if not (wanted.ask_model and can_ask(settings)):
        yield lambda snapshot, budget: None
        return
    model = ClaudeModel(client_options(settings, wanted.model))
    listed = price_list(settings, model.name)
    allowed = Allowed(
        wanted.budget_usd, wanted.budget_usd_day, wanted.budget_usd_note, wanted.budget_tokens
    )
    last: tuple[Budget, Desk] | None = None

    def desk(snapshot: Snapshot, budget: Budget) -> Desk:
        nonlocal last
        mask = partial(masker, os.environ, snapshot, folder)
        if last is not None and last[0] is budget:  # the same pass, which goes on
            last[1].move_to(mask)
            return last[1]
        made = Desk(
            store,
            model,
            listed,
            mask,
            budget,
            allowed,
            progress,
            batch=wanted.batch,
            effort=wanted.effort,
            folder=folder / "sleep",
        )
        last = budget, made
        return made

    with model:
        yield desk


@contextmanager
def sleeper(
    repository: Repository,
    store: Store,
    settings: Settings,
    *,
    backend: Backend,
    listener: Listener | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Iterator[Sleeper]:
    """What runs passes over one repository."""
    folder = repository.state_dir / TRAJECTORIES
    with desks(settings, store, folder, progress) as desk:
        yield Sleeper(
            repository, store, settings, backend, passes(settings), listener, progress, desk
        )
