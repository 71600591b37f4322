"""What grading says of a patch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Grade:
    """The hidden tests' verdict on one patch.

    `fail_to_pass` and `pass_to_pass` have every named test with what it did: "passed" (also where
    it failed as the test says it should), "failed", "error", "skipped", "timeout", or "missing"
    where it did not run.
    """

    resolved: bool
    applied: bool = True
    """Whether the patch could be put on the base commit; an empty one never can."""
    fail_to_pass: Mapping[str, str] = field(default_factory=dict)
    pass_to_pass: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    """Why there is no verdict by the tests, in one line; such a patch does not count as
    resolved."""
    doubts: tuple[str, ...] = ()
    """Why a person should look before believing it, a line each: what the patch changes of how
    tests run, without which it has to hold too, and what grading could not take into account."""
    seconds: float = 0.0
    log: str = ""
    """What the tests printed."""
