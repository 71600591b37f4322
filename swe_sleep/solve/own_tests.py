"""The tests that whoever made a patch wrote with it, apart from what mends."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from swe_sleep.records import TestRun
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.testing.discovery import is_test_path, layout
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.verify import Bounds, Files

SET_UP = ("setup.py", "conftest.py")


@dataclass(frozen=True, slots=True)
class Split:
    """A patch's files in two. `runnable` are the test files that pytest can be asked to run."""

    source: Files
    tests: Files
    runnable: tuple[str, ...]


def split(files: Mapping[str, bytes | None], snapshot: Snapshot) -> Split:
    """Told from the names. A conftest.py goes with the tests, a setup.py with the source."""
    where = layout(snapshot)
    tests = {
        path: content
        for path, content in files.items()
        if where.holds(path) or (is_test_path(path) and not path.endswith("setup.py"))
    }
    runnable = tuple(
        path
        for path, content in sorted(tests.items())
        if content is not None
        and path.endswith(".py")
        and path.rpartition("/")[2] not in SET_UP
        and (where.holds(path) or "test" in path.rpartition("/")[2])
    )
    return Split({p: c for p, c in files.items() if p not in tests}, tests, runnable)


def failing_before(
    tests: Tests,
    own: Split,
    *,
    known_bad: Collection[str] = (),
    bounds: Bounds | None = None,
    stop: Callable[[], bool] | None = None,
) -> TestRun:
    """What is bad of a patch's own tests without what mends: these show the issue. The run holds
    nothing else. The sandbox is reset first and last."""
    bounds = bounds or Bounds()
    if not own.runnable:
        return TestRun()
    tests.sandbox.reset()
    try:
        tests.sandbox.put(own.tests)
        run = tests.run(
            own.runnable,
            timeout_s=bounds.run_s,
            test_timeout_s=bounds.test_s,
            strict=False,
            stop=stop,
        )
    finally:
        tests.sandbox.reset()
    bad = tuple(r for r in run.results if r.outcome.bad and r.test_id not in known_bad)
    return dataclasses.replace(run, results=bad)
