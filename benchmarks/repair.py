"""How well the built-in solver mends faults: seeded ones, and real ones with their failing test.

    python -m benchmarks.repair FAULTS --repos DIR --work DIR [--no-notes] [--sample N] [--jobs N]
    python -m benchmarks.repair --tasks TASKS --repos DIR --work DIR
    python -m benchmarks.repair FAULTS --repos DIR --work DIR --show FAULT

FAULTS is what `benchmarks.faults make` wrote. Each fault is committed to a repository of its own,
which has no past and lacks the held-back half of the tests. Then the product's own path is taken,
as `swe-sleep solve --test ...` takes it: without notes, and, after a pass of sleep over the faulty
code, with them. Only what passes between the question and the answer counts; sleep is told apart.

The first patch offered is *plausible*: it passed every check the solver could make. It is *correct*
if its syntax tree is the original's, or if every held-back test passes with it that passed on the
original, and at least one of these runs the faulty function. For real bugs the reference's tests
judge. Results are kept in WORK, so that a killed run goes on; `--again` forgets them.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import resource
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks import faults as seeded
from benchmarks.faults import Fault
from swe_sleep.cli import wiring
from swe_sleep.cli.known import NOTES_FILE
from swe_sleep.config import load
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.evaluate.pool import Done, Failed, spread
from swe_sleep.notes.store import Store
from swe_sleep.records import Patch, TestRun
from swe_sleep.repo.diff import apply_in_memory, diff
from swe_sleep.repo.repository import Repository
from swe_sleep.sleep.sleeper import Sleeper
from swe_sleep.solve.solve import Solved
from swe_sleep.testing.tests import Tests
from swe_sleep.wiring.sleeping import passes

MOST_NAMED = 20
"""Failing tests that the solver is given."""
ARMS = ("without", "with")


@dataclass(frozen=True)
class Question:
    """What is asked of a process: one fault or task, in one arm."""

    id: str
    arm: str
    library: str
    group: str
    tests: tuple[str, ...]
    seconds: float
    repos: Path
    work: Path
    fault: Fault | None = None
    task: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """One line of the results."""

    id: str
    arm: str
    library: str
    group: str
    plausible: int = 0
    """Plausible patches that there were; the first was offered."""
    offered: bool = False
    equal: bool = False
    judged: str = ""
    """What other tests say of the offered patch: passes, fails, says nothing; or "" if none."""
    seconds: float = 0.0
    waited_s: float = 0.0
    """With the opening of the sandbox and the reading of the notes."""
    cpu_s: float = 0.0
    """Of the processor, in all of that: what a busy machine does not change."""
    candidates: int = 0
    test_runs: int = 0
    sleep_s: float = 0.0
    sleep_runs: int = 0
    solver: str = ""
    summary: str = ""
    why: str = ""
    rank: int = 0
    """Of the faulty line among the suspicious places, from 1; 0 if it is not among them."""
    problem: str = ""
    """Why this fault could not be measured."""
    diff: str = ""

    @property
    def correct(self) -> bool:
        return self.offered and (self.equal or self.judged == "passes")


# -- one fault -------------------------------------------------------------------------------------


def answer(question: Question, say: Callable[[str], None]) -> Answer:
    with tempfile.TemporaryDirectory(prefix="swe-sleep-bench-") as temporary:
        tree = Path(temporary) / "tree"
        blank = Answer(question.id, question.arm, question.library, question.group)
        if question.fault is not None:
            plant_fault(question, tree)
        else:
            plant_task(question, tree)
        found = run_solver(question, blank, tree)
        if found.problem or not found.offered:
            return found
        with Repository.open(tree) as repository:
            snapshot = repository.snapshot()
            files = apply_in_memory(Patch(found.diff, (), "benchmark"), snapshot)
        if question.fault is not None:
            return judge_fault(question, question.fault, found, files)
        return judge_task(question, found, files, tree)


def plant_fault(question: Question, tree: Path) -> None:
    fault = question.fault
    assert fault is not None
    shutil.copytree(prepared(question, "shown"), tree, ignore=shutil.ignore_patterns(".git"))
    file = tree / fault.path
    file.write_bytes(fault.apply(file.read_bytes()))
    seeded.plant(tree)


def prepared(question: Question, kind: str) -> Path:
    """The right library with the tests that are shown, or with all; made once."""
    place = question.work / kind / question.library
    if not place.exists():
        make = seeded.shown_tree if kind == "shown" else seeded.whole_tree
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".making-") as temporary:
            tree = Path(temporary) / "tree"
            make(Mirrors(question.repos), seeded.library_of(question.library), tree)
            if not place.exists():
                tree.rename(place)
    return place


def flags_of(question: Question) -> dict[str, Any]:
    needs = seeded.library_of(question.library).requirements if question.fault else None
    return {
        "sandbox.backend": "local",
        "sleep.speculate_s": question.seconds,
        "solve.search_s": question.seconds,
        "environment.requirements": needs,
    }


def quiet(line: str) -> None:
    pass


def run_solver(question: Question, blank: Answer, tree: Path) -> Answer:
    sleep_s, sleep_runs = sleep(question, tree) if question.arm == "with" else (0.0, 0)
    began, cpu = time.monotonic(), processor_s()
    flags = flags_of(question)
    with wiring.bench(flags, quiet, notes=question.arm == "with", directory=tree) as bench:
        stop = threading.Event()
        solved = wiring.solve(bench, "", question.tests, "search", quiet, stop)
    return replace(
        blank,
        plausible=solved.plausible,
        offered=solved.solved,
        seconds=solved.usage.wall_s,
        waited_s=time.monotonic() - began,
        cpu_s=processor_s() - cpu,
        candidates=solved.usage.candidates,
        test_runs=solved.usage.test_runs,
        sleep_s=sleep_s,
        sleep_runs=sleep_runs,
        solver=solved.solver or "",
        summary=solved.patch.summary if solved.patch else "",
        why=solved.why,
        rank=rank_of(question.fault, solved) if question.fault else 0,
        diff=solved.patch.diff if solved.patch else "",
    )


def processor_s() -> float:
    """What this process and those that it started, and that ended, took so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def sleep(question: Question, tree: Path) -> tuple[float, int]:
    """One pass over the faulty code, as `swe-sleep sleep` makes it: seconds, and runs of tests."""
    with Repository.open(tree) as repository:
        settings = load(repository.root, flags_of(question))
        store = Store(repository.state_dir / NOTES_FILE)
        try:
            backend = wiring.backend(settings)
            sleeper = Sleeper(repository, store, settings, backend, passes(settings))
            report = sleeper.sleep(repository.snapshot())
        finally:
            store.close()
    return report.seconds, report.usage.test_runs


