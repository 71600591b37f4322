"""What is known of a repository's environment without running it, put together."""

from __future__ import annotations

import contextlib
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.project import (
    building,
    locks,
    nox,
    pyproject,
    setup,
    tools,
    tox,
    version,
    workflows,
)
from swe_sleep.sandbox.project.commands import options_of
from swe_sleep.sandbox.project.found import Command, Files, Found, normal
from swe_sleep.sandbox.project.lines import OWN, REQUIREMENT, TEST_FILES, requirement_lines

OWN_GROUP = "the project"
TEST_GROUPS = ("test", "tests", "testing")
_PYTEST = re.compile(r"pytest(?![\w-])", re.IGNORECASE)
_SCRIPT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*\Z")
_OBJECT = re.compile(r"[A-Za-z_][\w.:]*\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_SPECIFIERS = re.compile(r"(?:(?:===?|~=|!=|<=|>=|<|>)\s*[\w.*+!-]+\s*,?\s*)+\Z")


@dataclass(frozen=True, slots=True)
class Group:
    """Requirements that stand or fall together: the project's own, or those of one extra."""

    name: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Build:
    """The project's own build, where the tree is not all there is."""

    makes: str
    """What, in words."""
    backend: str
    backend_path: tuple[str, ...]
    requires: tuple[str, ...]
    inputs: Mapping[str, str]
    """The files that decide what it makes, and their blobs."""


@dataclass(frozen=True, slots=True)
class Project:
    """What is known of a repository without running it."""

    name: str = ""
    version: str = ""
    groups: tuple[Group, ...] = ()
    """The project's own first."""
    entry_points: tuple[tuple[str, str, str], ...] = ()
    """(group, name, object) such as ("pytest11", "mine", "mine.plugin")."""
    python_path: tuple[str, ...] = (".",)
    left_out: tuple[str, ...] = ()
    """Requirements that are links, paths or unreadable."""
    requires_python: str = ""
    pythons: Mapping[str, str] = field(default_factory=dict)
    """Versions such as "3.12" that it says it works with, and which file says so."""
    constraints: tuple[str, ...] = ()
    """The versions of a lock file."""
    lock: str = ""
    command: str = ""
    """The file that says how the tests are started; empty where none does."""
    test_paths: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """For pytest."""
    variables: Mapping[str, str] = field(default_factory=dict)
    build: Build | None = None
    read: Mapping[str, str] = field(default_factory=dict)
    """Every file that was looked at or looked for, and its blob."""


def read_project(
    snapshot: Snapshot,
    *,
    extras: Sequence[str] = (),
    requirements: Sequence[str] | None = None,
    build: bool | None = None,
) -> Project:
    """What the repository says; `extras` are wanted beside the usual names of test groups,
    `requirements` replace everything that the repository says, `build` what is told of it."""
    files, found = Files(snapshot), Found()
    _read_all(files, found)
    left_out: list[str] = []
    groups = _groups(files, found, extras, left_out)
    if requirements is not None:
        left_out.clear()
        groups = [Group("requirements", _clean(requirements, found, left_out))]
    lock, pins = locks.pins(files)
    command, paths, options = _command(found, files)
    own = normal(found.name)
    return Project(
        name=found.name if _NAME.match(found.name) else "",
        version=version.of(files, found),
        groups=tuple(group for group in groups if group.requirements),
        entry_points=tuple(_entry_points(found.entry_points)),
        python_path=_python_path(files, found.folders),
        left_out=tuple(dict.fromkeys(left_out)),
        requires_python=",".join(s for s in found.requires_python if _SPECIFIERS.match(s)),
        pythons=dict(found.claims),
        constraints=tuple(p for p in pins if p.partition("==")[0] != own),
        lock=lock,
        command=command.where if command else "",
        test_paths=paths,
        options=options,
        variables=dict(command.variables) if command else {},
        build=_build(files, found, snapshot, build),
        read=dict(files.looked),
    )


def test_folders(snapshot: Snapshot) -> tuple[str, ...]:
    """The folders that the project's own runs of pytest are given; a part of `read_project`."""
    files, found = Files(snapshot), Found()
    _read_runs(files, found)
    return _command(found, files)[1]


def _read_runs(files: Files, found: Found) -> None:
    tox.read(files, found)
    nox.read(files, found)
    tools.read(files, found)
    workflows.read(files, found, deps=not found.commands)


def _read_all(files: Files, found: Found) -> None:
    pyproject.read(files, found)
    setup.read_cfg(files, found)
    setup.read_py(files, found)
    locks.read_pipfile(files, found)
    building.read(files, found)
    _read_runs(files, found)


def _build(files: Files, found: Found, snapshot: Snapshot, wanted: bool | None) -> Build | None:
    if wanted is False or not (found.generates or wanted):
        return None
    left_out: list[str] = []
    requires = found.build_requires
    if not found.build_backend:
        requires = list(dict.fromkeys(["setuptools", "wheel", *requires]))
    return Build(
        makes=found.generates or "what the settings ask for",
        backend=found.build_backend or "setuptools.build_meta:__legacy__",
        backend_path=tuple(p for p in found.backend_path if not p.startswith(("/", ".."))),
        requires=_clean(requires, Found(), left_out),
        inputs={path: snapshot.blob(path) for path in building.inputs(files)},
    )


def _command(found: Found, files: Files) -> tuple[Command | None, tuple[str, ...], tuple[str, ...]]:
    """The first command that says how pytest is started, with its folders and options."""
    for command in found.commands:
        paths, options = options_of(command, files)
        return command, paths, options
    return None, (), ()


# requirements ---------------------------------------------------------------------------------


def _groups(files: Files, found: Found, extras: Sequence[str], left_out: list[str]) -> list[Group]:
    """What is to be installed. What is for all of development (linters, documentation) is taken
    only where nothing is for the tests alone."""
    own = list(found.own)
    listed: dict[str, list[str]] = {}
    for path in sorted(files):
        if path == "requirements.txt":
            own += requirement_lines(files, path)
        elif TEST_FILES.match(path):
            listed[path] = requirement_lines(files, path)
    names = {normal(name): name for name in found.extras}
    wanted = [normal(name) for name in (*TEST_GROUPS, *found.wanted, *extras)]
    for name, lines in found.extras.items():  # a group with another name
        if not any(each in names for each in wanted) and any(map(_PYTEST.match, lines)):
            wanted.append(normal(name))
    sources = {names[n]: found.extras[names[n]] for n in dict.fromkeys(wanted) if n in names}
    sources |= {path: lines for path, lines in listed.items() if "dev" not in path}
    sources |= found.listed
    if not any(_PYTEST.match(line) for lines in sources.values() for line in lines):
        for name in ("dev", "development"):
            sources |= {names[name]: found.extras[names[name]]} if name in names else {}
        sources |= {path: lines for path, lines in listed.items() if "dev" in path}
    groups = [Group(OWN_GROUP, _clean(own, found, left_out))]
    for name, lines in sources.items():
        new = _clean(lines, found, left_out)
        if all(new != group.requirements for group in groups):
            groups.append(Group(name, new))
    return groups


def _clean(lines: Iterable[str], found: Found, left_out: list[str]) -> tuple[str, ...]:
    """Requirements that are safe to hand to an installer. One of the project itself, such as
    `name[test]` or `.[test]`, is replaced by what that extra holds."""
    clean: dict[str, None] = {}
    names = {normal(name): name for name in found.extras}
    todo, seen = list(lines), set()
    while todo:
        line = todo.pop(0).partition(" #")[0].strip()
        if line in seen or not line:
            continue
        seen.add(line)
        match = REQUIREMENT.match(line)
        own = OWN.match(line)
        if match and found.name and normal(match["name"]) == normal(found.name):
            own = match
        if own is not None:
            for extra in (own["extras"] or "").split(","):
                todo[:0] = found.extras.get(names.get(normal(extra.strip()), ""), [])
        elif match is None:
            left_out.append(line[:80])
        else:
            clean[line] = None
    return tuple(clean)


def name_of(requirement: str) -> str:
    """A requirement's package, as the index compares it."""
    match = REQUIREMENT.match(requirement)
    return normal(match["name"]) if match else ""


def specifiers_of(name: str, requirements: Iterable[str]) -> str:
    """The versions that requirement lines ask of a package."""
    from packaging.requirements import InvalidRequirement, Requirement

    found = []
    for line in requirements:
        if name_of(line) == normal(name):
            with contextlib.suppress(InvalidRequirement):
                requirement = Requirement(line)
                if requirement.marker is None or requirement.marker.evaluate():
                    found.append(str(requirement.specifier))
    return ",".join(filter(None, found))


# entry points and folders ---------------------------------------------------------------------


def _entry_points(found: Iterable[tuple[str, str, str]]) -> Iterable[tuple[str, str, str]]:
    for group, name, target in dict.fromkeys(found):
        target = target.split("[")[0].replace(" ", "").strip()
        fits = _SCRIPT if group == "console_scripts" else _OBJECT
        if re.match(r"[\w.-]+\Z", group) and _NAME.match(name) and fits.match(target):
            yield group, name, target


def _python_path(files: Files, folders: Iterable[str]) -> tuple[str, ...]:
    """Where the repository's packages are: the folders it names, `src` where it has Python
    packages, and the root, as an editable install would have it."""
    named = [posixpath.normpath(f) for f in folders if f and not f.startswith("/")]
    if any(re.match(r"src/(?:[^/]+/__init__|[^/]+)\.pyi?\Z", path) for path in files):
        named.append("src")
    inside = [f for f in named if f != "." and not f.startswith("..") and f.isprintable()]
    known = {path[: len(f)] for f in inside for path in files if path.startswith(f + "/")}
    return (*(f for f in dict.fromkeys(inside) if f in known and ":" not in f), ".")
