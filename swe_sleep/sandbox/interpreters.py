"""Which of this machine's interpreters a project's tests are run with. None is ever fetched."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from swe_sleep.errors import EnvironmentFailed
from swe_sleep.sandbox import interpreter
from swe_sleep.sandbox.interpreter import Interpreter
from swe_sleep.sandbox.project.project import Project

OLDEST = (3, 8)
"""What our own programs in a sandbox are written for."""
VERSION = re.compile(r"3(?:\.\d+){1,2}\Z")
_NAMED = re.compile(r"(?:python|cpython-)?(\d+\.\d+)(?:\.\d+)?(?:-linux.*|-macos.*)?\Z")


@dataclass(frozen=True, slots=True)
class Choice:
    interpreter: Interpreter
    why: str
    """In words: who asked for it."""
    problem: str = ""
    """Where none of this machine's fits what the project asks for."""


def choose(project: Project, wanted: str = "") -> Choice:
    """The newest interpreter here that the project says it works with; where it names none, ours
    if that fits `requires-python`, else the newest that does. `wanted` is a version such as "3.12"
    or a path. Raises EnvironmentFailed where what is wanted is not here."""
    if wanted:
        return _wanted(wanted)
    ours = interpreter.own()
    claims = {v: who for v, who in project.pythons.items() if _allowed(v, project)}
    for minor in sorted(claims, key=_key, reverse=True):
        found = _find(minor, ours)
        if found:
            return Choice(found, f"the newest here that {claims[minor]} names")
    if _allowed(ours.minor, project):
        # nothing here is named: the nearest that is newer than all that are
        after = max(map(_key, project.pythons), default=(0, 0))
        if not project.pythons or _key(ours.minor) > after:
            nearer = _nearest_after(after, project, ours) if project.pythons else None
            return Choice(nearer or ours, _why(project, nearer or ours))
    for minor in sorted(_present(), key=_key, reverse=True):
        if _allowed(minor, project) and (found := _find(minor, ours)):
            return Choice(found, f"the newest here within {project.requires_python}")
    said = project.requires_python or ", ".join(project.pythons)
    return Choice(ours, "", f"it asks for Python {said}, which is not here")


def _why(project: Project, found: Interpreter) -> str:
    if project.requires_python:
        return f"it is within {project.requires_python}"
    return "nothing names another" if found.is_own else "the nearest to those that are named"


def _nearest_after(
    after: tuple[int, ...], project: Project, ours: Interpreter
) -> Interpreter | None:
    for minor in sorted({*_present(), ours.minor}, key=_key):
        if _key(minor) > after and _allowed(minor, project) and (found := _find(minor, ours)):
            return found
    return None


def _wanted(wanted: str) -> Choice:
    if VERSION.match(wanted):
        for path in _places(".".join(wanted.split(".")[:2])):
            found = interpreter.examine(path)
            if found and (found.version == wanted or found.minor == wanted):
                return Choice(found, "the settings say so")
        ours = interpreter.own()
        if wanted in (ours.version, ours.minor):
            return Choice(ours, "the settings say so")
        raise EnvironmentFailed(
            f"There is no Python {wanted} here.",
            "Install it, or name another with environment.python.",
        )
    path = shutil.which(wanted) or wanted
    chosen = interpreter.examine(path)
    if chosen is None:
        raise EnvironmentFailed(f"{wanted} is no Python that runs.", "See environment.python.")
    return Choice(chosen, "the settings say so")


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _allowed(minor: str, project: Project) -> bool:
    """Whether some release of a minor version is within what the project asks for."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if _key(minor) < OLDEST:
        return False
    try:
        asked = SpecifierSet(project.requires_python)
    except InvalidSpecifier:
        return True
    return any(f"{minor}.{patch}" in asked for patch in range(30))


def _find(minor: str, ours: Interpreter) -> Interpreter | None:
    """An interpreter of a minor version that runs."""
    if minor == ours.minor:
        return ours
    for path in _places(minor):
        found = interpreter.examine(path)
        if found and found.usual and found.minor == minor:
            return found
    return None


def _places(minor: str) -> Iterator[str]:
    """Where an interpreter of a minor version may be, the newest of each folder first."""
    for folder in _folders():
        for path in sorted(_installed(folder), key=_patch, reverse=True):
            if _minor(path.name) == minor:
                yield str(path / "bin" / "python3")
    for name in os.get_exec_path():
        program = Path(name) / f"python{minor}"
        if program.is_absolute() and os.access(program, os.X_OK):
            yield str(program)


def _present() -> set[str]:
    """The minor versions whose names are found; some may not run."""
    found = {_minor(path.name) for folder in _folders() for path in _installed(folder)}
    for folder in os.get_exec_path():
        if Path(folder).is_absolute() and Path(folder).is_dir():
            found |= {_minor(path.name) for path in Path(folder).glob("python3.*")}
    return {minor for minor in found if minor and _key(minor) >= OLDEST}


def _folders() -> Iterator[Path]:
    """Where pyenv and uv keep their interpreters."""
    yield Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    if given := os.environ.get("UV_PYTHON_INSTALL_DIR"):
        yield Path(given)
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    yield Path(data) / "uv" / "python"


def _installed(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if _minor(path.name)]
    except OSError:
        return []


def _minor(name: str) -> str:
    match = _NAMED.match(name)
    return match[1] if match else ""


def _patch(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.name)[:3]]
