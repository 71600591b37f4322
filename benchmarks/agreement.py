"""Whether our grading says the same of patches as SWE-bench's harness does, on real fixes.

    python -m benchmarks.agreement make --repos DIR --out FILE [--only REPO...]
    python -m benchmarks.agreement run FILE --repos DIR --work DIR [--only NAME...]

`make` takes the fix commits named in `FIXES` apart, of repositories that the `swebench` package
knows, runs their tests by its command without the fix and with it, and reads the logs by its
parsers, as SWE-bench's own lists were made. `run` grades for each of them the fix and patches that
are wrong in several ways, by us and by the package's functions, and prints where the two differ.
DIR has the mirrors (swe_sleep/evaluate/mirrors.py). Both go on where they were stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import agreement_patches as patches
from swe_sleep.errors import SweSleepError
from swe_sleep.evaluate import official
from swe_sleep.evaluate.lines import append
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.evaluate.runs.conditions import Conditions
from swe_sleep.evaluate.tasks.changes import Window, changes
from swe_sleep.evaluate.tasks.kept import row_of
from swe_sleep.evaluate.tasks.split import Parts
from swe_sleep.evaluate.tasks.swebench import read_instances
from swe_sleep.evaluate.tasks.task import Case
from swe_sleep.evaluate.verdicts import Candidate, ToGrade, carry_out, prepared
from swe_sleep.repo.repository import Repository

GRADE_S, TEST_S = 1200.0, 300.0


@dataclass(frozen=True, slots=True)
class Fix:
    """A commit that mends one thing and tests it, of a repository at this version."""

    repo: str
    commit: str
    version: str


FIXES = (
    Fix("marshmallow-code/marshmallow", "8f493e6", "3.21"),
    Fix("marshmallow-code/marshmallow", "10afde1", "3.19"),
    Fix("pylint-dev/astroid", "94b7090", "4.2"),
    Fix("pylint-dev/astroid", "1e71c7d", "4.2"),
    Fix("sqlfluff/sqlfluff", "86cb393", "4.0"),
    Fix("pydicom/pydicom", "fd22fde", "3.1"),
    Fix("sphinx-doc/sphinx", "9af5b46", "9.1"),
    Fix("sphinx-doc/sphinx", "2ac430c", "9.0"),
    Fix("sympy/sympy", "e59d2a9", "1.12"),
    Fix("django/django", "e8252fc445", "5.0"),
    Fix("django/django", "a2da81fe08", "5.0"),
    Fix("django/django", "7d0e566208", "5.0"),
    Fix("django/django", "198a19b692", "5.0"),
    Fix("django/django", "5dba5fda55", "5.0"),
)
FLAGS: dict[str, dict[str, Any]] = {
    # As in SWE-bench's own specifications: its setup.py computes what it needs.
    "sympy/sympy": {"environment.requirements": ("mpmath",), "environment.python": "3.9"},
}
LOCAL: dict[str, Any] = {"sandbox.backend": "local"}


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def conditions(repo: str) -> Conditions:
    return Conditions(flags=LOCAL | FLAGS.get(repo, {}), grade_s=GRADE_S, grade_test_s=TEST_S)


def make(mirrors: Mirrors, file: Path, only: Sequence[str]) -> None:
    """Add to the file what it has not yet."""
    known = {row["fix"] for row in rows(file)}
    for fix in FIXES:
        if fix.commit in known or (only and fix.repo not in only):
            continue
        try:
            row = made(fix, mirrors)
        except SweSleepError as error:
            say(f"{fix.repo} {fix.commit}: {error}")
            continue
        told, kept = len(row["FAIL_TO_PASS"]), len(row["PASS_TO_PASS"])
        say(f"{row['instance_id']}: {told} tests fail before and pass after, {kept} pass")
        if told:
            append(file, row)


def rows(file: Path) -> list[dict[str, Any]]:
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines() if line]


def made(fix: Fix, mirrors: Mirrors) -> dict[str, Any]:
    """An instance of SWE-bench's form. Raises SweSleepError."""
    sources = mirrors.find(fix.repo)
    if not sources:
        raise SweSleepError(f"{fix.repo} is not below {mirrors.folder}.")
    with (
        tempfile.TemporaryDirectory(prefix="swe-sleep-agreement-") as folder,
        Repository.at_commit(sources[0], fix.commit, Path(folder) / "fixed") as repository,
    ):
        change = next(changes(repository.git, Window(1)))
        base = repository.snapshot_of(change.base)
        parts = Parts.of(change, base, repository.snapshot_of(change.commit))
        assert parts is not None, "all of FIXES are of plain files"
        row = row_of(fix.repo, change, change.title, parts.patch, parts.test_patch)
        # With the latter, an image of the publisher's would be looked for.
        row |= {"fix": fix.commit, "version": fix.version, "environment_setup_commit": ""}
        place = Path(folder) / "row.jsonl"
        place.write_text(json.dumps(row))
        (case,) = read_instances(str(place), mirrors).cases
        settings = conditions(fix.repo).settings(day=case.task.day)
        backend, environment = prepared(case.task, base, settings, say)
        with backend.open(base, environment) as sandbox:
            before, after, again = (
                official.statuses(case, official.run(case, base, patch, sandbox, timeout_s=GRADE_S))
                for patch in ("", case.answer.patch, case.answer.patch)
            )
    # Twice, as there are names with the time of day in them.
    passes = _passed(after) & _passed(again)
    kept = passes & _passed(before)
    row["FAIL_TO_PASS"] = sorted(passes - kept)
    row["PASS_TO_PASS"] = sorted(kept)
    return row


