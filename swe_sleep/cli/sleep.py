"""`swe-sleep sleep`: one pass now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from swe_sleep.cli import output
from swe_sleep.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from swe_sleep.sleep.units import Unit

Seconds = Annotated[
    float | None, typer.Option("--budget-s", min=0.1, help="Wall seconds that it may take.")
]
BackendName = Annotated[
    Literal["auto", "docker", "local"] | None,
    typer.Option("--backend", help="The sandbox; auto is docker where an engine answers."),
]


def sleep(
    budget_s: Seconds = None,
    backend: BackendName = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and the cost; do nothing.")
    ] = False,
    queued: Annotated[
        bool,
        typer.Option("--queued", help="Take what git hooks queued; end at once if there is none."),
    ] = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Run every test again: something outside the repository changed."
        ),
    ] = False,
    as_json: output.Json = False,
) -> None:
    """Run one pass now: renew the notes whose inputs changed.

    The most valuable first; what is finished is written into the git folder at once, so that it may
    be interrupted at any point. Exits with 1 where a step could not do its work.

    \b
    swe-sleep sleep
    swe-sleep sleep --budget-s 30 --json
    swe-sleep sleep --dry-run
    """
    from swe_sleep.cli import wiring
    from swe_sleep.cli.display import Display
    from swe_sleep.notes import kinds

    if queued and (dry_run or as_json):
        raise UsageError("--queued goes with neither --dry-run nor --json.")
    if again and dry_run:
        raise UsageError("--again forgets outcomes, --dry-run does nothing: give one of them.")
    display = Display(output.console(stderr=as_json))
    flags = {"sleep.budget_s": budget_s, "sandbox.backend": backend}
    with wiring.sleeping(flags, display) as sleeper:
        if again:
            sleeper.store.forget(
                (kinds.TESTS, kinds.ISSUE),
                ("tests", "impact", "leads", "checks", "diagnose", "speculate"),
            )
        if dry_run:
            units = sleeper.plan(sleeper.repository.snapshot())
            if as_json:
                output.print_json([_plain(unit) for unit in units])
            else:
                _tell(units, display.console)
            return
        sleeper.be_courteous(waits=queued)
        if queued:
            wiring.sleep_queued(sleeper)
            return
        with wiring.stopping() as stop:
            report = sleeper.sleep(sleeper.repository.snapshot(), stop=stop)
        display.quiet()
        if as_json:
            output.print_json(
                {
                    "seconds": report.seconds,
                    "units": report.units,
                    "seconds_by_pass": report.seconds_by_pass,
                    "notes": len(report.notes),
                    "problems": report.problems,
                    "left": report.left,
                    "limits": report.limits,
                    "posted": sum(report.posted_by_pass.values()),
                    "cpu_s": report.cpu_s,
                    "stopped": report.stopped,
                    "usage": report.usage,
                }
            )
        else:
            display.report(report)
        if report.stopped:
            raise typer.Exit(130)
        if report.problems:
            raise typer.Exit(1)


def _plain(unit: Unit) -> dict[str, object]:
    return {
        "pass": unit.producer,
        "subject": unit.subject,
        "waits": unit.level.name.lower(),
        "value": unit.value,
        "cost_s": unit.cost_s,
        "tokens": unit.tokens,
        "usd": unit.usd,
    }


def _tell(units: Sequence[Unit], console: Console) -> None:
    """What would be done, and what it would cost."""
    if not units:
        console.print("Nothing to do: every note is fresh.", style="dim")
        return
    for unit in units:
        asks = f", at most {unit.tokens} tokens and {unit.usd:.3f} USD" if unit.tokens else ""
        console.print(
            f"{unit.producer:<14} {output.one_line(unit.subject) or 'the repository'}"
            f"  worth {unit.value:.0f}, about {unit.cost_s:.1f} s{asks}"
        )
    seconds, tokens = sum(unit.cost_s for unit in units), sum(unit.tokens for unit in units)
    asks = f", at most {tokens} tokens and {sum(u.usd for u in units):.2f} USD" if tokens else ""
    said = f"{output.count(len(units), 'unit')}, about {seconds:.0f} s{asks}, inside the limits."
    console.print(f"{said} What these find out may lead to more.", style="dim")
