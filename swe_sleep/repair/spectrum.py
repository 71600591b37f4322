"""Spectrum-based fault localisation: which statements the failing tests run and the passing do not.

Three formulas judge each statement from the counts of failing (ef) and passing (ep) tests that
run it, with F failing and P passing tests in all:

    Ochiai     ef / sqrt(F * (ef + ep))              (Abreu et al. 2006)
    Tarantula  (ef/F) / (ef/F + ep/P)                (Jones and Harrold 2005)
    DStar      ef^2 / (ep + F - ef)                  (Wong et al. 2014)

The mean of the three ranks gives the order, Ochiai's values the scale. Then the evidence that
the spectrum does not see is added: the distance from the assertion that failed, the traceback's
frames, what the issue's text points at, the lines that were changed since the tests last passed,
and the head of a function whose body is suspicious (its defaults).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from swe_sleep.records import Coverage, Place, Suspicion, TestResult, file_of
from swe_sleep.repair.distance import DEEPEST, distances
from swe_sleep.repair.source import FUNCTIONS, Source, first_line
from swe_sleep.testing.discovery import is_test_path

SPECTRUM = 0.9
"""As much as the formulas may say alone; what else speaks for a statement has the rest."""
INNERMOST = 0.5
"""Weight of the frame that raised; outer frames weigh less and less."""
TOLD = 0.3
"""Weight of a function that the issue's text points at, times how sure that is."""
CHANGED = 0.9
"""Weight of a line that changed since the tests last passed: with its old text they did."""
UNCHANGED = 0.7
"""What is left of the other lines' suspiciousness where such a line is known."""
FARTHER = 0.95
"""What is left of a statement's suspiciousness with each call more between it and the assertion
that failed; a function that no names lead to counts as the farthest."""
MOST_FILES = 40
"""Files that are parsed; in a large library a test may run lines of many hundreds."""


def ochiai(ef: int, ep: int, failing: int, passing: int) -> float:
    return ef / math.sqrt(failing * (ef + ep)) if ef else 0.0


def tarantula(ef: int, ep: int, failing: int, passing: int) -> float:
    if not ef:
        return 0.0
    fails = ef / failing
    return fails / (fails + (ep / passing if passing else 0.0))


def dstar(ef: int, ep: int, failing: int, passing: int) -> float:
    """With star 2; infinite where every failing and no passing test runs the statement."""
    if not ef:
        return 0.0
    below = ep + failing - ef
    return ef * ef / below if below else math.inf


