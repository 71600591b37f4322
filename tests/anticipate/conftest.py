"""Open sandboxes on tiny repositories."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sandbox.protocol import Limits
from swe_sleep.testing.tests import Tests

OpenTests = Callable[[Mapping[str, str]], Tests]
OpenBoth = Callable[[Mapping[str, str]], tuple[Tests, Snapshot]]


@pytest.fixture(scope="session")
def backend(environments: Path) -> LocalBackend:
    return LocalBackend(EnvironmentOptions(cache_dir=environments), level="plain")


@pytest.fixture
def open_both(make_repository: Callable[..., Path], backend: LocalBackend) -> Iterator[OpenBoth]:
    """`open_both({path: text})` gives the `Tests` of an open sandbox, and what is in it."""
    with contextlib.ExitStack() as stack:

        def make(files: Mapping[str, str]) -> tuple[Tests, Snapshot]:
            snapshot = Repository.open(make_repository(files)).snapshot()
            environment = backend.prepare(snapshot, progress=lambda text: None)
            sandbox = backend.open(snapshot, environment, limits=Limits(memory_mb=2048))
            return Tests(stack.enter_context(sandbox)), snapshot

        yield make


@pytest.fixture
def open_tests(open_both: OpenBoth) -> OpenTests:
    """`open_tests({path: text})` gives the `Tests` of an open sandbox."""
    return lambda files: open_both(files)[0]
