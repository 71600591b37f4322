"""What goes into a run of the agent, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from swe_sleep.config import Effort
from swe_sleep.records import Patch, Usage
from swe_sleep.solve.masking import MaskPolicy

Ending = Literal["submitted", "budget", "model", "refused", "sandbox", "stuck", "stopped"]


class Recorder(Protocol):
    """Where every step is written; `model.trajectory.Trajectory` is one."""

    def write(self, kind: str, **values: object) -> None:
        """Raises StoreError."""
        ...


class NoRecorder:
    def write(self, kind: str, **values: object) -> None:
        pass


@dataclass(frozen=True, slots=True)
class AgentOptions:
    effort: Effort | None = None
    max_tokens: int | None = None
    masking: MaskPolicy | None = field(default_factory=MaskPolicy)
    """None: old tool results stay."""
    purpose: str = "solve"
    prompts: str = "solve"
    """What the names of the templates begin with, `_system` and `_first`."""
    more: dict[str, str] = field(default_factory=dict)
    """Texts for the first message beyond the issue's, by the template's names for them."""
    own_tests: bool = False
    """Whether a test of its own is asked for even where failing tests are given."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a run gave. `patch` is empty only if nothing was changed; `why` is one line."""

    patch: Patch
    ending: Ending
    why: str
    usage: Usage
    green: bool
    """Whether the tests that must pass passed on exactly this patch, as the agent ran them."""
