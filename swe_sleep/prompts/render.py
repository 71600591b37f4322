"""Rendering of the prompts, which are the template files beside this module."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def _environment() -> Environment:
    from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound

    class Files(BaseLoader):
        def get_source(
            self, environment: Environment, template: str
        ) -> tuple[str, str | None, None]:
            file = resources.files("swe_sleep.prompts").joinpath(template)
            if not file.is_file():
                raise TemplateNotFound(template)
            return file.read_text(encoding="utf-8"), None, None

    return Environment(  # prompts are plain text: nothing is escaped
        loader=Files(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )


def render(name: str, **values: object) -> str:
    """The template `name` (without `.j2`) with these values; a missing one is an error."""
    return _environment().get_template(f"{name}.j2").render(**values).strip()


def prompt_hash(*texts: str) -> str:
    """Twelve hex digits that change when a prompt does; kept with what the prompt produced."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]
