"""From a change to proofs: the same calls on both versions, and a test for what is a fault."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from swe_sleep.anticipate.harvest import Call, harvest
from swe_sleep.anticipate.proving.changed import (
    ChangedFunction,
    FileChange,
    Function,
    changed_functions,
    file_change,
    functions_of,
)
from swe_sleep.anticipate.proving.confirming import TEST_S, Proven, as_said, run_written
from swe_sleep.anticipate.proving.hints import hints_of
from swe_sleep.anticipate.proving.inputs import Candidate, candidates, documented
from swe_sleep.anticipate.proving.judge import Circumstances, Verdict, judge
from swe_sleep.anticipate.proving.replaying import Outcome, Ranges, Replaying
from swe_sleep.anticipate.proving.rewriting import general, rewritten
from swe_sleep.anticipate.proving.variants import (
    Told,
    Variant,
    Varying,
    doubtful,
    judge_variant,
    shows_private,
)
from swe_sleep.anticipate.proving.writing import written
from swe_sleep.records import Place, TestRun, WrittenTest
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.testing.tests import Tests

HARVEST_S = 60.0
CONFIRMED = 6
"""Differences that look like a fault, of which the simplest are looked at again one by one."""
VALUED = 8
"""Inputs that a function must have given a value for, before None is taken for a lost one."""
WRITTEN = 3
"""Tests that are tried for one function until one holds."""

Files = Mapping[str, bytes | None]


@dataclass
class Tried:
    """What was tried for one function."""

    calls: int = 0
    """Calls seen in tests."""
    inputs: int = 0
    differing: int = 0
    """Inputs on which the versions differ."""
    ran: set[int] = field(default_factory=set)
    """Of the lines that went, those that inputs ran on the old version."""
    all_ran: bool = False
    """Whether inputs ran every statement that went."""
    guards: int = 0
    """Inputs that a removed guard or handler names, and that came to an end in both versions."""
    proven: Proven | None = None

    @property
    def refuted(self) -> bool:
        """The very inputs that were doubted gave the same before and now."""
        return self.all_ran and self.guards > 0 and not self.differing


@dataclass
class Prover:
    """Works on one change in one sandbox, which holds the version after it."""

    tests: Tests
    snapshot: Snapshot
    before: Files
    """The changed source files as they were; None for one that was not there."""
    around: Circumstances = field(default_factory=Circumstances)
    stop: Callable[[], bool] | None = None
    runs: int = 0
    """Test runs made."""

    def __post_init__(self) -> None:
        self._replaying = Replaying(self.tests.sandbox)
        self._changes: list[ChangedFunction] | None = None
        self._valued: frozenset[tuple[str, str]] = frozenset()

    @property
    def changes(self) -> list[ChangedFunction]:
        """Every function that means something else now."""
        if self._changes is None:
            self._changes = [f for c in self._files() for f in changed_functions(c)]
        return self._changes

    def _files(self) -> Iterator[FileChange]:
        for path, old in self.before.items():
            if path.endswith(".py") and old is not None and path in self.snapshot.files:
                yield file_change(path, old, self.snapshot.read(path))

    def prove(self, change: ChangedFunction, test_ids: Sequence[str], *, seconds: float) -> Tried:
        """Look for an input that shows a fault. `test_ids` are tests that run the function. The
        sandbox is as it was, at the end."""
        until = time.monotonic() + seconds
        tried = Tried()
        self._by_calls(change, test_ids, tried, until)
        tried.all_ran = bool(change.gone) and change.gone <= tried.ran
        if tried.proven is None and not self._over(until):
            self._by_variants(change, test_ids, tried, until)
        return tried

    def _by_calls(
        self, change: ChangedFunction, test_ids: Sequence[str], tried: Tried, until: float
    ) -> None:
        """Calls of the function, and of what tests call on the way to it."""
        calls = self._harvest(change, test_ids, until)
        tried.calls = sum(map(len, calls.values()))
        every = candidates(calls, change, hints_of(change), self._signatures(calls))
        every += documented(change, self._module_of(change.path, calls))
        if not every or self._over(until):
            return
        pairs = self._both(every, change, max(2.0, (until - time.monotonic()) / 3))
        faults: dict[tuple[str, ...], list[tuple[Candidate, Verdict]]] = {}
        self._valued = _valued(pairs)
        for candidate, old, new in pairs:
            tried.inputs += 1
            tried.ran |= {line for path, line in old.lines if path == change.path}
            if candidate.guard:
                tried.guards += 1
            if old.same(new):
                continue
            tried.differing += 1
            verdict = judge(candidate, old, new, change, self.around, self._valued)
            if verdict is not None:
                faults.setdefault(verdict.key, []).append((candidate, verdict))
        for group in sorted(faults.values(), key=lambda g: min(_size(c) for c, _ in g)):
            if self._over(until):
                break
            tried.proven = self._proven(change, [c for c, _ in group])
            if tried.proven is not None:
                break

    def _by_variants(
        self, change: ChangedFunction, test_ids: Sequence[str], tried: Tried, until: float
    ) -> None:
        """The tests themselves, with other values in them."""
        varying = Varying(self.tests.sandbox)
        hints = hints_of(change)
        total_s = max(2.0, (until - time.monotonic()) / 3)
        self.runs += 2
        new = varying.run(test_ids, change, change.new, hints, total_s=total_s, stop=self.stop)
        only = [variant for variant, how in new.values() if variant.text and doubtful(how)]
        tried.inputs += len(new) - len(only)
        if not only or self._over(until):
            return
        with self._old():
            old = varying.run(
                test_ids,
                change,
                change.old,
                hints,
                total_s=total_s,
                only=only,
                stop=self.stop,
            )
        faults: dict[tuple[str, ...], list[tuple[Variant, Told, Told, Verdict]]] = {}
        passing = _passing(old) & _passing(new)  # else the tests show it themselves
        for key, (variant, now) in new.items():
            if key not in old or variant.test_id not in passing or not variant.text:
                continue
            was = old[key][1]
            tried.inputs += 1
            if _same_told(was, now):
                continue
            tried.differing += 1
            verdict = judge_variant(variant, was, now, change, self.around)
            if verdict is not None:
                faults.setdefault(verdict.key, []).append((variant, was, now, verdict))
        for group in faults.values():
            for variant, was, now, verdict in sorted(group, key=lambda g: len(g[0].text))[:WRITTEN]:
                if self._over(until + TEST_S):
                    return
                tried.proven = self._rewritten(change, variant, was, now, verdict)
                if tried.proven is not None:
                    return

    # -- inputs ----------------------------------------------------------------------------------

    def _harvest(
        self, change: ChangedFunction, test_ids: Sequence[str], until: float
    ) -> dict[tuple[str, str], list[Call]]:
        if not test_ids:
            return {}
        self.runs += 1
        return harvest(
            self.tests,
            {change.path: [change.qualname]},
            test_ids,
            timeout_s=max(2.0, min(HARVEST_S, (until - time.monotonic()) / 2)),
            entries=True,
            stop=self.stop,
        )

    def _signatures(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Function]:
        found: dict[tuple[str, str], Function] = {}
        for path in {path for path, _ in keys}:
            if path in self.snapshot.files:
                functions = functions_of(self.snapshot.read(path))
                found |= {(path, q): functions[q] for p, q in keys if p == path and q in functions}
        return found

    def _module_of(self, path: str, calls: Mapping[tuple[str, str], Sequence[Call]]) -> str:
        """The name that a file is imported by."""
        for folder in (*self.tests.sandbox.environment.python_path, "src"):
            path = path.removeprefix(folder.rstrip("/") + "/")
        return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    # -- runs ------------------------------------------------------------------------------------

    @contextmanager
    def _old(self) -> Iterator[None]:
        """The version before the change, in the sandbox; what ran there may have left anything."""
        self.tests.sandbox.reset()
        self.tests.sandbox.put(self.before)
        try:
            yield
        finally:
            self.tests.sandbox.reset()

    def _both(
        self, every: Sequence[Candidate], change: ChangedFunction, seconds: float, **how: bool
    ) -> list[tuple[Candidate, Outcome, Outcome]]:
        """The outcomes before and now, of the calls that could be made in both versions."""
        calls = [candidate.call for candidate in every]
        new = self._run(calls, {change.path: _ranges(change.added)}, seconds, **how)
        with self._old():
            old = self._run(calls, {change.path: _ranges(change.removed)}, seconds, **how)
        return [
            (candidate, was, now)
            for candidate, was, now in zip(every, old, new, strict=True)
            if was is not None and now is not None and "setup" not in (was.state, now.state)
        ]

    def _run(
        self, calls: Sequence[Call], watch: Ranges, seconds: float, alone: bool = False
    ) -> list[Outcome | None]:
        return self._replaying.run(calls, watch=watch, total_s=seconds, alone=alone, stop=self.stop)

    def _over(self, until: float) -> bool:
        return time.monotonic() > until or (self.stop is not None and self.stop())

    # -- proofs ----------------------------------------------------------------------------------

    def _proven(self, change: ChangedFunction, group: list[Candidate]) -> Proven | None:
        """The simplest of these inputs that shows a fault by itself, and as a test, twice."""
        group = sorted(group, key=_size)[:CONFIRMED]
        once = self._both(group, change, 20.0, alone=True)
        tries = 0
        for candidate, old, new in once:
            if old.same(new):
                continue  # it came of the calls before it
            verdict = judge(candidate, old, new, change, self.around, self._valued)
            if verdict is None:
                continue
            tries += 1
            if tries > WRITTEN:
                break
            test = written(candidate, old, verdict, self._cause(change)[0], self.snapshot)
            what = f"`{candidate.call.expression}`"
            proven = self._tested(change, what, old, new, verdict, test)
            if proven is not None:
                return proven
        return None

    def _rewritten(
        self, change: ChangedFunction, variant: Variant, old: Told, new: Told, verdict: Verdict
    ) -> Proven | None:
        test = rewritten(
            variant, old, new, verdict, self._cause(change)[0], change.qualname, self.snapshot
        )
        if test is None or shows_private(ast.parse(test.content), change):
            return None
        if verdict.kind == "assertion" and not general(test, variant):
            return None
        what = f"{variant.test_id} with {variant.text} in place of {variant.was}"
        return self._tested(change, what, old.outcome, new.outcome, verdict, test)

    def _tested(
        self,
        change: ChangedFunction,
        what: str,
        old: Outcome,
        new: Outcome,
        verdict: Verdict,
        test: WrittenTest,
    ) -> Proven | None:
        """The proof, if the test fails as it is to, twice, and passes on the version before."""
        results = []
        covered: set[str] = set()
        for first in (True, False):
            run = self.check(test, coverage=first)
            result = run.result(test.tests[0])
            if result is None or not as_said(result.outcome, result.message, new):
                return None
            results.append(result)
            covered |= set(run.coverage.lines.get(test.tests[0], {})) if run.coverage else set()
        with self._old():
            before = self.check(test)
        if test.tests[0] not in before.passed:
            return None
        return Proven(
            change.path,
            change.qualname,
            verdict,
            what,
            old,
            new,
            self._cause(change),
            test,
            results[0].message,
            results[0].frames,
            tuple(sorted(covered - {test.path})),
        )

    @staticmethod
    def _cause(change: ChangedFunction) -> tuple[Place, ...]:
        """The changed lines; the function where lines only went."""
        places = tuple(Place(change.path, *lines) for lines in _ranges(change.added))
        return places or (Place(change.path, *change.span),)

    def check(self, test: WrittenTest, *, coverage: bool = False) -> TestRun:
        """Run a written test on what the sandbox holds."""
        self.runs += 1
        return run_written(self.tests, test, self.stop, coverage=coverage)


def _valued(
    pairs: Sequence[tuple[Candidate, Outcome, Outcome]],
) -> frozenset[tuple[str, str]]:
    """The functions that returned for many inputs before, and never None."""
    types: dict[tuple[str, str], list[str]] = {}
    for candidate, old, _ in pairs:
        if old.state == "returned":
            call = candidate.call
            types.setdefault((call.path, call.qualname), []).append(old.type)
    return frozenset(
        key for key, found in types.items() if len(found) >= VALUED and "NoneType" not in found
    )


def _passing(told: Mapping[str, tuple[Variant, Told]]) -> set[str]:
    """The tests that pass as they stand."""
    return {
        variant.test_id
        for variant, how in told.values()
        if not variant.text and how.outcome.state == "passed" and all(s.held for s in how.seen)
    }


def _same_told(old: Told, new: Told) -> bool:
    return old.outcome.same(new.outcome) and old.seen == new.seen


def _size(candidate: Candidate) -> tuple[int, int]:
    """The nearer to what tests pass, and the shorter, the better."""
    return candidate.distance, len(candidate.call.expression)


def _ranges(lines: Collection[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for line in sorted(lines):
        if found and found[-1][1] == line - 1:
            found[-1] = (found[-1][0], line)
        else:
            found.append((line, line))
    return found