def rank_of(fault: Fault, solved: Solved) -> int:
    places = [s.place for s in solved.suspicions]
    for number, place in enumerate(places, 1):
        low, high = place.line or 0, place.end_line or place.line or 0
        if place.path == fault.path and low - 1 <= fault.line <= high + 1:
            return number
    return 0


# -- judging ---------------------------------------------------------------------------------------


def same(one: bytes | None, other: bytes | None) -> bool:
    def shape(text: bytes) -> str:
        return ast.dump(ast.parse(text))

    return one is not None and other is not None and shape(one) == shape(other)


def judge_fault(
    question: Question, fault: Fault, found: Answer, files: Mapping[str, bytes | None]
) -> Answer:
    """By the original, and by the held-back half of its tests."""
    whole = prepared(question, "whole")
    right = {path: file.read_bytes() for path in files if (file := whole / path).is_file()}
    equal = fault.path in files and all(same(files[path], right.get(path)) for path in files)
    if not (fault.held_failing or fault.held_reaching):
        return replace(found, equal=equal, judged="says nothing")
    libraries, _ = seeded.read(question.work / "faults.jsonl")
    held = libraries[question.library]["held_back"]
    wrong = {fault.path: fault.apply((whole / fault.path).read_bytes())}
    run = run_in(whole, question, {**wrong, **files}, held)
    passes = run.passed >= set(held)
    return replace(found, equal=equal, judged="passes" if passes or equal else "fails")


