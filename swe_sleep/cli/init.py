"""`swe-sleep init`: the first pass over a repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swe_sleep.cli import output
from swe_sleep.cli.sleep import BackendName, Seconds

CONFIG = """
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
        with wiring.stopping() as stop:
            report = sleeper.sleep(sleeper.repository.snapshot(), stop=stop)
        display.report(report)
        display.console.print(
            "Next: `swe-sleep watch` in a terminal of its own, or `swe-sleep hook install`."
        )
        if report.stopped:
            raise typer.Exit(130)


def _write_config(file: Path) -> str:
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    if "[tool.swe-sleep" in text:
        return "pyproject.toml has a [tool.swe-sleep] table already."
    file.write_text(
        text.rstrip("\n") + "\n" + CONFIG if text else CONFIG.lstrip(), encoding="utf-8"
    )
    return "pyproject.toml: [tool.swe-sleep] added."
