"""How well the risk of files, functions and changes is told, walking forward through real pasts.

    python benchmarks/risk.py --repos DIR OWNER/NAME... [--held OWNER/NAME...] [--fit FILE]

At each cut, a year apart, files and functions are ranked with what was known then; the truth is
what the fixes of the next twelve months touch. Changes are ranked within the twelve months in which
they were made; the truth is which were blamed by a fix within two years from the cut. What a
repository's own past taught is only what was over at the cut.

How the truth was cleaned: a fix says so in its title, and not of papers, looks or types; it changes
code (not blank lines, comments, imports, quotes or indentation) of one to five files of the
program; functions of one that touches more than twenty are left out. A change is blamed where it
wrote at least half of the lines that the fix took away, lines followed through re-indentation,
renames and changes of looks; never one over more than forty files. A step is a commit on the main
line, or all that a merge brought.

The prior is fitted on the repositories before --held: each of them is measured with a prior of the
others, those that are held with one of all. `--fit FILE` writes that (the shipped `weights.toml`).
What was collected is kept in --work.
"""

from __future__ import annotations

import argparse
import pickle
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from swe_sleep.anticipate.risk import accuracy, changes, learn
from swe_sleep.anticipate.risk.items import is_product
from swe_sleep.anticipate.risk.learn import Prior, Question, own, per_line
from swe_sleep.anticipate.risk.mainline import read
from swe_sleep.anticipate.risk.measure import Measured, measure
from swe_sleep.anticipate.risk.model import fit, standard
from swe_sleep.anticipate.risk.replay import YEAR, Replay
from swe_sleep.anticipate.risk.windows import Window, windows
from swe_sleep.index.outline import outline
from swe_sleep.repo import plumbing

Floats = np.ndarray[Any, np.dtype[np.float64]]
Row = dict[str, float]

CUTS = 7
EVALUATED = 4
"""Of the newest; those before are only learned from."""
FEWEST_FILES = 50
FEWEST_FIXES = 8
"""In a year, for it to be measured."""
FEWEST_CHANGES = 60
RIDGE = 5.0
MOST = {"files": 1500.0, "functions": 300.0, "changes": 1000.0}
"""What a repository weighs at most among the others: items, of functions those that were fixed."""


@dataclass
class Collected:
    repo: str
    windows: list[Window]
    steps: changes.Steps
    end: float


def collect(repos: Path, repo: str) -> Collected:
    git = plumbing.Git(folder := repos / repo.replace("/", "+") / "repo", folder)
    line = read(git, git.run("rev-parse", "HEAD").decode().strip(), ["py"], limit=100_000)
    objects = plumbing.Objects(git)
    seen: dict[str, Measured] = {}

    def measured(path: str, blob: str) -> Measured:
        if blob not in seen:
            content = objects.read(blob) or b""
            seen[blob] = measure(content, outline(content, "python"))
        return seen[blob]

    def tree_at(commit: str) -> dict[str, str]:
        listed = git.run("ls-tree", "-r", "-z", commit).decode("utf-8", "replace")
        entries = (entry.split("\t", 1) for entry in listed.split("\0")[:-1])
        return {
            path: facts.split()[2]
            for facts, path in entries
            if path.endswith(".py") and facts.startswith("100")
        }

    end = float(line.steps[-1].time)
    begun = float(line.steps[0].time)
    cuts = [end - n * YEAR for n in range(CUTS - 1, 0, -1)]
    replay = Replay(line, is_product)
    found = windows(replay, [cut for cut in cuts if cut > begun + YEAR], tree_at, measured)
    objects.close()
    return Collected(repo, found, changes.steps(replay), end)


def kept(work: Path, repos: Path, repo: str) -> Collected:
    file = work / f"{repo.replace('/', '+')}.pickle"
    if not file.exists():
        began = time.process_time()
        found = collect(repos, repo)
        file.write_bytes(pickle.dumps((found.windows, found.steps, found.end)))
        print(f"read {repo}: {time.process_time() - began:.0f} s", flush=True)
    return Collected(repo, *pickle.loads(file.read_bytes()))


# -- the prior -------------------------------------------------------------------------------------


def prior_of(many: Sequence[Collected]) -> Prior:
    asked = [learn.questions(each.windows) for each in many]
    files, functions = [a for a, _ in asked], [b for _, b in asked]
    return Prior(
        _pooled(files, None, "files"),
        _pooled(functions, None, "functions"),
        _changes(many),
        _pooled(files, ["code"], "files"),
        _pooled(functions, ["code"], "functions"),
    )


