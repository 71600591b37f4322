"""The one place that names concrete parts and puts them together."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from swe_sleep.cli import output, runs
from swe_sleep.cli.asking import Asking, can_ask, client_options, price_list
from swe_sleep.cli.display import Display
from swe_sleep.cli.groups import Interrupted
from swe_sleep.cli.known import NOTES_FILE, TRAJECTORIES
from swe_sleep.cli.known import Known as Known
from swe_sleep.cli.known import inside as inside
from swe_sleep.cli.known import locator as locator
from swe_sleep.cli.known import reading as reading
from swe_sleep.config import Settings, load
from swe_sleep.errors import UsageError
from swe_sleep.integrations import queue
from swe_sleep.model.client import ClaudeModel
from swe_sleep.model.known_secrets import masker
from swe_sleep.notes.contents import Contents
from swe_sleep.notes.evidence import Evidence
from swe_sleep.notes.store import Spent, Store
from swe_sleep.records import ContextLine, Issue, Usage
from swe_sleep.repair.lessons import recalled
from swe_sleep.repo import underway
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.choose import choose, limits, options
from swe_sleep.sandbox.protocol import Backend, Sandbox
from swe_sleep.sleep.budget import Budget
from swe_sleep.sleep.desk import Allowed, Desk
from swe_sleep.sleep.engine import Pass
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
from swe_sleep.solve.about import About
from swe_sleep.solve.knowledge import FromNotes, Knowledge, Nothing, OneAtATime
from swe_sleep.solve.predicted import anticipated, suspected
from swe_sleep.solve.resume import Resumed
from swe_sleep.solve.saving import savings
from swe_sleep.solve.solve import Limits as SolveLimits
from swe_sleep.solve.solve import Solve, Solved
from swe_sleep.solve.strategies.candidates import told_apart

if TYPE_CHECKING:  # it imports numpy, which takes long
    from swe_sleep.locate.locator import Ranking

MOST_SETTLING_S = 30.0
"""A rebase may be left half-way for days; a queued pass waits no longer than this for its end."""


def located(
    known: Known, settings: Settings, progress: Callable[[str], None]
) -> Callable[[str], Sequence[ContextLine]]:
    """What gives a prompt the likely places of an issue, within the settings' tokens; first what
    sleep suspected of the very issue."""

    def lines(text: str) -> Sequence[ContextLine]:
        if not settings.solve.context_tokens or not text.strip():
            return ()
        from swe_sleep.locate.pack import pack

        ranking = locator(known, progress).locate(text)
        places = pack(ranking, settings.solve.context_tokens, known.outlines.get)
        return [*suspected(anticipated(known.view, text)), *places]

    return lines


def backend(settings: Settings) -> Backend:
    """The sandbox that the settings ask for. Raises EngineUnavailable."""
    wanted = options(settings.environment)
    return choose(settings.sandbox.backend, options=wanted, image=settings.sandbox.image)


def environment(known: Known) -> str:
    """What the tests of a repository would run in, in one line; nothing is made. Raises
    EnvironmentFailed where the interpreter that the settings ask for is not here."""
    from swe_sleep.sandbox import interpreters
    from swe_sleep.sandbox.project.project import read_project

    wanted = load(known.repository.root).environment
    project = read_project(
        known.snapshot, extras=wanted.extras, requirements=wanted.requirements, build=wanted.build
    )
    choice = interpreters.choose(project, wanted.python)
    count = len({line for group in project.groups for line in group.requirements})
    parts = [f"Python {choice.interpreter.version} ({choice.why or choice.problem})"]
    parts.append(f"{count} requirements")
    parts += [f"to build: {project.build.makes}"] if project.build else []
    parts += [f"tests as in {project.command}"] if project.command else []
    return ", ".join(parts)


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
def sleeping(
    flags: Mapping[str, Any], display: Display, directory: Path | None = None
) -> Iterator[Sleeper]:
    """Everything that a pass over the repository around a directory needs."""
    with Repository.open(directory or output.here()) as repository:
        settings = load(repository.root, flags)
        store = Store(repository.state_dir / NOTES_FILE)
        folder = repository.state_dir / TRAJECTORIES
        try:
            with desks(settings, store, folder, display.progress) as desk:
                yield Sleeper(
                    repository,
                    store,
                    settings,
                    backend(settings),
                    passes(settings),
                    display.event,
                    display.progress,
                    desk,
                )
        finally:
            display.quiet()
            store.close()


@dataclass(frozen=True)
class Bench:
    """An open sandbox with one snapshot of a repository, and the notes that are about it."""

    repository: Repository
    settings: Settings
    snapshot: Snapshot
    store: Store
    sandbox: Sandbox
    open_sandbox: Callable[[Snapshot], Sandbox]
    """One more in the same environment."""
    knowledge: Knowledge
    ranking: Callable[[str], Ranking]
    """The places that a text is about; for who is given no patch."""


@contextmanager
def bench(
    flags: Mapping[str, Any],
    progress: Callable[[str], None],
    *,
    notes: bool = True,
    directory: Path | None = None,
) -> Iterator[Bench]:
    """What a run of `solve` needs; without notes it knows nothing."""
    with reading(directory) as known:
        settings = load(known.repository.root, flags)
        chosen = backend(settings)
        environment = chosen.prepare(known.snapshot, progress=progress)
        evidence = Evidence(known.view, known.snapshot, Contents(known.store, known.repository))
        places = located(known, settings, progress)
        about = About(known.view, known.snapshot, evidence, known.outlines)
        git, head = known.repository.git, known.snapshot.head
        learn = partial(recalled, known.store, git, head)
        knowledge: Knowledge = (
            OneAtATime(FromNotes(known.view, known.snapshot, evidence, places, about, learn))
            if notes
            else Nothing()
        )
        opening = partial(chosen.open, environment=environment, limits=limits(settings.sandbox))
        with opening(known.snapshot) as sandbox:
            yield Bench(
                known.repository,
                settings,
                known.snapshot,
                known.store,
                sandbox,
                opening,
                knowledge,
                lambda text: locator(known, progress).locate(text),
            )


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; a second Ctrl-C ends at once."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    old = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, action in old.items():
            signal.signal(number, action)


def sleep_queued(sleeper: Sleeper) -> None:
    """Take what git hooks queued, in whichever work tree; another process that is at it already
    takes it all."""
    repository = sleeper.repository

    def settle() -> None:
        until = time.monotonic() + MOST_SETTLING_S
        while underway.operation(repository.git_dir) and time.monotonic() < until:
            if stop.wait(0.2):
                return

    with stopping() as stop, queue.taking(repository.state_dir, settle=settle) as batches:
        for batch in batches:
            for root in queue.roots(batch, repository.root):
                with Repository.open(root) as tree:
                    _sleep_in_turn(replace(sleeper, repository=tree), stop)
                if stop.is_set():
                    raise Interrupted("stopped; what was finished is kept, the rest comes again.")


def _sleep_in_turn(sleeper: Sleeper, stop: threading.Event) -> None:
    """One pass; where a person's own is running, after that, if it ends in its time."""
    until = time.monotonic() + sleeper.settings.sleep.budget_s + MOST_SETTLING_S
    while True:
        try:
            sleeper.sleep(sleeper.repository.snapshot(), stop=stop)
            return
        except UsageError:
            if time.monotonic() > until or stop.wait(1.0):
                raise


