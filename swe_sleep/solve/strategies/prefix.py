"""The prompt that candidates share is sent once before it is sent by all.

A server can serve a prompt from its cache only once the reply to the first request with it has
begun: requests sent at the same moment would each be paid for in full.
"""

from __future__ import annotations

import dataclasses
import threading
import time

from swe_sleep.model.protocol import Model, OnText, Reply, Request

POLL_S = 0.05
PATIENCE_S = 60.0
"""A first request that is not answered in this time holds the others up no longer."""


class First:
    """Lets one request go first, and the others once it has been begun to be answered."""

    def __init__(self, *, patience_s: float = PATIENCE_S) -> None:
        self._one = threading.Lock()
        self._begun = threading.Event()
        self._patience_s = patience_s

    def claim(self) -> bool:
        """Whether this is the first."""
        return self._one.acquire(blocking=False)

    def begun(self) -> None:
        self._begun.set()

    def wait(self, request: Request) -> None:
        until = time.monotonic() + self._patience_s
        if request.timeout_s is not None:
            until = min(until, time.monotonic() + request.timeout_s)
        while not self._begun.wait(POLL_S) and time.monotonic() < until:
            if request.stop is not None and request.stop():
                return


class Waiting:
    """A candidate's model, whose opening request waits its turn."""

    def __init__(self, model: Model, first: First) -> None:
        self._model = model
        self._first = first
        self._opened = False

    @property
    def name(self) -> str:
        return self._model.name

    def turn(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        if self._opened:
            return self._model.turn(request, on_text=on_text)
        self._opened = True
        if self._first.claim():
            try:
                leading = dataclasses.replace(request, on_begin=self._first.begun)
                return self._model.turn(leading, on_text=on_text)
            finally:
                self._first.begun()  # also where it failed
        started = time.monotonic()
        self._first.wait(request)
        if request.timeout_s is not None:
            left_s = max(0.1, request.timeout_s - (time.monotonic() - started))
            request = dataclasses.replace(request, timeout_s=left_s)
        return self._model.turn(request, on_text=on_text)
