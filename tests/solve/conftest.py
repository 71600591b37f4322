"""Real sandboxes on tiny repositories, and agents that a scripted server plays the model of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.model.budget import Budget, Limits
from swe_sleep.model.catalogue import prices
from swe_sleep.model.client import ClaudeModel, ClientOptions
from swe_sleep.model.metering import MeteredModel
from swe_sleep.model.trajectory import Trajectory
from swe_sleep.records import Entry, Issue
from swe_sleep.repo.hashing import blob_of
from swe_sleep.repo.snapshot import REGULAR, Snapshot
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve.knowledge import Nothing
from swe_sleep.solve.single import single
from swe_sleep.solve.work import Work
from swe_sleep.testing.tests import Tests

FILES = {
    "shop.py": "def total(prices):\n    return sum(prices) + 1\n",
    "test_shop.py": (
        "from shop import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n\n\n"
        "def test_type():\n    assert isinstance(total([1]), int)\n"
    ),
}


class InMemory:
    """Contents of a snapshot that no git repository is needed for."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, path: str, entry: Entry) -> bytes:
        return self._files[path]


def snapshot_of(files: Mapping[str, str | bytes]) -> Snapshot:
    contents = {p: c if isinstance(c, bytes) else c.encode() for p, c in files.items()}
    entries = {p: Entry(blob_of(c, "sha1"), REGULAR) for p, c in contents.items()}
    return Snapshot(entries, None, None, InMemory(contents))


@dataclass
class Site:
    """An open sandbox and the snapshot it was opened with."""

    sandbox: Sandbox
    snapshot: Snapshot


@pytest.fixture(scope="session")
def backend() -> LocalBackend:
    return LocalBackend()


@pytest.fixture
def open_site(backend: LocalBackend) -> Iterator[Callable[..., Site]]:
    """`open_site({path: text})`, or with a snapshot, opens a local sandbox."""
    with ExitStack() as stack:

        def open_one(files: Mapping[str, str | bytes] | Snapshot | None = None) -> Site:
            given = files if isinstance(files, Snapshot) else snapshot_of(files or FILES)
            environment = backend.prepare(given, progress=lambda line: None)
            return Site(stack.enter_context(backend.open(given, environment)), given)

        yield open_one


@pytest.fixture(scope="module")
def shared_sandbox(backend: LocalBackend) -> Iterator[Callable[..., Sandbox]]:
    """`shared_sandbox(files)` is the module's sandbox on these files, as new."""
    opened: list[Sandbox] = []

    def get(files: Mapping[str, str | bytes]) -> Sandbox:
        if not opened:
            snapshot = snapshot_of(files)
            environment = backend.prepare(snapshot, progress=lambda line: None)
            opened.append(backend.open(snapshot, environment))
        opened[0].reset()
        return opened[0]

    yield get
    for sandbox in opened:
        sandbox.close()


@pytest.fixture
def shared_site(shared_sandbox: Callable[..., Sandbox]) -> Callable[..., Site]:
    """`shared_site({path: text})` is a site in the module's sandbox."""

    def get(files: Mapping[str, str | bytes] | None = None) -> Site:
        return Site(shared_sandbox(files or FILES), snapshot_of(files or FILES))

    return get


@pytest.fixture
def solve(
    open_site: Callable[..., Site], messages_api: Any, tmp_path: Path
) -> Iterator[Callable[..., Work]]:
    """`solve(issue, limits=..., known=...)` runs the agent against the scripted server; the
    trajectory is `tmp_path / "run.jsonl"`."""
    with ExitStack() as stack:

        def run(
            issue: Issue | None = None,
            *,
            site: Site | None = None,
            limits: Limits | None = None,
            name: str = "claude-opus-5-5",
            timeout_s: float = 60,
            **values: Any,
        ) -> Work:
            site = site or open_site()
            client = stack.enter_context(
                ClaudeModel(
                    ClientOptions(
                        model=name,
                        base_url=messages_api.url,
                        api_key="test-key-of-no-one",
                        max_retries=1,
                        timeout_s=timeout_s,
                    )
                )
            )
            budget = Budget(limits or Limits(turns=20), prices())
            recorder = stack.enter_context(Trajectory(tmp_path / "run.jsonl"))
            given = {
                "notes": Nothing(),
                "runner": Tests(site.sandbox),
                "recorder": recorder,
                **values,
            }
            return single(
                issue or Issue("The total is one too high."),
                given.pop("known", ()),
                model=MeteredModel(client, prices(), budget=budget),
                sandbox=site.sandbox,
                original=site.snapshot,
                **given,
            )

        yield run
