"""How many repositories that nobody prepared get an environment, and tests that come out right.

    python benchmarks/environments.py --mirrors FOLDER [--tasks FILE.jsonl] [OWNER/NAME ...]
                                      [--backend local|docker] [--json FILE] [--cache FOLDER]

Each line of `--tasks` is a real bug (`repo`, `base_commit`, `patch`, `test_patch`, `FAIL_TO_PASS`,
`PASS_TO_PASS`): the named tests run before and after the gold patch, and all of them must come out
as the line says, with packages as they were on the commit's day. A repository named alone is taken
at its HEAD: its suite must run with at least 95 % of what is not skipped passing, and every file
must be read. Nothing is told but the name.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from swe_sleep.errors import SweSleepError
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.records import Outcome, TestRun
from swe_sleep.repo.diff import apply_in_memory
from swe_sleep.repo.repository import Repository
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.protocol import Backend, Environment, Limits, Sandbox
from swe_sleep.testing.tests import Tests

COLLECT_S, SUITE_S, TEST_S = 600.0, 1200.0, 60.0
ENOUGH = 0.95
LIMITS = Limits(memory_mb=4096, disk_mb=2048)


@dataclass
class Row:
    """One line of the table."""

    name: str
    python: str = "-"
    builds: bool = False
    collected: int = 0
    as_expected: bool = False
    outcomes: str = ""
    seconds: float = 0.0
    prepare_s: float = 0.0
    missing: str = ""
    differs: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("repositories", nargs="*", metavar="OWNER/NAME")
    parser.add_argument("--mirrors", type=Path, required=True)
    parser.add_argument("--tasks", type=Path)
    parser.add_argument("--backend", choices=("local", "docker"), default="local")
    parser.add_argument("--dated", action="store_true", help="packages of HEAD's day, not of today")
    parser.add_argument("--installer", choices=("", "uv", "pip"), default="")
    parser.add_argument("--python", default="", help="instead of the one that is chosen")
    parser.add_argument("--cache", type=Path, help="where environments are kept")
    parser.add_argument("--only", default="", help="tasks whose name holds this")
    parser.add_argument("--json", type=Path, help="write the rows here too")
    wanted = parser.parse_args()
    mirrors = Mirrors(wanted.mirrors)
    rows = []
    print(f"{'what':<42} {'python':<7} builds collected as expected seconds", flush=True)
    for row in _rows(wanted, mirrors):
        rows.append(row)
        print(
            f"{row.name[:42]:<42} {row.python:<7} {_yes(row.builds):<6} {row.collected:>9} "
            f"{_yes(row.as_expected):<11} {row.seconds:7.1f} ({row.prepare_s:.1f} to prepare) "
            f"{row.outcomes} {row.missing}",
            flush=True,
        )
        for line in row.differs[:5]:
            print(f"    {line}", flush=True)
        if wanted.json:
            wanted.json.write_text(json.dumps([asdict(each) for each in rows], indent=1))
    built = sum(row.builds for row in rows)
    right = sum(row.as_expected for row in rows)
    print(f"{len(rows)} tried, {built} built unaided, {right} with the reference outcomes")
    return 0 if right == len(rows) else 1


def _backend(wanted: argparse.Namespace, until: str) -> Backend:
    from swe_sleep.sandbox.choose import choose

    options = EnvironmentOptions(
        python=wanted.python, cache_dir=wanted.cache, until=until, installer=wanted.installer
    )
    return choose("docker" if wanted.backend == "docker" else "local", options=options)


def _rows(wanted: argparse.Namespace, mirrors: Mirrors) -> Iterator[Row]:
    if wanted.tasks:
        for line in wanted.tasks.read_text().splitlines():
            task = json.loads(line)
            if wanted.only in task["instance_id"]:
                yield _row(task["instance_id"], task["repo"], task, mirrors, wanted)
    for name in wanted.repositories:
        yield _row(name, name, None, mirrors, wanted)


def _row(
    name: str,
    repo: str,
    task: Mapping[str, Any] | None,
    mirrors: Mirrors,
    wanted: argparse.Namespace,
) -> Row:
    row, began = Row(name), time.monotonic()
    try:
        source = mirrors.find(repo)[0]
        commit = task["base_commit"] if task else "HEAD"
        with (
            tempfile.TemporaryDirectory() as folder,
            Repository.at_commit(source, commit, Path(folder)) as repository,
        ):
            until = _day(repository) if task or wanted.dated else ""
            _fill(row, repository, task, _backend(wanted, until))
    except IndexError:
        row.missing = "no mirror"
    except SweSleepError as error:
        row.missing = f"{type(error).__name__}: {error}"
    row.seconds = time.monotonic() - began
    return row


def _fill(
    row: Row, repository: Repository, task: Mapping[str, Any] | None, backend: Backend
) -> None:
    snapshot = repository.snapshot()
    began = time.monotonic()
    environment = backend.prepare(
        snapshot, progress=lambda line: print(f"  {line}", file=sys.stderr)
    )
    row.prepare_s = time.monotonic() - began
    row.missing = environment.problem
    with backend.open(snapshot, environment, limits=LIMITS) as sandbox:
        row.python = _version(sandbox, environment)
        tests = Tests(sandbox)
        collection = tests.collect(timeout_s=COLLECT_S)
        row.collected = len(collection.test_ids)
        row.builds = bool(collection.test_ids) and not collection.problem
        if task is None:
            row.builds = row.builds and not collection.errors
            row.differs = [f"{each.test_id}: {each.message}" for each in collection.errors]
            _suite(row, tests)
            return
        before, after = _names(task, "FAIL_TO_PASS"), _names(task, "PASS_TO_PASS")
        sandbox.put(apply_in_memory(task["test_patch"], snapshot))
        first = _run(tests, before + after)
        sandbox.put(apply_in_memory(task["patch"], snapshot))
        second = _run(tests, before + after)
        wrong = [f"{t}: not bad before" for t in before if t in first.passed]
        wrong += [f"{t}: not passed before: {_said(first, t)}" for t in after if _lost(first, t)]
        wrong += [
            f"{t}: not passed after: {_said(second, t)}" for t in before + after if _lost(second, t)
        ]
        row.differs += wrong
        row.as_expected = not wrong
        row.outcomes = f"{len(before)}+{len(after)} tests, {len(wrong)} differ"


def _day(repository: Repository) -> str:
    """The day of the commit: a test's name may depend on the version of pytest at the time."""
    commit = next(repository.commits(limit=1, after=None))
    return time.strftime("%Y-%m-%d", time.gmtime(commit.time + 86400))