FORMULAS = (ochiai, tarantula, dstar)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many failing and passing tests ran a statement."""

    failed: int
    passed: int


Key = tuple[str, int]
"""A path and the first line of a statement."""


def localise(
    coverage: Coverage,
    failing: Sequence[TestResult],
    passing: Collection[str],
    sources: Mapping[str, Source],
    changed: Mapping[str, Collection[int]] | None = None,
    told: Sequence[Suspicion] = (),
) -> tuple[Suspicion, ...]:
    """The suspicious statements, most suspicious first, each with the reason.

    `sources` are the parsed files that may be edited; `changed` the lines (of the present text)
    that changed since the tests last passed; `told` the places that an issue's text points at,
    as lines of functions. Tests and conftest files are left out."""
    test_files = {file_of(r.test_id) for r in failing} | {file_of(t) for t in passing}
    mentioned = {path for lines in coverage.lines.values() for path in lines}
    mentioned |= {frame.path for result in failing for frame in result.frames}
    mentioned |= set(changed or {})
    wanted = sorted(path for path in mentioned if not is_test_path(path, test_files))
    evident = {frame.path for result in failing for frame in result.frames} | set(changed or {})
    if len(wanted) > MOST_FILES:
        wanted = _likeliest(coverage, failing, passing, wanted, evident)
    editable = {path: sources[path] for path in wanted if path in sources}
    counts, failed, passed = _count(coverage, failing, passing, editable)
    scores = {k: SPECTRUM * score for k, score in combine(counts, failed, passed).items()}
    reasons: dict[Key, list[str]] = {k: [_say(c, failed, passed)] for k, c in counts.items()}
    tests = {path: sources[path] for path in test_files if path in sources}
    near = distances(failing, coverage, editable, tests)
    if near:
        scores = {k: s * FARTHER ** _depth(near, editable[k[0]], k[1]) for k, s in scores.items()}

    def add(key: Key, weight: float, reason: str) -> None:
        scores[key] = 1 - (1 - scores.get(key, 0.0)) * (1 - weight)
        reasons.setdefault(key, []).append(reason)

    for key, (weight, reason) in _frames(failing, editable).items():
        add(key, weight, reason)
    for suspicion in told:
        place = suspicion.place
        for key in [k for k in scores if k[0] == place.path and _within(place, k[1])]:
            add(key, TOLD * suspicion.score, suspicion.why)
    touched = {
        changed_key
        for path, lines in (changed or {}).items()
        if path in editable
        for line in lines
        if (changed_key := _key(editable[path], line)) is not None
        and (changed_key in scores or not counts)
    }
    if touched:
        scores = {key: score * UNCHANGED for key, score in scores.items()}
    for changed_key in sorted(touched):
        add(changed_key, CHANGED, "changed since the tests last passed")
    for key, weight in _heads(scores, editable).items():
        if weight > scores.get(key, 0.0):
            scores[key] = weight
            reasons.setdefault(key, []).append("head of a suspicious function")
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        Suspicion(_place(editable[path], line), score, "; ".join(r for r in reasons[path, line]))
        for (path, line), score in ranked
        if score > 0
    )


def _depth(near: Mapping[Key, int], source: Source, line: int) -> int:
    statement = source.statement_at(line)
    function = source.function_of(statement) if statement is not None else None
    return near.get((source.path, first_line(function)), DEEPEST) if function else DEEPEST


def _within(place: Place, line: int) -> bool:
    first = place.line or 1
    return first <= line <= (place.end_line or (first if place.line else line))


def _likeliest(
    coverage: Coverage,
    failing: Sequence[TestResult],
    passing: Collection[str],
    paths: Collection[str],
    evident: Collection[str],
) -> list[str]:
    """The files with the most suspicious single lines, judged before anything is parsed; those
    that a traceback or a change names come first."""
    bad = [r.test_id for r in failing if r.test_id in coverage.lines]
    good = [t for t in passing if t in coverage.lines]
    best: dict[str, float] = {}
    for path in paths:
        failed = Counter(line for test in bad for line in coverage.lines[test].get(path, ()))
        passed = Counter(line for test in good for line in coverage.lines[test].get(path, ()))
        best[path] = max(
            (ochiai(n, passed[line], max(1, len(bad)), len(good)) for line, n in failed.items()),
            default=0.0,
        )
    order = sorted(paths, key=lambda path: (path not in evident, -best[path], path))
    return sorted(order[:MOST_FILES])


def combine(counts: Mapping[Key, Counts], failed: int, passed: int) -> dict[Key, float]:
    """Order by the mean rank over the formulas, scaled by Ochiai's values: the statements share
    out the sorted values in the order of their mean rank, equal ranks get equal values."""
    if not counts:
        return {}
    means: dict[Key, float] = defaultdict(float)
    for formula in FORMULAS:
        values = {k: formula(c.failed, c.passed, failed, passed) for k, c in counts.items()}
        for key, rank in _ranks(values).items():
            means[key] += rank / len(FORMULAS)
    scale = sorted(
        (ochiai(c.failed, c.passed, failed, passed) for c in counts.values()), reverse=True
    )
    groups: dict[float, list[Key]] = defaultdict(list)
    for key, mean in means.items():
        groups[round(mean, 6)].append(key)
    shared: dict[Key, float] = {}
    at = 0
    for mean in sorted(groups):
        keys = groups[mean]
        value = sum(scale[at : at + len(keys)]) / len(keys)
        shared.update(dict.fromkeys(keys, value))
        at += len(keys)
    return shared


def _ranks(values: Mapping[Key, float]) -> dict[Key, float]:
    """Rank 1 is the highest value; ties share the mean of their ranks."""
    groups: dict[float, list[Key]] = defaultdict(list)
    for key, value in values.items():
        groups[value].append(key)
    ranks: dict[Key, float] = {}
    before = 0
    for value in sorted(groups, reverse=True):
        keys = groups[value]
        ranks.update(dict.fromkeys(keys, before + (len(keys) + 1) / 2))
        before += len(keys)
    return ranks


def _count(
    coverage: Coverage,
    failing: Sequence[TestResult],
    passing: Collection[str],
    editable: Mapping[str, Source],
) -> tuple[dict[Key, Counts], int, int]:
    """Statement counts. What runs at import, outside any test, counts as run by every test, in
    files that a failing test runs."""
    bad = [r.test_id for r in failing if r.test_id in coverage.lines]
    good = [t for t in passing if t in coverage.lines]
    failed, passed = max(1, len(bad)), len(good)
    by_failing = _tests_per_statement(coverage, bad, editable)
    by_passing = _tests_per_statement(coverage, good, editable)
    counts = {key: Counts(n, by_passing.get(key, 0)) for key, n in by_failing.items()}
    # A module that a test was the first to import ran its top level in that test by chance.
    by_chance = [key for key in counts if _at_import(editable[key[0]], key[1])]
    counts.update(dict.fromkeys(by_chance, Counts(failed, passed)))
    reached = {path for path, _ in by_failing}
    for path, lines in coverage.lines.get("", {}).items():
        if path in reached:
            for line in lines:
                key = _key(editable[path], line)
                if key is not None:
                    counts.setdefault(key, Counts(failed, passed))
    return counts, failed, passed


def _at_import(source: Source, line: int) -> bool:
    """Whether a statement runs when its file is imported: it stands in no function."""
    statement = source.statement_at(line)
    return statement is None or not any(
        isinstance(a, FUNCTIONS) for a in source.ancestors(statement)
    )


def _tests_per_statement(
    coverage: Coverage, tests: Iterable[str], editable: Mapping[str, Source]
) -> dict[Key, int]:
    found: dict[Key, int] = defaultdict(int)
    for test in tests:
        keys: set[Key] = set()
        for path, lines in coverage.lines[test].items():
            if path in editable:
                source = editable[path]
                keys.update(k for line in lines if (k := _key(source, line)) is not None)
        for key in keys:
            found[key] += 1
    return found


def _frames(
    failing: Sequence[TestResult], editable: Mapping[str, Source]
) -> dict[Key, tuple[float, str]]:
    """The statements on the way to the exception; the strongest weight over the failing tests."""
    found: dict[Key, tuple[float, str]] = {}
    for result in failing:
        inside = [f for f in result.frames if f.path in editable and f.line is not None]
        for distance, frame in enumerate(reversed(inside)):
            key = _key(editable[frame.path], frame.line or 0)
            if key is None:
                continue
            weight = INNERMOST / (1 + distance)
            reason = "raised here" if distance == 0 else f"{distance} calls above what raised"
            if weight > found.get(key, (0.0, ""))[0]:
                found[key] = (weight, reason.replace("1 calls", "1 call"))
    return found


def _heads(scores: Mapping[Key, float], editable: Mapping[str, Source]) -> dict[Key, float]:
    best: dict[Key, float] = {}
    for (path, line), score in scores.items():
        source = editable[path]
        statement = source.statement_at(line)
        function = source.function_of(statement) if statement is not None else None
        if function is not None and not (
            isinstance(statement, FUNCTIONS) and first_line(statement) == line
        ):
            key = (path, first_line(function))
            best[key] = max(best.get(key, 0.0), score / 2)
    return best


def _key(source: Source, line: int) -> Key | None:
    statement = source.statement_at(line)
    return (source.path, first_line(statement)) if statement is not None else None


def _place(source: Source, line: int) -> Place:
    statement = source.statement_at(line)
    end = source.header_end(statement) if statement is not None else line
    return Place(source.path, line, end if end > line else None)


def _say(counts: Counts, failed: int, passed: int) -> str:
    return (
        f"run by {counts.failed} of {failed} failing and {counts.passed} of {passed} passing tests"
    )
