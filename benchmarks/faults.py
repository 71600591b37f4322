"""Seeded faults in public libraries, for measuring the built-in solver.

    python -m benchmarks.faults make --repos DIR --out FILE [--jobs N] [--only NAME]
    python -m benchmarks.faults list FILE

`make` puts single slips (`slips/`) into the libraries below, one at a time, and keeps those that
tests notice: at least one of the tests that the solver will see fails, and less than a third of
all. The libraries are mirrors below DIR, each at the commit named here, so that the same faults
come out everywhere; what is in FILE already is not made again.

A test function belongs to the shown or to the held-back half by a hash of its name. The solver is
given a tree that lacks the held-back ones; afterwards these judge its patch. A third of the faults,
by a hash too, is `held`: nobody looks at these while the solver is worked on.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import itertools
import json
import os
import random
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path, PurePosixPath
from typing import Any

from benchmarks.slips.slips import Slip, is_wrong, slips
from swe_sleep.errors import SweSleepError
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.records import Outcome, TestRun
from swe_sleep.repo.repository import Repository
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.warm import WarmTests

PER_LIBRARY = 16
SEED = 4
TRIES = 8
"""Slips of one class that are tried in a row before the next class has its turn."""
MOST_IN_FUNCTION = 2
SUITE_S, TEST_S = 300.0, 10.0


@dataclass(frozen=True)
class Library:
    """`sources` are its folders or files; `requirements` and `files` what its tests need and a
    checkout does not say."""

    repo: str
    commit: str
    sources: tuple[str, ...]
    requirements: tuple[str, ...] | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.repo.partition("/")[2]


LIBRARIES = (
    Library("pytoolz/toolz", "568c2b839397", ("toolz",)),
    Library("tkem/cachetools", "28d4506f2a49", ("src",)),
    Library("msiemens/tinydb", "2283a2b556d5", ("tinydb",)),
    Library("alecthomas/voluptuous", "87825d6dbdab", ("voluptuous",)),
    Library("python-semver/python-semver", "d8813b67a2ec", ("src",)),
    Library("pallets/itsdangerous", "672971d66a2e", ("src",)),
    Library("mahmoud/boltons", "967864f89791", ("boltons",)),
    Library("marshmallow-code/marshmallow", "341b927f2192", ("src",)),
    Library("pallets/jinja", "5ef70112a1ff", ("src",)),
    Library(
        "python-humanize/humanize",
        "c3a124cdeb27",
        ("src",),
        ("freezegun", "pytest", "pytest-benchmark"),
        {"src/humanize/_version.py": '__version__ = "4.16.0"\n'},
    ),
    Library("SethMMorton/natsort", "b0ea0aea2749", ("natsort",), ("hypothesis", "pytest-mock")),
)


@dataclass(frozen=True)
class Fault:
    """One slip, and which tests notice it. Offsets are those of the file's bytes."""

    id: str
    library: str
    path: str
    group: str
    kind: str
    line: int
    function: str
    changes: tuple[tuple[int, int, str], ...]
    failing: tuple[str, ...]
    """Shown tests that fail because of it."""
    held_failing: int
    """Held-back tests that fail because of it."""
    held_reaching: int
    """Held-back tests that run the function."""

    @property
    def held(self) -> bool:
        return digest("part", self.id) % 3 == 0

    def apply(self, text: bytes) -> bytes:
        for start, end, instead in sorted(self.changes, reverse=True):
            text = text[:start] + instead.encode() + text[end:]
        return text


def digest(*words: object) -> int:
    text = "\0".join(map(str, words))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])


def library_of(name: str) -> Library:
    return next(each for each in LIBRARIES if each.name == name)


# -- trees -----------------------------------------------------------------------------------------