def _names(task: Mapping[str, Any], key: str) -> list[str]:
    value = task[key]
    return list(json.loads(value) if isinstance(value, str) else value)


def _run(tests: Tests, ids: list[str]) -> TestRun:
    return tests.run(ids, timeout_s=SUITE_S, test_timeout_s=TEST_S, strict=False)


def _lost(run: TestRun, test_id: str) -> bool:
    return test_id not in run.passed


def _said(run: TestRun, test_id: str) -> str:
    result = next((r for r in run.results if r.test_id == test_id), None)
    return f"{result.outcome} {result.message}" if result else run.problem or "it did not run"


def _suite(row: Row, tests: Tests) -> None:
    run = tests.run(None, timeout_s=SUITE_S, test_timeout_s=TEST_S)
    counted = [r for r in run.results if r.outcome is not Outcome.SKIPPED]
    passed = sum(r.outcome is Outcome.PASSED for r in counted)
    share = passed / len(counted) if counted else 0.0
    row.differs += [f"{r.test_id}: {r.outcome} {r.message}" for r in counted if r.outcome.bad]
    row.outcomes = f"{passed} of {len(counted)} pass ({share:.1%}) {run.problem}"
    row.as_expected = row.builds and share >= ENOUGH and not run.problem


def _version(sandbox: Sandbox, environment: Environment) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return sandbox.run([environment.python, "-c", code], timeout_s=60).stdout.strip()


def _yes(value: bool) -> str:
    return "yes" if value else "no"


if __name__ == "__main__":
    sys.exit(main())
