"""Measure the leads on real edits: bugs put back, and ordinary commits that were never fixed.

    python -m benchmarks.leads OWNER/NAME... --repos DIR [--commits N] [--kept DIR] [--fit]

With --fit the weights are fitted on these repositories first and written into the package; what is
measured then is each repository with the weights fitted on the others.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.edits import Edit, edits, is_source, is_test
from swe_sleep.anticipate.leads import weighing
from swe_sleep.anticipate.leads.changes import compare
from swe_sleep.anticipate.leads.features import Features
from swe_sleep.anticipate.leads.find import candidates
from swe_sleep.anticipate.leads.weighing import Weights
from swe_sleep.evaluate.mirrors import Mirrors

ORDINARY_RATE = 0.09
"""Suspicions of this kind per ordinary change that the threshold is set for; the issue allows 0.25
for all kinds together."""
SECOND_RATE = 0.01
RIDGE = 3.0
COMPARING = frozenset(
    {"scopes.py", "atoms.py", "changes.py", "features.py", "reasons.py", "find.py"}
)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    path: str
    qualname: str
    kind: str
    why: str
    features: Features


@dataclass(frozen=True)
class Row:
    """One edit as the weighing sees it."""

    repo: str
    group: str
    commit: str
    subject: str
    candidates: tuple[Candidate, ...]
    changed: frozenset[tuple[str, str]] = field(repr=False)
    """The definitions that the edit touches: of a bug put back, those that the fix was in."""


def row(edit: Edit) -> Row:
    sources = [path for path in edit.before if is_source(path)]
    before = {path: edit.before[path] for path in sources}
    after = {path: edit.after[path] for path in sources}
    tests = [path for path in edit.before if is_test(path)]
    tests_before = {path: edit.before[path] for path in tests}
    tests_after = {path: edit.after[path] for path in tests}
    found = tuple(
        Candidate(c.change.path, c.change.qualname, c.reason.kind, c.reason.why, c.features)
        for c in candidates(before, after, tests_before, tests_after)
    )
    company = compare(before, after)
    touched = {(change.path, change.qualname) for change in company.scopes}
    touched |= {(path, scope.qualname) for path, scope in (*company.added, *company.removed)}
    return Row(
        edit.repo,
        edit.group,
        edit.commit.id,
        edit.commit.subject,
        found,
        frozenset(touched),
    )


def fit(rows: Sequence[Row], off: frozenset[str] = frozenset()) -> Weights:
    """Logistic regression with a ridge; each change counts once, however many candidates it has,
    and bugs put back as much as ordinary work."""
    used = [each for each in rows if each.candidates and each.group != "fix"]
    names = sorted({name for each in used for c in each.candidates for name in c.features})
    column = {name: number for number, name in enumerate(names)}
    count = sum(len(each.candidates) for each in used)
    matrix, truth, weight = np.zeros((count, len(names) + 1)), np.zeros(count), np.zeros(count)
    positive = sum(each.group == "put back" for each in used)
    share = {"put back": 0.5 / max(1, positive), "ordinary": 0.5 / max(1, len(used) - positive)}
    number = 0
    for each in used:
        for candidate in each.candidates:
            for name, value in candidate.features.items():
                matrix[number, column[name]] = value
            truth[number] = each.group == "put back"
            weight[number] = share[each.group] * len(used) / len(each.candidates)
            number += 1
    centre, spread = matrix[:, :-1].mean(0), matrix[:, :-1].std(0) + 1e-9
    matrix[:, :-1] = (matrix[:, :-1] - centre) / spread
    matrix[:, -1] = 1
    found = _regress(matrix, truth, weight)
    slopes = found[:-1] / spread
    weighed = Weights(
        float(found[-1] - (slopes * centre).sum()),
        0.0,
        0.0,
        {name: float(slope) for name, slope in zip(names, slopes, strict=True)},
        off,
    )
    ordinary = [ranked(each, weighed) for each in rows if each.group == "ordinary"]
    firsts = [each[0][0] if each else 0.0 for each in ordinary]
    least = float(np.quantile(firsts, 1 - ORDINARY_RATE))
    seconds = [each[1][0] if len(each) > 1 and each[0][0] >= least else 0.0 for each in ordinary]
    second = max(least, float(np.quantile(seconds, 1 - SECOND_RATE)))
    return Weights(weighed.intercept, least, second, weighed.features, off)


def _regress(matrix: Floats, truth: Floats, weight: Floats) -> Floats:
    found = np.zeros(matrix.shape[1])
    ridge = np.eye(len(found)) * RIDGE
    ridge[-1, -1] = 1e-6
    for _ in range(50):
        chance = 1 / (1 + np.exp(-matrix @ found))
        slope = matrix.T @ (weight * (chance - truth)) + ridge @ found
        curve = (matrix * (weight * chance * (1 - chance))[:, None]).T @ matrix + ridge
        step = np.linalg.solve(curve, slope)
        found = found - step
        if abs(step).max() < 1e-6:
            break
    return found


def ranked(each: Row, weighed: Weights) -> list[tuple[float, Candidate]]:
    scored = [(weighed.chance(c.features), c) for c in each.candidates if c.kind not in weighed.off]
    return sorted(scored, key=lambda pair: -pair[0])


def shown(each: Row, weighed: Weights) -> list[tuple[float, Candidate]]:
    found = ranked(each, weighed)[:2]
    if not found or found[0][0] < weighed.least:
        return []
    return found if len(found) > 1 and found[1][0] >= weighed.least_second else found[:1]


@dataclass
class Tally:
    edits: Counter[str] = field(default_factory=Counter)
    noticed: Counter[str] = field(default_factory=Counter)
    suspicions: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, each: Row, weighed: Weights) -> None:
        found = shown(each, weighed)
        right = [c for _, c in found if (c.path, c.qualname) in each.changed]
        self.edits[each.group] += 1
        self.noticed[each.group] += bool(right)
        self.suspicions[each.group] += len(found)
        for _, candidate in found:
            self.kinds[candidate.kind][each.group] += 1
        for kind in {c.kind for c in each.candidates}:
            self.kinds[kind][f"{each.group} candidates"] += 1

    def line(self, name: str) -> str:
        back, plain, fix = (self.edits[g] or 1 for g in ("put back", "ordinary", "fix"))
        return (
            f"{name:28} {self.edits['put back']:5} {self.noticed['put back'] / back:7.0%}"
            f" {self.edits['ordinary']:6} {self.suspicions['ordinary'] / plain:9.2f}"
            f" {self.edits['fix']:6} {self.suspicions['fix'] / fix:9.2f}"
        )


def report(rows: Sequence[Row], weighed: Mapping[str, Weights]) -> str:
    whole, by_repo = Tally(), defaultdict[str, Tally](Tally)
    for each in rows:
        whole.add(each, weighed[each.repo])
        by_repo[each.repo].add(each, weighed[each.repo])
    lines = ["                              put back: right  ordinary: each   fixes: each"]
    lines += [tally.line(repo) for repo, tally in sorted(by_repo.items())]
    lines += [whole.line("all"), "", "kind               put back  ordinary  fixes   (candidates)"]
    for kind, counts in sorted(whole.kinds.items(), key=lambda item: -item[1]["put back"]):
        lines.append(
            f"{kind:18} {counts['put back']:8} {counts['ordinary']:9} {counts['fix']:6}"
            f"   {counts['put back candidates']}, {counts['ordinary candidates']},"
            f" {counts['fix candidates']}"
        )
    return "\n".join(lines)


def write(weighed: Weights, repos: Iterable[str]) -> None:
    lines = [
        "# How much each sign of a change speaks for a fault. Fitted by",
        "#   python -m benchmarks.leads --fit " + " ".join(repos),
        f"intercept = {weighed.intercept:.4f}",
        f"least = {weighed.least:.4f}",
        f"least_second = {weighed.least_second:.4f}",
        f"off = {sorted(weighed.off)}".replace("'", '"'),
        "",
        "[features]",
        *(f'"{name}" = {value:.4f}' for name, value in sorted(weighed.features.items())),
    ]
    file = Path(weighing.__file__).with_name(weighing.FILE)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _state(*arguments: object) -> str:
    """What rows depend on, beside the repository."""
    files = sorted(Path(weighing.__file__).parent.glob("*.py"))
    code = b"".join(f.read_bytes() for f in files if f.name in COMPARING)
    return hashlib.sha256(code + repr(arguments).encode()).hexdigest()[:12]


def rows_of(
    repos: Sequence[str], folder: Path, *, commits: int, kept: Path | None, most: int, whole: bool
) -> list[Row]:
    mirrors = Mirrors(folder)
    found: list[Row] = []
    for repo in repos:
        began = time.monotonic()
        cache = (
            kept / f"rows-{repo.replace('/', '+')}-{_state(commits, most, whole)}" if kept else None
        )
        if cache is not None and cache.exists():
            found += msgspec.json.decode(cache.read_bytes(), type=list[Row])
            continue
        every = list(edits(mirrors, repo, limit=commits, kept=kept, sources_only=not whole))
        chosen = [edit for edit in every if edit.group == "put back"]
        for group in ("ordinary", "fix"):
            these = [edit for edit in every if edit.group == group]
            random.Random(repo + group).shuffle(these)
            chosen += these[:most]
        rows = [row(edit) for edit in chosen]
        if cache is not None:
            cache.write_bytes(msgspec.json.encode(rows))
        found += rows
        seconds = time.monotonic() - began
        print(f"{repo}: {len(chosen)} edits in {seconds:.0f} s", file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("repositories", nargs="+", metavar="OWNER/NAME")
    parser.add_argument("--repos", type=Path, required=True, help="the folder of mirrors")
    parser.add_argument("--commits", type=int, default=2500, help="commits that are looked at")
    parser.add_argument("--most", type=int, default=200, help="ordinary commits of a repository")
    parser.add_argument("--kept", type=Path, help="a folder for what takes long")
    parser.add_argument("--whole", action="store_true", help="ordinary commits with their tests")
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    repos: list[str] = arguments.repositories
    rows = rows_of(
        repos,
        arguments.repos,
        commits=arguments.commits,
        kept=arguments.kept,
        most=arguments.most,
        whole=arguments.whole,
    )
    if arguments.fit:
        weighed = {repo: fit([each for each in rows if each.repo != repo]) for repo in repos}
        write(fit(rows), repos)
    else:
        weighed = dict.fromkeys(repos, weighing.weights())
    print(report(rows, weighed))


if __name__ == "__main__":
    main()
