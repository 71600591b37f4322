"""How commands speak: a rich console for people, JSON for programs, a log file for bugs of ours."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swe_sleep import __version__
from swe_sleep.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def enter(directory: Path) -> None:
    """Make a directory the current one. Raises UsageError."""
    try:
        os.chdir(directory)
    except OSError as error:
        raise UsageError(f"cannot go to {directory}: {error.strerror}.") from error


def console(*, stderr: bool = False) -> Console:
    """A console that prints text as it is: what comes from a repository is never markup."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_json(value: object) -> None:
    """Records and plain values as JSON on stdout."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(text.decode() + "\n")


def crash_log(error: BaseException, arguments: Sequence[str]) -> Path:
    """Write what a maintainer needs to a file, and give its path. Holds no environment variable."""
    descriptor, name = tempfile.mkstemp(prefix="swe-sleep-bug-", suffix=".log")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"swe-sleep {__version__}, Python {platform.python_version()}, ")
        file.write(f"{platform.platform()}, {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
        file.write(f"arguments: {list(arguments)!r}\n\n")
        file.writelines(traceback.format_exception(error))
    return Path(name)
