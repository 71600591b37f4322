"""What of a patch decides how tests run, and so could make them pass without mending anything."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from swe_sleep.repo.snapshot import REGULAR_FILES, Snapshot
from swe_sleep.testing.discovery import CONFIGURATION, pytest_settings

Files = Mapping[str, tuple[bytes, int] | None]

_ALWAYS = ("conftest.py", "sitecustomize.py", "usercustomize.py")
_RUNNERS = {"pytest", "_pytest", "pluggy", "iniconfig", "coverage", "attr", "py", "hypothesis"}


def steering(files: Files, snapshot: Snapshot, python_path: Iterable[str] = ()) -> tuple[str, ...]:
    """The paths, of those that a patch touches, that decide how tests run: pytest's settings where
    they differ, conftest.py, what Python imports by itself, and new modules that would be taken
    for the runner's own or the standard library's."""
    folders = {"", *(folder.strip("./") for folder in python_path)}
    return tuple(path for path in files if _steers(path, files[path], snapshot, folders))


def _steers(
    path: str, found: tuple[bytes, int] | None, snapshot: Snapshot, folders: set[str]
) -> bool:
    folder, _, name = path.rpartition("/")
    if name in _ALWAYS or name.endswith(".pth"):
        return True
    if path in CONFIGURATION:
        entry = snapshot.files.get(path)
        regular = entry is not None and entry.mode in REGULAR_FILES
        before = pytest_settings(path, snapshot.read(path)) if regular else None
        after = pytest_settings(path, found[0]) if found is not None else None
        return before != after
    if found is None or path in snapshot.files:
        return False
    module = name.removesuffix(".py")
    if name == "__init__.py":
        folder, _, module = folder.rpartition("/")
    shadows = module in _RUNNERS or module in sys.stdlib_module_names
    return shadows and folder in folders and name.endswith(".py")
