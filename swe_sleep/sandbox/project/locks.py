"""Lock files: which version of each package the project was last known to work with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from swe_sleep.sandbox.project.found import Files, Found, normal, strings, table
from swe_sleep.sandbox.project.lines import REQUIREMENT

LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")


def pins(files: Files) -> tuple[str, tuple[str, ...]]:
    """The first lock file that there is, and its pins as `name==version`. A package that is locked
    to several versions, each for some machines, is left free."""
    for path in LOCKS:
        packages = files.toml(path).get("package", files.toml(path).get("packages"))
        found = _pins(_packages(packages))
        if found:
            return path, found
    document = _json(files.text("Pipfile.lock"))
    pairs = ((n, v) for part in ("default", "develop") for n, v in table(document, part).items())
    locked = [(n, str(v.get("version", ""))[2:]) for n, v in pairs if isinstance(v, dict)]
    return ("Pipfile.lock", _pins(locked)) if locked else ("", ())


def _packages(packages: object) -> Iterator[tuple[str, str]]:
    for package in packages if isinstance(packages, list) else []:
        source = table(package, "source") if isinstance(package, dict) else {}
        if isinstance(package, dict) and not any(
            key in source for key in ("editable", "virtual", "directory", "git", "url", "path")
        ):
            yield str(package.get("name", "")), str(package.get("version", ""))


def _pins(packages: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    versions: dict[str, set[str]] = {}
    for name, version in packages:
        versions.setdefault(normal(name), set()).add(version)
    lines = (f"{name}=={next(iter(v))}" for name, v in sorted(versions.items()) if len(v) == 1)
    return tuple(line for line in lines if REQUIREMENT.match(line))


def read_pipfile(files: Files, found: Found) -> None:
    """Pipfile itself, which pipenv's lock belongs to."""
    document = files.toml("Pipfile")
    found.own += _pipenv_lines(table(document, "packages"))
    found.add_extra("dev", _pipenv_lines(table(document, "dev-packages")))
    python = table(document, "requires").get("python_version")
    found.claim([python] if isinstance(python, str) else [], "Pipfile")


def _pipenv_lines(packages: Mapping[str, Any]) -> Iterator[str]:
    for name, value in packages.items():
        entry = value if isinstance(value, dict) else {"version": value}
        if "path" in entry and not strings(entry.get("extras")):
            continue
        version = str(entry.get("version", "*"))
        yield f"{name}{'' if version == '*' else version}"


def _json(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
