"""Where the right edit stands in the search's order: what to tune, told without running them.

    python -m benchmarks.reach FAULTS --repos DIR --work DIR [--only NAME] [--most N]

For each fault the tests run once, with coverage (kept in WORK); then the search's candidates are
listed in its order, and compared with the original by syntax tree. Says at which place the faulty
line stands among the suspicious ones, and after how many candidates the original comes, or that it
never does. Unlike the seconds of a search, this does not depend on how busy the machine is.
"""

from __future__ import annotations

import argparse
import ast
import pickle
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks import repair as runner
from swe_sleep.cli import wiring
from swe_sleep.config import load
from swe_sleep.records import TestRun
from swe_sleep.repair.ranking import best_first
from swe_sleep.repair.source import Library
from swe_sleep.repair.spectrum import localise
from swe_sleep.repo.repository import Repository
from swe_sleep.testing.discovery import is_test_path
from swe_sleep.testing.tests import Tests

IDLE = b" \t\r\n()\\,"
QUOTES = bytes.maketrans(b'"', b"'")


@dataclass(frozen=True)
class Reached:
    """`line` and `candidate` count from 1; 0: it is not there. `function` is the place of the
    first suspicious line of the faulty function."""

    id: str
    group: str
    kind: str
    line: int
    function: int
    suspicious: int
    candidate: int
    listed: int
    seconds: float


def evidence(question: runner.Question, folder: Path) -> tuple[dict[str, bytes], TestRun]:
    """The faulty files, and one run of all shown tests on them."""
    kept = folder / f"{question.id}.pickle"
    if kept.exists():
        found: tuple[dict[str, bytes], TestRun] = pickle.loads(kept.read_bytes())  # our own
        return found
    with tempfile.TemporaryDirectory(prefix="swe-sleep-bench-") as temporary:
        tree = Path(temporary) / "tree"
        runner.plant_fault(question, tree)
        with Repository.open(tree) as repository:
            snapshot = repository.snapshot()
            sources = {p: snapshot.read(p) for p in snapshot.files if p.endswith(".py")}
            settings = load(repository.root, runner.flags_of(question))
            backend = wiring.backend(settings)
            environment = backend.prepare(snapshot, progress=runner.quiet)
            with backend.open(snapshot, environment) as sandbox:
                run = Tests(sandbox).run(None, timeout_s=600, test_timeout_s=30, coverage=True)
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(pickle.dumps((sources, run)))
    return sources, run


def stripped(text: bytes) -> bytes:
    """What texts of one syntax tree have in common, quickly: most differences are seen here."""
    return text.translate(QUOTES, IDLE)


def reach(question: runner.Question, most: int) -> Reached:
    fault = question.fault
    assert fault is not None
    files, run = evidence(question, question.work / "evidence")
    original = (runner.prepared(question, "whole") / fault.path).read_bytes()
    right, bare = ast.dump(ast.parse(original)), stripped(original)
    began = time.monotonic()
    library = Library(files)
    failing = [r for r in run.results if r.outcome.bad and r.test_id in fault.failing]
    assert run.coverage is not None
    suspicions = [
        s
        for s in localise(run.coverage, failing, sorted(run.passed), library, {})
        if not is_test_path(s.place.path, set())
    ]
    places = [(s.place.path, s.place.line or 0, s.place.end_line or 0) for s in suspicions]
    source = library[fault.path]
    statement = source.statement_at(fault.line)
    function = source.function_of(statement) if statement is not None else None
    low, high = (function.lineno, function.end_lineno or 0) if function is not None else (0, 0)
    near = (n for n, (p, a, b) in enumerate(places, 1) if p == fault.path
            and a <= fault.line <= max(a, b))  # fmt: skip
    inside = (n for n, (p, a, _) in enumerate(places, 1) if p == fault.path and low <= a <= high)
    position = number = 0
    for number, ranked in enumerate(best_first(suspicions, library), 1):
        candidate = ranked.candidate
        if candidate.paths == (fault.path,):
            text = candidate.apply({fault.path: files[fault.path]})[fault.path]
            if stripped(text) == bare and ast.dump(ast.parse(text)) == right:
                position = number
                break
        if number >= most:
            break
    return Reached(
        fault.id,
        fault.group,
        fault.kind,
        next(near, 0),
        next(inside, 0),
        len(suspicions),
        position,
        number,
        time.monotonic() - began,
    )


def tried(question: runner.Question, most: int) -> Reached | str:
    try:
        return reach(question, most)
    except Exception as error:  # one fault's trouble is not the others'
        return f"{question.id}: {error!r}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("faults", type=Path)
    parser.add_argument("--repos", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--part", choices=("dev", "held", "all"), default="dev")
    parser.add_argument("--only", default="")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--most", type=int, default=3000)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    arguments.no_notes, arguments.tasks, arguments.seconds = True, None, 1.0
    asked = runner.questions(arguments)
    found: list[Reached] = []
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        for each in pool.map(tried, asked, [arguments.most] * len(asked)):
            if isinstance(each, str):
                print(each)
                continue
            found.append(each)
            print(
                f"{each.id:42} {each.group:18} {each.kind:16} line {each.line:4} function "
                f"{each.function:4} of {each.suspicious:4}, original {each.candidate:5} of "
                f"{each.listed:5} in {each.seconds:5.1f} s",
                flush=True,
            )
    totals(found)


def totals(found: list[Reached]) -> None:
    for limit in (10, 50, 200, 1000, 3000):
        print(
            f"original within {limit:5} candidates: {sum(0 < r.candidate <= limit for r in found)}"
        )
    print(f"never: {sum(not r.candidate for r in found)} of {len(found)}")
    never = Counter((r.group, r.kind) for r in found if not r.candidate)
    for (group, kind), count in sorted(never.items()):
        print(f"  {group} ({kind}): {count}")
    for limit in (1, 3, 10, 30, 100):
        print(f"faulty line within {limit:3}: {sum(0 < r.line <= limit for r in found)}")


if __name__ == "__main__":
    main()
