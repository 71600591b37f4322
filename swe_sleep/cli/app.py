"""The program: its commands, its exit codes, and what a person sees when something goes wrong.

Exit codes: 0 success; 1 it ran and the answer is no; 2 bad usage or bad input; 3 a bug of ours,
with a log file to paste; 130 interrupted; 141 the reader of our output, such as `head`, has gone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from swe_sleep import __version__
from swe_sleep.cli import output
from swe_sleep.cli.groups import Interrupted, ReaderGone, lazy_group
from swe_sleep.errors import SweSleepError

COMMANDS = {
    "demo": "swe_sleep.cli.demo:demo",
    "init": "swe_sleep.cli.init:init",
    "watch": "swe_sleep.cli.watch:watch",
    "sleep": "swe_sleep.cli.sleep:sleep",
    "stop": "swe_sleep.cli.stop:stop",
    "status": "swe_sleep.cli.status:status",
    "notes": "swe_sleep.cli.notes:app",
    "locate": "swe_sleep.cli.locate:locate",
    "solve": "swe_sleep.cli.solve:solve",
    "tasks": "swe_sleep.cli.tasks:app",
    "eval": "swe_sleep.cli.eval:app",
    "hook": "swe_sleep.cli.hook:app",
    "doctor": "swe_sleep.cli.doctor:doctor",
}
NAME = "swe-sleep"

app = typer.Typer(
    name=NAME,
    cls=lazy_group(COMMANDS),
    help="Thinks about your repository while nobody waits, and keeps tested answers ready.",
    epilog="Try it on a small repository of its own: swe-sleep demo",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{NAME} {__version__}")
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
    try:
        code = _run(arguments)
        sys.stdout.flush()  # here, and not at exit, so that a closed pipe is ours to report
    except (BrokenPipeError, ReaderGone):
        output.give_up_stdout()
        return ReaderGone.exit_code
    except KeyboardInterrupt:
        return Interrupted.exit_code
    return code


def _run(arguments: Sequence[str]) -> int:
    try:
        code = app(list(arguments), standalone_mode=False, prog_name=NAME)
        return code if isinstance(code, int) else 0
    except SystemExit as ended:  # typer's, after a completion script
        return ended.code if isinstance(ended.code, int) else 0
    except ReaderGone:
        raise
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else NAME
        said = error.format_message().rstrip()
        end = "" if said.endswith((".", "?", "!")) else "."
        output.complain(f"{said}{end} See `{command} --help`.")
        return error.exit_code
    except SweSleepError as error:
        output.complain(str(error))
        return error.exit_code
    except Exception as error:
        output.report_bug(error, arguments)
        return 3
