"""Real edits of real libraries: bugs put back, and ordinary commits that were never fixed.

A bug is put back by taking the source part of a fix commit as an edit the other way round. An
ordinary commit is one that fixes nothing, and none of whose lines a later fix commit took away.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.notes.batches import looks_like_a_fix

MOST_FILES, MOST_LINES = 2, 25
"""Of source, that a fix which is put back changes: removed and added lines."""
NO_FIX = re.compile(
    r"^(merge|bump|release|lint|format|typing|ci|docs?|changelog)\b|\b(typos?|doc(s|strings?)?|"
    r"mypy|flake8|lint(er)?|readme|changelog|tests?|ci|warnings?|spelling|type hints?|typing|"
    r"annotations?|build|pre-commit|links?)\b",
    re.IGNORECASE,
)
"""What a message that speaks of a fix, but of none of a bug in the source, says."""

Group = Literal["put back", "ordinary", "fix"]


@dataclass(frozen=True)
class Commit:
    id: str
    parent: str
    time: int
    message: str
    sources: tuple[tuple[int, int, str], ...]
    """(added, removed, path) of the Python files that are no tests."""
    tests: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def subject(self) -> str:
        return self.message.partition("\n")[0]

    @property
    def is_fix(self) -> bool:
        subject, _, body = self.message.partition("\n")
        return looks_like_a_fix(subject, body)


@dataclass(frozen=True)
class Edit:
    """One edit. `before` and `after` hold what each changed file was and is; None: not there."""

    repo: str
    group: Group
    commit: Commit
    base: str
    """The commit that the rest of the repository is as at."""
    before: Mapping[str, bytes | None] = field(repr=False)
    after: Mapping[str, bytes | None] = field(repr=False)


class Git:
    """One mirror, only ever read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._objects = subprocess.Popen(
            ["git", "-c", "safe.directory=*", "cat-file", "--batch"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", *arguments],
            cwd=self.folder,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode("utf-8", "replace")

    def content(self, revision: str, path: str) -> bytes | None:
        assert self._objects.stdin and self._objects.stdout
        self._objects.stdin.write(f"{revision}:{path}\n".encode())
        self._objects.stdin.flush()
        head = self._objects.stdout.readline().split()
        if head[-1] == b"missing" or len(head) != 3:
            return None
        content = self._objects.stdout.read(int(head[2]))
        self._objects.stdout.read(1)
        return content

    def close(self) -> None:
        assert self._objects.stdin and self._objects.stdout
        self._objects.stdin.close()
        self._objects.wait()
        self._objects.stdout.close()


def is_test(path: str) -> bool:
    *folders, name = path.split("/")
    named = name.startswith("test_") or name.endswith(("_test.py", "_tests.py", "conftest.py"))
    return named or not {"test", "tests", "testing", "t"}.isdisjoint(folders)


def is_source(path: str) -> bool:
    top = path.split("/")[0]
    aside = top in ("docs", "doc", "examples", "example", "demos", "benchmarks", "bench", "tools")
    return path.endswith(".py") and not is_test(path) and not aside and path != "setup.py"


def commits(git: Git, limit: int) -> list[Commit]:
    """The newest commits with one parent, newest first."""
    log = git(
        "log", f"-{limit}", "--no-merges", "--format=%x00%H%x1f%P%x1f%ct%x1f%B%x1f", "--numstat",
        "--no-renames",
    )  # fmt: skip
    found = []
    for entry in log.split("\0")[1:]:
        name, parent, time, message, numbers = entry.split("\x1f", 4)
        if not parent:
            continue
        sources, tests, others = [], [], []
        for line in filter(None, numbers.splitlines()):
            added, removed, path = line.split("\t")
            if is_source(path) and added != "-":
                sources.append((int(added), int(removed), path))
            elif path.endswith(".py") and is_test(path):
                tests.append(path)
            else:
                others.append(path)
        found.append(
            Commit(name, parent, int(time), message.strip(), tuple(sources), tuple(tests),
                   tuple(others))
        )  # fmt: skip
    return found


def is_small_fix(commit: Commit) -> bool:
    size = sum(added + removed for added, removed, _ in commit.sources)
    return (
        commit.is_fix
        and not NO_FIX.search(commit.subject)
        and 0 < len(commit.sources) <= MOST_FILES
        and 0 < size <= MOST_LINES
        and any(added for added, _, _ in commit.sources)
        and bool(commit.tests)
    )


_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+", re.MULTILINE)


def blamed(git: Git, fix: Commit) -> set[str]:
    """The commits that last touched the lines which a fix took away or changed."""
    found: set[str] = set()
    for _, removed, path in fix.sources:
        if not removed or removed > 100:
            continue
        diff = git("diff", "-U0", "--no-renames", fix.parent, fix.id, "--", path)
        ranges = [
            f"-L{start},+{count or 1}"
            for start, count in _HUNK.findall(diff)
            if count != "0" and start != "0"
        ]
        if ranges:
            try:
                said = git("blame", "-w", "-s", "-l", *ranges, fix.parent, "--", path)
            except subprocess.CalledProcessError:
                continue
            found.update(line.split()[0].lstrip("^") for line in said.splitlines() if line)
    return found


def edits(
    mirrors: Mirrors, repo: str, *, limit: int, kept: Path | None = None, sources_only: bool = True
) -> Iterator[Edit]:
    """The edits of one repository, newest first. `kept` is a folder for what blame said."""
    (place, *_) = mirrors.find(repo)
    git = Git(place)
    try:
        history = commits(git, limit)
        guilty = _guilty(git, repo, history, kept)
        newest = history[0].time if history else 0
        for commit in history:
            if not commit.sources:
                continue
            paths = [path for _, _, path in commit.sources]
            if is_small_fix(commit):
                yield _edit(git, repo, "put back", commit, paths)
            if not sources_only:
                paths += [*commit.tests, *commit.others]
            if commit.is_fix:
                yield _edit(git, repo, "fix", commit, paths)
            elif commit.id not in guilty and newest - commit.time > 180 * 86400:
                yield _edit(git, repo, "ordinary", commit, paths)
    finally:
        git.close()


def _edit(git: Git, repo: str, group: Group, commit: Commit, paths: Sequence[str]) -> Edit:
    before = {path: git.content(commit.parent, path) for path in paths}
    after = {path: git.content(commit.id, path) for path in paths}
    if group == "put back":
        return Edit(repo, group, commit, commit.id, after, before)
    return Edit(repo, group, commit, commit.parent, before, after)


def _guilty(git: Git, repo: str, history: Sequence[Commit], kept: Path | None) -> set[str]:
    file = kept / f"{repo.replace('/', '+')}-{len(history)}.json" if kept else None
    if file is not None and file.exists():
        return set(json.loads(file.read_text()))
    found = {name for commit in history if commit.is_fix for name in blamed(git, commit)}
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(sorted(found)))
    return found
