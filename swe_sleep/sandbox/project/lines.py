"""Requirement lines and requirements files."""

from __future__ import annotations

import posixpath
import re

from swe_sleep.sandbox.project.found import Files, inside

TEST_FILES = re.compile(
    r"(?:requirements[-_.](?:tests?|testing|dev)|(?:tests?|testing|dev)[-_.]requirements"
    r"|requirements/(?:tests?|testing|dev|development)|tests?/requirements)\.txt\Z"
)
"""Requirements files whose names say that they are for the tests."""
REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[\w\s,.-]*)\])?"
    r"\s*\(?\s*(?:(?:===?|~=|!=|<=|>=|<|>)\s*[\w.*+!-]+\s*(?:,\s*|(?=[);]|\Z)))*\)?"
    r"\s*(?:;(?P<marker>[^;]*))?\Z"
)
OWN = re.compile(r"(?:file:)?\.?(?:/)?(?:\[(?P<extras>[\w\s,.-]*)\])?\Z")
"""The project itself, as `.` or `.[test]`."""
MOST_INCLUDES = 10


def requirement_lines(files: Files, path: str, above: tuple[str, ...] = ()) -> list[str]:
    """The lines of a requirements file and of those that it includes. What pip takes as an option
    is left out, but `-e .[test]` stands as `.[test]`."""
    lines = []
    for raw in files.text(path).replace("\\\n", " ").splitlines():
        include = re.match(r"(?:-r|--requirement)[\s=]*(\S+)", raw.strip())
        own = re.match(r"(?:-e|--editable)[\s=]*(\S+)", raw.strip())
        line = re.split(r"(?:^|\s)#|\s--?[a-z]", raw, maxsplit=1)[0].strip()
        if include:
            inner = inside(include[1], posixpath.dirname(path))
            new = inner and inner in files and inner not in (*above, path)
            if inner and new and len(above) < MOST_INCLUDES:
                lines += requirement_lines(files, inner, (*above, path))
        elif own and OWN.match(own[1]) and "/" not in path:
            lines.append(own[1])
        elif line and not line.startswith("-"):
            lines.append(line)
    return lines
