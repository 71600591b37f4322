"""A supervisor that is a child process of ours, reached through its pipes."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Sequence

END_S = 10.0
_SAID_BYTES = 2000


class PipeTransport:
    """Starts `argv` and speaks with it. Closing its input is the word to end everything."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        env = {"LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"}
        self._process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=env,
            cwd="/",
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._write = self._process.stdin.fileno()
        self._read = self._process.stdout.fileno()
        os.set_blocking(self._write, False)

    def send(self, data: bytes, timeout_s: float) -> None:
        view = memoryview(data)
        until = time.monotonic() + timeout_s
        while view:
            _, ready, _ = select.select([], [self._write], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(self._write, view[: 1 << 16]) :]
                until = time.monotonic() + timeout_s

    def receive(self, timeout_s: float) -> bytes | None:
        ready, _, _ = select.select([self._read], [], [], timeout_s)
        return os.read(self._read, 1 << 18) if ready else None

    def diagnosis(self) -> str:
        self._said.seek(0)
        return self._said.read()[-_SAID_BYTES:].decode(errors="replace").strip()

    def close(self) -> None:
        process = self._process
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def release(self) -> None:
        """Close what `close` leaves open for the thread that still reads."""
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._said.close()
