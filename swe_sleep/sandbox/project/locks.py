"""Lock files: which version of each package the project was last known to work with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from swe_sleep.sandbox.project.found import Files, Found, normal, strings, table

LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")
_PIN = re.compile(r"[a-z0-9][a-z0-9-]*==[\w.+!-]+\Z")
_ELSEWHERE = re.compile(
    r"^source = \{ (?:editable|virtual|directory|git|url|path) ="
    r'|^\[package\.source\]\ntype = "(?:git|directory|file|url)"'
    r"|^(?:git|path|url|editable) = ",
    re.MULTILINE,
)
"""A package that no index has."""


def pins(files: Files) -> tuple[str, tuple[str, ...]]:
    """The first lock file that there is, and its pins as `name==version`. A package that is locked
    to several versions, each for some machines, is left free."""
    for path in LOCKS:
        found = _pins(pair for pair in packages(files.text(path)) if pair[2] == "index")
        if found:
            return path, found
    document = _json(files.text("Pipfile.lock"))
    pairs = ((n, v) for part in ("default", "develop") for n, v in table(document, part).items())
    locked = [(n, str(v.get("version", ""))[2:], "") for n, v in pairs if isinstance(v, dict)]
    return ("Pipfile.lock", _pins(locked)) if locked else ("", ())


def packages(text: str) -> Iterator[tuple[str, str, str]]:
    """Name, version, and "index" or "elsewhere", of each package in a lock file. By its lines: a
    parser of TOML takes a second for what is long, and these files are written by programs."""
    for block in re.split(r"^\[\[packages?\]\]$", text, flags=re.MULTILINE)[1:]:
        name = re.search(r'^name = "([^"\n]+)"', block, re.MULTILINE)
        version = re.search(r'^version = "([^"\n]+)"', block, re.MULTILINE)
        if name and version:
            yield name[1], version[1], "elsewhere" if _ELSEWHERE.search(block) else "index"


def _pins(packages: Iterable[tuple[str, str, str]]) -> tuple[str, ...]:
    versions: dict[str, set[str]] = {}
    for name, version, _ in packages:
        versions.setdefault(normal(name), set()).add(version)
    lines = (f"{name}=={next(iter(v))}" for name, v in sorted(versions.items()) if len(v) == 1)
    return tuple(line for line in lines if _PIN.match(line))


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