def kept_run(wanted: str, model: str | None) -> tuple[str, Resumed]:
    """A run of the agent that can be taken up again on the code as it is, with its id. Raises
    UsageError."""
    with Repository.open(output.here()) as repository:
        run_id, run = runs.find(repository.state_dir / TRAJECTORIES, wanted, model)
        runs.same_code(run_id, run, repository.snapshot())
        return run_id, run


def solve(
    bench: Bench,
    text: str,
    test_ids: tuple[str, ...],
    solver: str,
    progress: Callable[[str], None],
    stop: threading.Event,
    resumed: tuple[str, Resumed] | None = None,
    *,
    closed: Collection[str] = (),
) -> Solved:
    """One run of `solve`, written into the ledger; `resumed` is one of the agent's to go on
    with. A patch of `closed` files could not be put where it is wanted."""
    issue = Issue(text, test_ids)
    settled = Usage()
    if resumed is not None:
        solver, issue, settled = "agent", resumed[1].begun.asked, resumed[1].settled
    progress = told_apart(progress)
    asks = None
    if solver == "agent" or (solver == "auto" and can_ask(bench.settings)):
        folder = bench.repository.state_dir / TRAJECTORIES
        asks = Asking(
            bench.settings,
            bench.knowledge,
            bench.open_sandbox,
            folder,
            progress,
            stop.is_set,
            origin={
                "issue": asdict(issue),
                "snapshot": bench.snapshot.id,
                "head": bench.snapshot.head,
            },
            resumed=resumed,
        )
    run = Solve(
        bench.snapshot,
        bench.sandbox,
        bench.knowledge,
        asks=asks,
        limits=SolveLimits(
            search_s=0.0 if solver == "agent" else bench.settings.solve.search_s,
            suite_s=bench.settings.tests.suite_s,
            test_s=bench.settings.tests.test_timeout_s,
            stop=stop.is_set,
        ),
        progress=progress,
        closed=closed,
    )
    solved = run.run(issue)
    model = bench.settings.model.name if solved.usage.tokens else ""
    model = resumed[1].begun.model if resumed else model
    spent = runs.less(solved.usage, settled)
    bench.store.record(
        spent=Spent(0.0, "solve", issue.title[:200], model, spent),
        saved=savings(solved, bench.knowledge.issues()),
    )
    return solved
