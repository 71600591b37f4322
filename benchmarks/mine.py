"""Mine real bugs from the history of repositories, in the form of SWE-bench's tasks.

    python -m benchmarks.mine OWNER/NAME... --repos DIR --out FILE [--most N] [--commits N]

Walks the newest commits of each mirror. A commit is a task if it changes a little Python source and
tests, and, with the tests as they are after it, something fails on the source as it was before and
passes with the commit. The message of the commit stands for the issue. FILE is appended to; commits
that it names already are left out.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import faults as seeded
from swe_sleep.errors import SweSleepError
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.records import TestRun
from swe_sleep.repo.repository import Repository
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.testing.tests import Tests

MOST_FILES, MOST_LINES = 2, 15
"""Of source, that the fix of a bug changes here: removed and added lines."""
SUITE_S, TEST_S = 240.0, 20.0
MERGE_OR_CHORE = re.compile(r"^(merge|bump|release|lint|format|typing|ci|docs?)\b", re.I)


def candidates(clone: Path, limit: int) -> Iterator[tuple[str, list[str], list[str]]]:
    """Commits with one parent that change a little source and some tests, newest first: the
    commit, its source files and its test files."""
    log = seeded.git(
        clone, "log", f"-{limit}", "--no-merges", "--format=%x00%H%x09%s", "--numstat", "-M"
    )
    for entry in log.split("\0")[1:]:
        head, *lines = [line for line in entry.splitlines() if line]
        commit, _, subject = head.partition("\t")
        sources, tests, size = [], [], 0
        for line in lines:
            added, removed, path = line.split("\t")
            if not path.endswith(".py") or "=>" in path:
                continue
            if seeded.is_test_file(path):
                tests.append(path)
            elif not path.startswith(("docs/", "doc/", "examples/")) and added != "0":
                sources.append(path)
                size += int(added) + int(removed)
        fits = 0 < len(sources) <= MOST_FILES and 0 < size <= MOST_LINES
        if fits and tests and not MERGE_OR_CHORE.match(subject):
            yield commit, sources, tests


def mine(
    repo: str, mirrors: Mirrors, *, known: set[str], limit: int, say: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """The tasks of one repository, newest first."""
    with tempfile.TemporaryDirectory(prefix="swe-sleep-mine-") as temporary:
        clone = Path(temporary) / "clone"
        seeded.check_out(mirrors, repo, "HEAD", clone)
        for commit, sources, tests in list(candidates(clone, limit)):
            if commit in known:
                continue
            try:
                task = tried(clone, repo, commit, sources, tests)
            except SweSleepError as error:
                say(f"{repo} {commit[:8]}: {error}")
                continue
            if task is not None:
                say(f"{task['instance_id']}: {task['problem_statement'].splitlines()[0][:80]}")
                yield task


def tried(
    clone: Path, repo: str, commit: str, sources: list[str], tests: list[str]
) -> dict[str, Any] | None:
    """The task that a commit makes, if its tests tell before from after."""
    base = seeded.git(clone, "rev-parse", f"{commit}^").strip()
    seeded.git(clone, "checkout", "--quiet", "--force", commit)
    seeded.git(clone, "clean", "-fdxq")
    with Repository.open(clone) as repository:
        snapshot = repository.snapshot()
        backend = LocalBackend()
        environment = backend.prepare(snapshot, progress=lambda line: None)
        files = [path for path in tests if path in snapshot.files]
        if not files:
            return None
        with backend.open(snapshot, environment) as sandbox:
            after = _run(Tests(sandbox), files)
            if not after.passed:
                return None
            old = {path: _old(clone, base, path) for path in sources}
            sandbox.put(old)
            before = _run(Tests(sandbox), files)
            fixed = sorted(after.passed & {t for t in before.bad if "::" in t})
            if not fixed or before.problem:
                return None  # fixed by what is not tested, or what fails can't even be imported
            sandbox.reset()
            kept = sorted((after.passed & before.passed) - set(fixed))
    message = seeded.git(clone, "show", "--no-patch", "--format=%B", commit).strip()
    return {
        "instance_id": f"{repo.replace('/', '__')}-{commit[:8]}",
        "repo": repo,
        "base_commit": base,
        "fix_commit": commit,
        "problem_statement": message,
        "patch": seeded.git(clone, "diff", "--binary", base, commit, "--", *sources),
        "test_patch": _test_patch(clone, base, commit, sources),
        "FAIL_TO_PASS": json.dumps(fixed),
        "PASS_TO_PASS": json.dumps(kept),
        "test_files": files,
        "n_source_files": len(sources),
        "difficulty": "mined",
    }


def _run(tests: Tests, files: list[str]) -> TestRun:
    return tests.run(files, timeout_s=SUITE_S, test_timeout_s=TEST_S, strict=False)


def _old(clone: Path, base: str, path: str) -> bytes | None:
    try:
        return seeded.git(clone, "show", f"{base}:{path}").encode()
    except SystemExit:  # the commit brought it
        return None


def _test_patch(clone: Path, base: str, commit: str, sources: list[str]) -> str:
    """All of the commit but its source: tests, and the data and settings that they need."""
    rest = [f":(exclude){path}" for path in sources]
    return seeded.git(clone, "diff", "--binary", base, commit, "--", ".", *rest)


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("repositories", nargs="+", metavar="OWNER/NAME")
    parser.add_argument("--repos", type=Path, required=True, help="the folder of mirrors")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--besides", type=Path, help="tasks that are not to be mined again")
    parser.add_argument("--most", type=int, default=5, help="tasks of one repository")
    parser.add_argument("--commits", type=int, default=400, help="commits that are looked at")
    arguments = parser.parse_args()
    out: Path = arguments.out
    rows = [row for file in (out, arguments.besides) if file for row in read(file)]
    mirrors = Mirrors(arguments.repos)
    for repo in arguments.repositories:
        known = {row["fix_commit"] for row in rows if row["repo"] == repo}
        found = mine(
            repo, mirrors, known=known, limit=arguments.commits, say=lambda s: print(s, flush=True)
        )
        have = sum(row["repo"] == repo for row in read(out))
        for number, task in enumerate(found, have + 1):
            with out.open("a") as file:
                file.write(json.dumps(task) + "\n")
            if number >= arguments.most:
                break


if __name__ == "__main__":
    main()
