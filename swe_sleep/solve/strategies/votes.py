"""The tests that candidates wrote vote on one another's patches.

A test that passes without any patch votes nothing, and so does one that no patch passes: the first
does not show the issue, the second asks for something else. What is left of a candidate's tests
has one vote together, shared among them, so that who writes more tests does not count for more.
CodeMonkeys (2025) and R2E-Gym (2025) vote by generated tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from swe_sleep.records import TestRun
from swe_sleep.solve.own_tests import Split
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.verify import Bounds, Files

Stop = Callable[[], bool]


def votes(
    tests: Tests,
    voters: Sequence[Split],
    patches: Sequence[Files],
    *,
    bounds: Bounds | None = None,
    stop: Stop = lambda: False,
    progress: Callable[[str], None] = lambda line: None,
) -> list[float]:
    """The votes that each patch (its source alone) gets. What is not done when `stop` is true
    counts nothing: a voter has run on all patches or has no vote. Raises what the sandbox raises.
    """
    bounds = bounds or Bounds(120, 120, 30)
    counted = [0.0] * len(patches)
    ballots = {repr(sorted(voter.tests.items())): voter for voter in voters if voter.runnable}
    for number, voter in enumerate(ballots.values(), start=1):
        progress(f"tests of {number} of {len(ballots)} candidates vote on {len(patches)} patches")
        before = _run(tests, voter, {}, bounds, stop)
        passed = [_run(tests, voter, patch, bounds, stop).passed for patch in patches]
        if stop():
            break
        deciding = frozenset().union(*passed) - before.passed
        if deciding:
            for place, own in enumerate(passed):
                counted[place] += len(own & deciding) / len(deciding)
    return counted


def _run(tests: Tests, voter: Split, patch: Files, bounds: Bounds, stop: Stop) -> TestRun:
    tests.sandbox.reset()
    try:
        tests.sandbox.put({**patch, **voter.tests})
        return tests.run(
            voter.runnable,
            timeout_s=bounds.run_s,
            test_timeout_s=bounds.test_s,
            strict=False,
            stop=stop,
        )
    finally:
        tests.sandbox.reset()
