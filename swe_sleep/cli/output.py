"""How commands speak: a rich console for people, JSON for programs, a log file for bugs of ours.

Text from a repository reaches a terminal only through here, where nothing in it can act on it.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swe_sleep import __version__
from swe_sleep.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from swe_sleep.records import Usage

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

JOINERS = "\u200c\u200d"
"""Invisible, but needed to write some languages, and harmless."""


def enter(directory: Path) -> None:
    """Make a directory the current one. Raises UsageError."""
    try:
        os.chdir(directory)
    except OSError as error:
        raise UsageError(f"cannot go to {directory}: {error.strerror}.") from error


def here() -> Path:
    """The current directory. Raises UsageError where it was deleted meanwhile."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError(
            "the current directory is gone.", "Go to another one, or give one with -C."
        ) from None


def visible(text: str) -> str:
    """The text with everything that could act on a terminal (escapes, bidirectional overrides) or
    cannot be encoded (bytes of a name that are not UTF-8) written out."""
    if text.isprintable():
        return text
    return "".join(
        char if _harmless(char) else char.encode("unicode_escape").decode() for char in text
    )


def _harmless(char: str) -> bool:
    return char.isprintable() or char in "\n\t" + JOINERS or unicodedata.category(char) == "Zs"


def one_line(text: str) -> str:
    """The text on one line, safe for a terminal."""
    return visible(" ".join(text.split()))


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def queue_line(events: int, watcher: int | None, running: int | None) -> str:
    """What git hooks queued, and who takes it, by pid."""
    pids = (("watcher", watcher), ("pass", running))
    at_work = [f"a {who} (pid {pid})" for who, pid in pids if pid is not None]
    waiting = f"{count(events, 'event')} wait{'s' if events == 1 else ''}"
    return f"{waiting}; " + (f"at work: {' and '.join(at_work)}" if at_work else "nobody at work")


def cost(usage: Usage) -> str:
    """What some work took, in one line."""
    parts = [f"{usage.wall_s:.1f} s", count(usage.test_runs, "test run")]
    if usage.candidates:
        parts.append(count(usage.candidates, "candidate"))
    parts.append(count(usage.tokens, "token"))
    if usage.tokens:
        parts.append("no price known" if usage.cost_usd is None else f"{usage.cost_usd:.3f} USD")
    return ", ".join(parts)


def complain(message: str) -> None:
    """One line on stderr."""
    print(f"swe-sleep: {one_line(message)}", file=sys.stderr)


def console(*, stderr: bool = False) -> Console:
    """A console that prints text as it is: what comes from a repository is never markup, and
    cannot act on the terminal."""
    from rich.console import Console

    class PlainConsole(Console):
        def render_str(self, text: str, **options: object) -> object:  # type: ignore[override]
            return super().render_str(visible(text), **options)  # type: ignore[arg-type]

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return PlainConsole(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def shown(name: Path) -> str:
    """A path of the operating system as text that can be printed."""
    from swe_sleep.repo import paths  # here, as `--version` needs none of it

    return paths.shown(name)


def pasted(name: Path, context: typer.Context) -> str:
    """A path for a command line that a person pastes: where -C has led us here, their shell is
    somewhere else."""
    import shlex

    led = context.find_root().params["directory"] is not None
    return shlex.quote(shown(name.absolute() if led else name))


def print_json(value: object, mask: Callable[[str], str] = lambda text: text) -> None:
    """Records and plain values as JSON on stdout; `mask` takes secrets out of the text."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(mask(text.decode()) + "\n")


def give_up_stdout() -> None:
    """Nobody reads our output any more: let what is still buffered go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def report_bug(error: BaseException, arguments: Sequence[str]) -> None:
    """Write what a maintainer needs to a file, and one line that names it. Neither holds a secret
    of the environment, even where the error's own text does."""
    import platform
    import tempfile
    import time
    import traceback

    from swe_sleep.model.secrets import Masker

    mask = Masker(
        value
        for name, value in os.environ.items()
        if any(word in name.upper() for word in ("KEY", "TOKEN", "SECRET", "PASS"))
    )
    try:
        descriptor, name = tempfile.mkstemp(prefix="swe-sleep-bug-", suffix=".log")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"swe-sleep {__version__}, Python {platform.python_version()}, ")
            file.write(f"{platform.platform()}, {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
            file.write(mask(f"arguments: {list(arguments)!r}\n\n"))
            file.write(mask("".join(traceback.format_exception(error))))
        log = f"The log to paste: {name}"
    except OSError as problem:
        log = f"No log could be written: {problem.strerror}."
    complain(mask(f"a bug of ours: {type(error).__name__}: {error}. {log}"))
