"""Bugs put back, and ordinary commits: what the change-triggered pass says of each.

    python -m benchmarks.putback make --repos DIR --out CASES [--kind bug|ordinary] [--each N]
    python -m benchmarks.putback run CASES --repos DIR --work DIR [--kind K] [--sample N] [--jobs N]
    python -m benchmarks.putback report CASES --work DIR [--list]

A *bug* is a real fix: on the fixed source with the tests as they were before it, `sleep` makes its
notes; then the source part of the fix is taken back in the work tree, and one pass runs. *shown*
are such with half of the fix's own tests left in, so that the repository's tests can show it. An
*ordinary* commit is made on its parent in the same way, tests and all; no later fix mended it. The
hidden tests are in no file and no commit that the pass could see; afterwards they judge the patch.
The file of cases holds ids of commits and tests, no text of a library.

A case is *reproduced* if a test of the repository shows it, or one that the pass wrote whose issue
names a function that the fix touches; *suspected* if an issue that is not proven does; else missed.
Trees with their first notes are kept in WORK, and results in WORK/results.jsonl, so that a killed
run goes on. `run --again` forgets the results of what it runs.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.faults import digest
from benchmarks.putback_cases import (
    KINDS,
    ORDINARY,
    Case,
    Touched,
    edit_of,
    files_of,
    plant,
    touched,
    write,
)
from benchmarks.putback_make import FLAGS, LIBRARIES, bugs, ordinaries
from benchmarks.putback_report import Outcome, Said, report
from swe_sleep.cli import wiring
from swe_sleep.cli.display import Display
from swe_sleep.config import load
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.evaluate.pool import Done, Failed, spread
from swe_sleep.notes import kinds
from swe_sleep.notes.store import Store
from swe_sleep.notes.view import View
from swe_sleep.records import AnticipatedIssue, Note, Patch, State, TestRun, file_of
from swe_sleep.repo.diff import apply_in_memory
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sleep.engine import Event
from swe_sleep.testing.tests import Tests

FIRST_S = 240.0
"""For the first notes of a tree; they are kept."""
JUDGE_S, JUDGE_TEST_S = 240.0, 30.0


@dataclass(frozen=True)
class Question:
    """What is asked of a process."""

    case: Case
    repos: Path
    work: Path
    budget_s: float
    speculate_s: float
    hunt: bool


# -- one case --------------------------------------------------------------------------------------


class Watching(Display):
    """Notes the moment at which each issue stood; shows nothing."""

    def __init__(self) -> None:
        super().__init__(Console(quiet=True))
        self.began = 0.0
        self.stood: dict[tuple[str, State], float] = {}
        self.problems: list[str] = []

    def progress(self, line: str) -> None:
        pass

    def event(self, event: Event) -> None:
        for note in event.notes:
            if note.kind == kinds.ISSUE:
                self.issue(note)
        if event.kind == "failed" and event.unit is not None:
            self.problems.append(f"{event.unit.step}: {event.problem}")

    def issue(self, note: Note) -> None:
        issue = kinds.decode(note.data, AnticipatedIssue)
        self.stood.setdefault((note.subject, issue.state), time.monotonic() - self.began)


def answer(question: Question, say: Callable[[str], None]) -> Outcome:
    case = question.case
    with tempfile.TemporaryDirectory(prefix="swe-sleep-putback-") as temporary:
        tree = Path(temporary) / "tree"
        # The folder of a tree is no part of what its notes depend on.
        shutil.copytree(prepared(question), tree, symlinks=True)
        edit = edit_of(case, tree)
        old = {path: read(tree / path) for path in edit}
        marks = touched(old, edit)
        found = slept(question, tree, edit, marks)
        if found.patched:
            found = judged(case, tree, found)
        return found


def read(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def flags_of(question: Question, budget_s: float) -> dict[str, Any]:
    return FLAGS | {
        "sleep.budget_s": budget_s,
        "sleep.speculate_s": question.speculate_s,
        "sleep.hunt": question.hunt,
    }


def prepared(question: Question) -> Path:
    """The tree before the edit with its first notes; made once."""
    place = question.work / "trees" / question.case.id
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".making-") as temporary:
            tree = Path(temporary) / "tree"
            plant(question.case, Mirrors(question.repos), tree)
            with wiring.sleeping(flags_of(question, FIRST_S), Watching(), tree) as sleeper:
                sleeper.sleep(sleeper.repository.snapshot())
            tree.rename(place)
    return place


def slept(
    question: Question, tree: Path, edit: Mapping[str, bytes | None], marks: Touched
) -> Outcome:
    """The pass after the edit, and what it says that it did not say before."""
    case, display = question.case, Watching()
    with wiring.sleeping(flags_of(question, question.budget_s), display, tree) as sleeper:
        repository, store = sleeper.repository, sleeper.store
        sleeper.sleep(repository.snapshot())  # nothing to do, unless passes came to be since
        before = repository.snapshot()
        known = {each.note.subject: each.issue for each in View(store, before).issues()}
        passing = len(passed_in(store, before))
        display.stood.clear()
        write(tree, edit)
        display.began = time.monotonic()
        slept = sleeper.sleep(repository.snapshot())
        after = repository.snapshot()
        seen = View(store, after).issues()
    said: list[Said] = []
    patch = ""
    for each in seen:
        issue, subject = each.issue, each.note.subject
        earlier = known.get(subject)
        if earlier is not None and earlier.state is issue.state and earlier.tests == issue.tests:
            continue
        if issue.state is State.REFUTED:
            continue
        said.append(
            Said(
                subject,
                issue.state.value,
                issue.lead,
                bool(issue.written),
                right(subject, issue, marks),
                confidence=each.note.confidence,
                stood_s=display.stood.get((subject, State.REPRODUCED), 0.0)
                or display.stood.get((subject, issue.state), 0.0),
                patched_s=display.stood.get((subject, State.PATCHED), 0.0),
                tests=issue.tests[:20],
                title=issue.title[:160],
            )
        )
        if issue.state is State.PATCHED and not patch and (not issue.written or said[-1].right):
            patch = issue.patches[0].diff
    return Outcome(
        case.id,
        case.kind,
        case.library,
        passing=passing,
        visible=len(case.visible_bad),
        said=said,
        patched=bool(patch),
        diff=patch,
        seconds=slept.seconds,
        left=slept.left,
        problems=[*slept.problems, *display.problems][:5],
    )


def passed_in(store: Store, snapshot: Snapshot) -> list[str]:
    """Tests that are known to pass before the edit: without any nothing was measured."""
    return [
        result.test_id
        for seen in View(store, snapshot).fresh(kinds.TESTS)
        for result in seen.data(kinds.TestsOfFile).settled
        if not result.outcome.bad
    ]


def right(subject: str, issue: AnticipatedIssue, marks: Touched) -> bool:
    """Whether an issue points at what the fix touches. The first three suspicions count."""
    places = [*issue.cause, *(s.place for s in issue.suspicions[:3])]
    return marks.names(subject) or any(
        marks.has(place.path, place.line, place.end_line) for place in places
    )


def judged(case: Case, tree: Path, found: Outcome) -> Outcome:
    """The patch by the hidden tests, and whether it breaks others of these files."""
    if case.kind == ORDINARY:
        return found
    with Repository.open(tree) as repository:
        snapshot = repository.snapshot()
        patch = Patch(found.diff, (), "benchmark")
        files = apply_in_memory(patch, snapshot)
        theirs = files_of(tree, case.commit, case.tests)
        asked = [path for path in case.tests if path.endswith(".py") and theirs[path] is not None]
        settings = load(repository.root, FLAGS)
        backend = wiring.backend(settings)
        environment = backend.prepare(snapshot, progress=lambda line: None)
        with backend.open(snapshot, environment) as sandbox:
            tests = Tests(sandbox)
            sandbox.put(theirs)
            before = run(tests, asked)
            sandbox.put({p: text for p, text in files.items() if file_of(p) not in theirs})
            after = run(tests, asked)
    passes = set(case.fail_to_pass) <= after.passed
    broken = sorted(before.passed - after.passed)
    return replace(found, correct=passes and not broken, broken=broken[:5])


def run(tests: Tests, asked: list[str]) -> TestRun:
    return tests.run(asked, timeout_s=JUDGE_S, test_timeout_s=JUDGE_TEST_S, strict=False)


# -- the commands ----------------------------------------------------------------------------------


def make(wanted: argparse.Namespace) -> None:
    mirrors = Mirrors(wanted.repos)

    def keep(cases: Sequence[Case]) -> None:
        with wanted.out.open("a") as out:
            out.writelines(json.dumps(asdict(case)) + "\n" for case in cases)

    def say(line: str) -> None:
        print(line, flush=True)

    for repo in wanted.only or LIBRARIES:
        cases = [each for each in cases_of(wanted.out) if each.repo == repo]
        known = {each.commit for each in cases} | passed_over(wanted.besides)
        have = Counter(each.kind for each in cases)[wanted.kind]
        if wanted.kind == ORDINARY:
            found: Iterator[Sequence[Case]] = (
                [each] for each in ordinaries(repo, mirrors, known=known, limit=wanted.commits)
            )
        else:
            found = bugs(repo, mirrors, known=known, limit=wanted.commits, say=say)
        while have < wanted.each and (some := next(found, None)) is not None:
            keep(some)
            have += 1
        say(f"{repo}: {have} {wanted.kind}")


def passed_over(besides: Path | None) -> set[str]:
    """Commits of another benchmark's tasks, which may have been looked at."""
    if besides is None:
        return set()
    rows = [json.loads(line) for line in besides.read_text().splitlines()]
    return {row["fix_commit"] for row in rows if "fix_commit" in row}


