"""A candidate's tests, run without its fix and with it: whether some fail before and pass after,
twice over.

They run with the packages that there were when its month began, so that the changes of a month with
the same requirements share one environment; where that has not all they need, with those of its
very day.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from swe_sleep.errors import EnvironmentFailed, TestsError
from swe_sleep.evaluate.tasks.split import Parts, is_of_tests
from swe_sleep.records import TestRun
from swe_sleep.repo.diff import apply_in_memory
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.choose import Setting, choose
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.owners import scratch
from swe_sleep.sandbox.project.project import read_project
from swe_sleep.sandbox.protocol import Limits, Sandbox
from swe_sleep.testing.tests import Tests

RUNNING_VERSION = 2
"""Goes up when the same candidate may come out differently."""
SUITE_S, TEST_S = 300.0, 30.0
LIMITS = Limits(memory_mb=4096, disk_mb=2048)
MOST_TESTS = 3000
"""Pass-to-pass tests that are kept; a file of more is of generated ones."""

NO_ENVIRONMENT = "no environment for its tests"
NOT_RUN = "its tests cannot be run"
NOT_READ = "its tests cannot be read without the fix"
NONE_FAILS = "none of its tests fails without the fix"
FAILS_STILL = "what fails without the fix fails with it too"
FLAKY = "a second run came out differently"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change whose tests are to be run."""

    key: str
    source: Path
    base: str
    day: str
    patch: str
    test_patch: str
    tests: tuple[str, ...]
    """The test files that are run."""
    needs: str
    """Stands for what its environment is made of, whatever the day."""
    backend: Setting
    cache: Path | None = None
    """Where environments are kept, if not in the usual place."""


class Verdict(msgspec.Struct, frozen=True):
    """What the runs of a candidate's tests showed."""

    key: str
    reason: str = ""
    """Why it is no task; empty where it is one."""
    detail: str = ""
    fail_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    flaky: int = 0
    """Tests that are left out because they came out differently in a second run."""
    day: str = ""
    """No package of the environment is younger."""
    seconds: float = 0.0


def run(candidate: Candidate, progress: Callable[[str], None]) -> Verdict:
    """The verdict on a candidate. Raises RepositoryError, EngineLost."""
    begun = time.monotonic()
    with (
        scratch() as folder,
        Repository.at_commit(candidate.source, candidate.base, folder / "at") as repository,
    ):
        for day in dict.fromkeys((f"{candidate.day[:8]}01", candidate.day)):
            verdict = _verdict(candidate, day, repository, progress)
            if verdict.reason != NO_ENVIRONMENT:
                break
    seconds = round(time.monotonic() - begun, 2)
    return msgspec.structs.replace(verdict, day=day, seconds=seconds)


def _verdict(
    candidate: Candidate, day: str, repository: Repository, progress: Callable[[str], None]
) -> Verdict:
    snapshot = repository.snapshot()
    options = EnvironmentOptions(until=day, cache_dir=candidate.cache)
    backend = choose(candidate.backend, options=options)
    try:
        environment = backend.prepare(snapshot, progress=progress)
    except EnvironmentFailed as error:
        return Verdict(candidate.key, NO_ENVIRONMENT, str(error))
    tests = apply_in_memory(candidate.test_patch, snapshot)
    fix = apply_in_memory(candidate.patch, snapshot)
    unfixed = {path: snapshot.read(path) if path in snapshot.files else None for path in fix}
    progress("running its tests")
    with backend.open(snapshot, environment, limits=LIMITS) as sandbox:
        sandbox.put(tests)
        try:
            verdict = _judged(candidate, sandbox, fix, unfixed)
        except TestsError as error:
            verdict = Verdict(candidate.key, NOT_RUN, str(error))
    if verdict.reason in (NOT_RUN, NOT_READ) and environment.problem:
        detail = f"{verdict.detail}; {environment.problem}"
        return Verdict(candidate.key, NO_ENVIRONMENT, detail)
    return verdict


def _judged(
    candidate: Candidate,
    sandbox: Sandbox,
    fix: dict[str, bytes | None],
    unfixed: dict[str, bytes | None],
) -> Verdict:
    key, files = candidate.key, candidate.tests
    before = _run(sandbox, files)
    failed = _tests(before.bad)
    if not failed:
        if before.bad or before.problem:
            message = before.problem or _first_message(before)
            return Verdict(key, NOT_READ if before.bad else NOT_RUN, message)
        return Verdict(key, NONE_FAILS)
    sandbox.put(fix)
    after = _run(sandbox, files)
    fixed = failed & after.passed
    if not fixed:
        return Verdict(key, FAILS_STILL, after.problem or _first_message(after))
    again_after = _run(sandbox, files)
    sandbox.put(unfixed)
    again_before = _run(sandbox, files)
    sure = {test for test in fixed if test in again_after.passed and test in again_before.bad}
    kept = _tests(before.passed & after.passed)
    stays = kept & again_after.passed & again_before.passed
    flaky = len(fixed - sure) + len(kept - stays)
    if not sure:
        return Verdict(key, FLAKY, flaky=flaky)
    return Verdict(
        key,
        fail_to_pass=tuple(sorted(sure)),
        pass_to_pass=tuple(sorted(stays)[:MOST_TESTS]),
        flaky=flaky,
    )


def _tests(ids: Collection[str]) -> frozenset[str]:
    """Without those that stand for a whole file."""
    return frozenset(each for each in ids if "::" in each)


def _run(sandbox: Sandbox, files: Sequence[str]) -> TestRun:
    return Tests(sandbox).run(files, timeout_s=SUITE_S, test_timeout_s=TEST_S, strict=False)


def _first_message(run: TestRun) -> str:
    return next((f"{r.test_id}: {r.message}" for r in run.results if r.outcome.bad), "")


def needs_of(snapshot: Snapshot) -> str:
    """What the tests of a commit need, whatever the day, as a hash."""
    project = read_project(snapshot)
    groups = [(group.name, group.requirements) for group in project.groups]
    return _hash(json.dumps([groups, project.constraints, project.requires_python]))


def candidate_of(
    parts: Parts,
    source: Path,
    base: Snapshot,
    day: str,
    *,
    backend: Setting,
    cache: Path | None = None,
) -> Candidate:
    """What is to be run of a change."""
    assert base.head is not None
    deciding = (base.head, day, parts.patch, parts.test_patch, *parts.tests, backend)
    facts = [str(RUNNING_VERSION), str(SUITE_S), str(TEST_S), *deciding]
    return Candidate(
        _hash("\0".join(facts)),
        source,
        base.head,
        day,
        parts.patch,
        parts.test_patch,
        tuple(filter(is_of_tests, parts.tests)),
        needs_of(base),
        backend,
        cache,
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:20]