def run_in(
    tree: Path, question: Question, files: Mapping[str, bytes | None], tests: Sequence[str]
) -> TestRun:
    with Repository.open(tree) as repository:
        settings = load(repository.root, flags_of(question))
        backend = wiring.backend(settings)
        snapshot = repository.snapshot()
        environment = backend.prepare(snapshot, progress=quiet)
        with backend.open(snapshot, environment) as sandbox:
            sandbox.put(files)
            return Tests(sandbox).run(tests, timeout_s=900, test_timeout_s=60, strict=False)


def plant_task(question: Question, tree: Path) -> None:
    """The repository as it was, with the tests that came with the fix."""
    task = question.task
    seeded.check_out(Mirrors(question.repos), task["repo"], task["base_commit"], tree)
    (tree / ".git" / "test.patch").write_text(task["test_patch"])
    seeded.git(tree, "apply", ".git/test.patch")
    seeded.git(tree, "add", "--all")
    seeded.git(tree, "commit", "--quiet", "--message", "Test for it")


def judge_task(
    question: Question, found: Answer, files: Mapping[str, bytes | None], tree: Path
) -> Answer:
    """By the tests that the reference patch made pass, and those that it left passing."""
    task = question.task
    with Repository.open(tree) as repository:
        gold = apply_in_memory(Patch(task["patch"], (), "gold"), repository.snapshot())
    equal = gold.keys() == files.keys() and all(same(files[p], gold[p]) for p in gold)
    wanted, others = json.loads(task["FAIL_TO_PASS"]), json.loads(task["PASS_TO_PASS"])
    run = run_in(tree, question, files, [*wanted, *others])
    passes = set(wanted) <= run.passed
    lost = sorted(set(others) - run.passed)
    if passes and lost:  # such as what never passed in this environment
        before = run_in(tree, question, {}, lost)
        passes = before.passed.isdisjoint(lost)
    return replace(found, equal=equal, judged="passes" if passes or equal else "fails")


# -- the run ---------------------------------------------------------------------------------------


def questions(arguments: argparse.Namespace) -> list[Question]:
    arms = ARMS[:1] if arguments.no_notes else ARMS
    if arguments.tasks is not None:
        return [
            Question(
                task["instance_id"],
                arm,
                task["repo"].partition("/")[2],
                task.get("difficulty", "real"),
                tuple(json.loads(task["FAIL_TO_PASS"]))[:MOST_NAMED],
                arguments.seconds,
                arguments.repos.resolve(),
                arguments.work.resolve(),
                task=task,
            )
            for task in map(json.loads, arguments.tasks.read_text().splitlines())
            if any(arguments.only in word for word in (task["instance_id"], task["repo"]))
            for arm in arms
        ]
    _, faults = seeded.read(arguments.faults)
    shutil.copy(arguments.faults, arguments.work / "faults.jsonl")
    wanted = [
        fault
        for fault in faults
        if arguments.part in ("all", "held" if fault.held else "dev")
        and (not arguments.only or arguments.only in (fault.group, fault.library, fault.id))
    ]
    if arguments.sample:
        wanted = sorted(wanted, key=lambda fault: seeded.digest("sample", fault.id))
        wanted = wanted[: arguments.sample]
    return [
        Question(
            fault.id,
            arm,
            fault.library,
            fault.group,
            fault.failing[:MOST_NAMED],
            arguments.seconds,
            arguments.repos.resolve(),
            arguments.work.resolve(),
            fault=fault,
        )
        for fault in wanted
        for arm in arms
    ]


