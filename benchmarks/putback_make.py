"""Finds the cases of `benchmarks.putback` in the history of libraries, and verifies them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.faults import function_of
from benchmarks.putback_cases import (
    BUG,
    ORDINARY,
    SHOWN,
    Case,
    Commit,
    clone_of,
    edit_of,
    files_of,
    fixes,
    halves,
    ordinary,
    plant,
)
from swe_sleep.cli import wiring
from swe_sleep.config import load
from swe_sleep.errors import SweSleepError
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.records import TestRun
from swe_sleep.repo.repository import Repository
from swe_sleep.testing.tests import Tests

LIBRARIES = (
    "mahmoud/boltons",
    "pallets/click",
    "pypa/packaging",
    "python-poetry/tomlkit",
    "andialbrecht/sqlparse",
    "more-itertools/more-itertools",
    "python-humanize/humanize",
    "alecthomas/voluptuous",
    "python-semver/python-semver",
    "davidhalter/parso",
    "SethMMorton/natsort",
)
"""Held away: nothing was tuned on these."""
FLAGS: dict[str, Any] = {"sandbox.backend": "local", "sleep.ask_model": False, "sleep.idle": False}
MOST_SUITE_S = 240.0
"""A library whose visible tests take longer is left out: each case runs them several times."""
SUITE_S, TEST_S = 400.0, 30.0
MOST_BAD = 0.05
"""Of the visible tests, that may fail without the edit: more, and the environment is not right."""

Say = Callable[[str], None]


def bugs(
    repo: str, mirrors: Mirrors, *, known: set[str], limit: int, say: Say
) -> Iterator[list[Case]]:
    """Verified bugs of a library, newest first, each with its twin of which half is shown."""
    with tempfile.TemporaryDirectory(prefix="swe-sleep-putback-") as temporary:
        clone = clone_of(mirrors, repo, Path(temporary) / "clone")
        for commit in fixes(clone, limit):
            if commit.id in known:
                continue
            case = _case(repo, commit, BUG)
            try:
                found, why = _verified(case, mirrors, Path(temporary) / commit.id, say)
            except (SweSleepError, SystemExit, SyntaxError) as error:
                found, why = [], str(error)
            what = f"{len(found[0].fail_to_pass)} tests tell" if found else why
            say(f"{case.id}: {what}: {commit.subject[:70]}")
            if found:
                yield found


def ordinaries(repo: str, mirrors: Mirrors, *, known: set[str], limit: int) -> Iterator[Case]:
    """Ordinary commits, newest first; whether their tests run at all shows when they are used."""
    with tempfile.TemporaryDirectory(prefix="swe-sleep-putback-") as temporary:
        clone = clone_of(mirrors, repo, Path(temporary) / "clone")
        for commit in ordinary(clone, limit):
            if commit.id not in known:
                yield _case(repo, commit, ORDINARY)


def _case(repo: str, commit: Commit, kind: str) -> Case:
    return Case(
        f"{kind}-{repo.partition('/')[2]}-{commit.id[:8]}",
        kind,
        repo,
        commit.id,
        commit.parent,
        tuple(commit.sources),
        tuple(commit.tests),
        lines=commit.lines,
    )


def _verified(case: Case, mirrors: Mirrors, tree: Path, say: Say) -> tuple[list[Case], str]:
    """The case with what its tests say, and its twin; or none, and why."""
    plant(case, mirrors, tree)
    edit = edit_of(case, tree)
    theirs = files_of(tree, case.commit, case.tests)
    files = [p for p in case.tests if p.endswith(".py") and theirs[p] is not None]
    if any(content is None for content in edit.values()):
        return [], "the fix brought a file"
    with Repository.open(tree) as repository:
        settings = load(repository.root, FLAGS)
        backend = wiring.backend(settings)
        snapshot = repository.snapshot()
        environment = backend.prepare(snapshot, progress=lambda line: None)
        with backend.open(snapshot, environment) as sandbox:
            tests = Tests(sandbox)
            sandbox.put(theirs)
            after = _run(tests, files)
            if not after.passed:
                return [], f"its tests do not run: {after.problem}"
            sandbox.put(edit)
            before = _run(tests, files)
            told = sorted(t for t in after.passed & before.bad if "::" in t)
            again = _run(tests, files) if told else before
            told = [test for test in told if test in again.bad]
            if not told:
                return [], "its tests tell nothing"
            sandbox.reset()
            sandbox.put(edit)
            edited = _run(tests, None)
            if edited.duration_s > MOST_SUITE_S or edited.problem:
                return [], f"{edited.duration_s:.0f} s for the suite {edited.problem}"
            sandbox.reset()
            right = _run(tests, None)
            many = len(right.bad) > MOST_BAD * max(1, len(right.results))
            if many or right.problem:
                return [], f"{len(right.bad)} of {len(right.results)} fail without the edit"
    case = replace(
        case,
        fail_to_pass=tuple(told),
        visible_bad=tuple(sorted(right.passed & edited.bad)),
        suite_s=round(right.duration_s, 1),
    )
    twin = _twin(case)
    return [case, twin] if twin else [case], ""


def _twin(case: Case) -> Case | None:
    """The case with half of the telling tests shown."""
    hidden, shown = halves(case.fail_to_pass)
    if not shown:
        return None
    visible = {t for t in case.fail_to_pass if function_of(t) in shown}
    return replace(
        case,
        id=case.id.replace(BUG, SHOWN, 1),
        kind=SHOWN,
        hidden=tuple(hidden),
        fail_to_pass=tuple(t for t in case.fail_to_pass if t not in visible),
        visible_bad=tuple(sorted({*case.visible_bad, *visible})),
    )


def _run(tests: Tests, files: list[str] | None) -> TestRun:
    return tests.run(files, timeout_s=SUITE_S, test_timeout_s=TEST_S, strict=False)