def _pooled(
    groups: Sequence[Sequence[Question]], only: Sequence[str] | None, kind: str
) -> Mapping[str, float]:
    names = only or next(q.table.names for group in groups for q in group)
    values, truth, weights = [], [], []
    for group in groups:
        size = sum(int(q.truth.sum()) if kind == "functions" else len(q.truth) for q in group)
        for q in group:
            places = [q.table.names.index(name) for name in names]
            values.append(standard(q.table.values)[:, places])
            truth.append(q.truth.astype(float))
            weights.append(np.full(len(q.truth), min(1.0, MOST[kind] / max(size, 1))))
    return _fitted(names, values, truth, weights)


def _changes(many: Sequence[Collected]) -> Mapping[str, float]:
    values, truth, weights = [], [], []
    for each in many:
        steps = each.steps
        old = (steps.times < each.end - 1.5 * YEAR) & (steps.times > each.end - 10 * YEAR)
        old &= ~steps.wide
        if old.sum() < FEWEST_CHANGES:
            continue
        values.append(changes.Scale.of(steps.values[old])(steps.values[old]))
        truth.append((steps.found_out < steps.times + 2 * YEAR)[old].astype(float))
        weights.append(np.full(int(old.sum()), min(1.0, MOST["changes"] / int(old.sum()))))
    return _fitted(changes.NAMES, values, truth, weights)


def _fitted(
    names: Sequence[str], values: list[Floats], truth: list[Floats], weights: list[Floats]
) -> Mapping[str, float]:
    ridge = np.full(len(names) + 1, RIDGE)
    ridge[0] = 1e-3
    prior = np.zeros(len(names) + 1)
    found = fit(
        np.concatenate(values), np.concatenate(truth), prior, ridge, np.concatenate(weights)
    )
    return dict(zip(["constant", *names], found.tolist(), strict=True))


# -- measuring -------------------------------------------------------------------------------------


Ranker = Callable[[Question], tuple[Floats, Floats]]
"""Scores to rank by, and scores to rank by where lines count."""


def rankers(each: Collected, prior: Prior, kind: str) -> dict[str, Ranker]:
    files, functions = learn.questions(each.windows)
    asked = files if kind == "files" else functions
    weights = prior.files if kind == "files" else prior.functions

    def model(q: Question) -> tuple[Floats, Floats]:
        earlier = [e for e in asked if e.begin + 0.99 * YEAR <= q.begin][-learn.TRUSTED :]
        score = learn.chances(q.table, own(earlier, weights, learn.RIDGE[kind]))
        return score, per_line(score, q.table.lines)

    def shared(q: Question) -> tuple[Floats, Floats]:
        score = learn.chances(q.table, weights)
        return score, per_line(score, q.table.lines)

    def size(q: Question) -> tuple[Floats, Floats]:
        return q.table.lines, -q.table.lines

    def churn(q: Question) -> tuple[Floats, Floats]:
        score = q.table.column("changes.1.0" if kind == "files" else "short")
        return score, per_line(np.expm1(score), q.table.lines)

    return {
        "swe-sleep": model,
        "the prior alone": shared,
        "size (lines: smallest first)": size,
        "last year's changes (lines: per line)": churn,
    }


def measured_windows(each: Collected) -> list[Window]:
    return [
        w
        for w in each.windows[-EVALUATED:]
        if len(w.files.items) >= FEWEST_FILES
        and len(w.fixes) >= FEWEST_FIXES
        and w.file_truth.any()
        and not w.file_truth.all()
        and w.function_truth.any()
    ]


def of_files(each: Collected, ranker: Ranker) -> list[Row]:
    found = []
    for w in measured_windows(each):
        q = Question(w.begin, w.files, w.file_truth, w.fixes)
        score, dense = ranker(q)
        found.append(
            {
                "AUC": accuracy.auc(score, q.truth),
                "fixes in top 10": accuracy.fixes_in_top(score, q.table.numbers.tolist(), q.fixes),
                "recall at 20 % of lines": accuracy.recall_of_lines(dense, q.table.lines, q.truth),
                "positive": float(q.truth.mean()),
            }
        )
    return found


def of_functions(each: Collected, ranker: Ranker) -> list[Row]:
    found = []
    for w in measured_windows(each):
        q = Question(w.begin, w.functions, w.function_truth, w.fixes)
        score, dense = ranker(q)
        found.append(
            {
                "AUC": accuracy.auc(score, q.truth),
                "precision@10": accuracy.precision_at(score, q.truth, 10),
                "recall@50": accuracy.recall_at(score, q.truth, 50),
                "recall at 20 % of lines": accuracy.recall_of_lines(dense, q.table.lines, q.truth),
                "positive": float(q.truth.mean()),
            }
        )
    return found