def measure(asked: Sequence[Question], out: Path, jobs: int) -> list[Answer]:
    """Answer what has no answer in the file yet; all answers to what was asked."""
    rows = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    known = {(row["id"], row["arm"]): Answer(**row) for row in rows}
    waiting = [q for q in asked if (q.id, q.arm) not in known]
    random.Random(1).shuffle(waiting)  # so that what is slow is spread, and a part tells the whole
    began, count = time.monotonic(), len(waiting)

    def take(last: Question | None) -> Question | None:
        return waiting.pop() if waiting else None

    done = 0
    for event in spread(answer, take, jobs=jobs):
        if isinstance(event, Done):
            found = event.answer
        elif isinstance(event, Failed):
            q = event.request
            problem = event.reason + event.detail[-2000:]
            found = Answer(q.id, q.arm, q.library, q.group, problem=problem)
        else:
            continue
        known[found.id, found.arm] = found
        with out.open("a") as file:
            file.write(json.dumps(asdict(found)) + "\n")
        done += 1
        print(f"{done}/{count} {time.monotonic() - began:5.0f} s  {line_of(found)}", flush=True)
    return [known[q.id, q.arm] for q in asked if (q.id, q.arm) in known]


def line_of(found: Answer) -> str:
    verdict = "-"
    if found.problem:
        verdict = "PROBLEM"
    elif found.offered:
        verdict = "equal" if found.equal else found.judged
    last = found.problem.strip().splitlines()[-1:] if found.problem else []
    said = last[0] if last else found.summary or found.why
    return (
        f"{found.id:44} {found.arm:8} {found.group:18} {verdict:13}{found.plausible:2} plausible "
        f"{found.candidates:5} tried {found.seconds:6.1f} s rank {found.rank:2}  {said[:90]}"
    )


# -- the tables ------------------------------------------------------------------------------------


def share(count: int, of: int) -> str:
    return f"{count:4} {count / of:5.0%}" if of else f"{count:4}     -"


def median(values: Iterable[float]) -> float:
    found = list(values)
    return statistics.median(found) if found else 0.0


def table(answers: Sequence[Answer]) -> None:
    for arm in ARMS:
        whole = [a for a in answers if a.arm == arm]
        mine = [a for a in whole if not a.problem]
        if not mine:
            continue
        print(f"\n{arm} notes: {len(mine)} faults, {len(whole) - len(mine)} not measured")
        offered = [a for a in mine if a.offered]
        unsaid = sum(a.judged == "says nothing" and not a.equal for a in offered)
        correct = [a for a in mine if a.correct]
        print(f"  plausible, offered          {share(len(offered), len(mine))}")
        print(f"  correct                     {share(len(correct), len(mine))}")
        print(f"    equal to the original     {share(sum(a.equal for a in offered), len(mine))}")
        other = sum(not a.equal for a in correct)
        print(f"    other, judged by tests    {share(other, len(mine))}")
        print(f"  wrong among the offered     {share(len(offered) - len(correct), len(offered))}")
        print(f"    of these, no test to say  {unsaid:4}")
        for name, get in MEASURES:
            values = [get(a) for a in mine]
            print(f"  {name:26}  median {median(values):8.1f}  total {sum(values):9.0f}")
        print(f"  seconds where correct       median {median(a.seconds for a in correct):8.1f}")
        several = [a.plausible for a in offered]
        print(f"  plausible patches           mean   {statistics.mean(several or [0]):8.1f}")
        for title, key in (("class", "group"), ("library", "library")):
            print(f"  {title:20}{'faults':>7}{'offered':>9}{'correct':>9}{'median s':>9}")
            for name in sorted({getattr(a, key) for a in mine}):
                row = [a for a in mine if getattr(a, key) == name]
                print(
                    f"    {name:18}{len(row):7}{sum(a.offered for a in row):9}"
                    f"{sum(a.correct for a in row):9}{median(a.seconds for a in row):9.1f}"
                )
    compare(answers)


