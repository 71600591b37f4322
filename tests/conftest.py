"""Fixtures that every room's tests share: real git repositories in `tmp_path`."""

from __future__ import annotations

import gc
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import filelock
import pytest

GIT_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "A. Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.org",
    "GIT_COMMITTER_NAME": "A. Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def pytest_configure() -> None:
    """Python is started hundreds of times here: what it imports is compiled once, even where a
    container's image says that nothing compiled is to be kept."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What thousands of tests are made of stays to the end: nobody need look through it again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the person's git configuration, keys, settings or caches."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "SWE_SLEEP_", "ANTHROPIC_")):
            monkeypatch.delenv(name)
    for name, value in GIT_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`made_once(name, make)` is a folder that `make(folder)` fills, once for all workers."""
    base = tmp_path_factory.getbasetemp()
    whole = base.parent if base.name.startswith("popen-") else base

    def get(name: str, make: Callable[[Path], object]) -> Path:
        place = whole / name
        with filelock.FileLock(whole / f"{name}.lock"):
            if not place.exists():
                made = tmp_path_factory.mktemp(name)
                made.chmod(0o755)  # a sandbox may be another user's
                make(made)
                made.rename(place)
        return place

    return get


@pytest.fixture(scope="session")
def environments(made_once: Callable[..., Path]) -> Path:
    """A cache of environments for all workers: most tests need the same few."""
    return made_once("environments", lambda folder: None)


Git = Callable[..., str]


@pytest.fixture
def git() -> Git:
    """`git(folder, *arguments)` runs git there and gives back what it printed."""

    def run(folder: Path, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    return run


@pytest.fixture
def make_repository(tmp_path: Path, git: Git) -> Callable[..., Path]:
    """`make_repository({path: text}, name="repo")` makes a git repository with one commit."""

    def make(files: Mapping[str, str | bytes] | None = None, name: str = "repo") -> Path:
        root = tmp_path / name
        root.mkdir()
        git(root, "init", "-q", "-b", "main")
        for path, content in (files or {}).items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        if files:
            git(root, "add", "-A")
            git(root, "commit", "-q", "-m", "First commit")
        return root

    return make


@cache
def _engine_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    done = subprocess.run(["docker", "info"], capture_output=True, timeout=60, check=False)
    return done.returncode == 0


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked `docker` is skipped where no engine answers, but fails where one was promised
    (`CI_NEEDS_ENGINE`, which CI sets). Before any fixture: a module's may need the engine too."""
    if item.get_closest_marker("docker") and not _engine_answers():
        if os.environ.get("CI_NEEDS_ENGINE"):
            pytest.fail("CI promised a Docker engine, and none answers")
        pytest.skip("no Docker engine answers")


@cache
def _module(name: str) -> Any:
    """A tool that tests of several rooms share, beside this file."""
    spec = importlib.util.spec_from_file_location(
        f"{name}_for_tests", Path(__file__).with_name(f"{name}.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def messages_api() -> Iterator[Any]:
    """A local server that speaks the Messages API and plays a script: `messages_api.py`."""
    api = _module("messages_api").MessagesApi()
    try:
        yield api
        api.check()
    finally:
        api.close()


@pytest.fixture(scope="session")
def made_runs() -> Any:
    """Run folders of evaluations with results that are made up: `made_runs.py`."""
    return _module("made_runs")
