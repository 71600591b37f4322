"""How many faults are proven by running old and new code on the same inputs, and how many false.

    python -m benchmarks.proofs OWNER/NAME... --repos DIR --out FILE [--fixes N] [--ordinary N]

Of each repository the newest fix commits are taken back, source alone, with the tests as they were
before them, and the newest ordinary commits are made as they were. For each change the suite runs
once; then every changed function is tried. FILE gets a JSON line a change; those that it names
already are left out. Without `--out` and repositories nothing is done.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import faults as seeded
from swe_sleep.anticipate.proving.changed import changed_functions, file_change
from swe_sleep.anticipate.proving.covering import covering
from swe_sleep.anticipate.proving.judge import Circumstances
from swe_sleep.anticipate.proving.prover import Prover
from swe_sleep.errors import SweSleepError
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.records import Coverage
from swe_sleep.repo.repository import Repository
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.testing.tests import Tests

FIX = re.compile(r"\b(fix(e[sd])?|bugs?|crash(e[sd])?|regress\w*|wrong\w*|incorrect\w*)\b", re.I)
CHORE = re.compile(
    r"\b(typos?|typing|lint|docs?|bump|release|changelog|black|ruff|mypy|ci)\b", re.I
)
MOST_FILES, MOST_LINES = 3, 60
FUNCTION_S = 40.0
MOST_FUNCTIONS = 3


def commits(clone: Path, *, fixes: bool, limit: int) -> Iterator[tuple[str, str, list[str]]]:
    """Commits that change a little source: the commit, its subject and its source files. A fix is
    one that says so and changes tests too."""
    log = seeded.git(
        clone,
        "log",
        f"-{limit}",
        "--no-merges",
        "--format=%x00%H%x09%s",
        "--numstat",
        "--no-renames",
    )
    for entry in log.split("\0")[1:]:
        head, *lines = [line for line in entry.splitlines() if line]
        commit, _, subject = head.partition("\t")
        sources, tests, size = [], [], 0
        for line in lines:
            added, removed, path = line.split("\t")
            if not path.endswith(".py"):
                continue
            if seeded.is_test_file(path):
                tests.append(path)
            elif not path.startswith(("docs/", "doc/", "examples/", "setup.py")) and added != "-":
                sources.append(path)
                size += int(added) + int(removed)
        says = bool(FIX.search(subject)) and not CHORE.search(subject)
        fits = 0 < len(sources) <= MOST_FILES and 1 < size <= MOST_LINES
        if fits and says is fixes and (tests or not fixes):
            yield commit, subject, sources


def content(clone: Path, commit: str, path: str) -> bytes | None:
    try:
        return seeded.git(clone, "show", f"{commit}:{path}").encode()
    except SystemExit:
        return None


def _functions(clone: Path, path: str, old: bytes | None) -> int:
    """How many functions mean something else now."""
    new = clone / path
    if old is None or not new.exists():
        return 0
    return len(changed_functions(file_change(path, old, new.read_bytes())))


def tried(clone: Path, commit: str, sources: list[str], *, back: bool) -> dict[str, Any] | None:
    """What comes of one change. `back`: the fix is taken back, with the tests of before it."""
    parent = f"{commit}^"
    seeded.git(clone, "checkout", "--quiet", "--force", parent if back else commit)
    seeded.git(clone, "clean", "-fdxq")
    before = {p: content(clone, commit if back else parent, p) for p in sources}
    if any(old is None for old in before.values()):
        return None  # a new or a removed file is another kind of change
    if not any(_functions(clone, path, old) for path, old in before.items()):
        return {"shown": [], "tests": 0, "functions": []}
    touched = seeded.git(clone, "diff", "--name-only", parent, commit).split()
    tests_changed = not back and any(seeded.is_test_file(p) for p in touched)
    told = not back and any(p.endswith((".rst", ".md", ".txt")) for p in touched)
    with Repository.open(clone) as repository:
        snapshot = repository.snapshot()
        backend = LocalBackend()
        environment = backend.prepare(snapshot, progress=lambda line: None)
        with backend.open(snapshot, environment) as sandbox:
            tests = Tests(sandbox)
            run = tests.run(None, timeout_s=200, test_timeout_s=20, coverage=True, strict=False)
            if not run.passed:
                return None
            shown: list[str] = []
            if back and run.bad:
                sandbox.put(before)
                old = tests.run(sorted(run.bad), timeout_s=100, test_timeout_s=20, strict=False)
                sandbox.reset()
                shown = sorted(old.passed & run.bad)
            around = Circumstances(tests_changed, told)
            prover = Prover(tests, snapshot, before, around)
            results = {r.test_id: r for r in run.results}
            found: dict[str, Any] = {"shown": shown[:3], "tests": len(run.results), "functions": []}
            for change in prover.changes[:MOST_FUNCTIONS]:
                began = time.monotonic()
                ids = covering(run.coverage or Coverage(), results, change)
                outcome = prover.prove(change, ids, seconds=FUNCTION_S)
                proven = outcome.proven
                found["functions"].append(
                    {
                        "name": f"{change.path}::{change.qualname}",
                        "covering": len(ids),
                        "calls": outcome.calls,
                        "inputs": outcome.inputs,
                        "differing": outcome.differing,
                        "all_ran": outcome.all_ran,
                        "refuted": outcome.refuted,
                        "seconds": round(time.monotonic() - began, 1),
                        "proven": proven
                        and {
                            "kind": proven.verdict.kind,
                            "symptom": proven.verdict.symptom,
                            "what": proven.what,
                            "test": proven.test.content,
                        },
                    }
                )
            return found


def measure(arguments: argparse.Namespace) -> None:
    mirrors = Mirrors(arguments.repos)
    out: Path = arguments.out
    lines = out.read_text().splitlines() if out.exists() else []
    done = {(row["commit"], row["back"]) for row in map(json.loads, lines)}
    for repo in arguments.repositories:
        with tempfile.TemporaryDirectory(prefix="swe-sleep-proofs-") as temporary:
            clone = Path(temporary) / "clone"
            seeded.check_out(mirrors, repo, "HEAD", clone)
            for back, most in ((True, arguments.fixes), (False, arguments.ordinary)):
                found_commits = commits(clone, fixes=back, limit=arguments.commits)
                chosen = [c for c in found_commits if _wanted(c[0], arguments.only)][:most]
                for commit, subject, sources in chosen:
                    if (commit, back) in done:
                        continue
                    try:
                        found = tried(clone, commit, sources, back=back)
                    except SweSleepError as error:
                        print(f"{repo} {commit[:8]}: {error}", flush=True)
                        continue
                    row = {"repo": repo, "commit": commit, "subject": subject, "back": back}
                    with out.open("a") as file:
                        file.write(json.dumps(row | {"found": found}) + "\n")
                    print(_line(row | {"found": found}), flush=True)


def _wanted(commit: str, only: list[str]) -> bool:
    return not only or any(commit.startswith(each) for each in only)


def _line(row: dict[str, Any]) -> str:
    found = row["found"]
    head = f"{row['repo']} {row['commit'][:8]} {'fix' if row['back'] else '   '}"
    if found is None:
        return f"{head} not usable: {row['subject'][:60]}"
    proven = [f for f in found["functions"] if f["proven"]]
    if not found["functions"]:
        return f"{head} no function to try: {row['subject'][:60]}"
    word = "shown by tests" if found["shown"] else "PROVEN" if proven else "-"
    numbers = ", ".join(f"{f['inputs']}/{f['differing']}" for f in found["functions"])
    why = f" {proven[0]['proven']['kind']}: {proven[0]['proven']['symptom'][:60]}" if proven else ""
    return f"{head} {word} [{numbers}] {row['subject'][:50]}{why}"


def summary(out: Path) -> None:
    rows = [row for row in map(json.loads, out.read_text().splitlines()) if row["found"]]
    for back, name in ((True, "fixes taken back"), (False, "ordinary commits")):
        mine = [row for row in rows if row["back"] is back and not row["found"]["shown"]]
        proven = [r for r in mine if any(f["proven"] for f in r["found"]["functions"])]
        share = len(proven) / len(mine) if mine else 0.0
        print(
            f"{name} that the visible tests do not show: {len(mine)}, "
            f"proven {len(proven)} ({share:.1%})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("repositories", nargs="*", metavar="OWNER/NAME")
    parser.add_argument("--repos", type=Path, required=True, help="the folder of mirrors")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fixes", type=int, default=6)
    parser.add_argument("--ordinary", type=int, default=6)
    parser.add_argument("--commits", type=int, default=400)
    parser.add_argument("--only", nargs="*", default=[], help="these commits alone")
    arguments = parser.parse_args()
    measure(arguments)
    summary(arguments.out)


if __name__ == "__main__":
    main()
