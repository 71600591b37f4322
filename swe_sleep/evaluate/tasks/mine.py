"""Tasks out of a repository's own history: a fix, the tests that came with it, and what its message
says was wrong.

As SWE-bench (Jimenez et al., ICLR 2024) does with pull requests and R2E-Gym (Jain et al., 2025)
with commits: a change that mends something and brings tests is taken apart into the two; with its
tests put in, some must fail before and pass after (fail-to-pass), twice over, with packages no
younger than itself. What passes before and after stays as pass-to-pass. Every change that is looked
at ends as a task or is counted with the reason why it is none.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from swe_sleep.anticipate.risk.fixes import says_fix
from swe_sleep.errors import RepositoryError
from swe_sleep.evaluate.pool import Done, Said, spread
from swe_sleep.evaluate.tasks import running
from swe_sleep.evaluate.tasks.changes import Change, Window, brought, changes
from swe_sleep.evaluate.tasks.changes import told as message_of
from swe_sleep.evaluate.tasks.kept import Kept, Row, row_of
from swe_sleep.evaluate.tasks.running import Candidate, Verdict, candidate_of
from swe_sleep.evaluate.tasks.split import Parts, is_code, is_of_tests, lines_of
from swe_sleep.evaluate.tasks.statement import Told, cleaned, closed_issues, named_issues
from swe_sleep.evaluate.tasks.statement import told as how_much
from swe_sleep.repo.repository import Repository
from swe_sleep.sandbox.choose import Setting
from swe_sleep.sandbox.owners import scratch

APART = "a large merge, whose commits are looked at one by one"
NO_CODE = "changes no Python of the project's own"
NO_TESTS = "brings no tests"
TOO_LARGE = "changes too much"
NO_FIX = "does not say that it mends anything"
NOT_PLAIN = "changes links or submodules"
NO_STATEMENT = "its message says too little"
UNTOLD = "its tests use names that the statement does not tell"
NO_PATCH = "git cannot give its contents"
AS_OTHERS = "no environment, as for others with the same requirements"
GIVEN_UP = 2
"""After so many changes in a row that had no environment, those before them with the same
requirements are not tried."""

_MENDS = re.compile(
    r"^(?:\W|\w+(?:\([^)]*\))?: )*(?:stop|prevent|avoid|ensure|handle|correct|respect|preserve"
    r"|don't|do not|never|no longer|make sure|raise|repair|resolve|restore|treat|guard|recover"
    r"|accept|tolerate|ignore|catch)s?\b|\b(?:properly|no longer|should not|instead of"
    r"|(?:in)?valid\w*|off[- ]by[- ]one|edge case)\b",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"^(?:\W|\w+(?:\([^)]*\))?: )*(?:add|support|implement|introduce|allow|new|drop|remove"
    r"|deprecate|refactor|rename|move|revert|bump|release|merge|docs?|test|typing|ci|chore|style|perf|build"
    r"|improve|clean|simplify|speed|update|upgrade|modernize)\w*\b",
    re.IGNORECASE,
)
_PAPERS = re.compile(r"\b(?:typo|changelog|docs?|docstrings?|lint|flake8|mypy|pre-commit)\b", re.I)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes are to become tasks."""

    window: Window = field(default_factory=Window)
    most: int | None = None
    """Tasks, the newest ones."""
    most_files: int = 4
    most_lines: int = 100
    """Of the project's own Python, that a fix changes: added and removed."""
    backend: Setting = "local"
    again: bool = False
    """Whether what had no environment is tried again: an index may have been out of reach."""


@dataclass
class Mined:
    """What became of a history."""

    tasks: list[Row] = field(default_factory=list)
    """Oldest first."""
    looked_at: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    """Changes that could not be judged, with the reason; they are tried again by another run."""
    flaky: int = 0
    """Tests of the tasks that are left out because they came out differently in a second run."""
    remembered: int = 0
    """Verdicts of earlier runs."""
    tried: int = 0
    """Changes whose tests were run now."""
    seconds: float = 0.0
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """A change that is worth a run of its tests."""

    change: Change
    statement: str
    told: Told
    candidate: Candidate
    code: tuple[str, ...]