def cases_of(file: Path) -> list[Case]:
    lines = file.read_text().splitlines() if file.exists() else []
    return [Case.of(json.loads(line)) for line in lines]


def chosen(wanted: argparse.Namespace) -> list[Case]:
    """The cases that are asked for; of a sample, as many of each library as can be."""
    cases = [
        case
        for case in cases_of(wanted.cases)
        if (not wanted.kind or case.kind in wanted.kind)
        and (wanted.part == "all" or case.half == wanted.part)
        and (not wanted.only or any(word in case.id for word in wanted.only))
    ]
    if not wanted.sample:
        return cases
    taken: list[Case] = []
    for kind in KINDS:
        mine = sorted(
            (case for case in cases if case.kind == kind),
            key=lambda case: digest("sample", wanted.seed, case.id),
        )
        count: Counter[str] = Counter()
        turns: list[tuple[int, int, Case]] = []
        for place, case in enumerate(mine):
            count[case.library] += 1
            turns.append((count[case.library], place, case))
        taken += [case for *_, case in sorted(turns, key=lambda turn: turn[:2])[: wanted.sample]]
    return taken


def run_all(wanted: argparse.Namespace) -> None:
    wanted.work.mkdir(parents=True, exist_ok=True)
    out = wanted.out or wanted.work / "results.jsonl"
    asked = chosen(wanted)
    if wanted.again:
        names = {case.id for case in asked}
        kept = [row for row in lines_of(out) if json.loads(row)["id"] not in names]
        out.write_text("".join(row + "\n" for row in kept))
    done = {json.loads(row)["id"] for row in lines_of(out)}
    waiting = [case for case in asked if case.id not in done]
    random.Random(wanted.seed).shuffle(waiting)  # what is slow is spread, and a part tells all
    began, count = time.monotonic(), len(waiting)

    def take(last: Question | None) -> Question | None:
        if not waiting:
            return None
        places = wanted.repos.resolve(), wanted.work.resolve()
        case = waiting.pop()
        return Question(case, *places, wanted.budget_s, wanted.speculate_s, wanted.hunt)

    for number, event in enumerate(spread(answer, take, jobs=wanted.jobs), 1):
        if isinstance(event, Done):
            found = event.answer
        elif isinstance(event, Failed):
            case = event.request.case
            problem = event.reason + event.detail[-2000:]
            found = Outcome(case.id, case.kind, case.library, problem=problem)
        else:
            continue
        with out.open("a") as file:
            file.write(json.dumps(asdict(found)) + "\n")
        print(f"{number}/{count} {time.monotonic() - began:5.0f} s  {found.line}", flush=True)
    show(wanted)


