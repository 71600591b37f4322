"""`swe-sleep demo`: the whole loop, live, on a small bundled repository."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swe_sleep.cli import output
from swe_sleep.cli.sleep import BackendName
from swe_sleep.records import AnticipatedIssue, State, Usage

if TYPE_CHECKING:
    from rich.console import Console

    from swe_sleep.cli.display import Display
    from swe_sleep.demo.stage import Fault
    from swe_sleep.records import Change
    from swe_sleep.sleep.engine import Event, SleepReport
    from swe_sleep.solve.solve import Solved


def demo(
    fault: Annotated[str, typer.Option(help="Which of the bundled faults; see --list.")] = "",
    list_faults: Annotated[bool, typer.Option("--list", help="Name the bundled faults.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the demo's repository.")] = False,
    backend: BackendName = None,
) -> None:
    """Watch a small repository, break it, get the tested patch.

    Works without a key, without Docker and without a network, in a temporary folder that is gone
    afterwards (unless you say --keep).

    \b
    swe-sleep demo
    swe-sleep demo --list
    """
    from swe_sleep.demo import stage

    console = output.console()
    if list_faults:
        for each in stage.faults():
            console.print(f"{each.name:<14}{each.message}")
        return
    chosen = stage.fault(fault)
    folder = Path(tempfile.mkdtemp(prefix="swe-sleep-demo-"))
    try:
        _play(console, stage.set_up(folder), chosen, {"sandbox.backend": backend})
    finally:
        if keep:
            console.print(f"The repository stays at {folder / 'shelflife'}.")
        else:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass
class _Night:
    """What happens while the watcher runs: the first pass, the edit, the pass that it sets off."""

    display: Display
    root: Path
    fault: Fault
    stop: threading.Event
    reports: list[SleepReport] = field(default_factory=list)
    edited: float = 0.0
    seconds_to: dict[State, float] = field(default_factory=dict)
    """From the saved file to the note in that state."""

    def on_event(self, event: Event) -> None:
        from swe_sleep.notes import kinds

        self.display.event(event)
        for note in event.notes:
            if self.edited and note.kind == kinds.ISSUE:
                state = kinds.decode(note.data, AnticipatedIssue).state
                self.seconds_to.setdefault(state, time.monotonic() - self.edited)

    def on_change(self, change: Change) -> None:
        if self.reports:
            self.display.change(change)

    def on_report(self, report: SleepReport) -> None:
        from swe_sleep.demo.stage import break_it

        self.display.report(report)
        self.reports.append(report)
        if len(self.reports) == 1:
            self.display.console.rule("2  a person edits a file", style="dim")
            self.display.console.print(f'{self.fault.path}: "{self.fault.message}"', style="bold")
            self.edited = time.monotonic()
            break_it(self.root, self.fault)
        else:
            self.stop.set()


def _play(console: Console, root: Path, fault: Fault, flags: dict[str, object]) -> None:
    from swe_sleep.cli import wiring
    from swe_sleep.cli.display import Display
    from swe_sleep.repo.watcher import watch

    began = time.monotonic()
    display = Display(console)
    with wiring.sleeping(flags, display, root) as sleeper, wiring.stopping() as stop:
        console.rule("1  swe-sleep watches a small repository", style="dim")
        console.print(f"sandbox: {sleeper.backend.guarantees().text}", style="dim")
        night = _Night(display, root, fault, stop)
        sleeper.listener = night.on_event
        changes = watch(sleeper.repository, settle_s=0.3, stop=stop, progress=display.console.print)
        sleeper.follow(changes, stop, night.on_change, night.on_report)
        if len(night.reports) < 2:
            raise KeyboardInterrupt
    console.rule("3  somebody reports it", style="dim")
    console.print(fault.issue.strip())
    console.rule("4  solve, with what sleep found out", style="dim")
    warm = _solve(display, root, fault, flags, notes=True)
    console.rule("5  the same, cold, without notes", style="dim")
    cold = _solve(display, root, fault, flags, notes=False)
    console.rule("6  side by side", style="dim")
    _compare(console, night, warm, cold)
    console.print(f"The demo took {time.monotonic() - began:.0f} s.", style="dim")
    if not warm.solved:
        raise typer.Exit(1)


def _solve(
    display: Display, root: Path, fault: Fault, flags: dict[str, object], *, notes: bool
) -> Solved:
    from swe_sleep.cli import wiring
    from swe_sleep.cli.report import show

    with (
        wiring.stopping() as stop,
        wiring.bench(flags, display.progress, notes=notes, directory=root) as bench,
    ):
        solved = wiring.solve(bench, fault.issue, (), "search", display.progress, stop)
        if stop.is_set():
            raise KeyboardInterrupt
    display.quiet()
    show(display.console, solved)
    return solved


def _compare(console: Console, night: _Night, warm: Solved, cold: Solved) -> None:
    """What was measured in this run, and nothing else."""
    from rich.table import Table

    slept = Usage.total(report.usage for report in night.reports)
    table = Table(box=None, pad_edge=False)
    for name in ("", "seconds", "test runs", "candidates", "tokens"):
        table.add_column(name, justify="left" if not name else "right")

    def row(name: str, seconds: float, usage: Usage) -> None:
        table.add_row(
            name,
            f"{seconds:.1f}",
            str(usage.test_runs),
            str(usage.candidates),
            str(usage.tokens),
        )

    for number, report in enumerate(night.reports):
        name = "sleep time: first look" if number == 0 else "sleep time: after the edit"
        row(name, report.seconds, report.usage)
    row("test time: solve with notes", warm.usage.wall_s, warm.usage)
    row("test time: solve cold", cold.usage.wall_s, cold.usage)
    console.print(table)
    for state, said in (
        (State.REPRODUCED, "the note with the failing test"),
        (State.PATCHED, "the tested patch"),
    ):
        if state in night.seconds_to:
            console.print(f"From the saved file to {said}: {night.seconds_to[state]:.1f} s.")
    answers = {True: "the same patch", False: "different patches"}
    if warm.patch and cold.patch:
        same = warm.patch.diff == cold.patch.diff
        console.print(f"Both runs gave {answers[same]}; {slept.tokens} tokens were spent asleep.")