def mine(
    source: Path,
    repo: str,
    file: Path,
    wanted: Wanted,
    *,
    statements: Mapping[str, str] | None = None,
    jobs: int = 1,
    cache: Path | None = None,
    progress: Callable[[str], None] = lambda line: None,
    stop: Callable[[], bool] = lambda: False,
) -> Mined:
    """Write the tasks of a repository to a file, beside those that it has of others. What is
    known of earlier runs is not tried again. `statements` are texts by commit or by number of
    issue. Raises UsageError, RepositoryError, NotARepository."""
    begun = time.monotonic()
    mined = Mined()
    with (
        Kept.open(file, repo) as kept,
        scratch() as folder,
        Repository.at_commit(source, "HEAD", folder / "head") as repository,
    ):
        planner = _Planner(repository, source, wanted, statements or {}, cache)
        if wanted.again:
            kept.forget(running.NO_ENVIRONMENT)
        queue = Queue(planner.planned(mined), kept, wanted.most, mined)
        progress("reading the history")
        for event in spread(running.run, queue.take, jobs=jobs, stop=stop):
            if isinstance(event, Said):
                progress(f"{queue.line()}; {queue.name(event.request)}: {event.text}")
                continue
            if isinstance(event, Done):
                queue.judge(event.answer)
                kept.remember(event.answer)
            else:
                queue.give_up(event.request, event.reason)
            # All that is known so far, so that a killed run leaves a file that can be used.
            kept.write(queue.rows(repo))
            progress(queue.line())
        mined.stopped = stop()
        mined.tasks = queue.rows(repo)
        kept.write(mined.tasks)
    mined.seconds = time.monotonic() - begun
    return mined


class _Planner:
    """Finds the changes that are worth a run, newest first, and counts the others."""

    def __init__(
        self,
        repository: Repository,
        source: Path,
        wanted: Wanted,
        statements: Mapping[str, str],
        cache: Path | None,
    ) -> None:
        self._repository, self._source, self._wanted = repository, source, wanted
        self._statements, self._cache = statements, cache

    def planned(self, mined: Mined) -> Iterator[Planned]:
        for change in changes(self._repository.git, self._wanted.window):
            for each, merged in self._units(change):
                mined.looked_at += 1
                found = self._plan(each, merged)
                if isinstance(found, str):
                    mined.left_out[found] += 1
                else:
                    yield found

    def _units(self, change: Change) -> Iterator[tuple[Change, list[Change]]]:
        """A change, or the commits of one that is a merge of many things."""
        merged = brought(self._repository.git, change) if change.is_merge else []
        yield change, merged
        if len(merged) > 1 and self._first_look(change) == TOO_LARGE:
            for each in merged:
                yield each, []

    def _first_look(self, change: Change) -> str:
        """Why it is no task, as far as its files tell."""
        code = [each for each in change.files if is_code(each.path)]
        if not lines_of(code):
            return NO_CODE
        if not any(is_of_tests(f.path) and f.status != "D" for f in change.files):
            return NO_TESTS
        few = len(code) <= self._wanted.most_files and lines_of(code) <= self._wanted.most_lines
        return "" if few else TOO_LARGE

    def _plan(self, change: Change, merged: list[Change]) -> Planned | str:
        reason = self._first_look(change)
        if reason:
            return APART if reason == TOO_LARGE and len(merged) > 1 else reason
        title, body = message_of(change, merged)
        given = self._given(change, f"{change.title}\n{body}")
        if not given and not _mends(title, body):
            return NO_FIX
        try:
            base = self._repository.snapshot_of(change.base)
            parts = Parts.of(change, base, self._repository.snapshot_of(change.commit))
        except RepositoryError:
            return NO_PATCH
        if parts is None:
            return NOT_PLAIN
        if not parts.tests or not parts.test_patch:
            return NO_TESTS
        statement = given or cleaned(title, body, parts.secrets())
        told: Told | None = "given" if given else how_much(statement)
        if told is None:
            return NO_STATEMENT
        if parts.untold(statement):
            return UNTOLD
        candidate = candidate_of(
            parts,
            self._source,
            base,
            change.day,
            backend=self._wanted.backend,
            cache=self._cache,
        )
        return Planned(change, statement, told, candidate, parts.code)

    def _given(self, change: Change, message: str) -> str:
        """The text that somebody gave for a commit, or for an issue that it closes or names."""
        known = self._statements
        if not known:
            return ""
        for name, text in known.items():
            if len(name) >= 7 and change.commit.startswith(name):
                return text
        numbers = [*closed_issues(message), change.number, *named_issues(message)]
        return next((known[each] for each in numbers if each in known), "")


