"""The program: its commands, its exit codes, and what a person sees when something goes wrong.

Exit codes: 0 success; 1 it ran and the answer is no; 2 bad usage or bad input; 3 a bug of ours,
with a log file to paste; 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from swe_sleep import __version__
from swe_sleep.cli import demo, doctor, hook, init, notes, output, sleep, solve, status, watch
from swe_sleep.errors import SweSleepError

app = typer.Typer(
    name="swe-sleep",
    help="Thinks about your repository while nobody waits, and keeps tested answers ready.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.command(name="demo")(demo.demo)
app.command(name="init")(init.init)
app.command(name="watch")(watch.watch)
app.command(name="sleep")(sleep.sleep)
app.command(name="status")(status.status)
app.add_typer(notes.app, name="notes")
app.command(name="solve")(solve.solve)
app.add_typer(hook.app, name="hook")
app.command(name="doctor")(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"swe-sleep {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    directory: Annotated[
        Path | None,
        typer.Option("-C", "--directory", help="Work on the repository there instead of here."),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    if directory is not None:
        output.enter(directory)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and give back its exit code."""
    import click

    try:
        code = app(list(arguments), standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except KeyboardInterrupt:
        print("swe-sleep: interrupted; what was finished is kept.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        sys.stderr.close()
        return 1
    except SweSleepError as error:
        print(f"swe-sleep: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        log = output.crash_log(error, arguments)
        print(
            f"swe-sleep: a bug of ours: {type(error).__name__}: {error}. The log to paste: {log}",
            file=sys.stderr,
        )
        return 3
