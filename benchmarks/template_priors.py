"""Measure which fix templates past fixes need, and fit their priors.

    python benchmarks/template_priors.py --repos DIR... [--held NAME...] [--cases 12] [--work FILE]

A case is a commit whose message speaks of a bug, that changes tests, and that changes at most
three lines of code in one file besides. The statements it touches are given, as if a perfect
localisation had found them; a template finds the fix if one of its candidates equals the new text
in its syntax tree. Every second repository by the hash of its name is fitted on, and the others
(or those named with --held) are only measured on: recall among the first 10, 50 and all
candidates of the touched statements, before and after the fit, and by template.

A template's prior follows from how often it holds the fix among the candidates it makes: hits over
summed weights, smoothed towards the shipped prior, which counts as much as `SHIPPED` hits do. As
suspicion is no probability either, and a search must not die on one hot line, priors are drawn
together by a root and lie between 0.1 and 0.9. What was measured is kept in --work.
"""

from __future__ import annotations

import argparse
import ast
import math
import pickle
import random
import re
import subprocess
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from swe_sleep.repair.candidates import Candidate, candidates_at
from swe_sleep.repair.source import Source, parse_quietly
from swe_sleep.repair.spot import Spot
from swe_sleep.repair.templates import TEMPLATES
from swe_sleep.repo.lines import line_change
from swe_sleep.testing.discovery import is_test_path

MESSAGE = (
    r"(^|[^a-z])(fix|fixes|fixed|bug|bugfix|wrong|crash|incorrect|regression|traceback)([^a-z]|$)"
)
BESIDE = re.compile(
    r"(^|/)(docs?|examples?|benchmarks?|_?vendor(ed)?)/|(^|/)(setup|_?version)\.py$"
)
MOST_LINES, MOST_BYTES, AROUND = 3, 80_000, 5
NOISE = re.compile(r"#[^\n]*|[\s()\\,]")
"""What may differ between texts with the same tree, and is cheap to leave out before comparing."""
SHIPPED = 2.0
ROOT = 1.5


@dataclass(frozen=True)
class Case:
    repository: str
    commit: str
    path: str
    before: bytes
    after: bytes


@dataclass(frozen=True)
class Measured:
    """The candidates of one case. Of each: its template, its weight there, its size, and which
    text it makes (by number)."""

    repository: str
    commit: str
    rows: tuple[tuple[str, float, int, int], ...]
    right: frozenset[int]
    """The texts that equal the fix."""
    seconds: float


def mined(folder: Path, count: int) -> Iterator[Case]:
    """Cases of one repository, in an order that its name decides."""
    git = ["git", "-C", str(folder)]
    form = ["--format=%x01%H", "--numstat", "--no-renames", "--diff-filter=AM"]
    log = ["log", "--no-merges", "-i", "-E", f"--grep={MESSAGE}", "--max-count=6000", *form]
    shown = subprocess.run([*git, *log, "--", "*.py"], capture_output=True, check=True).stdout
    found: list[tuple[str, str]] = []
    for block in shown.decode("utf-8", "replace").split("\x01")[1:]:
        commit, *rest = block.splitlines()
        files = [fields for line in rest if len(fields := line.split("\t")) == 3]
        code = [f for f in files if not is_test_path(f[2], ()) and not BESIDE.search(f[2])]
        if len(code) != 1 or not any(is_test_path(f[2], ()) for f in files):
            continue
        added, removed, path = code[0]
        if added.isdigit() and int(added) <= MOST_LINES and int(removed) <= MOST_LINES:
            found.append((commit, path))
    random.Random(folder.parent.name).shuffle(found)
    for commit, path in found:
        if count <= 0:
            return
        read = [
            subprocess.run([*git, "cat-file", "blob", f"{at}:{path}"], capture_output=True).stdout
            for at in (f"{commit}^", commit)
        ]
        case = Case(folder.parent.name, commit, path, *read)
        if all(read) and len(read[0]) <= MOST_BYTES and _changes_code(case):
            count -= 1
            yield case


def _changes_code(case: Case) -> bool:
    """Whether more than comments and docstrings changes, and that in a function."""
    source, after = Source.parse(case.path, case.before), parse_quietly(case.after)
    if source is None or after is None or not _touched(source, case):
        return False
    return _bare(source.tree) != _bare(after)


def _bare(tree: ast.Module) -> str:
    strings = [
        id(node.body[0])
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and ast.get_docstring(node, clean=False) is not None
    ]
    kept = [n for n in ast.walk(tree) if isinstance(n, ast.stmt) and id(n) not in strings]
    return "".join(ast.dump(n) for n in kept if not hasattr(n, "body")) + "".join(
        ast.dump(child)
        for n in kept
        if hasattr(n, "body")
        for child in ast.iter_child_nodes(n)
        if not isinstance(child, ast.stmt)
    )


def _touched(source: Source, case: Case) -> list[ast.stmt]:
    change = line_change(case.before, case.after)
    at = [source.statement_at(line) for line in sorted(change.touched_before)]
    inside = [s for s in at if s is not None and source.function_of(s) is not None]
    return list(dict.fromkeys(inside))


def measured(case: Case) -> Measured:
    source = Source.parse(case.path, case.before)
    assert source is not None
    began = time.process_time()
    every = [c for s in _touched(source, case) for c in candidates_at(Spot(source, s))]
    seconds = time.process_time() - began
    numbers: dict[tuple[object, ...], int] = {}
    rows, right = [], set()
    same = _Same(source, case)
    for candidate in every:
        fresh = candidate.edits not in numbers
        number = numbers.setdefault(candidate.edits, len(numbers))
        weight = candidate.prior / PRIORS[candidate.template]
        rows.append((candidate.template, weight, candidate.size, number))
        if fresh and same(candidate):
            right.add(number)
    return Measured(case.repository, case.commit, tuple(rows), frozenset(right), seconds)


