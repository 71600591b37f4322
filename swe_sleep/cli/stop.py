"""`swe-sleep stop`: end what runs here."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from swe_sleep.cli import output
from swe_sleep.errors import SweSleepError

if TYPE_CHECKING:
    from swe_sleep.repo.repository import Repository

PATIENCE_S = 10.0


def stop() -> None:
    """End the watcher and any pass that runs on this work tree.

    What was finished is kept. Exits with 1 where something does not end.
    """
    from swe_sleep.repo.repository import Repository

    with Repository.open(output.here()) as repository:
        found = _at_work(repository)
        if not found:
            print("Nothing runs on this work tree.")
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + PATIENCE_S
        while (left := _at_work(repository).keys() & found.keys()) and time.monotonic() < until:
            time.sleep(0.05)
    for pid, what in found.items():
        if pid not in left:
            print(f"ended: {what} (pid {pid})")
    if left:
        pids = " ".join(map(str, sorted(left)))
        raise SweSleepError(f"still running: {pids}.", f"`kill -9 {pids}` loses nothing finished.")


def _at_work(repository: Repository) -> dict[int, str]:
    """What runs here, by pid."""
    from swe_sleep.integrations import queue
    from swe_sleep.sleep.signs import at_work

    folder, root = repository.state_dir, repository.root
    found = {
        at_work(folder, root): "a pass",
        queue.running(folder): "the pass that git hooks started",
        queue.watcher(folder, root): "the watcher",
    }
    return {pid: what for pid, what in found.items() if pid is not None}