def git(folder: Path, *arguments: str) -> str:
    """git without the person's settings, and with the same time and author for the same commit."""
    person = {f"GIT_{who}_{what}": "bench" for who in ("AUTHOR", "COMMITTER") for what in ("NAME",)}
    person |= {f"GIT_{who}_EMAIL": "bench@example.org" for who in ("AUTHOR", "COMMITTER")}
    person |= {f"GIT_{who}_DATE": "2026-01-01T00:00:00Z" for who in ("AUTHOR", "COMMITTER")}
    env = {"PATH": os.environ["PATH"], "HOME": "/", "GIT_CONFIG_NOSYSTEM": "1", **person}
    command = ["git", "-c", "safe.directory=*", "-c", "advice.detachedHead=false", *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def check_out(mirrors: Mirrors, repo: str, commit: str, folder: Path) -> None:
    """A clone of a mirror at a commit; the mirror is only read."""
    found = mirrors.find(repo)
    if not found:
        raise SystemExit(f"there is no mirror of {repo} below {mirrors.folder}.")
    git(Path(), "clone", "--quiet", "--shared", "--no-checkout", str(found[0]), str(folder))
    git(folder, "checkout", "--quiet", commit)


def plant(folder: Path) -> None:
    """Make a folder a repository of one commit, with no past that could give anything away."""
    shutil.rmtree(folder / ".git", ignore_errors=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", "The code as it is")


def whole_tree(mirrors: Mirrors, library: Library, folder: Path) -> Path:
    """The right library with all its tests."""
    check_out(mirrors, library.repo, library.commit, folder)
    for path, text in library.files.items():
        (folder / path).write_text(text)
    plant(folder)
    return folder


def shown_tree(mirrors: Mirrors, library: Library, folder: Path) -> Path:
    """The right library without the held-back half of its tests."""
    whole_tree(mirrors, library, folder)
    for file in sorted(folder.rglob("*.py")):
        if is_test_file(file.relative_to(folder).as_posix()):
            text = file.read_bytes()
            rest = without_tests(text, lambda name: is_held_back(library, name))
            if rest != text:
                file.write_bytes(rest)
    plant(folder)
    return folder


def is_test_file(path: str) -> bool:
    *folders, name = PurePosixPath(path).parts
    named = name.startswith("test_") or name.endswith(("_test.py", "_tests.py"))
    return named or not {"test", "tests"}.isdisjoint(folders)


def is_held_back(library: Library, function: str) -> bool:
    return digest("half", SEED, library.name, function) % 2 == 0


def function_of(test_id: str) -> str:
    """The name of a test's function, whatever its parameters."""
    return test_id.partition("[")[0].rpartition("::")[2]


def without_tests(text: bytes, held: Callable[[str], bool]) -> bytes:
    """A test file without some of its functions; what is left keeps its form."""
    lines = text.splitlines(keepends=True)
    for block in _blocks(ast.parse(text)):
        gone = [
            node
            for node in block
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            and node.name.startswith("test")
            and held(node.name)
        ]
        for node in gone:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            for number in range(first - 1, node.end_lineno or first):
                lines[number] = b""
            if node is gone[-1] and len(gone) == len(block):
                lines[first - 1] = b" " * node.col_offset + b"pass\n"
    return b"".join(lines)


def _blocks(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """The bodies that may hold tests: the file's and its classes'."""
    yield tree.body
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.body


# -- making ----------------------------------------------------------------------------------------


class Maker:
    """Makes the faults of one library."""

    def __init__(self, library: Library, mirrors: Mirrors, say: Callable[[str], None]) -> None:
        self.library, self.mirrors, self.say = library, mirrors, say

    def make(self) -> list[dict[str, Any]]:
        """The lines of the file: one for the library, and one for each fault."""
        with tempfile.TemporaryDirectory(prefix="swe-sleep-faults-") as temporary:
            whole = whole_tree(self.mirrors, self.library, Path(temporary) / "whole")
            shown = shown_tree(self.mirrors, self.library, Path(temporary) / "shown")
            visible = self._passing(shown)
            options = EnvironmentOptions(requirements=self.library.requirements)
            backend = LocalBackend(options)
            with Repository.open(whole) as repository:
                snapshot = repository.snapshot()
                environment = backend.prepare(snapshot, progress=lambda line: None)
                self.sources = {p: snapshot.read(p) for p in snapshot.files if self._is_source(p)}
                with (
                    backend.open(snapshot, environment) as sandbox,
                    WarmTests(Tests(sandbox)) as warm,
                ):
                    return self._with(warm, visible)

    def _is_source(self, path: str) -> bool:
        inside = any(path == s or path.startswith(f"{s}/") for s in self.library.sources)
        return inside and path.endswith(".py") and not is_test_file(path)

    def _passing(self, tree: Path) -> frozenset[str]:
        backend = LocalBackend(EnvironmentOptions(requirements=self.library.requirements))
        with Repository.open(tree) as repository:
            snapshot = repository.snapshot()
            environment = backend.prepare(snapshot, progress=lambda line: None)
            with backend.open(snapshot, environment) as sandbox:
                run = Tests(sandbox).run(None, timeout_s=SUITE_S, test_timeout_s=TEST_S)
        if run.problem:
            raise SystemExit(f"{self.library.name}: {run.problem}")
        return run.passed

    def _with(self, warm: WarmTests, visible: frozenset[str]) -> list[dict[str, Any]]:
        clean = warm.tests.run(None, timeout_s=SUITE_S, test_timeout_s=TEST_S, coverage=True)
        again = warm.tests.run(None, timeout_s=SUITE_S, test_timeout_s=TEST_S)
        passed = clean.passed & again.passed
        held = {t for t in passed if is_held_back(self.library, function_of(t))} - visible
        shown = passed & visible
        lost = passed - held - shown
        self.say(f"{len(shown)} shown tests, {len(held)} held back, {len(lost)} neither")
        self.warm, self.shown, self.held = warm, shown, held
        self.lines = clean.coverage.lines if clean.coverage else {}
        faults = list(itertools.islice(self._faults(), PER_LIBRARY))
        head = {
            "library": self.library.name,
            "repo": self.library.repo,
            "commit": self.library.commit,
            "suite_s": again.duration_s,
            "shown": len(shown),
            "held_back": sorted(held),
        }
        return [head, *(asdict(fault) for fault in faults)]

    def _faults(self) -> Iterator[Fault]:
        """Faults of each class in turn, until no class has any left."""
        chance = random.Random(digest(SEED, self.library.name))
        pools: dict[str, list[tuple[str, Slip]]] = {}
        for path, text in sorted(self.sources.items()):
            for slip in slips(text, chance):
                pools.setdefault(slip.group, []).append((path, slip))
        turns = sorted(pools)
        chance.shuffle(turns)
        for group in turns:
            chance.shuffle(pools[group])
        used: Counter[tuple[str, str]] = Counter()
        while any(pools.values()):
            for group in turns:
                for _ in range(TRIES):
                    if not pools[group]:
                        break
                    path, slip = pools[group].pop()
                    if used[path, slip.function] >= MOST_IN_FUNCTION:
                        continue
                    fault = self._tried(path, slip)
                    if fault is not None:
                        used[path, slip.function] += 1
                        yield fault
                        break

    def _tried(self, path: str, slip: Slip) -> Fault | None:
        """The fault that a slip makes, if tests notice it as they should."""
        text = self.sources[path]
        wrong = slip.apply(text)
        reaching = self._reaching(path, slip)
        if self.shown.isdisjoint(reaching) or not is_wrong(wrong, text):
            return None
        run = self._run(reaching, {path: wrong})
        shown = sorted(run.bad & self.shown)
        known = self.shown | self.held
        many = 3 * len(run.bad & known) >= len(known)
        timed_out = any(r.outcome is Outcome.TIMEOUT for r in run.results)
        # A run that hangs says how patient the machine is, not whether the code is right.
        if not shown or many or timed_out or run.problem:
            return None
        # Some pass only in the company of others, which the one who names them does not know.
        alone = self._run(shown, {}).passed
        shown = [test for test in shown if test in alone]
        if not shown:
            return None
        number = digest(path, *slip.changes) % 10**4
        where = PurePosixPath(path).stem
        found = Fault(
            f"{self.library.name}-{where}-{slip.line}-{number:04}",
            self.library.name,
            path,
            slip.group,
            slip.kind,
            slip.line,
            slip.function,
            tuple((start, end, new.decode()) for start, end, new in slip.changes),
            tuple(shown),
            len(run.bad & self.held),
            len(self.held.intersection(reaching)),
        )
        self.say(f"{found.id}: {found.group} ({found.kind}), {len(shown)} fail")
        return found

    def _reaching(self, path: str, slip: Slip) -> list[str]:
        """The tests that run the function that a slip is in; a slip at its head is felt by all
        that run anything of the file."""
        own = range(slip.first_line + 1, slip.last_line + 1)
        if slip.line <= slip.first_line:
            own = range(1, 1 << 30)
        return sorted(
            test
            for test in self.shown | self.held
            if any(line in own for line in self.lines.get(test, {}).get(path, ()))
        )

    def _run(self, ids: Sequence[str], files: Mapping[str, bytes | None]) -> TestRun:
        return self.warm.run(
            ids, files=files, timeout_s=SUITE_S, test_timeout_s=TEST_S, fail_fast=False
        )


# -- the file --------------------------------------------------------------------------------------


def read(file: Path) -> tuple[dict[str, dict[str, Any]], list[Fault]]:
    """The libraries' lines by name, and the faults."""
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    libraries = {row["library"]: row for row in rows if "suite_s" in row}
    faults = [
        Fault(
            **row | {"changes": tuple(map(tuple, row["changes"])), "failing": tuple(row["failing"])}
        )
        for row in rows
        if "suite_s" not in row
    ]
    return libraries, faults


def make_one(name: str, repos: Path) -> list[dict[str, Any]]:
    def say(line: str) -> None:
        print(f"{name}: {line}", flush=True)

    try:
        return Maker(library_of(name), Mirrors(repos), say).make()
    except SweSleepError as error:
        say(str(error))
        return []


def make(arguments: argparse.Namespace) -> None:
    done, _ = read(arguments.out)
    names = [lib.name for lib in LIBRARIES if lib.name not in done and arguments.only in lib.name]
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        for rows in pool.map(make_one, names, [arguments.repos] * len(names)):
            with arguments.out.open("a") as out:
                out.writelines(json.dumps(row) + "\n" for row in rows)
    show(arguments.out)


def show(file: Path) -> None:
    libraries, faults = read(file)
    for name in libraries:
        count = sum(f.library == name for f in faults)
        print(f"{name:16}{count:4} faults, {len(libraries[name]['held_back'])} tests held back")
    for group, count in sorted(Counter(f.group for f in faults).items()):
        print(f"{group:20}{count:4}")
    mute = sum(not (f.held_failing or f.held_reaching) for f in faults)
    held = sum(f.held for f in faults)
    print(f"{len(faults)} faults, {held} of them held; the held-back tests say nothing of {mute}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(required=True, dest="command")
    making = commands.add_parser("make")
    making.add_argument("--repos", type=Path, required=True)
    making.add_argument("--out", type=Path, required=True)
    making.add_argument("--jobs", type=int, default=2)
    making.add_argument("--only", default="")
    listing = commands.add_parser("list")
    listing.add_argument("file", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "make":
        make(arguments)
    else:
        show(arguments.file)


if __name__ == "__main__":
    main()
