"""Groups of commands, and one that imports a command's module only when it is asked for.

`--version` must answer at once, so nothing that it does not need may be imported: the top group
knows no more than the commands' names and where they stand.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from swe_sleep.errors import SweSleepError


class Interrupted(SweSleepError):
    """Ctrl-C, outside the places that end their work in good order."""

    exit_code = 130


class ReaderGone(SweSleepError):
    """Nobody reads our output any more."""

    exit_code = 141


@contextmanager
def _told_apart() -> Iterator[None]:
    """What typer would turn into an exit code of its own choice, without a word."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("interrupted; what was finished is kept.") from None
    except BrokenPipeError:
        raise ReaderGone("the reader of the output has gone.") from None


class Group(TyperGroup):
    """A group that shows its help, and exits with 2, when no command is given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)


def lazy_group(places: dict[str, str]) -> type[Group]:
    """A group class with these commands: name to `module:attribute`, a function or a Typer."""

    class LazyGroup(Group):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self._made: dict[str, Any] = {}
            self.commands = dict.fromkeys(places)  # type: ignore[assignment] # made when asked for

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name in places and cmd_name not in self._made:
                self._made[cmd_name] = self.commands[cmd_name] = _command(
                    cmd_name, places[cmd_name]
                )
            return self._made.get(cmd_name)

        def make_context(self, *arguments: Any, **more: Any) -> Any:
            with _told_apart():
                return super().make_context(*arguments, **more)

        def invoke(self, ctx: Any) -> Any:
            with _told_apart():
                return super().invoke(ctx)

    return LazyGroup


def _command(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=name, cls=Group)
    else:
        app.command(name=name)(found)
    return get_group(app).commands[name]