def lines_of(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def show(wanted: argparse.Namespace) -> None:
    out = wanted.out or wanted.work / "results.jsonl"
    names = {case.id for case in chosen(wanted)}
    rows = [Outcome.of(json.loads(row)) for row in lines_of(out)]
    report([row for row in rows if row.id in names], each=wanted.list)


def common(parser: argparse.ArgumentParser) -> None:
    """Options of `run` and `report`."""
    parser.add_argument("cases", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="the results; WORK/results.jsonl by default")
    parser.add_argument("--kind", action="append", choices=KINDS, default=[])
    parser.add_argument("--part", choices=("dev", "held", "all"), default="all")
    parser.add_argument("--only", nargs="*", default=[], help="a library or a case")
    parser.add_argument("--sample", type=int, default=0, help="so many of each kind")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--list", action="store_true", help="a line for each case")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(required=True, dest="command")
    making = commands.add_parser("make")
    making.add_argument("--repos", type=Path, required=True, help="the folder of mirrors")
    making.add_argument("--out", type=Path, required=True)
    making.add_argument("--kind", choices=("bug", "ordinary"), default="bug")
    making.add_argument("--each", type=int, default=8, help="cases of a library")
    making.add_argument("--commits", type=int, default=1500, help="commits that are looked at")
    making.add_argument("--only", nargs="*", metavar="OWNER/NAME")
    making.add_argument("--besides", type=Path, help="tasks whose commits are passed over")
    running = commands.add_parser("run")
    common(running)
    running.add_argument("--repos", type=Path, required=True)
    running.add_argument("--jobs", type=int, default=2)
    running.add_argument("--budget-s", type=float, default=60, help="for the pass after the edit")
    running.add_argument("--speculate-s", type=float, default=20, help="for each search")
    running.add_argument("--hunt", action="store_true", help="let the pass hunt, too")
    running.add_argument("--again", action="store_true", help="forget earlier results")
    common(commands.add_parser("report"))
    wanted = parser.parse_args()
    {"make": make, "run": run_all, "report": show}[wanted.command](wanted)


if __name__ == "__main__":
    main()
