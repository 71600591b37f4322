"""`swe-sleep sleep`: one pass now."""

from __future__ import annotations

from typing import Annotated

import typer

from swe_sleep.cli import output

Seconds = Annotated[
    float | None, typer.Option("--budget-s", min=0.1, help="Wall seconds that it may take.")
]
BackendName = Annotated[
    str | None, typer.Option("--backend", help="The sandbox: auto, docker or local.")
]


def sleep(
    budget_s: Seconds = None,
    backend: BackendName = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done first; do nothing.")
    ] = False,
    queued: Annotated[
        bool,
        typer.Option("--queued", help="Take what git hooks queued; end at once if there is none."),
    ] = False,
    as_json: output.Json = False,
) -> None:
    """Run one sleep-time pass: renew the notes whose inputs changed, most valuable first.

    What it finishes is kept at once, so it may be interrupted at any point.
    """
    from swe_sleep.cli import wiring
    from swe_sleep.cli.display import Display

    display = Display(output.console(stderr=as_json))
    flags = {"sleep.budget_s": budget_s, "sandbox.backend": backend}
    with wiring.sleeping(flags, display) as sleeper:
        if dry_run:
            units = sleeper.plan(sleeper.repository.snapshot())
            plain = [
                {"pass": u.producer, "subject": u.subject, "value": u.value, "cost_s": u.cost_s}
                for u in units
            ]
            if as_json:
                output.print_json(plain)
            for unit in units if not as_json else ():
                display.console.print(
                    f"{unit.producer:<14} {unit.subject or 'the repository'}"
                    f"  worth {unit.value:.0f}, about {unit.cost_s:.1f} s"
                )
            if not units and not as_json:
                display.console.print("Nothing to do: every note is fresh.")
            return
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