MEASURES: Sequence[tuple[str, Callable[[Answer], float]]] = (
    ("seconds", lambda a: a.seconds),
    ("seconds with opening", lambda a: a.waited_s),
    ("processor seconds", lambda a: a.cpu_s),
    ("candidates", lambda a: a.candidates),
    ("test runs", lambda a: a.test_runs),
    ("sleep before, seconds", lambda a: a.sleep_s),
    ("sleep before, test runs", lambda a: a.sleep_runs),
)


def compare(answers: Sequence[Answer]) -> None:
    """What notes save, over the faults that were measured both ways."""
    by = {(a.id, a.arm): a for a in answers if not a.problem}
    pairs = [(by[i, "without"], by[i, "with"]) for i, arm in by if arm == "with"
             and (i, "without") in by]  # fmt: skip
    if not pairs:
        return
    print(f"\nwith notes against without, over {len(pairs)} faults")
    for name, get in MEASURES[:5]:
        cold, warm = sum(get(one) for one, _ in pairs), sum(get(two) for _, two in pairs)
        ratios = [get(two) / get(one) for one, two in pairs if get(one)]
        total = f"{warm / cold:.2f}" if cold else "-"
        print(f"  {name:22} of all {total:>6}   median of each {median(ratios):6.2f}")


def show(arguments: argparse.Namespace) -> None:
    _, faults = seeded.read(arguments.faults)
    fault = next(each for each in faults if each.id == arguments.show)
    question = Question(
        fault.id, "without", fault.library, fault.group, fault.failing, 0.0,
        arguments.repos.resolve(), arguments.work.resolve(), fault,
    )  # fmt: skip
    right = (prepared(question, "whole") / fault.path).read_bytes()
    print(f"{fault.id}: {fault.group} ({fault.kind}) in {fault.function or fault.path}")
    print(diff({fault.path: right}, {fault.path: fault.apply(right)}))
    print("fails:", *fault.failing[:10], sep="\n  ")
    print(f"held back: {fault.held_failing} fail, {fault.held_reaching} run the function")
    out = arguments.out or arguments.work / "results.jsonl"
    for row in map(json.loads, out.read_text().splitlines() if out.exists() else ()):
        if row["id"] == fault.id:
            found = Answer(**row)
            print("\n" + line_of(found), found.problem, found.why, found.diff, sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("faults", type=Path, nargs="?")
    parser.add_argument("--tasks", type=Path, help="real bugs, in the form of SWE-bench")
    parser.add_argument("--repos", type=Path, required=True, help="the folder of mirrors")
    parser.add_argument("--work", type=Path, required=True, help="a folder for trees and results")
    parser.add_argument("--out", type=Path, help="the results; WORK/results.jsonl by default")
    parser.add_argument("--part", choices=("dev", "held", "all"), default="dev")
    parser.add_argument("--only", default="", help="a class, a library or a fault")
    parser.add_argument("--sample", type=int, default=0, help="so many faults, always the same")
    parser.add_argument("--seconds", type=float, default=60, help="for each search")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--no-notes", action="store_true", help="only the arm without notes")
    parser.add_argument("--again", action="store_true", help="forget earlier results")
    parser.add_argument("--show", metavar="FAULT", help="a fault, and what was found for it")
    arguments = parser.parse_args()
    if (arguments.faults is None) == (arguments.tasks is None):
        parser.error("give FAULTS or --tasks.")
    arguments.work.mkdir(parents=True, exist_ok=True)
    if arguments.show:
        show(arguments)
        return
    out = arguments.out or arguments.work / "results.jsonl"
    if arguments.again:
        out.unlink(missing_ok=True)
    table(measure(questions(arguments), out, arguments.jobs))


if __name__ == "__main__":
    main()
