"""A process on a node of a cluster: `node.Child` starts it, and talks to it as `pool` does."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection

from swe_sleep.evaluate.pool import END_S, serve


def main() -> None:
    connection = Connection(int(sys.argv[1]))
    line = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # what a program that the work starts reads from
    os.close(nothing)
    threading.Thread(target=_end_with_the_node, args=(line,), daemon=True).start()
    try:
        work = connection.recv()
    except (EOFError, OSError):
        return
    serve(work, connection)


def _end_with_the_node(line: int) -> None:
    """Nobody wants the answer any more when what started this process is gone."""
    while os.read(line, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(END_S)
    os._exit(1)