def of_changes(each: Collected, prior: Prior, name: str) -> list[Row]:
    steps, found = each.steps, []
    for n in range(EVALUATED):
        cut = each.end - (n + 2) * YEAR
        asked = (steps.times >= cut) & (steps.times < cut + YEAR) & ~steps.wide
        truth = (steps.found_out < cut + 2 * YEAR)[asked]
        if asked.sum() < FEWEST_CHANGES or truth.sum() < 5 or not measured_windows(each):
            continue
        values = steps.values[asked]
        if name == "swe-sleep":
            score = changes.learn(steps, cut, prior.changes).chances(values)
        elif name == "the prior alone":
            usual = (steps.times < cut) & ~steps.wide
            scale = changes.Scale.of(steps.values[usual])
            score = changes.Judge(scale, prior.changes).chances(values)
        else:
            score = values[:, changes.NAMES.index("added")]
        tenth = max(1, round(len(score) / 10))
        found.append(
            {
                "AUC": accuracy.auc(score, truth),
                "precision, riskiest tenth": accuracy.precision_at(score, truth, tenth),
                "recall, riskiest tenth": accuracy.recall_at(score, truth, tenth),
                "positive": float(truth.mean()),
            }
        )
    return found


def report(title: str, many: Sequence[Collected], priors: Mapping[str, Prior], each: bool) -> None:
    big = [c for c in many if measured_windows(c)]
    print(f"\n## {title}: {len(big)} repositories with {FEWEST_FILES} files and enough fixes")
    for kind in ("files", "functions", "changes"):
        if kind == "changes":
            names = ["swe-sleep", "the prior alone", "lines added"]
            rows = {n: {c.repo: of_changes(c, priors[c.repo], n) for c in big} for n in names}
        else:
            measure_of = of_files if kind == "files" else of_functions
            names = list(rankers(big[0], priors[big[0].repo], kind)) if big else []
            rows = {
                n: {c.repo: measure_of(c, rankers(c, priors[c.repo], kind)[n]) for c in big}
                for n in names
            }
        _table(kind, rows, each)


def _table(kind: str, rows: Mapping[str, Mapping[str, list[Row]]], each: bool) -> None:
    columns: list[str] = []
    for name, by_repo in rows.items():
        means = {
            repo: {key: float(np.nanmean([r[key] for r in found])) for key in found[0]}
            for repo, found in by_repo.items()
            if found
        }
        if not means:
            continue
        if not columns:
            columns = list(next(iter(means.values())))
            print(f"\n| {kind}, median of {len(means)} | {' | '.join(columns)} |")
            print("| --- |" + " ---: |" * len(columns))
        told = [float(np.median([row[c] for row in means.values()])) for c in columns]
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in told)} |")
        if each and name == "swe-sleep":
            for repo, row in means.items():
                print(f"|   {repo} | {' | '.join(f'{row[c]:.3f}' for c in columns)} |")


def write(prior: Prior, repos: Sequence[str], file: Path) -> None:
    lines = ["# Written by benchmarks/risk.py --fit, from the past of these repositories:"]
    lines += [f"#   {repo}" for repo in repos]
    for title in ("files", "functions", "changes", "files_by_size", "functions_by_size"):
        lines += ["", f"[{title}]"]
        lines += [f'"{name}" = {value:.4f}' for name, value in getattr(prior, title).items()]
    file.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="+", metavar="OWNER/NAME", help="to fit on")
    parser.add_argument("--held", nargs="*", default=[], metavar="OWNER/NAME")
    parser.add_argument("--held-only", action="store_true", help="measure on these alone")
    parser.add_argument("--repos", type=Path, required=True, help="OWNER+NAME/repo in it")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "risk")
    parser.add_argument("--fit", type=Path, help="write the prior here")
    parser.add_argument("--each", action="store_true", help="show every repository too")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    many = [kept(arguments.work, arguments.repos, name) for name in arguments.names]
    held = [kept(arguments.work, arguments.repos, name) for name in arguments.held]
    prior = prior_of(many)
    if arguments.fit:
        write(prior, arguments.names, arguments.fit)
    if len(many) > 1 and not arguments.held_only:
        others = {
            c.repo: prior_of([o for o in many if o is not c]) for c in many if measured_windows(c)
        }
        report("Fitted on (each with a prior of the others)", many, others, arguments.each)
    if held:
        report("Held away", held, {c.repo: prior for c in held}, arguments.each)


if __name__ == "__main__":
    main()
