"""What the hunt finds in real libraries, to be judged by hand.

    python -m benchmarks.hunt LIBRARY... --repos DIR --work DIR [--functions N] [--only NAME]

LIBRARY is a name such as pallets/jinja. Its newest commit is checked out, its tests are run with
coverage, and the N functions that the product would hunt first are hunted as it would. Each find is
printed with where it broke; WORK/finds.jsonl keeps their tests.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from swe_sleep.anticipate.hunting.hunt import Ground, Hunted, find_target, hunt
from swe_sleep.anticipate.hunting.ranking import Ranked, ranked
from swe_sleep.anticipate.hunting.targets import Target
from swe_sleep.anticipate.hunting.writing import title_of
from swe_sleep.notes.evidence import SourceTexts
from swe_sleep.notes.outlines import Outlines
from swe_sleep.notes.store import Store
from swe_sleep.records import Coverage, TestRun
from swe_sleep.repo.repository import Repository
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.testing.discovery import find_test_files
from swe_sleep.testing.tests import Tests

SUITE_S = 60.0


@dataclass(frozen=True)
class Library:
    """A library, ready to be hunted in."""

    name: str
    ground: Ground
    order: Sequence[Ranked]
    run: TestRun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("libraries", nargs="+")
    parser.add_argument("--repos", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--functions", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=20.0, help="for one function")
    parser.add_argument("--only", default="", help="the qualified name of one function")
    parser.add_argument("--all", action="store_true", help="show what could not be hunted too")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    for library in options.libraries:
        look_at(library, options)


def look_at(name: str, options: argparse.Namespace) -> None:
    tree = options.work / name.replace("/", "+")
    if not tree.exists():
        mirror = options.repos / tree.name / "repo"
        subprocess.run(["git", "clone", "-q", "--shared", str(mirror), str(tree)], check=True)
    with Repository.open(tree) as repository:
        snapshot = repository.snapshot()
        store = Store(repository.state_dir / "hunt.db")
        outlines = Outlines(store, snapshot)
        if outlines.missing():
            store.record(artefacts=outlines.make(outlines.missing()))
        graph = outlines.graph()
        backend = LocalBackend()
        environment = backend.prepare(snapshot, progress=lambda line: None)
        with backend.open(snapshot, environment) as sandbox:
            tests = Tests(sandbox)
            run = whole_run(tests, options.work / f"{tree.name}.run", snapshot.id)
            test_files = find_test_files(snapshot)
            modules = {path: graph.module_name(path) for path in graph}
            outlined = [(p, modules[p], o) for p in graph if (o := graph.outline(p))]
            paths = [p for p, language in outlines.languages.items() if language == "python"]
            ground = Ground(
                tests, SourceTexts(snapshot, paths), test_files, modules, options.seconds
            )
            order = ranked(outlined, covered_lines(run), {}, test_files)
            print(f"# {name}: {len(run.results)} tests {run.problem}", flush=True)
            hunt_all(Library(name, ground, order, run), options)
        store.close()


def covered_lines(run: TestRun) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for test, files in (run.coverage or Coverage()).lines.items():
        for path, lines in files.items() if test else ():
            found.setdefault(path, set()).update(lines)
    return found


def whole_run(tests: Tests, file: Path, key: str) -> TestRun:
    """A run of all tests with coverage, kept from one time to the next."""
    if file.exists():
        kept, run = msgspec.msgpack.decode(file.read_bytes(), type=tuple[str, TestRun])
        if kept == key:
            return run
    run = tests.run(None, coverage=True, timeout_s=SUITE_S, test_timeout_s=20)
    file.write_bytes(msgspec.msgpack.encode((key, run)))
    return run


def hunt_all(library: Library, options: argparse.Namespace) -> None:
    functions = finds = 0
    began = time.monotonic()
    for each in library.order:
        if functions >= options.functions or (options.only and each.qualname != options.only):
            continue
        target = find_target(library.ground, each.path, each.qualname)
        if target is None:
            continue
        start = time.monotonic()
        hunted = hunt(library.ground, target, covering(library.run, target))
        if not hunted.exercised.calls:
            if options.only or options.all:
                print(f"  - {each.path}::{each.qualname}: {hunted.why}", flush=True)
            continue
        functions += 1
        finds += len(hunted.findings)
        show(library, target, hunted, time.monotonic() - start, options.work / "finds.jsonl")
    seconds = time.monotonic() - began
    print(f"= {library.name}: {functions} functions, {finds} finds, {seconds:.0f} s", flush=True)


def covering(run: TestRun, target: Target) -> list[str]:
    span = set(range(target.line + 1, target.end_line + 1))
    seconds = {result.test_id: result.duration_s for result in run.results}
    lines = (run.coverage or Coverage()).lines
    found = [t for t, files in lines.items() if t and span & set(files.get(target.path, ()))]
    return sorted(found, key=lambda test: seconds.get(test, 9.0))


def show(library: Library, target: Target, hunted: Hunted, seconds: float, out: Path) -> None:
    done = hunted.exercised
    print(
        f"  {target.path}::{target.qualname}: {done.calls} calls from {done.examples} examples"
        f" in {seconds:.1f} s {hunted.why}"
    )
    for finding in hunted.findings:
        find = finding.find
        print(f"    FOUND{' (guess)' if finding.guessed else ''}: {title_of(find, target)}")
        where = f"{find.frames[-1][0]} {find.statement}" if find.frames else ""
        print(f"      {dict(find.evidence)} {where}")
        with out.open("a") as file:
            record = {"library": library.name, "target": target.qualname}
            file.write(json.dumps(record | {"test": finding.written.content}) + "\n")
    for find, why in hunted.refused:
        print(f"    refused ({why}): {title_of(find, target)}", flush=True)


if __name__ == "__main__":
    main()
