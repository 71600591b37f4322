"""SWE-Features-like tasks out of a history: changes of a pull request's size that add something,
judged by which files they modify (Lin et al., arXiv 2504.13171, section 6 and appendix D).

There, changes were chosen by a model and the context may be younger than the task. Here the choice
is by rules, and what is given as context stands below the task on the main line: it is among the
ancestors of the base commit. It is found by the task's own words, never by the files of its answer.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from swe_sleep.anticipate.risk.fixes import says_fix
from swe_sleep.errors import RepositoryError
from swe_sleep.evaluate.features import is_counted
from swe_sleep.evaluate.tasks.changes import Change, Window, brought, changes, told
from swe_sleep.evaluate.tasks.kept import Kept, Row, row_of
from swe_sleep.evaluate.tasks.split import Parts, lines_of
from swe_sleep.evaluate.tasks.statement import Secrets, cleaned, words
from swe_sleep.index.terms import STOP, terms_of
from swe_sleep.repo.repository import Repository
from swe_sleep.sandbox.owners import scratch

FEW_FILES = "modifies too few files of code"
TOO_LARGE = "changes too much for one pull request"
NOT_NEW = "does not say that it adds anything"
UNCLEAR = "its description is not clear"
NOT_PLAIN = "changes links or submodules, or git cannot give its contents"

RELATED = 5
"""Older changes that are named beside a task."""
BESIDE_TITLE = 8
"""Words of a description, besides those of its title, that make it clear."""

_NEW = re.compile(
    r"\b(?:add(?:s|ed|ing)?|allow(?:s|ed|ing)?|support(?:s|ed|ing)?|implement(?:s|ed|ing)?"
    r"|introduc(?:e|es|ed|ing)|enabl(?:e|es|ed|ing)|provid(?:e|es|ed|ing)|new|feature|feat|option"
    r"|mak(?:e|es|ing) it possible|expos(?:e|es|ed|ing)|extend(?:s|ed|ing)?|accept(?:s|ed)?)\b",
    re.IGNORECASE,
)
_NOT_NEW = re.compile(
    r"^(?:\W|\w+: )*(?:fix|revert|refactor|remove|drop|delete|rename|move|deprecate|bump|release"
    r"|merge|typo|lint|format|clean|style|docs?|typing|type|test|ci|chore|build|perf|simplify"
    r"|author|reviewer|eliminate|correct|use|stop|avoid|handle|ensure|update|upgrade|prepare|replace|switch|port|split|modernize|black|isort|backport"
    r"|follow[- ]?up|part \d)\w*\b"
    r"|\b(?:annotations?|type hints?|docstrings?|changelog|coverage|pre-commit"
    r"|python ?[23](?:\.\d+)?|flake8|mypy|pylint|copyright|licen[cs]e|deprecat\w+)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes are to become tasks."""

    window: Window = field(default_factory=Window)
    most: int | None = None
    """Tasks, the newest ones."""
    least_files: int = 3
    most_files: int = 15
    most_lines: int = 1500
    """Of code, added and removed."""


@dataclass
class Chosen:
    """What became of a history."""

    tasks: list[Row] = field(default_factory=list)
    """Oldest first."""
    looked_at: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    stopped: bool = False


def choose(
    source: Path,
    repo: str,
    file: Path,
    wanted: Wanted,
    *,
    progress: Callable[[str], None] = lambda line: None,
    stop: Callable[[], bool] = lambda: False,
) -> Chosen:
    """Write the tasks of a repository to a file, beside those that it has of others. Nothing of
    the repository is run; where it is stopped, nothing is written. Raises UsageError,
    RepositoryError, NotARepository."""
    begun = time.monotonic()
    chosen = Chosen()
    with (
        Kept.open(file, repo) as kept,
        scratch() as folder,
        Repository.at_commit(source, "HEAD", folder / "head") as repository,
    ):
        line = list(changes(repository.git, Window()))
        older = Older(line)
        newest: list[Row] = []
        for place, change in enumerate(line):
            if stop():
                chosen.stopped = True
                break
            full = wanted.most is not None and len(newest) >= wanted.most
            looked = wanted.window.most is not None and chosen.looked_at >= wanted.window.most
            if full or looked:
                break
            if not wanted.window.on(change.time):
                continue
            chosen.looked_at += 1
            found = _task(repository, repo, change, wanted)
            if isinstance(found, str):
                chosen.left_out[found] += 1
                continue
            related = older.related(found["problem_statement"], place)
            newest.append(found | {"related": [_named(each) for each in related]})
            progress(f"{len(newest)} tasks in {chosen.looked_at} changes")
        chosen.tasks = newest[::-1]
        if not chosen.stopped:  # a part would take the place of an earlier whole
            kept.write(chosen.tasks)
    chosen.seconds = time.monotonic() - begun
    return chosen


