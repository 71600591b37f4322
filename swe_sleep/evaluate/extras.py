"""Libraries that only an evaluation needs, imported when they are asked for."""

from __future__ import annotations

import importlib
from types import ModuleType

from swe_sleep.errors import UsageError


def need(module: str, *, extra: str) -> ModuleType:
    """The module `module`, of the extra `extra` of pyproject.toml. Raises UsageError, with the line
    that installs it, where it is not there or cannot be imported."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        advice = f'Install it: uv tool install "swe-sleep[{extra}]", or pip install likewise.'
        if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith(library):
            raise UsageError(f"this needs {library}, which is not installed.", advice) from error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"{library} cannot be imported: {reason}.", advice) from error
