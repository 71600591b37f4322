"""Tasks of any kind as SWE-bench's records, and their repositories beside them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from swe_sleep.errors import SweSleepError, UsageError
from swe_sleep.evaluate.grading import hidden_files, rest_of
from swe_sleep.evaluate.mirrors import at_commit
from swe_sleep.evaluate.tasks.task import Answer, Case, Suite
from swe_sleep.evaluate.whole import write_whole
from swe_sleep.repo.diff import diff
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.owners import scratch
from swe_sleep.sandbox.protocol import Backend

OWNER = "swe-sleep"
"""Of repositories that have none, as those of bundled tasks."""

Backends = Callable[[EnvironmentOptions], Backend]


def write_instances(
    suite: Suite,
    path: Path,
    *,
    backend: Backends | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> int:
    """Write the suite as JSON lines, whole or not at all; how many tasks.

    With a `backend`, "the rest" of the tests is found out by running them, and written out. Raises
    UsageError where a repository is missing, and SweSleepError where the file cannot be written.
    """
    lines = []
    for number, case in enumerate(suite.cases, 1):
        progress(f"writing: {number}/{len(suite.cases)} {case.id}")
        lines.append(msgspec.json.encode(_record(case, backend, progress)) + b"\n")
    write_whole(path, b"".join(lines))
    return len(lines)


def copy_repositories(suite: Suite, folder: Path) -> dict[str, Path]:
    """Copy the tasks' git directories below a folder, as `--repos` takes it; those that are there
    are left. By the name that the records have. Raises UsageError, SweSleepError."""
    copied: dict[str, Path] = {}
    for case in suite.cases:
        repo = repo_of(case)
        if repo in copied:
            continue
        source = _sources(case)[0]
        place = folder / f"{repo.replace('/', '__')}.git"
        copied[repo] = place
        if place.exists():
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=folder) as temporary:
                made = Path(temporary) / "git"
                shutil.copytree(source, made, symlinks=True)
                made.rename(place)
        except (OSError, shutil.Error) as error:
            reason = getattr(error, "strerror", None) or "not every file could be read"
            raise SweSleepError(f"cannot copy {repo} to {place}: {reason}.") from error
    return copied


def repo_of(case: Case) -> str:
    repo = case.task.repo
    return repo if "/" in repo else f"{OWNER}/{repo}"


def _record(
    case: Case, backend: Backends | None, progress: Callable[[str], None]
) -> dict[str, Any]:
    task, answer = case.task, case.answer
    rest, test_patch = answer.rest, answer.test_patch
    kept = answer.pass_to_pass
    resolve = backend is not None and rest
    if answer.test_files or resolve:
        with (
            scratch() as folder,
            at_commit(_sources(case), task.base_commit, folder) as repository,
        ):
            snapshot = repository.snapshot()
            test_patch = _test_patch(answer, snapshot)
            if backend is not None and resolve:
                kept = (*kept, *_rest(case, snapshot, backend, progress))
                rest = False
    record: dict[str, Any] = {
        "instance_id": task.id,
        "repo": repo_of(case),
        "base_commit": task.base_commit,
        "problem_statement": task.text,
        "hints_text": "",
        "patch": answer.patch,
        "test_patch": test_patch,
        "FAIL_TO_PASS": _written(answer.fail_to_pass),
        "PASS_TO_PASS": _written(kept),
        "version": task.version,
        "created_at": f"{task.day}T00:00:00Z" if task.day else "",
        "day": task.day,
        **answer.official,
    }
    ours = {
        "image": task.image,
        "older": task.older,
        "difficulty": task.difficulty,
        "tags": list(task.tags),
        "score": task.score if task.score != "tests" else "",
        "files": list(answer.files),
        "related": task.related,
        "rest": rest,
    }
    return record | {key: value for key, value in ours.items() if value}


def _sources(case: Case) -> tuple[Path, ...]:
    if not case.task.sources:
        raise UsageError(f"the repository {repo_of(case)} is not here.", "Give it with --repos.")
    return case.task.sources


def _written(tests: tuple[str, ...]) -> str:
    """As SWE-bench has it: JSON in a string."""
    return msgspec.json.encode(tests).decode()


def _test_patch(answer: Answer, snapshot: Snapshot) -> str:
    after: Mapping[str, bytes | None] = hidden_files(answer, snapshot)
    before = {path: snapshot.read(path) if path in snapshot.files else None for path in after}
    return diff(before, after)


def _rest(
    case: Case, snapshot: Snapshot, backend: Backends, progress: Callable[[str], None]
) -> tuple[str, ...]:
    chosen = backend(EnvironmentOptions(until=case.task.day))
    environment = chosen.prepare(snapshot, progress=progress)
    with chosen.open(snapshot, environment) as sandbox:
        return rest_of(case.answer, snapshot, sandbox, progress=progress)
