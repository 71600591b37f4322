"""What solves: an open sandbox with a snapshot, what is known of it, and who looks for a patch."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from swe_sleep.config import Settings
from swe_sleep.notes.contents import Contents
from swe_sleep.notes.evidence import Evidence
from swe_sleep.notes.store import Spent, Store
from swe_sleep.records import ContextLine, Issue, Usage
from swe_sleep.repair.lessons import recalled
from swe_sleep.repo.earlier import earlier
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.choose import limits
from swe_sleep.sandbox.protocol import Backend, Sandbox
from swe_sleep.solve.about import About
from swe_sleep.solve.knowledge import FromNotes, Knowledge, OneAtATime
from swe_sleep.solve.resume import Resumed
from swe_sleep.solve.saving import savings
from swe_sleep.solve.solve import Limits as SolveLimits
from swe_sleep.solve.solve import Solve, Solved
from swe_sleep.solve.strategies.candidates import told_apart
from swe_sleep.wiring import kept
from swe_sleep.wiring.asking import Asking, can_ask
from swe_sleep.wiring.known import NOTES_FILE, TRAJECTORIES, Known, locator
from swe_sleep.wiring.sleeping import backend

if TYPE_CHECKING:  # it imports numpy, which takes long
    from swe_sleep.locate.locator import Ranking


def located(
    known: Known, settings: Settings, progress: Callable[[str], None]
) -> Callable[[str], Sequence[ContextLine]]:
    """What gives a prompt the likely places of an issue, within the settings' tokens."""

    def lines(text: str) -> Sequence[ContextLine]:
        if not settings.solve.context_tokens or not text.strip():
            return ()
        from swe_sleep.locate.pack import pack

        ranking = locator(known, progress).locate(text)
        return pack(ranking, settings.solve.context_tokens, known.outlines.get)

    return lines


def knowledge(
    known: Known,
    settings: Settings,
    progress: Callable[[str], None] = lambda line: None,
    *,
    told: Known | None = None,
) -> Knowledge:
    """What the fresh notes say, and what needs none, for several threads at once. The notes are
    those of `told`, where another's are taken for its own."""
    noted = told or known
    evidence = Evidence(noted.view, noted.snapshot, Contents(noted.store, noted.repository))
    places = located(known, settings, progress)
    about = About(noted.view, noted.snapshot, evidence, noted.outlines)
    learn = partial(recalled, noted.store, noted.repository.git, noted.snapshot.head)
    before = partial(earlier, known.repository.git, known.snapshot)
    return OneAtATime(FromNotes(noted.view, noted.snapshot, evidence, places, about, learn, before))


@contextmanager
def unslept(known: Known) -> Iterator[Known]:
    """The same repository as if nothing had ever been noted of it."""
    with tempfile.TemporaryDirectory(prefix="swe-sleep-") as folder:
        store = Store(Path(folder) / NOTES_FILE)
        try:
            yield Known.of(known.repository, store, known.snapshot)
        finally:
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
    known: Known,
    settings: Settings,
    progress: Callable[[str], None],
    *,
    notes: bool | Knowledge = True,
    chosen: Backend | None = None,
) -> Iterator[Bench]:
    """What a run of `solve` needs; without notes it knows what it can find out by itself, and with
    a Knowledge only that."""
    chosen = chosen or backend(settings)
    environment = chosen.prepare(known.snapshot, progress=progress)
    opening = partial(chosen.open, environment=environment, limits=limits(settings.sandbox))
    with ExitStack() as opened:
        store = known.store
        if notes is False:
            known = opened.enter_context(unslept(known))
        if isinstance(notes, bool):
            notes = knowledge(known, settings, progress)
        sandbox = opened.enter_context(opening(known.snapshot))
        yield Bench(
            known.repository,
            settings,
            known.snapshot,
            store,
            sandbox,
            opening,
            notes,
            lambda text: locator(known, progress).locate(text),
        )


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
    background: str = "",
) -> Solved:
    """One run of `solve`, written into the ledger; `resumed` is one of the agent's to go on
    with. A patch of `closed` files could not be put where it is wanted."""
    issue = Issue(text, test_ids, background)
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
            candidates=bench.settings.solve.search_candidates,
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
    spent = kept.less(solved.usage, settled)
    bench.store.record(
        spent=Spent(0.0, "solve", issue.title[:200], model, spent),
        saved=savings(solved, bench.knowledge.issues()),
    )
    return solved
