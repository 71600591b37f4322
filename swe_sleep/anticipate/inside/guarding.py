"""Keeps exercised code to computing: what would write, start, connect or ask ends the exercise."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from typing import Any

MEMORY_BYTES = 1_500_000_000
FILE_BYTES = 1_000_000
_REFUSED = (
    "os.", "shutil.", "subprocess.", "socket.", "tempfile.", "ftplib.", "http.", "urllib.",
    "smtplib.", "builtins.input", "builtins.breakpoint", "_thread.start_new_thread",
    "_thread.start_joinable_thread", "pty.", "sqlite3.", "ctypes.", "webbrowser.", "time.sleep",
)  # fmt: skip
_STARTS = (  # not audited everywhere
    (threading, "_start_new_thread"), (threading, "_start_joinable_thread"),
)  # fmt: skip
_ALLOWED = ("os.listdir", "os.scandir", "os.walk", "os.fwalk")


class Touched(BaseException):
    """The code reaches beyond computing."""


class Hung(BaseException):
    """A call took longer than it may."""


class Guard:
    """`with guard:` around every call of what is exercised."""

    def __init__(self, call_s: float) -> None:
        self.call_s = call_s
        self.touched = ""
        self._armed = False

    def install(self) -> None:
        """For good: there is no way to take an audit hook away."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
        try:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        except (ValueError, OSError):
            pass  # held lower already
        sys.addaudithook(self._audit)
        for module, name in _STARTS:
            if hasattr(module, name):
                setattr(module, name, self._refuse(getattr(module, name), "a thread"))
        signal.signal(signal.SIGPROF, self._alarm)

    def __enter__(self) -> None:
        self._armed = True
        # of the processor, as the machine may be busy; again and again, as code that catches
        # everything may swallow the first
        signal.setitimer(signal.ITIMER_PROF, self.call_s, 0.1)

    def __exit__(self, *error: Any) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        self._armed = False

    def _alarm(self, number: int, frame: Any) -> None:
        if self._armed:
            raise Hung("longer than %s s" % self.call_s)

    def _refuse(self, function: Any, what: str) -> Any:
        def refusing(*arguments: Any, **keywords: Any) -> Any:
            if not self._armed:
                return function(*arguments, **keywords)
            self.touched = self.touched or what
            raise Touched(what)

        return refusing

    def _audit(self, event: str, arguments: Any) -> None:
        if not self._armed:
            return
        if event == "open":
            mode, flags = arguments[1], arguments[2]
            writes = isinstance(mode, str) and bool(set(mode) & set("wax+"))
            numbers = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
            if not (writes or (isinstance(flags, int) and flags & numbers)):
                return
        elif not event.startswith(_REFUSED) or event in _ALLOWED:
            return
        self.touched = self.touched or event
        raise Touched(event)


def hush() -> None:
    """What the code prints is of no interest, and may be a gigabyte."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
