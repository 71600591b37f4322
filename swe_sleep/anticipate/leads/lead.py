"""A lead: a reason to suspect one function of what a change did to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from swe_sleep.notes import kinds
from swe_sleep.records import AnticipatedIssue, Place, State, Suspicion

Kind = Literal[
    "guard",
    "condition",
    "normalisation",
    "exception",
    "return",
    "resource",
    "default",
    "constant",
    "value",
    "argument",
    "signature",
    "override",
    "removed",
]
"""What a comparison of two versions finds; those of checkers are "ruff F821" and the like."""


@dataclass(frozen=True, slots=True)
class Lead:
    """One suspicion. It is about the symbol `qualname` ("" for the module) of `path` as it is
    now; `place` is where the change can be seen in it, or where the code is that it breaks."""

    path: str
    qualname: str
    kind: str
    place: Place
    why: str
    """What was changed, in one sentence with the code in it."""
    weight: float
    """The chance that the change is a fault, from 0 to 1."""
    check: str = ""
    """How it could be shown, in words."""
    more: tuple[Suspicion, ...] = ()
    """Other places that it shows at, such as callers that no longer fit."""

    @property
    def subject(self) -> str:
        """That of the note which holds it."""
        return kinds.issue_subject(self.path, self.qualname, self.kind)

    def issue(self) -> AnticipatedIssue:
        """What a user would report if the suspicion is right."""
        name = self.qualname or self.path
        return AnticipatedIssue(
            title=f"{name}: {self.why}",
            state=State.SUSPECTED,
            symptom=self.why,
            suspicions=(Suspicion(self.place, self.weight, self.why), *self.more),
            cause=(self.place,) if self.place.path == self.path else (),
            lead=self.kind,
            check=self.check,
        )
