"""pyproject.toml: the standard tables (PEP 621, 735) and those of the common tools."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from swe_sleep.sandbox.project.found import (
    Files,
    Found,
    lines_of,
    normal,
    strings,
    table,
    versions_in,
)

FILE = "pyproject.toml"
_CLASSIFIER = "Programming Language :: Python ::"


def read(files: Files, found: Found) -> None:
    document = files.toml(FILE)
    project, tool = table(document, "project"), table(document, "tool")
    found.name = str(project.get("name", ""))
    found.version = str(project.get("version", ""))
    found.own += strings(project.get("dependencies"))
    _python(project.get("requires-python"), project.get("classifiers"), found)
    for name, lines in table(project, "optional-dependencies").items():
        found.add_extra(str(name), strings(lines))
    groups = table(document, "dependency-groups")
    for name in groups:
        found.add_extra(str(name), group(groups, name))
    for kind, points in table(project, "entry-points").items():
        if isinstance(points, dict):
            found.entry_points += [(str(kind), str(k), str(v)) for k, v in points.items()]
    for name, target in table(project, "scripts").items():
        found.entry_points.append(("console_scripts", str(name), str(target)))
    found.folders += strings(table(tool, "setuptools", "packages", "find").get("where"))
    found.folders += strings([table(tool, "setuptools", "package-dir").get("")])
    found.add_extra("dev", strings(table(tool, "uv").get("dev-dependencies")))
    for name, lines in table(tool, "pdm", "dev-dependencies").items():
        found.add_extra(str(name), strings(lines))
    _read_poetry(table(tool, "poetry"), found)
    _read_flit(table(tool, "flit", "metadata"), found)
    build = table(document, "build-system")
    found.build_requires += strings(build.get("requires"))
    found.build_backend = str(build.get("build-backend", ""))
    found.backend_path += strings(build.get("backend-path"))


def _python(requires: object, classifiers: object, found: Found) -> None:
    if isinstance(requires, str) and requires.strip():
        found.requires_python.append(requires.strip())
    found.claim(classified(strings(classifiers)), FILE)


def classified(classifiers: Iterable[str]) -> list[str]:
    """The Python versions that trove classifiers name."""
    said = (c.partition(_CLASSIFIER)[2].strip() for c in classifiers if _CLASSIFIER in c)
    return [version for text in said for version in versions_in(text)]


def group(groups: Mapping[str, Any], name: str, above: tuple[str, ...] = ()) -> list[str]:
    """A dependency group with what it includes (PEP 735)."""
    lines = []
    items = groups.get(name)
    for item in items if isinstance(items, list) else []:
        if isinstance(item, str):
            lines.append(item)
        elif isinstance(item, dict) and isinstance(item.get("include-group"), str):
            names = {normal(str(each)): str(each) for each in groups}
            inner = names.get(normal(item["include-group"]), "")
            if inner and inner not in (*above, name):
                lines += group(groups, inner, (*above, name))
    return lines


# the tools' own tables ------------------------------------------------------------------------


def _read_flit(metadata: Mapping[str, Any], found: Found) -> None:
    found.name = found.name or str(metadata.get("dist-name", metadata.get("module", "")))
    found.own += strings(metadata.get("requires"))
    _python(metadata.get("requires-python"), metadata.get("classifiers"), found)
    for name, lines in table(metadata, "requires-extra").items():
        found.add_extra(str(name), strings(lines))


def _read_poetry(poetry: Mapping[str, Any], found: Found) -> None:
    found.name = found.name or str(poetry.get("name", ""))
    found.version = found.version or str(poetry.get("version", ""))
    dependencies = table(poetry, "dependencies")
    found.own += _poetry_lines(dependencies)
    python = dependencies.get("python")
    if isinstance(python, str) and "||" not in python:
        said = ",".join(_poetry_version(v) for v in python.split(",") if v)
        found.requires_python += [said] if said else []
    found.claim(classified(strings(poetry.get("classifiers"))), FILE)
    for name, members in table(poetry, "extras").items():
        optional = {normal(n): {n: v} for n, v in dependencies.items()}
        for member in lines_of(members):
            entry = optional.get(normal(member), {})
            found.add_extra(str(name), _poetry_lines(entry, optional=True))
    found.add_extra("dev", _poetry_lines(table(poetry, "dev-dependencies")))
    for name, entry in table(poetry, "group").items():
        if isinstance(entry, dict):
            found.add_extra(str(name), _poetry_lines(table(entry, "dependencies")))
    packages = poetry.get("packages")
    for item in packages if isinstance(packages, list) else []:
        if isinstance(item, dict) and isinstance(item.get("from"), str):
            found.folders.append(item["from"])
    for name, target in table(poetry, "scripts").items():
        found.entry_points.append(("console_scripts", str(name), str(target)))
    for kind, points in table(poetry, "plugins").items():
        if isinstance(points, dict):
            found.entry_points += [(str(kind), str(k), str(v)) for k, v in points.items()]


def _poetry_lines(entries: Mapping[str, Any], *, optional: bool = False) -> list[str]:
    lines = []
    for name, value in entries.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict) and each.get("optional") is True and not optional:
                continue
            line = _poetry_line(name, each)
            lines += [line] if line else []
    return lines


def _poetry_line(name: str, value: object) -> str:
    """One dependency as PEP 508 says it; a link or path stands as one, to be left out by name."""
    entry = value if isinstance(value, dict) else {"version": value}
    if normal(name) == "python":
        return ""
    if link := entry.get("git") or entry.get("path") or entry.get("url"):
        return f"{name} @ {link}"
    version = entry.get("version", "")
    if not isinstance(version, str) or "||" in version:
        return name if isinstance(version, str) else ""
    said = ",".join(_poetry_version(v) for v in version.split(",") if v)
    extras = ",".join(strings(entry.get("extras")))
    markers = [f"({entry['markers']})"] if isinstance(entry.get("markers"), str) else []
    python = entry.get("python")
    if isinstance(python, str) and "||" not in python:
        for part in python.split(","):
            bounds = re.findall(r"([<>=!]=?)\s*([\d.]+)", _poetry_version(part))
            markers += [f"python_version {sign} '{number}'" for sign, number in bounds]
    ends = f" ; {' and '.join(markers)}" if markers else ""
    return f"{name}{f'[{extras}]' if extras else ''}{said}{ends}"


def _poetry_version(version: str) -> str:
    """Poetry's carets and bare versions as PEP 440 says them."""
    version = version.strip()
    if version in ("*", ""):
        return ""
    if version[0] == "^":
        parts = [int(n) for n in re.findall(r"\d+", version)] or [0]
        place = next((i for i, n in enumerate(parts) if n), len(parts) - 1)
        above = [*parts[:place], parts[place] + 1]
        return f">={version[1:].strip()},<{'.'.join(map(str, above))}"
    if version[0] == "~" and version[:2] != "~=":
        numbers = version[1:].strip()
        return f"~={numbers}" if numbers.count(".") > 1 else f"=={numbers}.*"
    return version if version[0] in "<>=!~" else f"=={version}"