def _passed(statuses: Mapping[str, str]) -> set[str]:
    return {name for name, said in statuses.items() if said in ("PASSED", "XFAIL")}


def run(mirrors: Mirrors, file: Path, work: Path, only: Sequence[str]) -> int:
    """Grade what is not graded yet; say how often the two agree, and where not."""
    cases = read_instances(str(file), mirrors).cases
    chosen = [each for each in cases if not only or {each.id, each.task.repo} & set(only)]
    work.mkdir(parents=True, exist_ok=True)
    journal = work / "agreement.jsonl"
    known = {row["task"] for row in rows(journal)}
    for case in chosen:
        if case.id not in known:
            try:
                append(journal, graded(case, cases))
            except SweSleepError as error:
                say(f"{case.id}: {error}")
    found = [row for row in rows(journal) if row["task"] in {each.id for each in chosen}]
    show(found)
    return 0 if len(found) == len(chosen) else 1


def graded(case: Case, cases: Sequence[Case]) -> dict[str, Any]:
    others = [each for each in cases if each.task.repo == case.task.repo and each != case]
    source, commit = case.task.sources[0], case.task.base_commit
    with (
        tempfile.TemporaryDirectory(prefix="swe-sleep-agreement-") as folder,
        Repository.at_commit(source, commit, Path(folder) / "base") as repository,
    ):
        variants = patches.of(case, repository.snapshot(), others[0] if others else None)
    candidates = tuple(Candidate(name, patch) for name, patch in variants.items())
    asked = ToGrade(case, candidates, conditions(case.task.repo), official=True)
    answer = carry_out(asked, say)
    verdicts = []
    for each in answer.judged:
        plain = msgspec.to_builtins(each) | {"agree": each.agree}
        plain["grade"].pop("log")
        plain["official"] = {
            "resolved": each.official is not None and each.official.resolved,
            "problem": each.official.problem if each.official is not None else "",
        }
        verdicts.append(plain)
    return {"task": case.id, "repo": case.task.repo, "where": answer.where, "verdicts": verdicts}


def show(found: Sequence[dict[str, Any]]) -> None:
    """A line for each kind of patch and each repository, then each difference."""
    verdicts = [(row["repo"], each) for row in found for each in row["verdicts"]]
    for title, place in (("patch", 1), ("repository", 0)):
        counts: dict[str, Counter[str]] = {}
        for repo, each in verdicts:
            count = counts.setdefault((repo, each["by"])[place], Counter())
            count["n"] += 1
            count["ours"] += each["grade"]["resolved"]
            count["theirs"] += each["official"]["resolved"]
            count["agree"] += each["agree"]
            count["whole"] += each["agree"] and not each["differ"]
        print(f"{title:<30}{'n':>5}{'ours':>7}{'theirs':>8}{'agree':>7}{'every test':>12}")
        for name, count in counts.items():
            cells = f"{count['ours']:>7}{count['theirs']:>8}{count['agree']:>7}{count['whole']:>12}"
            print(f"{name:<30}{count['n']:>5}{cells}")
        print()
    print(f"{len(found)} instances")
    for what, chosen in (
        ("honest", [each for _, each in verdicts if each["by"] not in patches.DISHONEST]),
        ("dishonest", [each for _, each in verdicts if each["by"] in patches.DISHONEST]),
    ):
        agree = sum(each["agree"] for each in chosen)
        ours = sum(each["grade"]["resolved"] and not each["agree"] for each in chosen)
        print(
            f"{agree} of {len(chosen)} verdicts on {what} patches agree; "
            f"{ours} are resolved for us alone, {len(chosen) - agree - ours} for SWE-bench alone"
        )
    for _, each in verdicts:
        if each["agree"] and not each["differ"]:
            continue
        ours, theirs = each["grade"], each["official"]
        what = "; ".join([ours["problem"], *ours["doubts"], theirs["problem"]]).strip("; ")
        print(
            f"{each['task']}, {each['by']}: ours {_word(ours)}, theirs {_word(theirs)}"
            f"; {len(each['differ'])} tests seen otherwise {each['differ'][:2]}; {what}"
        )


def _word(verdict: dict[str, Any]) -> str:
    return "resolved" if verdict["resolved"] else "not resolved"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("--out", type=Path, required=True)
    running = commands.add_parser("run")
    running.add_argument("file", type=Path)
    running.add_argument("--work", type=Path, required=True)
    for each in (making, running):
        each.add_argument("--repos", type=Path, required=True)
        each.add_argument("--only", action="append", default=[])
    asked = parser.parse_args()
    mirrors = Mirrors(asked.repos)
    if asked.command == "make":
        make(mirrors, asked.out, asked.only)
        return 0
    return run(mirrors, asked.file, asked.work, asked.only)


if __name__ == "__main__":
    sys.exit(main())
