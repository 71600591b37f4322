"""Repositories with hooks, and an interpreter that only says that it was started."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swe_sleep.repo.repository import Repository

_PROGRAM = """#!/bin/sh
{{
    echo "start $$ cwd=$PWD nice=$(nice) arguments=$*"
    env | grep '^GIT_' | sed 's/^/env /'
}} >>{log}
for _ in $(seq 1200); do [ -e {release} ] && break; sleep 0.05; done
echo "end $$" >>{log}
"""


@pytest.fixture(autouse=True)
def _busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run where much else runs, which a queued pass would wait for."""
    monkeypatch.setenv("SWE_SLEEP_SLEEP__IDLE", "false")


class FakePython:
    """Stands where the hooks start Python. Writes a log, and stays until it is released."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.path = folder / "py thon's"  # an awkward name, to be quoted
        self.log = folder / "log"
        self.release_file = folder / "release"
        self.log.touch()
        self.path.write_text(
            _PROGRAM.format(log=shlex.quote(str(self.log)), release=self.release_file)
        )
        self.path.chmod(0o755)

    @property
    def starts(self) -> list[str]:
        return [each for each in self.log.read_text().splitlines() if each.startswith("start ")]

    @property
    def ends(self) -> list[str]:
        return [each for each in self.log.read_text().splitlines() if each.startswith("end ")]

    def release(self) -> None:
        self.release_file.touch()


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """`eventually(condition)` waits for what another process is about to do."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.01)

    return wait


@pytest.fixture
def fake_python(
    tmp_path: Path, eventually: Callable[[Callable[[], object]], None]
) -> Iterator[FakePython]:
    fake = FakePython(tmp_path / "fake")
    yield fake
    fake.release()
    eventually(lambda: len(fake.ends) == len(fake.starts))


@pytest.fixture
def repository(make_repository: Callable[..., Path]) -> Iterator[Repository]:
    with Repository.open(make_repository({"a.py": "a = 1\n"})) as opened:
        yield opened


@pytest.fixture
def write_hook() -> Callable[..., Path]:
    """`write_hook(folder, name, content)` writes an executable file."""

    def write(folder: Path, name: str, content: str | bytes, mode: int = 0o755) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        file.chmod(mode)
        return file

    return write


@pytest.fixture
def picture() -> Callable[[Path], dict[str, object]]:
    """`picture(folder)` is everything below it: kinds, modes, contents, targets of links."""

    def take(folder: Path) -> dict[str, object]:
        seen: dict[str, object] = {}
        for parent, folders, files in os.walk(folder):
            for name in (*folders, *files):
                path = Path(parent) / name
                stats = path.lstat()
                content: object = None
                if path.is_symlink():
                    content = os.readlink(path)  # noqa: PTH115
                elif path.is_file():
                    content = path.read_bytes()
                seen[str(path.relative_to(folder))] = (stats.st_mode, content)
        return seen

    return take
