"""`swe-sleep hook`: git hooks that queue a sleep pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from swe_sleep.cli import output

if TYPE_CHECKING:
    from swe_sleep.integrations.hooks import Status

app = typer.Typer(
    help="Git hooks that queue a pass after commits, merges and checkouts.",
    no_args_is_help=True,
)

Outside = Annotated[
    bool,
    typer.Option(
        "--outside", help="Write to a hooks folder outside this repository, too (core.hooksPath)."
    ),
]


@app.command()
def install(outside: Outside = False, as_json: output.Json = False) -> None:
    """Install the hooks, or mend them. Hooks that are there already still run.

    The hooks return at once: they add a line to a queue, which the watcher, or else a pass of
    lowest priority in the background, takes.
    """
    from swe_sleep.integrations import hooks
    from swe_sleep.repo.repository import Repository

    with Repository.open(output.here()) as repository:
        done = hooks.install(repository, outside=outside)
    _print(done, as_json)
    if not done.installed:
        if not as_json:
            output.console().print(f"The line, to put in by hand:\n{hooks.snippet()}")
        raise typer.Exit(1)


@app.command()
def uninstall(outside: Outside = False, as_json: output.Json = False) -> None:
    """Take the hooks away. Every file is as it was before, your own edits kept."""
    from swe_sleep.integrations import hooks
    from swe_sleep.repo.repository import Repository

    with Repository.open(output.here()) as repository:
        done = hooks.uninstall(repository, outside=outside)
    _print(done, as_json)
    if any(hook.state != "absent" for hook in done.hooks):
        raise typer.Exit(1)


@app.command()
def status(as_json: output.Json = False) -> None:
    """Which hooks are installed, what waits in the queue, and who is at work on it."""
    from swe_sleep.integrations import hooks
    from swe_sleep.repo.repository import Repository

    with Repository.open(output.here()) as repository:
        found = hooks.status(repository)
    _print(found, as_json)


def _print(status: Status, as_json: bool) -> None:
    if as_json:
        output.print_json(
            {
                "folder": output.shown(status.folder),
                "hooks": status.hooks,
                "script": status.script,
                "watcher": status.watcher,
                "pass": status.running,
                "queued": status.queued,
                "log": None if status.log is None else output.shown(status.log),
            }
        )
        return
    console = output.console()
    console.print(f"hooks in {output.shown(status.folder)}")
    for hook in status.hooks:
        detail = f"  ({hook.detail})" if hook.detail else ""
        console.print(f"  {hook.name:<14} {hook.state}{detail}")
    some = any(hook.state != "absent" for hook in status.hooks)
    if some and status.script != "installed":
        console.print(f"  the script they run: {status.script}; run `swe-sleep hook install`")
    elif any(hook.state == "displaced" for hook in status.hooks):
        console.print("  `swe-sleep hook install` mends what is displaced")
    console.print(f"queue: {output.queue_line(status.queued, status.watcher, status.running)}")
    if status.log is not None:
        console.print(f"log of the last pass: {output.shown(status.log)}")
