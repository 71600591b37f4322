"""What in a patch could make tests pass without mending anything, and how that shows.

SWE-bench's harness asks for none of this: it believes the log, but for a command that fails while
no test does.
"""

from __future__ import annotations

import hashlib
import posixpath
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from swe_sleep.records import TestRun
from swe_sleep.repo.snapshot import REGULAR, REGULAR_FILES, Snapshot
from swe_sleep.testing.discovery import CONFIGURATION, is_test_path, pytest_settings

Files = Mapping[str, tuple[bytes, int] | None]

_ALWAYS = ("conftest.py", "sitecustomize.py", "usercustomize.py")
_RUNNERS = {"pytest", "_pytest", "pluggy", "iniconfig", "coverage", "attr", "py", "hypothesis"}
_FOLDERS = ("test", "tests")
_COMPILED = (
    ".c",
    ".cc",
    ".cpp",
    ".cxx",
    ".h",
    ".hh",
    ".hpp",
    ".pyx",
    ".pxd",
    ".pxi",
    ".rs",
    ".f90",
)

BELIED = "a test that has to fail passed, so what the tests say counts for nothing"
_IMPOSTOR = b"""\
import unittest


def test_a():
    assert len("one") == 2


class TestA(unittest.TestCase):
    def test_a(self):
        self.assertEqual(len("one"), 2)
"""


@dataclass(frozen=True, slots=True)
class Impostor:
    """Tests that have to fail, run last among those that judge: where code that a patch brings
    makes every test pass, in whatever file it does so, they pass too."""

    path: str

    @classmethod
    def of(cls, patch: str, places: Sequence[str]) -> Self | None:
        """Beside the first file of tests, under a name that nothing in the patch can know."""
        beside = next((path for path in places if path.endswith(".py")), None)
        if beside is None:
            return None
        name = hashlib.sha256(patch.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        return cls(posixpath.join(posixpath.dirname(beside), f"test_{name}.py"))

    @property
    def files(self) -> Files:
        return {self.path: (_IMPOSTOR, REGULAR)}

    def passed(self, run: TestRun) -> bool:
        """Whether one of them did. Where they did not run at all, that shows nothing."""
        module = posixpath.basename(self.path).removesuffix(".py")
        return any(module in name and "test_a" in name for name in run.passed)


def compiled_sources(files: Files) -> tuple[str, ...]:
    """The paths, of those that a patch touches, whose change is seen only once they are compiled:
    grading compiles nothing."""
    return tuple(p for p in files if p.endswith(_COMPILED) and not is_test_path(p))


def beside_tests(files: Files, places: Iterable[str]) -> tuple[str, ...]:
    """The paths, of those that a patch touches, that lie in the same folder of tests as one of
    these: what the tests of `places` may import, or read and compare with."""
    folders = tuple(f"{found}/" for path in places if (found := _folder_of_tests(path)))
    return tuple(path for path in files if path.startswith(folders))


def _folder_of_tests(path: str) -> str:
    """The uppermost one that a file lies in; empty where it lies beside the code."""
    parts = path.split("/")[:-1]
    return next(("/".join(parts[: n + 1]) for n, p in enumerate(parts) if p in _FOLDERS), "")


def steering(
    files: Files,
    snapshot: Snapshot,
    python_path: Iterable[str] = (),
    runner: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """The paths, of those that a patch touches, that decide how tests run: pytest's settings where
    they differ, conftest.py, what Python imports by itself, new modules that would be taken for
    the runner's own or the standard library's, and what is below the folders of `runner`."""
    folders = {"", *(folder.strip("./") for folder in python_path)}
    return tuple(
        path
        for path in files
        if path.startswith(runner) or _steers(path, files[path], snapshot, folders)
    )


def _steers(
    path: str, found: tuple[bytes, int] | None, snapshot: Snapshot, folders: set[str]
) -> bool:
    folder, _, name = path.rpartition("/")
    if name in _ALWAYS or name.endswith(".pth"):
        return True
    if name in CONFIGURATION:  # in any folder: pytest looks upwards from the tests
        entry = snapshot.files.get(path)
        regular = entry is not None and entry.mode in REGULAR_FILES
        before = pytest_settings(name, snapshot.read(path)) if regular else None
        after = pytest_settings(name, found[0]) if found is not None else None
        return before != after
    if found is None or path in snapshot.files:
        return False
    module = name.removesuffix(".py")
    if name == "__init__.py":
        folder, _, module = folder.rpartition("/")
    shadows = module in _RUNNERS or module in sys.stdlib_module_names
    return shadows and folder in folders and name.endswith(".py")
