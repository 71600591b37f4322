"""`swe-sleep watch`: sleep whenever the code changes."""

from __future__ import annotations

import hashlib
from typing import Annotated

import typer

from swe_sleep.cli import output
from swe_sleep.cli.sleep import BackendName, Seconds
from swe_sleep.errors import UsageError


def watch(
    settle_s: Annotated[
        float | None,
        typer.Option("--settle-s", min=0.05, help="Seconds of quiet before a change is taken."),
    ] = None,
    poll_s: Annotated[
        float | None,
        typer.Option("--poll-s", min=0.1, help="Look so often, where no file events come."),
    ] = None,
    budget_s: Seconds = None,
    backend: BackendName = None,
) -> None:
    """Watch this repository and think about every change.

    A change that comes while a pass runs is taken at once; what was finished is kept in the git
    folder. Ctrl-C, or SIGTERM, is how it ends: the exit code is 0 then.

    \b
    swe-sleep watch
    swe-sleep watch --budget-s 60 --backend local
    """
    from filelock import FileLock, Timeout

    from swe_sleep.cli import wiring
    from swe_sleep.cli.display import Display
    from swe_sleep.integrations import queue
    from swe_sleep.repo.watcher import watch as settled_changes
    from swe_sleep.sleep import limits
    from swe_sleep.wiring.asking import can_ask

    display = Display(output.console())
    flags = {
        "watch.settle_s": settle_s,
        "watch.poll_s": poll_s,
        "sleep.budget_s": budget_s,
        "sandbox.backend": backend,
    }
    with wiring.sleeping(flags, display) as sleeper:
        repository, settings = sleeper.repository, sleeper.settings
        # One for each work tree: they share the notes, but not what there is to see.
        tree = hashlib.sha256(bytes(repository.root)).hexdigest()[:8]
        lock = FileLock(repository.state_dir / f"watch-{tree}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            pid = queue.watcher(repository.state_dir, repository.root)
            who = f" by process {pid}" if pid else ""
            raise UsageError(
                f"this work tree is being watched already{who}.",
                "One watcher is enough; end that one first.",
            ) from None
        sleeper.be_courteous(waits=True)
        asks = settings.sleep.ask_model and can_ask(settings)
        if asks:  # replies of message batches come when nobody edits anything
            sleeper.due_s = lambda: limits.waiting(sleeper.store).next_look_s
        display.console.print(
            f"watching {output.shown(repository.root)}; Ctrl-C ends it", style="bold"
        )
        display.console.print(f"sandbox: {sleeper.backend.guarantees().text}", style="dim")
        if asks:
            name, most = settings.sleep.model or settings.model.name, settings.sleep.budget_usd_day
            display.console.print(
                f"asks {name}: may spend up to ${most:.2f} a day (sleep.budget_usd_day; "
                "sleep.ask_model = false turns it off)",
                style="dim",
            )
        try:
            with (
                wiring.stopping() as stop,
                queue.watching(repository.state_dir, repository.root),
            ):
                changes = settled_changes(
                    repository,
                    settle_s=settings.watch.settle_s,
                    poll_s=settings.watch.poll_s,
                    stop=stop,
                    progress=display.console.print,
                )
                queue.take(repository.state_dir)  # the first look at everything covers it
                sleeper.follow(changes, stop, display.change, display.report)
        finally:
            lock.release()
