"""`swe-sleep eval report`: what runs have shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swe_sleep.cli import output
from swe_sleep.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from swe_sleep.evaluate.figures.figures import Report
    from swe_sleep.evaluate.figures.units import Unit

PAGE = "index.html"
NARROWEST = 40
WIDE = 200
"""Columns, where the output is no terminal."""


def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders that `eval run` wrote.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR|FILE.html",
            help="Write the page to a file; or page, CSV and JSON into a folder.",
        ),
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print the figures as CSV, for programs.")
    ] = False,
    as_json: output.Json = False,
    unit: Annotated[
        str | None,
        typer.Option(
            "--unit",
            metavar="UNIT",
            help="What costs are counted in: usd, tokens, seconds, test-runs or candidates.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the resampling.")] = 0,
) -> None:
    """What runs have shown: whether notes pay, with intervals.

    Runs of the same tasks with the same solver, model, settings and versions are put together;
    others stand side by side. Arms are compared task by task. The page needs no network and links
    to the files of each trial, so keep it near the runs.

    \b
    swe-sleep eval report runs/monday
    swe-sleep eval report runs/monday runs/tuesday --out runs/report.html
    swe-sleep eval report runs/monday --json
    """
    from swe_sleep.evaluate.figures.figures import report as figures_of
    from swe_sleep.evaluate.figures.loaded import read_run
    from swe_sleep.evaluate.report import files

    if as_csv and as_json:
        raise UsageError("--csv and --json are two things.", "Give one of them.")
    found = figures_of([read_run(run) for run in _different(runs)], unit=_unit(unit), seed=seed)
    written = [] if out is None else _write(found, out)
    if as_json:
        output.print_json(files.plain(found))
    elif as_csv:
        typer.echo(files.figures_csv(found), nl=False)
    else:
        _show(found, written)


def _unit(name: str | None) -> Unit | None:
    from swe_sleep.evaluate.figures.units import Unit as Units

    try:
        return None if name is None else Units(name)
    except ValueError:
        known = ", ".join(Units)
        raise UsageError(f"{name} is no unit of work.", f"There are {known}.") from None


def _different(runs: list[Path]) -> list[Path]:
    """Each once, in the order given."""
    return list({run.resolve(): run for run in runs}.values())


def _write(found: Report, out: Path) -> list[Path]:
    from swe_sleep.evaluate.report import files
    from swe_sleep.evaluate.report.page import page
    from swe_sleep.evaluate.whole import write_whole

    if out.suffix.lower() in (".html", ".htm"):
        if out.is_dir():
            raise UsageError(f"{out} is a folder.")
        texts = {out: page(found, out.parent)}
    else:
        if out.exists() and not out.is_dir():
            raise UsageError(f"{out} is neither a folder nor named .html.")
        import msgspec

        plain = msgspec.json.format(msgspec.json.encode(files.plain(found)), indent=2)
        texts = {
            out / PAGE: page(found, out),
            out / "results.csv": files.results_csv(found),
            out / "figures.csv": files.figures_csv(found),
            out / "report.json": plain.decode() + "\n",
        }
    for file, text in texts.items():
        write_whole(file, text.encode())
    return list(texts)


def width_of(console: Console) -> int:
    known = console.is_terminal or "COLUMNS" in os.environ
    return max(NARROWEST, console.width) if known else WIDE


def _show(found: Report, written: list[Path]) -> None:
    from swe_sleep.evaluate.report import terminal

    console = output.console()
    for line, style in terminal.lines(found, width_of(console)):
        console.print(line, style=style or None)
    for file in written:
        console.print(f"written: {output.shown(file)}", style="green")
    if not written:
        console.print("with --out report.html: the same with plots, on a page", style="dim")