def _task(repository: Repository, repo: str, change: Change, wanted: Wanted) -> Row | str:
    code = [each for each in change.files if is_counted(each.path)]
    modified = sorted(each.path for each in code if each.status == "M")
    if len(modified) < wanted.least_files:
        return FEW_FILES
    if len(code) > wanted.most_files or lines_of(code) > wanted.most_lines:
        return TOO_LARGE
    merged = brought(repository.git, change) if change.is_merge else []
    title, body = told(change, merged)
    added, removed = (sum(getattr(f, name) or 0 for f in code) for name in ("added", "removed"))
    if _NOT_NEW.search(title) or says_fix(title) or added <= removed:
        return NOT_NEW
    try:
        sides = [repository.snapshot_of(each) for each in (change.base, change.commit)]
        parts = Parts.of(change, *sides)
    except RepositoryError:
        parts = None
    if parts is None:
        return NOT_PLAIN
    brings = any(not name.startswith("_") for name in parts.names)
    if not (_NEW.search(title) or (brings and _NEW.search(body))):
        return NOT_NEW
    # A file's name gives the answer away; names and code are what a description is made of.
    statement = cleaned(title, body, Secrets.of((), modified), how=True)
    if words(statement.partition("\n")[2]) < BESIDE_TITLE or not words(title):
        return UNCLEAR
    row = row_of(repo, change, statement, parts.patch, parts.test_patch)
    return row | {"score": "files", "files": modified}


def _named(change: Change) -> dict[str, str]:
    return {"commit": change.commit, "title": change.title}


class Older:
    """The changes of a main line, newest first, to be asked for those before a place that are about
    the same: by the words of their messages and of the paths they touched, and by files that they
    share with the likeliest of them. Nothing that comes later counts, not even for how rare a word
    is."""

    def __init__(self, line: Sequence[Change]) -> None:
        self._line = line
        self._terms = [frozenset(_terms(_text(change))) for change in line]

    def related(self, text: str, place: int, most: int = RELATED) -> list[Change]:
        """At most so many of those that stand below the place, the likeliest first."""
        asked = frozenset(_terms(text))
        before = range(place + 1, len(self._line))
        shared = {number: found for number in before if (found := asked & self._terms[number])}
        held = Counter(term for terms in shared.values() for term in terms)
        weights = {term: math.log(1 + len(before) / count) for term, count in held.items()}
        scores = {
            number: sum(weights[term] for term in terms) / math.sqrt(len(self._terms[number]))
            for number, terms in shared.items()
        }
        if not scores:
            return []
        best = max(scores, key=lambda number: scores[number])
        files = self._files(best)
        for number in scores:
            together = len(files & self._files(number))
            if together and number != best:
                scores[number] *= 1 + 0.5 * together / len(files)
        ordered = sorted(scores, key=lambda number: (-scores[number], number))
        return [self._line[number] for number in ordered[:most]]

    def _files(self, number: int) -> frozenset[str]:
        return frozenset(f.path for f in self._line[number].files if is_counted(f.path))


def _text(change: Change) -> str:
    return "\n".join([change.title, change.body, *(each.path for each in change.files[:30])])


def _terms(text: str) -> Iterable[int]:
    return (term for term in terms_of(text.encode("utf-8", "replace")) if term not in STOP)
