"""What a run is made of, as it stands in its folder: trials, sleeps, and results.

A *trial* is one task in one arm, with one budget at test time, one at sleep time, and one seed. A
*sleep* is what notes are made by; all trials on the same commit share it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from swe_sleep.records import Usage


class Arm(StrEnum):
    """What the solver is told before it begins."""

    OFF = "off"
    """Nothing: as in a repository that never slept. What can be found out without notes, at test
    time, still is, in every arm."""
    ON = "on"
    """The notes of the very commit."""
    BEHIND = "behind"
    """Notes of an older commit, as the product uses them: what changed since is withheld."""
    STALE = "stale"
    """Notes of an older commit, taken for fresh."""
    SHUFFLED = "shuffled"
    """The placebo: notes of another repository or, where there is one alone, what is known of
    another issue."""


@dataclass(frozen=True, slots=True)
class Trial:
    task: str
    arm: Arm
    budget: str
    """At test time, in its canonical text, such as "candidates=200" or "turns=20,effort=low"."""
    sleep: str
    """The budget at sleep time, likewise; empty in the arm `off`."""
    seed: int = 0

    @property
    def name(self) -> str:
        """Short, for a person and for a folder."""
        parts = (self.arm, self.budget, self.sleep and f"sleep:{self.sleep}", f"seed{self.seed}")
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Slept:
    """One sleep over one commit, and what it took. Its store is `sleeps/KEY/notes.db`."""

    key: str
    repo: str
    commit: str
    sleep: str
    """Its budget, in canonical text."""
    seed: int
    usage: Usage
    """Of every pass, the commits that were followed before this one included."""
    wall_s: float
    notes: int
    issues: int
    """Anticipated issues that are proven, of the notes."""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a trial."""

    key: str
    """Over everything that decides it: trial, task, settings, versions."""
    trial: Trial
    repo: str
    resolved: bool
    """By the hidden tests. Of a task that is judged by files: all right and none wrong."""
    begun: bool = True
    """Whether the built-in solver had a failing test to begin with."""
    proven: bool = False
    """Whether the solver itself held its patch for verified."""
    weak: bool = False
    """Proven by a test that leaves open what is right, as the solver said itself."""
    solver: str = ""
    """"prepared", "search", "agent", or "" without a patch."""
    usage: Usage = Usage()
    """At test time, up to the patch."""
    patch_s: float | None = None
    """Seconds to the patch; None without one."""
    slept: str = ""
    """The key of the sleep that the notes came from."""
    applied: bool = False
    fail_to_pass: tuple[int, int] = (0, 0)
    """How many passed, of how many."""
    pass_to_pass: tuple[int, int] = (0, 0)
    grade_problem: str = ""
    gold_files: int = 0
    hit_files: int = 0
    """Of the gold patch's files, those that the patch touches."""
    gold_functions: int = 0
    hit_functions: int = 0
    first_right: int | None = None
    """The place, from 1 on, of the first gold file among the places that were named for the issue,
    by its words or by notes; None where it is not among them."""
    f1: float | None = None
    """Of the modified files, where a task is judged by them."""
    precision: float | None = None
    recall: float | None = None
    shown: int = 0
    """Notes, or lines of them, that reached the solver; places by the issue's words are none."""
    used: int = 0
    """Of these, those that the patch came from or whose place it touches."""
    shown_chars: int = 0
    foreseen: int | None = None
    """The place of the best matching anticipated issue among all, as sleep had ranked them; None
    where none matches, or it is about other code than the fix touches."""
    foreseen_of: int = 0
    """Anticipated issues that there were."""
    foreseen_score: float = 0.0
    """How well the best one matches, from 0 to 1."""
    expected: int | None = None
    """The place of the first function that the fix touches among those in which sleep expected an
    issue before any text was known: of its anticipated issues, then by risk; None: none of them."""
    expected_of: int = 0
    """Functions in which sleep expected one."""
    why: str = ""
    """Without a patch: what was missing."""
    wall_s: float = 0.0
    """Of the whole trial, grading included."""
    folder: str = ""
    """Where the patch, the log and the trajectory are, below the run's folder."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A trial or a sleep that gave nothing. `detail` is the traceback of a bug of ours."""

    key: str
    what: str
    reason: str
    detail: str = ""
    trial: Trial | None = None
    """The trial, so that the report can say of which task and arm; None for a sleep."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that is needed to repeat a run. Written when it begins."""

    created: str
    suite: str
    suite_digest: str
    tasks: tuple[str, ...]
    arms: tuple[Arm, ...]
    budgets: tuple[str, ...]
    sleeps: tuple[str, ...]
    seeds: tuple[int, ...]
    solver: str
    model: str
    """Empty where no model is asked."""
    settings: dict[str, object] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    """Of swe-sleep (with its commit), Python, git, the sandbox, and the packages that matter."""
    command: tuple[str, ...] = ()
    machine: dict[str, str] = field(default_factory=dict)


def key_of(*facts: str) -> str:
    """A short name for everything that decides something."""
    return hashlib.sha256("\0".join(facts).encode("utf-8", "surrogateescape")).hexdigest()[:20]
