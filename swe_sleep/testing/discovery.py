"""Which files hold tests, told from names and pytest's configuration alone.

Nothing is imported or run: the pass plans with this, and pytest itself has the last word on what
is in the files.
"""

from __future__ import annotations

import configparser
import fnmatch
import re
import shlex
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.project.project import test_folders

CONFIGURATION = (
    "pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)
"""Where pytest looks for its settings, in its own order."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where tests are looked for."""

    test_paths: tuple[str, ...] = ()
    python_files: tuple[str, ...] = ("test_*.py", "*_test.py")
    skipped_folders: tuple[str, ...] = (
        "*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}",
    )  # fmt: skip
    configuration: str = ""
    """The file that said so, if any did."""
    doctest_files: tuple[str, ...] = ()
    """Patterns of texts whose examples are tests."""

    def holds(self, path: str) -> bool:
        """Whether pytest would look for tests in this file."""
        pure = PurePosixPath(path)
        text = pure.suffix != ".py" and any(_matches(pure, each) for each in self.doctest_files)
        if not text and (pure.suffix != ".py" or not self._wanted(pure)):
            return False
        folders = [folder for folder in pure.parents if folder.name]
        if any(_matches(folder, p) for folder in folders for p in self.skipped_folders):
            return False
        return not self.test_paths or any(_below(pure, folder) for folder in self.test_paths)

    def _wanted(self, path: PurePosixPath) -> bool:
        return any(_matches(path, pattern) for pattern in self.python_files)


def layout(snapshot: Snapshot) -> Layout:
    """The layout that the snapshot's pytest configuration gives; where it names no folders, those
    that the project's own runs of pytest do; the defaults without one."""
    for name in CONFIGURATION:
        if name not in snapshot.files:
            continue
        options = pytest_settings(name, snapshot.read(name))
        if options is not None:
            default = Layout()
            return Layout(
                _words(options.get("testpaths")) or _folders_of_runs(snapshot),
                _words(options.get("python_files")) or default.python_files,
                _words(options.get("norecursedirs")) or default.skipped_folders,
                name,
                _doctest_files(_words(options.get("addopts"))),
            )
    return Layout(_folders_of_runs(snapshot))


@lru_cache(maxsize=4)
def _folders_of_runs(snapshot: Snapshot) -> tuple[str, ...]:
    """What `pytest` is given in tox, nox, or a CI workflow."""
    return test_folders(snapshot)


_TEST_FILE = re.compile(r"(^|/)(conftest\.py|test_[^/]*\.py|[^/]*_test\.py|tests?\.py|setup\.py)$")
_TEST_FOLDER = re.compile(r"^(tests?|testing)/|/tests/")


def is_test_path(path: str, test_files: Collection[str] = ()) -> bool:
    """Whether a file is no place for a fix, as it serves the tests or the set-up: told from its
    name, and more widely than pytest's settings do. `test_files` are those known from test ids."""
    return path in test_files or bool(_TEST_FILE.search(path) or _TEST_FOLDER.search(path))


def find_test_files(snapshot: Snapshot) -> list[str]:
    """The snapshot's files that pytest would look for tests in, sorted."""
    where = layout(snapshot)
    return sorted(path for path in snapshot.files if where.holds(path))


def configuration_of(path: str, snapshot: Snapshot) -> dict[str, str]:
    """What a test file's outcome depends on besides code that runs: pytest's settings and every
    conftest.py up the tree, also those that are absent (path -> blob)."""
    folders = [*PurePosixPath(path).parents]
    names = [*CONFIGURATION, *(str(folder / "conftest.py") for folder in folders)]
    present = {name: snapshot.blob(name) for name in names}
    return {name: blob for name, blob in present.items() if blob or name.endswith("conftest.py")}


def pytest_settings(name: str, content: bytes) -> Mapping[str, Any] | None:
    """What a file of `CONFIGURATION` sets for pytest, as it is written there; None where it says
    nothing."""
    try:
        text = content.decode()
        if name.endswith(".toml"):
            table = tomllib.loads(text)
            found = table.get("pytest", table.get("tool", {}).get("pytest"))
            if name == "pyproject.toml" and isinstance(found, dict):
                found = found.get("ini_options", found or None)
            return found if isinstance(found, dict) else None
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read_string(text)
        section = "tool:pytest" if name == "setup.cfg" else "pytest"
        if parser.has_section(section):
            return dict(parser.items(section))
        return {} if name.endswith("pytest.ini") else None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, configparser.Error, AttributeError):
        return None


def _doctest_files(options: tuple[str, ...]) -> tuple[str, ...]:
    name = "--doctest-glob"
    after = zip(("", *options), options, strict=False)
    return tuple(
        word.removeprefix(f"{name}=")
        for before, word in after
        if before == name or word.startswith(f"{name}=")
    )


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError:
            return tuple(value.split())
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _matches(path: PurePosixPath, pattern: str) -> bool:
    """As pytest does: a pattern with a slash is for the end of the path, else for the name."""
    if "/" not in pattern:
        return fnmatch.fnmatch(path.name, pattern)
    return fnmatch.fnmatch(f"/{path}", f"*/{pattern.strip('/')}")


def _below(path: PurePosixPath, folder: str) -> bool:
    if folder in ("", ".", "./"):
        return True
    pattern = PurePosixPath(folder)
    return any(parent == pattern or parent.match(folder) for parent in (path, *path.parents))
