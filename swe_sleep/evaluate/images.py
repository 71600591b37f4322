"""Where a task's code runs: in the image that its publisher made, or in an environment of ours."""

from __future__ import annotations

from collections.abc import Callable

from swe_sleep.config import Settings
from swe_sleep.sandbox.protocol import Backend
from swe_sleep.sandbox.ready import ready
from swe_sleep.wiring.sleeping import backend


def backend_for(
    image: str, settings: Settings, say: Callable[[str], None], *, pull: bool = False
) -> Backend:
    """The task's own image where the engine has it, or may `pull` it; else what the settings ask
    for. Raises EngineUnavailable."""
    if image and settings.sandbox.backend != "local":
        found = ready(image, pull=pull, progress=say)
        if found is not None:
            return found
    return backend(settings)