def _mends(title: str, body: str) -> bool:
    """Whether a message says that something was wrong."""
    if says_fix(title, body):
        return True
    if _OTHER.match(title) or _PAPERS.search(title):
        return False
    return bool(closed_issues(f"{title}\n{body}") or _MENDS.search(title))


class Queue:
    """What is still to be tried, newest first, until there are tasks enough; and what came of it.

    No more are under way than tasks are missing, so that nothing is tried in vain, and which tasks
    are found does not depend on which of two processes was quicker.
    """

    def __init__(
        self, planned: Iterator[Planned], kept: Kept, most: int | None, mined: Mined
    ) -> None:
        self._planned, self._kept, self._most, self._mined = planned, kept, most, mined
        self._order: dict[str, Planned] = {}
        self._in_vain: Counter[str] = Counter()
        """By requirements: the changes in a row that had no environment."""
        self._tasks: dict[str, Verdict] = {}
        self._under_way = 0

    def take(self, last: Candidate | None) -> Candidate | None:
        while self._most is None or len(self._tasks) + self._under_way < self._most:
            planned = next(self._planned, None)
            if planned is None:
                return None
            key = planned.candidate.key
            self._order[key] = planned
            known = self._kept.known.get(key)
            if known is not None:
                self._mined.remembered += 1
                self._count(known)
            elif self._in_vain[planned.candidate.needs] >= GIVEN_UP:
                self._mined.left_out[AS_OTHERS] += 1
            else:
                self._under_way += 1
                return planned.candidate
        return None

    def judge(self, verdict: Verdict) -> None:
        self._mined.tried += 1
        self._under_way -= 1
        self._count(verdict)

    def give_up(self, candidate: Candidate, reason: str) -> None:
        self._mined.tried += 1
        self._under_way -= 1
        commit = self._order[candidate.key].change.commit
        self._mined.failures.append(f"{commit[:10]}: {reason}")

    def _count(self, verdict: Verdict) -> None:
        needs = self._order[verdict.key].candidate.needs
        in_vain = verdict.reason == running.NO_ENVIRONMENT
        self._in_vain[needs] = self._in_vain[needs] + 1 if in_vain else 0
        if verdict.reason:
            self._mined.left_out[verdict.reason] += 1
        else:
            self._tasks[verdict.key] = verdict
            self._mined.flaky += verdict.flaky

    def rows(self, repo: str) -> list[Row]:
        """The tasks, oldest first."""
        newest = [key for key in self._order if key in self._tasks]
        return [self._row(repo, self._order[key], self._tasks[key]) for key in reversed(newest)]

    @staticmethod
    def _row(repo: str, planned: Planned, verdict: Verdict) -> Row:
        return row_of(
            repo,
            planned.change,
            planned.statement,
            planned.candidate.patch,
            planned.candidate.test_patch,
        ) | {
            "FAIL_TO_PASS": list(verdict.fail_to_pass),
            "PASS_TO_PASS": list(verdict.pass_to_pass),
            "day": verdict.day,
            "statement_from": planned.told,
            "n_source_files": len(planned.code),
        }

    def line(self) -> str:
        """How far it is."""
        found, looked = len(self._tasks), self._mined.looked_at
        wanted = f" of {self._most}" if self._most else ""
        return f"tasks: {found}{wanted}, in {looked} changes"

    def name(self, candidate: Candidate) -> str:
        """Which change it is, for a person."""
        change = self._order[candidate.key].change
        return f"{change.commit[:10]} of {change.day}"
