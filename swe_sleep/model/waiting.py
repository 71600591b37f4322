"""Waiting for a call that cannot be interrupted, without being held up by it.

A thread that waits for a socket hears neither Ctrl-C nor a clock, and the SDK's retries wait
anew each time. So the call is made in a thread of its own, and whoever waits for it may go.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

POLL_S = 0.05


class Stopped(Exception):
    """`stop` became true while the call was under way."""


class Errand(Generic[T]):
    """One call. It is given an event that is set once nobody waits for it any more: it should then
    begin nothing new, and come to its end."""

    def __init__(self, call: Callable[[threading.Event], T]) -> None:
        self.given_up = threading.Event()
        self._call = call
        self._done = threading.Event()
        self._result: list[T] = []
        self._error: BaseException | None = None

    def wait(self, *, timeout_s: float | None, stop: Callable[[], bool] | None) -> T:
        """Make the call. Raises what it raises, Stopped, and TimeoutError."""
        from time import monotonic

        until = None if timeout_s is None else monotonic() + timeout_s
        threading.Thread(target=self._run, name="model", daemon=True).start()
        try:
            while not self._done.wait(self._nap(None if until is None else until - monotonic())):
                if stop is not None and stop():
                    raise Stopped
                if until is not None and monotonic() >= until:
                    raise TimeoutError
        except BaseException:
            self.given_up.set()
            raise
        if self._error is not None:
            raise self._error
        return self._result[0]

    @staticmethod
    def _nap(left_s: float | None) -> float:
        return POLL_S if left_s is None else max(0.0, min(POLL_S, left_s))

    def _run(self) -> None:
        try:
            self._result.append(self._call(self.given_up))
        except BaseException as error:  # carried over to the one who waits
            self._error = error
        finally:
            self._done.set()
