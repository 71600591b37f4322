"""Every backend that this machine can have, and snapshots without a repository behind them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from swe_sleep.records import Entry
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox import bubblewrap, landlock
from swe_sleep.sandbox.docker import DockerBackend
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sandbox.protocol import Backend, Environment, Limits, Sandbox

Content = bytes | tuple[int, bytes]
LIMITS = Limits(memory_mb=256, processes=64, disk_mb=96, output_bytes=100_000)
FILES: dict[str, Content] = {
    "shop/__init__.py": b"",
    "shop/cart.py": b"def total(prices):\n    return sum(prices)\n",
    "tests/test_cart.py": b"from shop.cart import total\n\n\ndef test_total():\n"
    b"    assert total([1, 2]) == 3\n",
    "run.sh": (0o100755, b"#!/bin/sh\necho ran\n"),
    ".gitignore": b"*.log\nbuild/\n",
}


class _Memory:
    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents

    def read(self, path: str, entry: Entry) -> bytes:
        return self._contents[path]


@pytest.fixture(scope="session")
def make_snapshot() -> Callable[[Mapping[str, Content]], Snapshot]:
    """A snapshot of these files: path text to content, or to (git mode, content)."""

    def make(files: Mapping[str, Content]) -> Snapshot:
        pairs = {p: (0o100644, c) if isinstance(c, bytes) else c for p, c in files.items()}
        entries = {p: Entry(hashlib.sha1(c).hexdigest(), m) for p, (m, c) in pairs.items()}
        return Snapshot(entries, None, None, _Memory({p: c for p, (_, c) in pairs.items()}))

    return make


@pytest.fixture(scope="session")
def options(environments: Path) -> EnvironmentOptions:
    return EnvironmentOptions(cache_dir=environments)


@pytest.fixture(
    params=[pytest.param("docker", marks=pytest.mark.docker), "bubblewrap", "landlock", "plain"]
)
def backend(request: pytest.FixtureRequest, options: EnvironmentOptions) -> Backend:
    match request.param:
        case "docker":
            return DockerBackend(options)
        case "bubblewrap" if not bubblewrap.works():
            pytest.skip("bubblewrap is not installed, or may not make namespaces here")
        case "landlock" if not landlock.version():
            pytest.skip("the kernel has no Landlock")
    return LocalBackend(options, level=request.param)


@pytest.fixture
def environment(
    backend: Backend, make_snapshot: Callable[[Mapping[str, Content]], Snapshot]
) -> Environment:
    return backend.prepare(make_snapshot(FILES), progress=lambda _: None)


@pytest.fixture
def opened(
    backend: Backend,
    environment: Environment,
    make_snapshot: Callable[[Mapping[str, Content]], Snapshot],
) -> Iterator[Callable[..., Sandbox]]:
    """`opened(files, limits=...)` opens a sandbox, which is closed after the test."""
    boxes: list[Sandbox] = []

    def open_one(files: Mapping[str, Content] = FILES, limits: Limits = LIMITS) -> Sandbox:
        boxes.append(backend.open(make_snapshot(files), environment, limits=limits))
        return boxes[-1]

    yield open_one
    for box in boxes:
        box.close()


@pytest.fixture
def sandbox(opened: Callable[..., Sandbox]) -> Sandbox:
    return opened()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file of the person's that no sandbox may change."""
    file = tmp_path / "diary.txt"
    file.write_text("private")
    file.chmod(0o666)
    return file
