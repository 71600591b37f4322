"""The search on what the test notes know: which tests fail, what they run, and since when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from swe_sleep.notes.evidence import Failing, passing_ids
from swe_sleep.records import Coverage, Suspicion, TestResult
from swe_sleep.repair.found import Budget, Found
from swe_sleep.repair.search import Learn, Repair, nothing_learnt
from swe_sleep.repair.validation import SandboxValidator, Stop
from swe_sleep.repo.snapshot import REGULAR, Snapshot
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.warm import WarmTests


def search_noted(
    tests: Tests,
    snapshot: Snapshot,
    sources: Mapping[str, bytes],
    failing: Sequence[Failing],
    known: tuple[Coverage, Sequence[TestResult]],
    *,
    others: Callable[[], Sequence[str]] = lambda: (),
    recent: Mapping[str, bytes],
    told: Sequence[Suspicion] = (),
    learn: Learn = nothing_learnt,
    protected: Iterable[str] = (),
    added: Mapping[str, bytes | None] | None = None,
    budget: Budget,
    stop: Stop,
    progress: Callable[[str], None] = lambda line: None,
) -> Found:
    """Look for patches that make `failing` pass, in the sandbox of `tests`, which is reset after.

    `known` are the coverage and the results of the tests that run the same files; where there are
    none, `others` gives the tests to keep passing. What is known of the failing tests' own lines
    goes with them. `added` are files, such as a new test, that are there during the search.
    """
    coverage, results = known
    own = Coverage({test.id: test.covered for test in failing if test.covered})
    coverage = coverage.merged(own)
    passing = passing_ids(results) if results else list(others())
    if added:
        tests.sandbox.put(added)
    try:
        with WarmTests(tests) as warm:
            return Repair(SandboxValidator(warm)).search(
                sources,
                [test.result for test in failing],
                passing,
                coverage=coverage if coverage.lines else None,
                recent=recent,
                told=told,
                learn=learn,
                protected=(*protected, *(added or ())),
                modes={p: e.mode for p, e in snapshot.files.items() if e.mode != REGULAR},
                budget=budget,
                stop=stop,
                on_event=lambda event: progress(f"{event.tried} tried: {event.text}"),
            )
    finally:
        tests.sandbox.reset()
