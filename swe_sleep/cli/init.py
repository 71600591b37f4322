"""`swe-sleep init`: the first pass over a repository."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import typer

from swe_sleep.cli import output
from swe_sleep.cli.sleep import BackendName, Seconds
from swe_sleep.errors import UsageError

CONFIG = """\
[tool.swe-sleep.sleep]
budget_s = 300      # wall seconds that one pass may take
budget_usd = 0.50   # money that one pass may spend; without a key nothing is ever spent

[tool.swe-sleep.sandbox]
backend = "auto"    # docker where an engine answers, else local
"""


def init(
    budget_s: Seconds = None,
    backend: BackendName = None,
    write_config: Annotated[
        bool,
        typer.Option("--write-config", help="Add a [tool.swe-sleep] table to pyproject.toml."),
    ] = False,
) -> None:
    """Set this repository up: look at everything once.

    The notes live in the git folder (.git/swe-sleep). Nothing is written into the work tree, unless
    --write-config adds a table to pyproject.toml.

    \b
    swe-sleep init
    swe-sleep init --write-config --budget-s 60
    """
    from swe_sleep.cli import wiring
    from swe_sleep.cli.display import Display

    display = Display(output.console())
    flags = {"sleep.budget_s": budget_s, "sandbox.backend": backend}
    with wiring.sleeping(flags, display) as sleeper:
        display.console.print(output.shown(sleeper.repository.root), style="bold")
        display.console.print(f"sandbox: {sleeper.backend.guarantees().text}", style="dim")
        if write_config:
            display.console.print(_write_config(sleeper.repository.root / "pyproject.toml"))
        sleeper.be_courteous(waits=False)
        with wiring.stopping() as stop:
            report = sleeper.sleep(sleeper.repository.snapshot(), stop=stop)
        display.report(report)
        display.console.print(
            "Next: `swe-sleep watch` in a terminal of its own, or `swe-sleep hook install`."
        )
        if report.stopped:
            raise typer.Exit(130)


def _write_config(file: Path) -> str:
    """Add the table to the end of the file, whose own bytes stay. Raises UsageError."""
    try:
        content = file.read_bytes() if file.is_file() else b""
        if "swe-sleep" in tomllib.loads(content.decode()).get("tool", {}):
            return "pyproject.toml has a [tool.swe-sleep] table already."
        gap = "" if not content else "\n" if content.endswith(b"\n") else "\n\n"
        text = gap + CONFIG
        with file.open("ab") as end:
            end.write(text.replace("\n", "\r\n" if b"\r\n" in content else "\n").encode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"pyproject.toml is not TOML: {error}.", "Mend it first.") from error
    except OSError as error:
        raise UsageError(f"cannot write to {file}: {error.strerror}.") from error
    return "pyproject.toml: [tool.swe-sleep] added."
