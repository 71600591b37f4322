"""What a task is: an issue that may be seen, and its answer, which may not.

The two halves are two types. Whatever sleeps or solves is given a `Task`; only grading is given
the `Answer`, so hidden tests and the gold patch cannot get into a sandbox before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Score = Literal["tests", "files"]
"""How a task is judged: by hidden tests, or by which files the patch modifies (F1)."""


@dataclass(frozen=True, slots=True)
class Related:
    """An older change that is about the same as a task."""

    commit: str
    title: str


@dataclass(frozen=True, slots=True)
class Task:
    """An issue, and the commit that it was reported against."""

    id: str
    repo: str
    """`owner/name`; of a bundled task the name of its package."""
    base_commit: str
    text: str
    """The issue as a user would write it."""
    sources: tuple[Path, ...] = ()
    """Git directories that may have the commit, the surest first."""
    day: str = ""
    """`2024-05-31`: no package that is younger goes into the environment; empty: any may."""
    score: Score = "tests"
    older: str = ""
    """The commit whose notes the arm `stale` is given; empty: one is chosen from the history."""
    version: str = ""
    """The repository's version, by which SWE-bench knows how its tests run."""
    image: str = ""
    """The image that the task's publisher made for it; used where the engine has it or can pull
    it. Empty: the environment is built."""
    difficulty: str = ""
    tags: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()
    """Changes that its author names as older, the likeliest first; `features.older` tells which of
    them are."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is right, and the tests that show it. Test ids are those of pytest, or, of other
    runners, as the task's publisher writes them."""

    patch: str
    """The gold patch, as a diff."""
    fail_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    rest: bool = False
    """Whether, besides `pass_to_pass`, every other test counts that passes on the base commit with
    the hidden tests put in; which those are, is found out where they are graded."""
    test_patch: str = ""
    """The hidden tests as a diff on the base commit."""
    test_files: Mapping[str, str] = field(default_factory=dict)
    """The hidden tests as whole files, path -> text; put in after `test_patch`."""
    files: tuple[str, ...] = ()
    """The modified files, of a task that is judged by them."""
    official: Mapping[str, str] = field(default_factory=dict)
    """What the `swebench` package grades by, where the data set says it: `eval_script`,
    `log_parser`, `eval_type`."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What an author says of the tests on the base commit, for who checks the task."""

    failing: tuple[str, ...] | None = None
    """Tests of the visible suite that fail; None where nobody says."""
    missing_import: bool = False
    """Whether hidden tests may fail because what they import is not there yet."""


@dataclass(frozen=True, slots=True)
class Case:
    """A task with its answer, for who grades."""

    task: Task
    answer: Answer
    stated: Stated = Stated()

    @property
    def id(self) -> str:
        return self.task.id


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases from one place, in its order; their ids are unique."""

    name: str
    cases: tuple[Case, ...]

    def digest(self) -> str:
        """Over all that decides a result; where the sources lie on this machine does not."""
        digest = hashlib.sha256()
        for case in self.cases:
            task, answer = case.task, case.answer
            facts = [task.id, task.repo, task.base_commit, task.text, task.day, task.score]
            facts += [task.older, answer.patch, answer.test_patch, *answer.files]
            facts += [*answer.fail_to_pass, "", *answer.pass_to_pass, "rest" * answer.rest]
            facts += [part for each in task.related for part in (each.commit, each.title)]
            for named in (answer.test_files, answer.official):
                facts += [part for item in sorted(named.items()) for part in item]
            digest.update("\0".join(facts).encode("utf-8", "surrogateescape") + b"\1")
        return digest.hexdigest()
