"""What the readers of this package add to, and the snapshot as they see it."""

from __future__ import annotations

import configparser
import posixpath
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from swe_sleep.errors import SweSleepError
from swe_sleep.repo.snapshot import REGULAR_FILES, Snapshot

MOST_BYTES = 2_000_000
"""A file beyond this is no set-up file; lock files come near it."""


class Files:
    """A snapshot's files as text. What was looked for is kept, whether it was there or not: what
    is made of it depends on that."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.looked: dict[str, str] = {}
        """Path to blob."""
        self._tables: dict[str, Mapping[str, Any]] = {}

    def __contains__(self, path: str) -> bool:
        return path in self._snapshot.files

    def __iter__(self) -> Iterator[str]:
        return iter(self._snapshot.files)

    def has_folder(self, path: str) -> bool:
        """Whether there is a file below it."""
        return any(name.startswith(f"{path}/") for name in self._snapshot.files)

    def text(self, path: str) -> str:
        """A file's text; "" where there is none."""
        self.looked[path] = self._snapshot.blob(path)
        entry = self._snapshot.files.get(path)
        if entry is None or entry.mode not in REGULAR_FILES:
            return ""
        try:
            content = self._snapshot.read(path)
        except SweSleepError:
            return ""
        return content.decode("utf-8", "replace") if len(content) <= MOST_BYTES else ""

    def toml(self, path: str) -> Mapping[str, Any]:
        if path not in self._tables:
            try:
                self._tables[path] = tomllib.loads(self.text(path))
            except (tomllib.TOMLDecodeError, RecursionError):
                self._tables[path] = {}
        return self._tables[path]

    def ini(self, path: str) -> configparser.RawConfigParser:
        return read_ini(self.text(path))


@dataclass(frozen=True, slots=True)
class Command:
    """How the project starts pytest."""

    where: str
    """The file that says so."""
    arguments: tuple[str, ...] = ()
    folder: str = ""
    """Where it is started, relative to the repository."""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Found:
    """Everything that was found, as it was written."""

    name: str = ""
    version: str = ""
    own: list[str] = field(default_factory=list)
    """What the project itself needs."""
    extras: dict[str, list[str]] = field(default_factory=dict)
    """Requirements of extras and dependency groups, by their names."""
    entry_points: list[tuple[str, str, str]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    """Where packages are."""
    requires_python: list[str] = field(default_factory=list)
    claims: dict[str, str] = field(default_factory=dict)
    """Python versions such as "3.12" that the project says it works with, and who says so."""
    wanted: dict[str, str] = field(default_factory=dict)
    """Extras and groups that the tests are run with, and who says so."""
    listed: dict[str, list[str]] = field(default_factory=dict)
    """Requirements that a tool's settings name for the tests, by the settings' file."""
    commands: list[Command] = field(default_factory=list)
    build_requires: list[str] = field(default_factory=list)
    build_backend: str = ""
    backend_path: list[str] = field(default_factory=list)
    generates: str = ""
    """What of the project is made by its build, in words; empty where the tree is all there is."""

    def claim(self, versions: Iterable[str], where: str) -> None:
        for version in versions:
            self.claims.setdefault(version, where)

    def want(self, names: Iterable[str], where: str) -> None:
        for name in names:
            if re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
                self.wanted.setdefault(name, where)

    def add_extra(self, name: str, lines: Iterable[str]) -> None:
        self.extras.setdefault(name, []).extend(lines)


def normal(name: str) -> str:
    """A package's name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def table(above: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """A table inside others, empty where there is none."""
    value: Any = above
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def strings(value: object) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def lines_of(value: object) -> list[str]:
    """A list of strings, or the lines of one."""
    return value.splitlines() if isinstance(value, str) else strings(value)


def read_ini(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str.lower  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.Error:
        parser.clear()
    return parser


def inside(path: str, folder: str = "") -> str | None:
    """A path of the repository, relative to its root; None for one that leaves it."""
    if not path or path.startswith(("/", "~")) or "\\" in path or "\0" in path:
        return None
    joined = posixpath.normpath(posixpath.join(folder, path))
    return None if joined.startswith("..") else joined


_VERSION = re.compile(r"(?<![\w.-])3\.(\d{1,2})(?:\.\d+)?(?![\w.*-])")


def versions_in(text: str) -> list[str]:
    """Released Python versions in a text: neither `3.15-dev` nor `3.14t` is one."""
    return [f"3.{int(minor)}" for minor in _VERSION.findall(text)]
