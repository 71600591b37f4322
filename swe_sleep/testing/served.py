"""A program in the sandbox that stays and takes jobs: two pipes, reached through the shell."""

from __future__ import annotations

import json
import posixpath
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.testing.tests import BACKSTOP_S, ENVIRONMENT

# No step waits for a server that is gone, whenever it went: opened for both ways a pipe opens at
# once, and with no writer left but the server, its end is the end of what there is to read.
_ASK = "exec 8<>{f}/answers 7<{f}/answers 8>&- && echo {job} 1<>{f}/jobs && IFS= read -r line <&7"


class Server:
    """One run of a program that makes the pipes `jobs` and `answers` in its folder, then writes
    its process id to `pid` there; it reads names of job files, and answers each with a line.

    Uses the sandbox's shell for short commands in subshells; the shell's folder and variables stay
    as they were.
    """

    def __init__(self, sandbox: Sandbox, folder: str) -> None:
        self.folder = folder
        self._sandbox = sandbox
        self.up = False

    def start(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> bool:
        """Start the program and wait until it takes jobs, or is gone."""
        self._sandbox.put({posixpath.join(self.folder, "input"): stdin})
        values = " ".join(f"{name}={shlex.quote(text)}" for name, text in ENVIRONMENT.items())
        quoted = shlex.quote(self.folder)
        command = (
            f"( cd {shlex.quote(self._sandbox.workdir)} || exit; "
            f"{values} {shlex.join(argv)} <{quoted}/input >{quoted}/log 2>&1 & server=$!; "
            f"until [ -e {quoted}/pid ] || ! kill -0 $server; do sleep 0.02; done; "
            f"cat {quoted}/pid ) 2>/dev/null"
        )
        done = self._sandbox.shell().run(command, timeout_s=timeout_s)
        self.up = done.exit_code == 0 and done.stdout.strip().isdigit()
        return self.up

    def ask(
        self,
        job: Mapping[str, Any],
        *,
        timeout_s: float,
        stop: Callable[[], bool] | None = None,
    ) -> bool:
        """Have one job done; False where the server is lost, as it is once `stop` is true."""
        place = posixpath.join(self.folder, "job.json")
        self._sandbox.put({place: json.dumps(job).encode()})
        folder = shlex.quote(self.folder)
        command = f"( {_ASK.format(f=folder, job=shlex.quote(place))} ) 2>/dev/null"
        done = self._sandbox.shell().run(command, timeout_s=timeout_s + BACKSTOP_S, stop=stop)
        self.up = done.exit_code == 0 and not done.cut
        return self.up

    def last_words(self) -> str:
        try:
            text = self._sandbox.get(posixpath.join(self.folder, "log"))
        except FileNotFoundError:
            return "it said nothing"
        return (text.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]

    def close(self) -> None:
        """End the program and what it started that is in its process group."""
        if self.up:
            self.up = False
            pid = f"{shlex.quote(self.folder)}/pid"
            self._sandbox.shell().run(f"( kill $(cat {pid}) ) 2>/dev/null", timeout_s=10)
