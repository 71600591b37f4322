"""Open sandboxes on tiny repositories."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from swe_sleep.repo.repository import Repository
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sandbox.protocol import Environment, Limits
from swe_sleep.testing.tests import Tests

OpenTests = Callable[..., Tests]


@pytest.fixture(scope="session")
def backend(environments: Path) -> LocalBackend:
    return LocalBackend(EnvironmentOptions(cache_dir=environments), level="plain")


@pytest.fixture
def open_tests(make_repository: Callable[..., Path], backend: LocalBackend) -> Iterator[OpenTests]:
    """`open_tests({path: text}, python_path=("src",))` gives the `Tests` of an open sandbox;
    with `ours`, in our own development environment with its plugins."""
    with contextlib.ExitStack() as stack:

        def make(
            files: Mapping[str, str],
            *,
            python_path: tuple[str, ...] = (),
            memory_mb: int = 2048,
            ours: bool = False,
            **options: float,
        ) -> Tests:
            snapshot = Repository.open(make_repository(files)).snapshot()
            environment = (
                Environment(key="ours", python=sys.executable)
                if ours
                else backend.prepare(snapshot, progress=lambda text: None)
            )
            environment = dataclasses.replace(environment, python_path=python_path)
            sandbox = backend.open(snapshot, environment, limits=Limits(memory_mb=memory_mb))
            stack.enter_context(sandbox)
            return Tests(sandbox, **options)  # type: ignore[arg-type]

        yield make
