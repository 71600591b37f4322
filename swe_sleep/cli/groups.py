"""Groups of commands, and one that imports a command's module only when it is asked for.

`--version` must answer at once, so nothing that it does not need may be imported: the top group
knows no more than the commands' names and where they stand.
"""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from swe_sleep.errors import SweSleepError


class Interrupted(SweSleepError):
    """Ctrl-C, outside the places that end their work in good order."""

    exit_code = 130


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

        def invoke(self, ctx: Any) -> Any:
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:  # typer would end without a word
                raise Interrupted("interrupted; what was finished is kept.") from None

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
