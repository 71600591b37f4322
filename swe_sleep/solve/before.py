"""Which tests fail without the agent's changes too, so that it mends nothing that is not asked."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Set

from swe_sleep.errors import SweSleepError
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve.tools import within
from swe_sleep.testing.tests import NO_SUCH_TEST, Tests

MOST = 200
"""So many new failures at once come of one slip of the agent's: that is told by any of them, and
they are not run for it."""


class Before:
    """Knows of `known_bad`, and runs other tests, each once, in a sandbox without changes; that is
    opened for the first of them. For several threads."""

    def __init__(
        self,
        open_sandbox: Callable[[], Sandbox],
        known_bad: Collection[str] = (),
        *,
        timeout_s: float = 120.0,
        test_timeout_s: float = 60.0,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        self._open_sandbox = open_sandbox
        self._bad = set(known_bad)
        self._seen = set(known_bad)
        self._timeout_s = timeout_s
        self._test_timeout_s = test_timeout_s
        self._stop = stop
        self._tests: Tests | None = None
        self._one = threading.Lock()
        self.runs = 0

    def __call__(self, failing: Set[str], left_s: float | None) -> Set[str]:
        """Those that fail without changes too, as far as it can be known in the seconds left."""
        with self._one:
            new = sorted(failing - self._seen)
            if 0 < len(new) <= MOST:
                self._seen.update(new)
                with contextlib.suppress(SweSleepError):  # the agent is told what failed even so
                    self._bad |= self._run(new, within(self._timeout_s, left_s))
            return failing & self._bad

    def _run(self, tests: list[str], timeout_s: float) -> set[str]:
        if self._tests is None:
            self._tests = Tests(self._open_sandbox())
        self.runs += 1
        run = self._tests.run(
            tests,
            timeout_s=timeout_s,
            test_timeout_s=self._test_timeout_s,
            strict=False,
            stop=self._stop,
        )
        self._tests.sandbox.reset()
        return {r.test_id for r in run.results if r.outcome.bad and r.message != NO_SUCH_TEST}
