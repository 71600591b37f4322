"""Open sandboxes on tiny repositories."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from swe_sleep.sandbox.protocol import Completed, Cut, Environment, Shell
from swe_sleep.testing.tests import Tests


class PlainShell:
    def __init__(self, box: PlainSandbox) -> None:
        self.box = box
        self.children: list[subprocess.Popen[bytes]] = []

    def run(self, command: str, *, timeout_s: float) -> Completed:
        return self.box.run(["sh", "-c", command], timeout_s=timeout_s)


class PlainSandbox:
    """A copy in a folder and plain processes: what the protocol asks for, without protection."""

    def __init__(self, folder: Path, files: Mapping[str, bytes], environment: Environment) -> None:
        self.files = dict(files)
        self.workdir, self.scratch = str(folder / "copy"), str(folder / "scratch")
        self.environment = environment
        Path(self.scratch).mkdir(parents=True)
        self.reset()

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stdin: bytes = b"",
        stop: Callable[[], bool] | None = None,
    ) -> Completed:
        began = time.monotonic()
        base = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd or self.workdir,
            env={**base, "HOME": self.scratch, **(env or {})},
            start_new_session=True,
        )
        cut: Cut = ""
        given: bytes | None = stdin
        while True:
            try:
                out, err = process.communicate(given, timeout=0.02)
                break
            except subprocess.TimeoutExpired:
                given = None
                if stop is not None and stop():
                    cut = "cancelled"
                elif time.monotonic() - began > timeout_s:
                    cut = "timeout"
                if cut:
                    os.killpg(process.pid, signal.SIGKILL)
        return Completed(
            process.returncode,
            out.decode(errors="replace"),
            err.decode(errors="replace"),
            time.monotonic() - began,
            cut,
        )

    def shell(self) -> Shell:
        return PlainShell(self)

    def put(self, files: Mapping[str, bytes | None]) -> None:
        for path, content in files.items():
            file = Path(self.workdir, path)
            if content is None:
                file.unlink(missing_ok=True)
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)

    def get(self, path: str, *, limit_bytes: int = 50_000_000) -> bytes:
        return Path(self.workdir, path).read_bytes()

    def changes(self) -> dict[str, bytes | None]:
        return {}

    def reset(self) -> None:
        shutil.rmtree(self.workdir, ignore_errors=True)
        Path(self.workdir).mkdir()
        self.put(self.files)

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


OpenTests = Callable[..., Tests]


@pytest.fixture
def open_tests(tmp_path: Path) -> Iterator[OpenTests]:
    """`open_tests({path: text}, python_path=("src",))` gives the `Tests` of an open sandbox."""
    with contextlib.ExitStack() as stack:

        def make(
            files: Mapping[str, str],
            *,
            python_path: tuple[str, ...] = (),
            python: str = sys.executable,
            **options: float,
        ) -> Tests:
            environment = Environment(key="", python=python, python_path=python_path)
            contents = {path: text.encode() for path, text in files.items()}
            sandbox = PlainSandbox(tmp_path / "box", contents, environment)
            stack.enter_context(sandbox)
            return Tests(sandbox, **options)  # type: ignore[arg-type]

        yield make