class _Same:
    """Whether a candidate gives the fixed text, or one with the same tree."""

    def __init__(self, source: Source, case: Case) -> None:
        self.before, self.path = case.before, case.path
        lines = sorted(line_change(case.before, case.after).touched_before)
        low = source.line_start(max(1, lines[0] - AROUND))
        last = source.line_of(len(case.before))
        self.low, self.high = low, source.line_end(min(last, lines[-1] + AROUND))
        tail = len(case.before) - self.high
        self.wanted = self._plain(case.after[low : len(case.after) - tail])
        self.after = case.after

    def __call__(self, candidate: Candidate) -> bool:
        edit = candidate.joined(self.before)
        if edit.start < self.low or edit.end > self.high:
            return False
        middle = self.before[self.low : edit.start] + edit.replacement
        if self._plain(middle + self.before[edit.end : self.high]) != self.wanted:
            return False
        tree = parse_quietly(self.before[: edit.start] + edit.replacement + self.before[edit.end :])
        wanted = parse_quietly(self.after)
        return tree is not None and wanted is not None and _bare(tree) == _bare(wanted)

    @staticmethod
    def _plain(text: bytes) -> str:
        return NOISE.sub("", text.decode("utf-8", "replace")).replace('"', "'")


PRIORS = {template.name: template.prior for template in TEMPLATES}


def rank(case: Measured, priors: dict[str, float]) -> int | None:
    """Where the fix comes among the candidates of its statements; None if none is it."""
    if not case.right:
        return None
    scores: dict[int, float] = {}
    for name, weight, size, number in case.rows:
        score = priors[name] * weight * _small(size)
        scores[number] = max(score, scores.get(number, 0.0))
    best = max(scores[number] for number in case.right)
    return 1 + sum(score > best for score in scores.values())


def _small(size: int) -> float:
    return 200 / (200 + size)


def fitted(cases: Sequence[Measured]) -> dict[str, float]:
    hits, weights = counted(cases)
    # What a prior of 1 means in hits per candidate, so that both can be compared.
    per_prior = sum(hits.values()) / sum(PRIORS[n] * weights[n] for n in PRIORS)
    smooth = {
        n: (hits[n] + SHIPPED) / (weights[n] + SHIPPED / (PRIORS[n] * per_prior)) for n in PRIORS
    }
    top = sorted(smooth.values())[-5]
    return {n: max(0.1, min(0.9, 0.9 * (r / top) ** (1 / ROOT))) for n, r in smooth.items()}


def counted(cases: Sequence[Measured]) -> tuple[Counter[str], dict[str, float]]:
    """Per template, cases that it finds, and the summed weight of its candidates."""
    hits: Counter[str] = Counter()
    weights = dict.fromkeys(PRIORS, 0.0)
    for case in cases:
        for name, weight, _, _ in case.rows:
            weights[name] += weight
        hits.update({name for name, _, _, number in case.rows if number in case.right})
    return hits, weights


def recall(title: str, cases: Sequence[Measured], priors: dict[str, float]) -> str:
    ranks = [r for case in cases if (r := rank(case, priors)) is not None]
    at = {k: sum(r <= k for r in ranks) for k in (1, 10, 50, 200)}
    mean = math.exp(sum(map(math.log, ranks)) / len(ranks)) if ranks else 0.0
    shown = "  ".join(f"@{k} {100 * n / max(1, len(cases)):4.1f} %" for k, n in at.items())
    repositories = len({case.repository for case in cases})
    return (
        f"{title:22} {len(cases)} fixes of {repositories} repositories: {shown}  "
        f"all {100 * len(ranks) / max(1, len(cases)):4.1f} %  mean rank {mean:.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--repos", nargs="+", type=Path, required=True, metavar="DIR")
    parser.add_argument("--held", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--cases", type=int, default=12, help="from each repository")
    parser.add_argument("--work", type=Path, default=None, help="keeps the cases")
    options = parser.parse_args()
    if options.work is not None and options.work.exists():
        cases: list[Case] = pickle.loads(options.work.read_bytes())
    else:
        cases = [case for folder in options.repos for case in mined(folder, options.cases)]
        if options.work is not None:
            options.work.write_bytes(pickle.dumps(cases))
    results = [measured(case) for case in cases]

    def is_held(name: str) -> bool:
        return name in options.held or (not options.held and zlib.crc32(name.encode()) % 2 == 0)

    held = [r for r in results if is_held(r.repository)]
    fit = [r for r in results if not is_held(r.repository)]
    print(recall("fitted on", fit, PRIORS))
    print(recall("held out", held, PRIORS))
    made, seconds = sum(len(r.rows) for r in results), sum(r.seconds for r in results)
    print(f"{made} candidates in {seconds:.0f} s")
    new = fitted(fit)
    print(recall("fitted on, new priors", fit, new))
    print(recall("held out, new priors", held, new))
    hits, weights = counted(fit)
    elsewhere, _ = counted(held)
    for name in sorted(PRIORS, key=lambda n: -new[n]):
        print(
            f"{name:32} {PRIORS[name]:.2f} -> {new[name]:.2f}   finds {hits[name]} fixes, "
            f"{elsewhere[name]} held out; {weights[name]:.0f} candidates by weight"
        )


if __name__ == "__main__":
    main()
