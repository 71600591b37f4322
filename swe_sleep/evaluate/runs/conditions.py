"""What every trial of a run is made under, as it is told to the processes that make them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from swe_sleep.config import Settings, load

Solver = Literal["search", "agent", "auto"]


@dataclass(frozen=True, slots=True)
class Conditions:
    """`flags` are settings by dotted key, over the person's own; a repository's files say nothing
    here, as they are part of what is judged."""

    solver: Solver = "search"
    flags: Mapping[str, Any] = field(default_factory=dict)
    grade_s: float = 1800.0
    """For the hidden tests of one task."""
    grade_test_s: float = 60.0
    pull: bool = False
    """Whether the engine may fetch the images that tasks name."""

    def settings(self, *more: Mapping[str, Any], day: str = "") -> Settings:
        """The settings with these flags over them, later ones winning; packages are no younger
        than the day. Raises ConfigError."""
        flags = dict(self.flags)
        for each in more:
            flags |= each
        if day:
            flags["environment.until"] = day
        # Without a model at test time there is none at sleep time: one run has one kind of cost.
        if self.solver == "search":
            flags["sleep.ask_model"] = False
        return load(flags=flags)

    def digest(self) -> str:
        """Over the settings as they come out, so that a changed environment is another run."""
        plain = self.settings().model_dump(mode="json")
        facts = [self.solver, str(self.grade_s), str(self.grade_test_s), str(self.pull)]
        return hashlib.sha256(msgspec.json.encode([facts, plain], order="sorted")).hexdigest()
