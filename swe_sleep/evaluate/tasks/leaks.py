"""Whether what a solver may see (the issue, the base commit, its history) gives hidden tests away.

A hidden test is a test function of the hidden files that the base commit does not have at that
place. It is given away by its name in the issue or in a commit's message, by its place in the files
or their past, and by its body, word for word, anywhere.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from swe_sleep.evaluate.tasks.task import Case
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import REGULAR_FILES, Snapshot

SHORTEST_BODY = 60
"""A shorter body may well be written twice: one assertion, or the example of the issue."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class HiddenTest:
    """A test function of a hidden file."""

    path: str
    name: str
    """With its classes: `TestX.test_y`."""
    body: str
    """Its lines without indentation and blank lines."""

    @property
    def function(self) -> str:
        return self.name.rpartition(".")[2]


def leaks(
    case: Case,
    hidden: Mapping[str, bytes | None],
    repository: Repository,
    snapshot: Snapshot,
    *,
    past: bool,
) -> list[str]:
    """What is given away, a line each. `past` looks into the messages and every file that the
    history ever had; else only into the base commit's files."""
    tests = list(hidden_tests(hidden, snapshot))
    found = []
    for test in tests:
        if re.search(rf"\b{re.escape(test.function)}\b", case.task.text):
            found.append(f"the issue names the hidden {test.function}")
        if _holds(case.task.text, test):
            found.append(f"the issue has the text of the hidden {test.function}")
    for path in hidden:
        if path in case.task.text and path not in snapshot.files:
            found.append(f"the issue names the hidden {path}")
    for where, text in _told(repository) if past else ():
        found += [
            f"{where} names the hidden {test.function}"
            for test in tests
            if re.search(rf"\b{re.escape(test.function)}\b", text)
        ]
    for where, path, text in _files(repository, snapshot, past=past):
        there = {name for name, _ in functions(text)} if path in hidden else set()
        for test in tests:
            if (path == test.path and test.name in there) or _holds(text, test):
                found.append(f"{where} has the hidden {test.function}")
    return list(dict.fromkeys(found))


def hidden_tests(hidden: Mapping[str, bytes | None], snapshot: Snapshot) -> Iterator[HiddenTest]:
    """The test functions that the base commit does not have, at that place and word for word."""
    for path, content in hidden.items():
        if content is None or not path.endswith(".py"):
            continue
        entry = snapshot.files.get(path)
        here = entry is not None and entry.mode in REGULAR_FILES
        before = dict(functions(_text(snapshot.read(path)))) if here else {}
        for name, body in functions(_text(content)):
            if before.get(name) != body and name.rpartition(".")[2].startswith("test"):
                yield HiddenTest(path, name, body)


def functions(text: str) -> Iterator[tuple[str, str]]:
    """Every function of a file, with its classes in its name, and its body."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    lines = text.split("\n")
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        prefix, node = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                waiting.append((f"{prefix}{child.name}.", child))
            elif isinstance(child, _FUNCTIONS):
                held = lines[child.body[0].lineno - 1 : child.end_lineno]
                yield f"{prefix}{child.name}", plain("\n".join(held))


def plain(text: str) -> str:
    """The text as it is compared: no indentation, no blank lines."""
    lines = (line.strip() for line in textwrap.dedent(text).splitlines())
    return "\n".join(line for line in lines if line)


def _holds(text: str, test: HiddenTest) -> bool:
    if len(test.body) < SHORTEST_BODY or test.body.partition("\n")[0] not in text:
        return False
    return test.body in plain(text)


def _told(repository: Repository) -> Iterator[tuple[str, str]]:
    for commit in repository.commits(counts=False):
        yield f"the message of {commit.id[:10]}", f"{commit.subject}\n{commit.body}"


def _files(
    repository: Repository, snapshot: Snapshot, *, past: bool
) -> Iterator[tuple[str, str, str]]:
    """Where a text is, its path, and the text: of every Python file or text file there is."""
    seen = set()
    for path, entry in snapshot.files.items():
        if entry.mode in REGULAR_FILES:
            seen.add((path, entry.blob))
            yield path, path, _text(snapshot.read(path))
    if not past:
        return
    for commit in repository.commits(counts=False):
        older = repository.snapshot_of(commit.id)
        for path, entry in older.files.items():
            if entry.mode in REGULAR_FILES and (path, entry.blob) not in seen:
                seen.add((path, entry.blob))
                yield f"{path} of {commit.id[:10]}", path, _text(older.read(path))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
